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
	m.files = m.files.Anew()
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

// keep writes what has changed since it was last kept to the disk.
func (m *Memory) keep(ctx context.Context) error {
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
	for _, of := range stale {
		if err := m.take(ctx); err != nil {
			return err
		}
		c, there := s.scans.Copy(of)
		m.give()
		if !there {
			continue // it was dropped meanwhile
		}
		if err := files.Write(c); err != nil {
			return err
		}
	}
	if err := files.Commit(read, days); err != nil {
		return err
	}
	return m.disown(files)
}

// disown removes what was kept if the scans have turned out not to fit meanwhile.
func (m *Memory) disown(files *scanmem.Files) error {
	<-m.turn
	defer m.give()
	if m.files == files {
		return nil
	}
	return scanmem.Remove(m.o.Dir)
}
