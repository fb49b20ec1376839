package snapshot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanmem"
	"github.com/truyvet/truyvet/internal/scanstore"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
)

// Memory keeps all scans in memory, and an index of the stays that they make. It reads only what is new, derives anew only the
// people whose stays that can change (who has new scans, whose aliases were linked or erased, and who was at a place that
// is new, lies elsewhere or has another dwell), and builds anew only the days on which their stays have changed.
//
// While Run runs, the index follows the log by itself, and Snapshot has little left to do. Without it Snapshot reads what is
// new, which at first is everything.
//
// It is safe for concurrent use. Snapshots that were given stay good.
type Memory struct {
	registry Registry
	feed     Feed
	o        Options

	loading atomic.Bool           // Run reads what was there before it
	pace    *pace                 // of Run
	sight   atomic.Pointer[sight] // the latest; nil while there is none

	turn  chan struct{} // holds one token; who has it may use what follows
	state *state        // nil until it is loaded, and when it did not fit
	spilt int64         // how many scans did not fit
	files *scanmem.Files

	mu      sync.Mutex // guards what follows
	expired *scan.Day  // days before it are to be dropped; nil = none
	status  Status
}

// Options are what a Memory may take, and where it keeps what it knows. The zero value bounds and keeps nothing.
type Options struct {
	Store  scanstore.Holding // that the feed reads
	Budget int64             // bytes that scans and index may take; 0 = no bound. It needs a Store
	Beyond string            // what becomes of traces when the scans do not fit, for the log
	Dir    string            // where scans are kept for the next start; "" = nowhere. It needs a Store

	Retention time.Duration    // scans that are older are not read from Dir; 0 = all are
	Clock     func() time.Time // nil = time.Now
	Logger    *slog.Logger     // nil = none
}

// sight is an index and what it is made of. It never changes.
type sight struct {
	index     *memindex.Index
	places    *tracing.Places
	watermark scanlog.Watermark
	revision  int64
}

// NewMemory returns a Memory that has read nothing yet.
func NewMemory(registry Registry, feed Feed, o Options) *Memory {
	if o.Beyond == "" {
		o.Beyond = "traces are refused"
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	m := &Memory{registry: registry, feed: feed, o: o, pace: newPace(), turn: make(chan struct{}, 1)}
	m.status.Budget = o.Budget
	m.turn <- struct{}{}
	return m
}

// Snapshot returns what is known at asOf, with everything that was accepted before the call. The errors: ErrLoading,
// ErrOverBudget, ErrBehind, and those of the registry, the feed and ctx. The next call starts from where a failed one got.
func (m *Memory) Snapshot(ctx context.Context, asOf int64) (Snapshot, error) {
	if m.loading.Load() {
		return Snapshot{}, ErrLoading
	}
	waiting, cancel := context.WithTimeoutCause(ctx, catchUpWait, ErrBehind)
	defer cancel()
	tail, err := m.feed.Tail(waiting)
	if err != nil {
		return Snapshot{}, whileWaiting(waiting, "asking for the end of the scans", err)
	}
	revision, err := m.registry.Revision(ctx)
	if err != nil {
		return Snapshot{}, fmt.Errorf("reading the registry's revision: %w", err)
	}
	now := m.sight.Load()
	if now == nil || now.revision != revision || !now.watermark.Covers(tail) || m.dropping() {
		if err := m.takeSoon(waiting); err != nil {
			return Snapshot{}, fmt.Errorf("waiting for another snapshot: %w", err)
		}
		defer m.give()
		if now, err = m.update(ctx, waiting, tail, everything()); err != nil {
			return Snapshot{}, err
		}
	}
	return Snapshot{
		Source: now.index.AsOf(asOf), Places: now.places, AsOf: asOf, Watermark: maps.Clone(now.watermark), Revision: now.revision,
		Why: m.why,
	}, nil
}

// take waits for the turn.
func (m *Memory) take(ctx context.Context) error {
	select {
	case <-m.turn:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// takeSoon is take for somebody who waits: whoever has the turn rests no more.
func (m *Memory) takeSoon(ctx context.Context) error {
	defer m.pace.hurry()()
	return m.take(ctx)
}

// give gives the turn back.
func (m *Memory) give() { m.turn <- struct{}{} }

// update brings the state up to a watermark, and to the registry of now, and returns the sight of it. Reading ends with the
// context reading. The caller has the turn.
func (m *Memory) update(ctx, reading context.Context, upTo scanlog.Watermark, e memindex.Effort) (*sight, error) {
	if m.state == nil {
		if err := m.load(ctx, upTo); err != nil {
			return nil, err
		}
	}
	s := m.state
	if first, pending := m.takeExpired(); pending {
		s.dropBefore(first)
	}
	if err := s.takeOver(ctx, m.registry); err != nil {
		return nil, err
	}
	if err := s.readTo(reading, m.feed, upTo, func() error { e.Rest(); return m.stillFits() }); err != nil {
		if errors.Is(err, ErrOverBudget) {
			m.spill()
			return nil, err
		}
		return nil, whileWaiting(reading, "catching up", err)
	}
	if err := s.derive(ctx, e); err != nil {
		return nil, fmt.Errorf("deriving stays: %w", err)
	}
	if err := m.stillFits(); err != nil {
		m.spill()
		return nil, err
	}
	now := m.sight.Load()
	if now == nil || now.index != s.index || now.revision != s.revision || !now.watermark.Covers(s.read) {
		now = &sight{index: s.index, places: s.places, watermark: maps.Clone(s.read), revision: s.revision}
		m.sight.Store(now)
	}
	m.report(s)
	return now, nil
}

// DropBefore forgets the scans of the days before first, as retention does in the store: at once for snapshots that are asked
// for from now on. Call it once the store has dropped them: what Memory has yet to read from a store that still has them is
// there again.
func (m *Memory) DropBefore(first scan.Day) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.expired == nil || *m.expired < first {
		m.expired = &first
	}
}

// dropping says whether days are to be dropped.
func (m *Memory) dropping() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.expired != nil
}

// takeExpired returns before which day scans are to be dropped, and whether they are, once.
func (m *Memory) takeExpired() (first scan.Day, pending bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.expired == nil {
		return 0, false
	}
	first, m.expired = *m.expired, nil
	return first, true
}
