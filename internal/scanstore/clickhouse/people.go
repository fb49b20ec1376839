package clickhouse

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/tracing/stay"
)

// Listed is how many UUIDs are written into a query at most: at 39 bytes each they stay within the 256 KB that a query may
// have by default.
const Listed = 5_000

// Conn returns the connections of the store, for what is kept beside the scans. They are closed with the store.
func (s *Store) Conn() driver.Conn { return s.conn }

// ScansOf gives take every scan of some aliases within a watermark, with what deriving stays needs of it and where it stands,
// in no order and perhaps more than once. Many aliases that are neighbours by [CompareIDs] are read fastest.
func (s *Store) ScansOf(ctx context.Context, aliases []uuid.UUID, upTo scanlog.Watermark, take func(*scan.Scan)) error {
	for part := range slices.Chunk(aliases, Listed) {
		rows, err := s.conn.Query(ctx, "SELECT shard, seq, id, alias, place, trip, toUInt32(at), toUInt32(received_at), kind, flags, voids"+
			" FROM scans WHERE alias IN ("+uuidList(part)+") AND "+covered(upTo))
		if err != nil {
			return fmt.Errorf("reading the scans of people: %w", err)
		}
		var sc scan.Scan
		var at, receivedAt uint32
		var kind uint8
		var flags uint16
		into := []any{&sc.Shard, &sc.Seq, &sc.ID, &sc.Alias, &sc.Place, &sc.Trip, &at, &receivedAt, &kind, &flags, &sc.Voids}
		for rows.Next() {
			if err = rows.Scan(into...); err != nil {
				break
			}
			sc.At, sc.ReceivedAt, sc.Kind, sc.Flags = int64(at), int64(receivedAt), stay.Kind(kind), scan.Flags(flags)
			take(&sc)
		}
		if err == nil {
			err = rows.Err()
		}
		_ = rows.Close()
		if err != nil {
			return fmt.Errorf("reading the scans of people: %w", err)
		}
	}
	return nil
}

// AliasesAt gives take the aliases that were scanned at some places within a watermark, perhaps more than once.
func (s *Store) AliasesAt(ctx context.Context, places []uuid.UUID, upTo scanlog.Watermark, take func(uuid.UUID)) error {
	for part := range slices.Chunk(places, Listed) {
		rows, err := s.conn.Query(ctx, "SELECT DISTINCT alias FROM scans_by_place WHERE place IN ("+uuidList(part)+") AND "+covered(upTo))
		if err != nil {
			return fmt.Errorf("finding the people of places: %w", err)
		}
		var alias uuid.UUID
		for rows.Next() {
			if err = rows.Scan(&alias); err != nil {
				break
			}
			take(alias)
		}
		if err == nil {
			err = rows.Err()
		}
		_ = rows.Close()
		if err != nil {
			return fmt.Errorf("finding the people of places: %w", err)
		}
	}
	return nil
}

// CompareIDs orders UUIDs as the server does in its tables: by the last eight bytes, then by the first.
func CompareIDs(a, b uuid.UUID) int {
	if c := bytes.Compare(a[8:], b[8:]); c != 0 {
		return c
	}
	return bytes.Compare(a[:8], b[:8])
}

// uuidList writes ids as a list of a query.
func uuidList(ids []uuid.UUID) string {
	var b strings.Builder
	b.Grow(39 * len(ids))
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\'')
		b.WriteString(id.String())
		b.WriteByte('\'')
	}
	return b.String()
}

// OnEachServer calls do for each server that holds a part of the tables, with the name that a table has there.
func (s *Store) OnEachServer(ctx context.Context, do func(server driver.Conn, local func(table string) string) error) error {
	all, err := s.servers(ctx, s.options.Auth.Database)
	if err != nil {
		return err
	}
	defer all.close()
	for _, server := range all {
		if err := do(server, s.local); err != nil {
			return err
		}
	}
	return nil
}
