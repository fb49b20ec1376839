package clickhouse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/tracing/stay"
)

// The bounds of Read.
const (
	// readRows is how many scans a block holds at most.
	readRows = 8192
	// stretchRows is about how many rows a query asks for: what the server sorts in memory, a hundred megabytes.
	stretchRows = 1 << 20
	// stretchParts is how finely the positions of a shard are counted to divide them into stretches.
	stretchParts = 4096
)

// Read implements scanstore.Reader. It asks for one stretch of positions after another, each of which the servers find by
// their index and sort by itself: so what is new costs what is new, and everything is never sorted at once.
func (s *Store) Read(ctx context.Context, after, upTo scanlog.Watermark, yield func([]scan.Scan) error) error {
	stretches, err := s.stretches(ctx, after, upTo)
	if err != nil {
		return fmt.Errorf("reading the positions of scans: %w", err)
	}
	for _, part := range stretches {
		if err := s.readSpan(ctx, part, yield); err != nil {
			return err
		}
	}
	return nil
}

// stretch is the positions past one watermark and within another.
type stretch struct{ after, upTo scanlog.Watermark }

// stretches divides the positions between two watermarks where there are rows into stretches of about
// stretchRows rows, in order.
func (s *Store) stretches(ctx context.Context, after, upTo scanlog.Watermark) ([]stretch, error) {
	condition := between(after, upTo)
	if condition == "" {
		return nil, nil
	}
	const counts = "SELECT shard, min(seq), max(seq), count() FROM scans_by_position WHERE "
	found, err := s.count(ctx, counts+condition+" GROUP BY shard ORDER BY shard")
	if err != nil {
		return nil, err
	}
	total := uint64(0)
	for _, of := range found {
		total += of.rows
	}
	switch {
	case total == 0:
		return nil, nil
	case total <= s.stretchRows:
		return []stretch{{after, upTo}}, nil
	}
	var all []stretch
	for _, of := range found {
		parts := []counted{of}
		if of.rows > s.stretchRows {
			width := (of.last-of.first)/stretchParts + 1
			parts, err = s.count(ctx, fmt.Sprintf("%sshard = %d AND seq >= %d AND seq <= %d GROUP BY shard, intDiv(seq, %d) AS part ORDER BY part",
				counts, of.shard, of.first, of.last, width))
			if err != nil {
				return nil, err
			}
		}
		all = append(all, divide(parts, s.stretchRows)...)
	}
	return all, nil
}

// counted is how many rows a shard has among some neighbouring positions.
type counted struct {
	shard             uint32
	first, last, rows uint64
}

// divide puts the neighbouring parts of a shard together to stretches that hold enough rows.
func divide(parts []counted, enough uint64) []stretch {
	var stretches []stretch
	rows, after := uint64(0), uint64(0)
	for i, part := range parts {
		if rows == 0 {
			after = part.first - 1 // no log numbers from 0
		}
		if rows += part.rows; rows < enough && i+1 < len(parts) {
			continue
		}
		stretches = append(stretches, stretch{scanlog.Watermark{part.shard: after}, scanlog.Watermark{part.shard: part.last}})
		rows = 0
	}
	return stretches
}

// count runs a query for the columns of counted.
func (s *Store) count(ctx context.Context, query string) ([]counted, error) {
	rows, err := s.conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []counted
	for rows.Next() {
		var c counted
		if err := rows.Scan(&c.shard, &c.first, &c.last, &c.rows); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

func (s *Store) readSpan(ctx context.Context, part stretch, yield func([]scan.Scan) error) error {
	// Only where nearly all the rows of a shard stand at a few positions is a stretch much larger than it should be.
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_bytes_before_external_sort": 1_000_000_000}))
	query := "SELECT " + selectColumns + " FROM scans_by_position WHERE " + between(part.after, part.upTo) + " ORDER BY shard, seq"
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

// Count returns how many scans there are, counting those that a retry stored twice twice until they are merged.
func (s *Store) Count(ctx context.Context) (int64, error) {
	var n uint64
	if err := s.conn.QueryRow(ctx, "SELECT count() FROM scans").Scan(&n); err != nil {
		return 0, fmt.Errorf("counting scans: %w", err)
	}
	return int64(n), nil
}

// AliasesSince calls yield with blocks of the aliases that have scans past after and not past upTo: each alias once, in no
// order. It costs what is new. The block is reused after yield returns; an error from yield ends the call and is returned
// as it is.
func (s *Store) AliasesSince(ctx context.Context, after, upTo scanlog.Watermark, yield func([]uuid.UUID) error) error {
	condition := between(after, upTo)
	if condition == "" {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // before the rows are closed, so that a query that is given up is not read to its end
	rows, err := s.conn.Query(ctx, "SELECT DISTINCT alias FROM scans_by_position WHERE "+condition)
	if err != nil {
		return fmt.Errorf("reading aliases: %w", err)
	}
	defer func() { _ = rows.Close() }()
	block := make([]uuid.UUID, 0, readRows)
	for rows.Next() {
		var alias uuid.UUID
		if err := rows.Scan(&alias); err != nil {
			return fmt.Errorf("reading aliases: %w", err)
		}
		if block = append(block, alias); len(block) < readRows {
			continue
		}
		if err := yield(block); err != nil {
			cancel()
			return err
		}
		block = block[:0]
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading aliases: %w", err)
	}
	if len(block) > 0 {
		return yield(block)
	}
	return nil
}

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
