// Package sqlite is the scan log and the scan store of a standalone server in one: SQLite files in a directory, one for
// each UTC day of At, named scans-2021-11-06.db. The log's shard is the day's number, its seq the row's number.
//
// A file is append-only and is deleted whole when retention drops its day. Rows hold the wire form of scans, unique by
// (alias, id) within the file; what makes them unique across files is described at marker.
//
// The files are in WAL mode with synchronous=FULL, so what a commit has answered survives a kill and a power cut. One
// process uses a directory at a time, a second one is refused.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanstore"
)

// Options are the bounds of a store. The zero value means the defaults.
type Options struct {
	MaxQueued int           // scans that may wait for their commit, 50,000 by default; beyond it Append answers scanlog.ErrFull
	MaxCommit int           // scans in one commit, 5,000 by default
	MaxWait   time.Duration // that an Append is to expect; beyond it, it answers scanlog.ErrFull at once. 0 = as long as it takes
	MaxOpen   int           // day files open at a time, 40 by default; each takes a few file descriptors and up to a few MB
}

// Store implements scanlog.Log, scanlog.Progress, scanstore.Reader, scanstore.Dropper and scanstore.Holding. It is safe for concurrent use.
type Store struct {
	files   *files
	markers *markers
	group   *scanlog.Group
	close   func() error
}

var (
	_ scanlog.Log       = (*Store)(nil)
	_ scanlog.Progress  = (*Store)(nil)
	_ scanstore.Reader  = (*Store)(nil)
	_ scanstore.Dropper = (*Store)(nil)
	_ scanstore.Holding = (*Store)(nil)
)

// closeTimeout is how long Close waits for a file that is being read from. A step reads a few thousand rows.
const closeTimeout = 10 * time.Second

const (
	filePrefix = "scans-"
	fileSuffix = ".db"
)

// Open opens the store in a directory and creates it where it is missing. It fails when another process uses the
// directory and when one of its files is damaged or is not ours.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	if o.MaxQueued <= 0 {
		o.MaxQueued = 50_000
	}
	if o.MaxCommit <= 0 {
		o.MaxCommit = 5_000
	}
	if o.MaxOpen <= 0 {
		o.MaxOpen = 40
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("finding the scan directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the scan directory: %w", err)
	}
	days, err := daysIn(dir)
	if err != nil {
		return nil, err
	}
	m, err := openMarkers(ctx, filepath.Join(dir, "elsewhere"+fileSuffix))
	if err != nil {
		return nil, err
	}
	f := newFiles(dir, o.MaxOpen, m.droppedUpTo)
	for _, day := range days {
		if err := f.discover(ctx, day); err != nil {
			return nil, errors.Join(err, f.close(closeTimeout), m.close())
		}
	}
	s := &Store{files: f, markers: m}
	s.group = scanlog.NewGroup(scanlog.GroupOptions{MaxQueued: o.MaxQueued, MaxCommit: o.MaxCommit, MaxWait: o.MaxWait}, s.commit)
	checkpoints, stop := context.WithCancel(context.WithoutCancel(ctx))
	var carrying sync.WaitGroup
	carrying.Go(func() { s.checkpoint(checkpoints) })
	s.close = sync.OnceValue(func() error {
		s.group.Close()
		stop()
		carrying.Wait()
		return errors.Join(s.files.close(closeTimeout), s.markers.close())
	})
	return s, nil
}

// daysIn lists the days whose files stand in a directory.
func daysIn(dir string) ([]scan.Day, error) {
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("listing the scan directory: %w", err)
	}
	var days []scan.Day
	for _, entry := range names {
		name := entry.Name()
		if !strings.HasPrefix(name, filePrefix) || !strings.HasSuffix(name, fileSuffix) {
			continue
		}
		text := strings.TrimSuffix(strings.TrimPrefix(name, filePrefix), fileSuffix)
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return nil, fmt.Errorf("the scan directory holds %s, which names no day: %w", name, err)
		}
		days = append(days, scan.DayOf(at.Unix()))
	}
	slices.Sort(days)
	return days, nil
}

// Append implements scanlog.Log. Disk errors are scanlog.ErrUnavailable with their cause.
func (s *Store) Append(ctx context.Context, scans []scan.Scan) ([]scanlog.Outcome, error) {
	return s.group.Append(ctx, scans)
}

// Queue returns how many scans wait for their commit or are in one, and how many may.
func (s *Store) Queue() (waiting, bound int) { return s.group.Queue() }

// Tail implements scanlog.Progress.
func (s *Store) Tail(context.Context) (scanlog.Watermark, error) {
	return s.files.tail(), nil
}

// Stored implements scanlog.Progress: what is logged is stored, so it is the tail.
func (s *Store) Stored(ctx context.Context) (scanlog.Watermark, error) {
	return s.Tail(ctx)
}

// Count returns how many scans there are, counting, for a day that was dropped and has come again, those of before too.
func (s *Store) Count(context.Context) (int64, error) {
	n := int64(0)
	for _, last := range s.files.tail() {
		n += int64(last)
	}
	return n, nil
}

// ID returns a random id that this store has and no other.
func (s *Store) ID(context.Context) (uuid.UUID, error) { return s.markers.id, nil }

// Before implements scanstore.Dropper.
func (s *Store) Before(ctx context.Context, first scan.Day) ([]scanstore.DayCount, error) {
	return Before(ctx, s.files.dir, first)
}

// DropBefore implements scanstore.Dropper. It deletes the days' files; should a scan of a dropped day be appended later,
// its numbering goes on where it ended.
func (s *Store) DropBefore(ctx context.Context, first scan.Day) ([]scan.Day, error) {
	var dropped []scan.Day
	for _, day := range s.files.before(first) {
		err := s.files.drop(ctx, day, func(last uint64) error { return s.markers.rememberDropped(ctx, day, last) })
		if err != nil {
			return dropped, err
		}
		dropped = append(dropped, day)
	}
	if len(dropped) == 0 {
		return nil, nil
	}
	// Markers that are left, by a failure or a crash here, point to nothing and go with the next day that is dropped.
	return dropped, s.markers.dropBefore(ctx, first)
}

// Close commits what waits and closes the files. A Read or DropBefore that is under way fails at its next step; the
// step itself is waited for, at most closeTimeout, and Close fails when that was not enough. Another Close answers as the
// first.
func (s *Store) Close() error { return s.close() }
