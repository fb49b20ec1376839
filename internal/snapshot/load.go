package snapshot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanmem"
)

// load makes the state that reading begins from: what was kept of an earlier process where that can be used, else nothing.
// tail is the end of the log. The caller has the turn.
func (m *Memory) load(ctx context.Context, tail scanlog.Watermark) error {
	if m.o.Store != nil {
		count, err := m.o.Store.Count(ctx)
		if err != nil {
			return fmt.Errorf("counting the scans of the store: %w", err)
		}
		if err := m.predict(count); err != nil {
			return err
		}
	}
	m.state = newState()
	m.mu.Lock()
	m.status.State = Loading
	m.mu.Unlock()
	if m.o.Dir == "" {
		return nil
	}
	store, err := m.o.Store.ID(ctx)
	if err != nil {
		m.state = nil
		return fmt.Errorf("asking which scan store this is: %w", err)
	}
	m.files = scanmem.NewFiles(m.o.Dir, store)
	return m.loadKept(ctx, tail)
}

// loadKept takes over what was kept of an earlier process. Where it cannot be used the log says why, and the state holds
// nothing.
func (m *Memory) loadKept(ctx context.Context, tail scanlog.Watermark) error {
	began := time.Now()
	read, err := m.files.Load(ctx, m.state.scans, m.oldest())
	switch {
	case err == nil && behind(tail, read):
		err = errAhead
	case err == nil:
		m.state.read = read
		m.o.Logger.Info("read the scans that were kept for the index",
			"scans", m.state.scans.Len(), "took", time.Since(began).Round(time.Millisecond))
		return nil
	case ctx.Err() != nil:
		m.state = nil
		return fmt.Errorf("reading what was kept of the index: %w", context.Cause(ctx))
	}
	if !errors.Is(err, scanmem.ErrNone) {
		m.o.Logger.Warn("what was kept of the index cannot be used; the scans are read from the store", "error", err)
	}
	m.state = newState()
	m.files.Forget()
	return nil
}

var errAhead = errors.New("it goes further than the scan log, which is perhaps one that was put back from a backup")

// behind says whether a log ends, in a shard that it has, before a watermark.
func behind(tail, watermark scanlog.Watermark) bool {
	for shard, seq := range watermark {
		if end, there := tail[shard]; there && end < seq {
			return true
		}
	}
	return false
}

// oldest returns the first day that retention has left.
func (m *Memory) oldest() scan.Day {
	if m.o.Retention == 0 {
		return 0
	}
	return scan.DayOf(m.o.Clock().Add(-m.o.Retention).Unix())
}

// keep writes what has changed since it was last kept to the disk, and calls rest now and then. Where another process keeps its
// own there, nothing is kept.
func (m *Memory) keep(ctx context.Context, rest func()) error {
	if err := m.take(ctx); err != nil {
		return err
	}
	s, files := m.state, m.files
	if s == nil || files == nil || s.index == nil {
		m.give()
		return nil
	}
	// What comes while the days are copied, one by one, is past the watermark.
	read := maps.Clone(s.read)
	days := s.scans.Days()
	stale, gone := files.Stale(s.scans)
	m.give()
	if len(stale) == 0 && !gone {
		return nil
	}
	err := m.write(ctx, s.scans, stale, func(c *scanmem.Copy) error {
		c.Rest = rest
		return files.Write(c)
	})
	if err == nil {
		err = files.Commit(read, days)
	}
	<-m.turn
	defer m.give()
	switch {
	case errors.Is(err, scanmem.ErrHeld):
		m.o.Logger.Info("the index is not kept for the next start", "why", err)
		m.files = nil
		return nil
	case err == nil && m.files != files: // the scans have turned out not to fit meanwhile
		return files.Remove()
	}
	return err
}

// write has some days written, each as it is by then.
func (m *Memory) write(ctx context.Context, scans *scanmem.Scans, days []scan.Day, one func(*scanmem.Copy) error) error {
	for _, of := range days {
		if err := m.take(ctx); err != nil {
			return err
		}
		c, there := scans.Copy(of)
		m.give()
		if !there {
			continue // it was dropped meanwhile
		}
		if err := one(c); err != nil {
			return err
		}
	}
	return nil
}

// endKeeping keeps what is left and lets another process keep its own.
func (m *Memory) endKeeping(ctx context.Context) error {
	err := m.keep(ctx, nil)
	<-m.turn
	defer m.give()
	if m.files != nil {
		err = errors.Join(err, m.files.Close())
	}
	return err
}
