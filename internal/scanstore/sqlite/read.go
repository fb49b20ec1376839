package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
)

// readRows is how many scans a block of Read holds at most: to read them takes about a millisecond.
const readRows = 500

// Read implements scanstore.Reader. A day that is dropped meanwhile ends early.
func (s *Store) Read(ctx context.Context, after, upTo scanlog.Watermark, yield func([]scan.Scan) error) error {
	days := make([]uint32, 0, len(upTo))
	for day, to := range upTo {
		if to > after[day] {
			days = append(days, day)
		}
	}
	slices.Sort(days)
	block := make([]scan.Scan, 0, readRows)
	for _, day := range days {
		for from := min(after[day], math.MaxInt64); from < upTo[day]; {
			var err error
			if block, err = s.readBlock(ctx, day, from, upTo[day], block[:0]); err != nil {
				return fmt.Errorf("reading the scans of %s: %w", scan.Day(day), err)
			}
			if len(block) == 0 {
				break
			}
			from = block[len(block)-1].Seq
			if err := yield(block); err != nil {
				return err
			}
		}
	}
	return nil
}

// readBlock appends the next scans of a day to block. The file is pinned for its time only, so that yield may take as
// long as it likes.
func (s *Store) readBlock(ctx context.Context, shard uint32, after, upTo uint64, block []scan.Scan) ([]scan.Scan, error) {
	day := scan.Day(shard)
	file, err := s.files.pin(ctx, day, false)
	if err != nil || file == nil {
		return block, err
	}
	defer s.files.unpin(day)
	rows, err := file.readBlock.QueryContext(ctx, after, min(upTo, math.MaxInt64), readRows)
	if err != nil {
		return block, err
	}
	return appendRows(rows, shard, block)
}

// appendRows appends the scans in rows of readBlockQuery to block, and closes the rows.
func appendRows(rows *sql.Rows, shard uint32, block []scan.Scan) ([]scan.Scan, error) {
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var seq uint64
		var wire sql.RawBytes
		if err := rows.Scan(&seq, &wire); err != nil {
			return block, err
		}
		sc, err := scan.DecodeWire(wire)
		if err != nil {
			return block, fmt.Errorf("row %d: %w", seq, err)
		}
		sc.Shard, sc.Seq = shard, seq
		block = append(block, sc)
	}
	return block, rows.Err()
}
