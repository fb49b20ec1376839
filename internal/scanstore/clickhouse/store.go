// Package clickhouse is the scan store of a cluster, and a tracing source on it.
//
// The schema and the queries stay inside what servers from 18.16 on speak. Reads tolerate rows that stand more than once,
// as retried inserts leave them until they are merged.
package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanstore"
	"github.com/truyvet/truyvet/tracing/stay"
)

// Store implements scanstore.Reader, scanstore.Writer and scanstore.Dropper on one database. It is safe for concurrent
// use. Every error may be met by trying again; an unreachable server shows within seconds.
type Store struct {
	conn     driver.Conn
	options  clickhouse.Options
	database string
}

var (
	_ scanstore.Reader  = (*Store)(nil)
	_ scanstore.Writer  = (*Store)(nil)
	_ scanstore.Dropper = (*Store)(nil)
)

// Open makes a store on clickhouse://user:password@host:port/database, with further hosts after commas. It does not wait
// for the server.
func Open(address string) (*Store, error) {
	o, err := clickhouse.ParseDSN(address)
	if err != nil {
		// The address may hold a password, which the error would show.
		return nil, errors.New("the address of ClickHouse is not of the form clickhouse://user:password@host:port/database")
	}
	if o.Protocol != clickhouse.Native {
		return nil, errors.New("the address of ClickHouse is not one of the native protocol, clickhouse://")
	}
	if o.Auth.Database == "" {
		return nil, errors.New("the address of ClickHouse names no database")
	}
	o.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	o.DialTimeout = 5 * time.Second
	o.ReadTimeout = 2 * time.Minute
	conn, err := clickhouse.Open(o)
	if err != nil {
		return nil, fmt.Errorf("opening ClickHouse: %w", err)
	}
	return &Store{conn: conn, options: *o, database: o.Auth.Database}, nil
}

// Close closes the connections.
func (s *Store) Close() error {
	if err := s.conn.Close(); err != nil {
		return fmt.Errorf("closing the connections to ClickHouse: %w", err)
	}
	return nil
}

// columns of scans, in the order of Insert and Read. Instants are read as numbers.
const (
	insertColumns = "shard, seq, id, alias, place, trip, at, received_at, kind, how, serial, device, skew, flags, voids"
	selectColumns = "shard, seq, id, alias, place, trip, toUInt32(at), toUInt32(received_at), kind, how, serial, device, skew, flags, voids"
)

// Insert implements scanstore.Writer. A server that is killed in the middle may have some of the days and not others until
// the same scans are inserted again.
func (s *Store) Insert(ctx context.Context, scans []scan.Scan) error {
	for _, block := range blocks(scans) {
		if err := s.insertBlock(ctx, block); err != nil {
			return err
		}
	}
	return nil
}

// blockDays is how many days, which are partitions, the scans of one block may lie in: by default a server refuses a block
// with more than a hundred.
const blockDays = 90

// blocks divides scans by their days, earlier days first, so that no block has too many; as a rule all are one block.
// Within a block they keep their order. The same scans are always divided in the same way.
func blocks(scans []scan.Scan) [][]scan.Scan {
	if len(scans) == 0 {
		return nil
	}
	days := make(map[scan.Day]int)
	for i := range scans {
		days[scan.DayOf(scans[i].At)] = 0
	}
	if len(days) <= blockDays {
		return [][]scan.Scan{scans}
	}
	for i, day := range slices.Sorted(maps.Keys(days)) {
		days[day] = i / blockDays
	}
	parts := make([][]scan.Scan, (len(days)-1)/blockDays+1)
	for i := range scans {
		block := days[scan.DayOf(scans[i].At)]
		parts[block] = append(parts[block], scans[i])
	}
	return parts
}

