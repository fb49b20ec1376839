package clickhouse

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
)

// columns of scans, in the order of Insert and Read. Instants are read as numbers.
const (
	insertColumns = "shard, seq, id, alias, place, trip, at, received_at, kind, how, serial, device, skew, flags, voids"
	selectColumns = "shard, seq, id, alias, place, trip, toUInt32(at), toUInt32(received_at), kind, how, serial, device, skew, flags, voids"
)

// Insert implements scanstore.Writer. Servers that are killed in the middle may have some of the scans and not others until
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
