package snapshot

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/truyvet/truyvet/tracing/memindex"
)

// The pace of Run.
const (
	followStep  = 200 * time.Millisecond  // it looks for what is new so long after it has taken in what was,
	faultRest   = 2 * time.Second         // after a failure this long,
	spiltRest   = 10 * time.Minute        // and where the scans do not fit this long
	longestRest = 1500 * time.Millisecond // from one piece of the work to the next
	tellEvery   = 10 * time.Second        // how often it says how far loading is
	keepEvery   = 5 * time.Minute         // how often what has changed is written to the disk
	lastKeep    = 30 * time.Second        // how long writing it may take in the end
)

// Run keeps the index up to date until ctx ends: what is accepted is in it within two seconds, or as soon as a sixth of
// one core can put it there. What was there before is read first; snapshots are refused with ErrLoading until it is in. Now and
// then, and in the end, what has changed is written to the disk. Failures are logged, and tried again.
func (m *Memory) Run(ctx context.Context) {
	m.loading.Store(m.sight.Load() == nil)
	defer m.loading.Store(false)
	loaded := make(chan struct{})
	var keeping sync.WaitGroup
	keeping.Go(func() { m.keepNowAndThen(ctx, loaded) })
	telling, told := context.WithCancel(ctx)
	keeping.Go(func() { m.tell(telling) })
	m.followUntilEnd(ctx, sync.OnceFunc(func() {
		m.loading.Store(false)
		told()
		close(loaded)
	}))
	told()
	keeping.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastKeep)
	defer cancel()
	if err := m.endKeeping(last); err != nil {
		m.o.Logger.Error("the index was not kept", "error", err)
	}
}

// followUntilEnd calls loaded when the index is up to date for the first time.
func (m *Memory) followUntilEnd(ctx context.Context, loaded func()) {
	said := "" // the failure that was logged last
	for {
		err := m.follow(ctx)
		rest := followStep
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			loaded()
			said = ""
		case errors.Is(err, ErrOverBudget):
			m.loading.Store(false)
			rest = spiltRest
		default:
			rest = faultRest
		}
		if err != nil && said != err.Error() {
			said = err.Error()
			m.complain(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(rest):
		}
	}
}

// complain logs why the index is not up to date.
func (m *Memory) complain(err error) {
	if errors.Is(err, ErrOverBudget) {
		m.o.Logger.Warn("the scans do not fit into memory: "+m.o.Beyond, "error", err)
		return
	}
	m.o.Logger.Error("the index of stays is not up to date", "error", err)
}

// follow brings the index up to the end of the log: where there is none yet with all that the machine has, else piece by piece.
func (m *Memory) follow(ctx context.Context) error {
	tail, err := m.feed.Tail(ctx)
	if err != nil {
		return err
	}
	if err := m.take(ctx); err != nil {
		return err
	}
	defer m.give()
	e := everything()
	if m.sight.Load() != nil {
		e = memindex.Effort{Workers: 1, Rest: m.pace.begin(ctx)}
	}
	_, err = m.update(ctx, ctx, tail, e)
	return err
}

// everything is the effort of somebody who waits.
func everything() memindex.Effort {
	return memindex.Effort{Workers: runtime.GOMAXPROCS(0), Rest: func() {}}
}

// keepNowAndThen writes what has changed to the disk, from when the index is loaded.
func (m *Memory) keepNowAndThen(ctx context.Context, loaded <-chan struct{}) {
	select {
	case <-ctx.Done():
		return
	case <-loaded:
	}
	turn := time.NewTicker(keepEvery)
	defer turn.Stop()
	for {
		if err := m.keep(ctx, m.pace.begin(ctx)); err != nil && ctx.Err() == nil {
			m.o.Logger.Error("the index was not kept", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-turn.C:
		}
	}
}

// tell says how far loading is.
func (m *Memory) tell(ctx context.Context) {
	turn := time.NewTicker(tellEvery)
	defer turn.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-turn.C:
			if s := m.Status(); s.State == Loading {
				m.o.Logger.Info("reading the scans into memory", "scans", s.Scans, "of about", s.Total)
			}
		}
	}
}