func (s *Store) insertBlock(ctx context.Context, scans []scan.Scan) error {
	batch, err := s.conn.PrepareBatch(ctx, "INSERT INTO scans ("+insertColumns+")")
	if err != nil {
		return fmt.Errorf("beginning to insert scans: %w", err)
	}
	defer func() { _ = batch.Close() }() // after Send it has nothing to say
	for i, values := range columnsOf(scans) {
		if err := batch.Column(i).Append(values); err != nil {
			return fmt.Errorf("building a block of scans: %w", err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("inserting scans: %w", err)
	}
	return nil
}

func columnsOf(scans []scan.Scan) []any {
	return []any{
		column(scans, func(s *scan.Scan) uint32 { return s.Shard }),
		column(scans, func(s *scan.Scan) uint64 { return s.Seq }),
		column(scans, func(s *scan.Scan) uuid.UUID { return s.ID }),
		column(scans, func(s *scan.Scan) uuid.UUID { return s.Alias }),
		column(scans, func(s *scan.Scan) uuid.UUID { return s.Place }),
		column(scans, func(s *scan.Scan) uuid.UUID { return s.Trip }),
		column(scans, func(s *scan.Scan) int64 { return s.At }),
		column(scans, func(s *scan.Scan) int64 { return s.ReceivedAt }),
		column(scans, func(s *scan.Scan) uint8 { return uint8(s.Kind) }),
		column(scans, func(s *scan.Scan) uint8 { return uint8(s.How) }),
		column(scans, func(s *scan.Scan) uint32 { return s.Serial }),
		column(scans, func(s *scan.Scan) uint64 { return s.Device }),
		column(scans, func(s *scan.Scan) int32 { return s.Skew }),
		column(scans, func(s *scan.Scan) uint16 { return uint16(s.Flags) }),
		column(scans, func(s *scan.Scan) uuid.UUID { return s.Voids }),
	}
}

func column[T any](scans []scan.Scan, of func(*scan.Scan) T) []T {
	values := make([]T, len(scans))
	for i := range scans {
		values[i] = of(&scans[i])
	}
	return values
}

// readRows is how many scans a block of Read holds at most.
const readRows = 8192

// Read implements scanstore.Reader with one query: the table is in the order of people, so a query looks at all of it. The
// server sorts what it gives: it spills to its disk what does not fit into a gigabyte.
func (s *Store) Read(ctx context.Context, after, upTo scanlog.Watermark, yield func([]scan.Scan) error) error {
	rows := between(after, upTo)
	if rows == "" {
		return nil
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_bytes_before_external_sort": 1_000_000_000}))
	query := "SELECT " + selectColumns + " FROM scans WHERE " + rows + " ORDER BY shard, seq"
	block := make([]scan.Scan, 0, readRows)
	var fromYield error
	err := s.query(ctx, query, func(sc scan.Scan) error {
		block = append(block, sc)
		if len(block) < readRows {
			return nil
		}
		fromYield = yield(block)
		block = block[:0]
		return fromYield
	})
	switch {
	case fromYield != nil:
		return fromYield
	case err != nil:
		return fmt.Errorf("reading scans: %w", err)
	case len(block) > 0:
		return yield(block)
	}
	return nil
}

// query runs a query for selectColumns and gives each row to take. An error of take ends it and is returned as it is.
func (s *Store) query(ctx context.Context, query string, take func(scan.Scan) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // before the rows are closed, so that a query that is given up is not read to its end
	rows, err := s.conn.Query(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var sc scan.Scan
		var at, receivedAt uint32
		var kind, how uint8
		var flags uint16
		if err := rows.Scan(&sc.Shard, &sc.Seq, &sc.ID, &sc.Alias, &sc.Place, &sc.Trip, &at, &receivedAt,
			&kind, &how, &sc.Serial, &sc.Device, &sc.Skew, &flags, &sc.Voids); err != nil {
			return err
		}
		sc.At, sc.ReceivedAt = int64(at), int64(receivedAt)
		sc.Kind, sc.How, sc.Flags = stay.Kind(kind), scan.How(how), scan.Flags(flags)
		if err := take(sc); err != nil {
			cancel()
			return err
		}
	}
	return rows.Err()
}

// DropBefore implements scanstore.Dropper.
func (s *Store) DropBefore(ctx context.Context, first scan.Day) ([]scan.Day, error) {
	scans, err := s.days(ctx, "scans")
	if err != nil {
		return nil, err
	}
	byPlace, err := s.days(ctx, "scans_by_place")
	if err != nil {
		return nil, err
	}
	all := slices.Concat(scans, byPlace)
	slices.Sort(all)
	var dropped []scan.Day
	for _, day := range slices.Compact(all) {
		if day >= first {
			break
		}
		// The scans themselves go last: a day counts as there until nothing of it is left.
		for _, table := range []string{"scans_by_place", "scans"} {
			if err := s.conn.Exec(ctx, "ALTER TABLE "+table+" DROP PARTITION "+partition(day)); err != nil {
				return dropped, fmt.Errorf("dropping %s of %s: %w", day, table, err)
			}
		}
		dropped = append(dropped, day)
	}
	return dropped, nil
}

// days lists the days that a table has partitions of.
func (s *Store) days(ctx context.Context, table string) ([]scan.Day, error) {
	rows, err := s.conn.Query(ctx, "SELECT DISTINCT partition FROM system.parts WHERE active AND database = currentDatabase() AND table = '"+table+"' ORDER BY partition")
	if err != nil {
		return nil, fmt.Errorf("listing the days of %s: %w", table, err)
	}
	defer func() { _ = rows.Close() }()
	var days []scan.Day
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("listing the days of %s: %w", table, err)
		}
		at, err := time.Parse("20060102", name)
		if err != nil {
			return nil, fmt.Errorf("a partition of %s names no day: %w", table, err)
		}
		days = append(days, scan.DayOf(at.Unix()))
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("listing the days of %s: %w", table, err)
	}
	return days, nil
}

// partition is the partition that a day is in, as queries write it.
func partition(day scan.Day) string { return strings.ReplaceAll(day.String(), "-", "") }

// covered is the condition of a row being within a watermark.
func covered(upTo scanlog.Watermark) string {
	if condition := between(nil, upTo); condition != "" {
		return condition
	}
	return "0"
}

// between is the condition of a row being past one watermark and within another; "" where no row is.
func between(after, upTo scanlog.Watermark) string {
	var of []string
	for _, shard := range slices.Sorted(maps.Keys(upTo)) {
		if from, to := after[shard], upTo[shard]; from < to {
			of = append(of, fmt.Sprintf("shard = %d AND seq > %d AND seq <= %d", shard, from, to))
		}
	}
	if len(of) == 0 {
		return ""
	}
	return "(" + strings.Join(of, " OR ") + ")"
}
