package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
)

// files are the day files of a directory. Those used last are kept open; a file is closed or deleted only while nobody
// has it pinned.
type files struct {
	dir     string
	maxOpen int
	floor   func(scan.Day) uint64 // the last seq of a day that was dropped

	mu       sync.Mutex
	unpinned sync.Cond
	days     map[scan.Day]*dayState
	uses     uint64 // counts pins; the file with the lowest use was used longest ago
	closed   bool   // no more pins and drops
}

// errClosed is the answer to everything that needs a file after Close.
var errClosed = errors.New("the scan store is closed")

// dayState is what is known of a day, whether its file is open or not.
type dayState struct {
	last    uint64 // seq of the last committed row
	file    *dayFile
	pins    int
	used    uint64
	dirty   bool // there were commits since the last checkpoint
	suspect bool // a commit failed: how far the file got must be read from it again
	doomed  bool // being dropped: no more pins
}

func newFiles(dir string, maxOpen int, floor func(scan.Day) uint64) *files {
	f := &files{dir: dir, maxOpen: maxOpen, floor: floor, days: make(map[scan.Day]*dayState)}
	f.unpinned.L = &f.mu
	return f
}

func (f *files) path(day scan.Day) string { return dayPath(f.dir, day) }

// discover takes in a day whose file exists.
func (f *files) discover(ctx context.Context, day scan.Day) error {
	f.mu.Lock()
	f.days[day] = &dayState{}
	f.mu.Unlock()
	_, err := f.pin(ctx, day, false)
	if err != nil {
		return err
	}
	f.unpin(day)
	return nil
}

// exists says whether the day has a file.
func (f *files) exists(day scan.Day) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.days[day]
	return ok
}

// pin returns the open file of a day, which stays open until unpin. Where the day has none, it is created or, without
// create, nil is returned with nothing pinned.
func (f *files) pin(ctx context.Context, day scan.Day, create bool) (*dayFile, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	state := f.days[day]
	for state != nil && state.doomed && !f.closed {
		f.unpinned.Wait()
		state = f.days[day]
	}
	if f.closed {
		return nil, errClosed
	}
	if state == nil {
		if !create {
			return nil, nil
		}
		state = &dayState{}
	}
	if state.suspect && state.file != nil && state.pins == 0 {
		// The commit's own connection may be in any state, so it goes with the file.
		_ = state.file.close()
		state.file = nil
	}
	if state.file == nil {
		mode := "rw"
		if f.days[day] == nil {
			mode = "rwc"
		}
		file, last, err := openDayFile(ctx, f.path(day), mode)
		if err != nil {
			return nil, fmt.Errorf("opening the scans of %s: %w", day, err)
		}
		state.file, state.last, state.suspect = file, max(last, f.floor(day)), false
		f.days[day] = state
	}
	f.uses++
	state.pins++
	state.used = f.uses
	f.closeOldest()
	return state.file, nil
}

// closeOldest closes files beyond the bound, those used longest ago first. The caller holds the lock.
func (f *files) closeOldest() {
	for {
		open := 0
		var oldest *dayState
		for _, state := range f.days {
			if state.file == nil {
				continue
			}
			open++
			if state.pins == 0 && !state.doomed && (oldest == nil || state.used < oldest.used) {
				oldest = state
			}
		}
		if open <= f.maxOpen || oldest == nil {
			return
		}
		// Everything in it is committed; an error here loses nothing and would show again at the next opening.
		_ = oldest.file.close()
		oldest.file = nil
	}
}

func (f *files) unpin(day scan.Day) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.days[day].pins--
	f.unpinned.Broadcast()
}

// committed records how far a day is. The caller has it pinned.
func (f *files) committed(day scan.Day, last uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.days[day].last, f.days[day].dirty = last, true
}

// dirty returns the open days that had commits since it was last asked.
func (f *files) dirty() []scan.Day {
	f.mu.Lock()
	defer f.mu.Unlock()
	var days []scan.Day
	for day, state := range f.days {
		if state.dirty && state.file != nil {
			days = append(days, day)
		}
		state.dirty = false
	}
	return days
}

// distrust makes the next pin that finds the file free read from it how far it is, after a commit to it failed.
func (f *files) distrust(day scan.Day) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.days[day].suspect = true
}

// lastOf returns the seq of a pinned day's last row, and false while that is in doubt.
func (f *files) lastOf(day scan.Day) (uint64, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	state := f.days[day]
	return state.last, !state.suspect
}

// tail returns the last row of every day.
func (f *files) tail() scanlog.Watermark {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := make(scanlog.Watermark, len(f.days))
	for day, state := range f.days {
		w[uint32(day)] = state.last
	}
	return w
}

// before returns the days before one, oldest first.
func (f *files) before(first scan.Day) []scan.Day {
	f.mu.Lock()
	defer f.mu.Unlock()
	var days []scan.Day
	for day := range f.days {
		if day < first {
			days = append(days, day)
		}
	}
	slices.Sort(days)
	return days
}

// drop deletes the file of a day once nobody uses it, after remember was told the seq of its last row.
func (f *files) drop(ctx context.Context, day scan.Day, remember func(last uint64) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return errClosed
	}
	state := f.days[day]
	if state == nil || state.doomed {
		return nil
	}
	state.doomed = true
	defer func() {
		state.doomed = false
		f.unpinned.Broadcast()
	}()
	for state.pins > 0 {
		f.unpinned.Wait()
	}
	if state.file != nil {
		file := state.file
		state.file = nil
		if err := file.close(); err != nil {
			return fmt.Errorf("closing the scans of %s: %w", day, err)
		}
	}
	if state.suspect {
		if err := f.reread(ctx, day, state); err != nil {
			return err
		}
	}
	if err := remember(state.last); err != nil {
		return err
	}
	if err := removeFile(f.path(day)); err != nil {
		return fmt.Errorf("deleting the scans of %s: %w", day, err)
	}
	delete(f.days, day)
	return nil
}

// reread finds out how far the closed file of a day is. The caller holds the lock.
func (f *files) reread(ctx context.Context, day scan.Day, state *dayState) error {
	file, last, err := openDayFile(ctx, f.path(day), "rw")
	if err != nil {
		return fmt.Errorf("opening the scans of %s: %w", day, err)
	}
	state.last, state.suspect = max(last, f.floor(day)), false
	if err := file.close(); err != nil {
		return fmt.Errorf("closing the scans of %s: %w", day, err)
	}
	return nil
}

// close refuses what comes from now on, waits for whoever has a file pinned or is dropping one, and closes the files. A
// file that is not free in time stays open: everything in it is committed, and the process that holds it is about to end.
func (f *files) close(timeout time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.unpinned.Broadcast()
	late := false
	timer := time.AfterFunc(timeout, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		late = true
		f.unpinned.Broadcast()
	})
	defer timer.Stop()
	for f.busy() && !late {
		f.unpinned.Wait()
	}
	var errAll []error
	for day, state := range f.days {
		switch {
		case state.pins > 0 || state.doomed:
			errAll = append(errAll, fmt.Errorf("closing the scans of %s: they were still in use after %s", day, timeout))
		case state.file != nil:
			if err := state.file.close(); err != nil {
				errAll = append(errAll, fmt.Errorf("closing the scans of %s: %w", day, err))
			}
			state.file = nil
		}
	}
	return errors.Join(errAll...)
}

// busy says whether any file is in use. The caller holds the lock.
func (f *files) busy() bool {
	for _, state := range f.days {
		if state.pins > 0 || state.doomed {
			return true
		}
	}
	return false
}
