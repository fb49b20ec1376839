package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"github.com/truyvet/truyvet/internal/scan"
)

// Export gives what is committed in the files of a scan directory from a day on, in the order of (shard, seq), while the
// process that the directory belongs to may go on writing: it only reads. The block is reused after yield returns. An error
// from yield ends the call and is returned as it is.
func Export(ctx context.Context, dir string, first scan.Day, yield func([]scan.Scan) error) error {
	days, err := daysIn(dir)
	if err != nil {
		return err
	}
	for _, day := range days {
		if day < first {
			continue
		}
		if err := exportDay(ctx, dir, day, yield); err != nil {
			return err
		}
	}
	return nil
}

func exportDay(ctx context.Context, dir string, day scan.Day, yield func([]scan.Scan) error) (err error) {
	db, err := sql.Open("sqlite", dsn(filepath.Join(dir, filePrefix+day.String()+fileSuffix), "ro", "busy_timeout(5000)"))
	if err != nil {
		return fmt.Errorf("opening the scans of %s: %w", day, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	read, err := db.PrepareContext(ctx, readBlockQuery)
	if err != nil {
		return fmt.Errorf("opening the scans of %s: %w", day, err)
	}
	defer func() { err = errors.Join(err, read.Close()) }()
	block := make([]scan.Scan, 0, readRows)
	for after := int64(0); ; after = int64(block[len(block)-1].Seq) {
		rows, err := read.QueryContext(ctx, after, int64(math.MaxInt64), readRows)
		if err == nil {
			block, err = appendRows(rows, uint32(day), block[:0])
		}
		if err != nil {
			return fmt.Errorf("reading the scans of %s: %w", day, err)
		}
		if len(block) == 0 {
			return nil
		}
		if err := yield(block); err != nil {
			return err
		}
	}
}
