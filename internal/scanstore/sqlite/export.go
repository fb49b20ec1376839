package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanstore"
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

// Before lists the days before one whose files stand in a scan directory, with how many scans are committed in each, while the
// process that the directory belongs to may go on writing and dropping. A directory that is not there holds none.
func Before(ctx context.Context, dir string, first scan.Day) ([]scanstore.DayCount, error) {
	days, err := daysIn(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var counts []scanstore.DayCount
	for _, day := range days {
		if day >= first {
			break
		}
		n, err := countDay(ctx, dir, day)
		if _, gone := os.Stat(dayPath(dir, day)); errors.Is(gone, fs.ErrNotExist) {
			continue // it was dropped meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("counting the scans of %s: %w", day, err)
		}
		counts = append(counts, scanstore.DayCount{Day: day, Scans: n})
	}
	return counts, nil
}

func countDay(ctx context.Context, dir string, day scan.Day) (n int64, err error) {
	db, err := openToRead(dir, day)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM scans`).Scan(&n)
	return n, err
}

func dayPath(dir string, day scan.Day) string {
	return filepath.Join(dir, filePrefix+day.String()+fileSuffix)
}

// openToRead opens the file of a day beside whoever writes to it.
func openToRead(dir string, day scan.Day) (*sql.DB, error) {
	return sql.Open("sqlite", dsn(dayPath(dir, day), "ro", "busy_timeout(5000)"))
}

func exportDay(ctx context.Context, dir string, day scan.Day, yield func([]scan.Scan) error) (err error) {
	db, err := openToRead(dir, day)
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
