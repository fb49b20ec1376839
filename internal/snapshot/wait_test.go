package snapshot_test

import (
	"context"
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
)

// slowStore is a log at tail and a store that gets there a while after the start, as a worker's does. In a synctest bubble
// waiting for it takes no time, which real servers do not allow.
type slowStore struct {
	start time.Time
	after time.Duration
	tail  scanlog.Watermark
	hang  bool // Stored, and Read, answer only when their context ends
}

func (s *slowStore) Tail(context.Context) (scanlog.Watermark, error) { return maps.Clone(s.tail), nil }

func (s *slowStore) Stored(ctx context.Context) (scanlog.Watermark, error) {
	if s.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if time.Since(s.start) < s.after {
		return scanlog.Watermark{0: 1}, nil
	}
	return scanlog.Watermark{0: s.tail[0] + 5, 1: s.tail[1]}, nil
}

// Read waits for Stored, as a feed does that reads from a store what it lacks.
func (s *slowStore) Read(ctx context.Context, _, upTo scanlog.Watermark, _ func([]scan.Scan) error) error {
	for {
		if stored, err := s.Stored(ctx); err != nil || stored.Covers(upTo) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// emptyRegistry has no places and nobody.
type emptyRegistry struct{}

func (emptyRegistry) Revision(context.Context) (int64, error) { return 7, nil }
func (emptyRegistry) World(context.Context) (registry.World, error) {
	return registry.World{Revision: 7}, nil
}

func (emptyRegistry) Changes(context.Context, int64) (registry.Delta, error) {
	return registry.Delta{}, registry.ErrRevision
}

func noSource(_ context.Context, w snapshot.World, _ scanlog.Watermark, t int64) (tracing.Source, error) {
	return memindex.Build(w.Places, nil).AsOf(t), nil
}

// taker is either way to take a snapshot.
type taker interface {
	Snapshot(ctx context.Context, asOf int64) (snapshot.Snapshot, error)
}

// both runs a test for both, in a bubble of time.
func both(t *testing.T, s slowStore, test func(t *testing.T, from taker)) {
	t.Helper()
	for name, from := range map[string]func(*slowStore) taker{
		"Memory": func(s *slowStore) taker {
			return snapshot.NewMemory(emptyRegistry{}, s, snapshot.Options{})
		},
		"Direct": func(s *slowStore) taker { return snapshot.NewDirect(emptyRegistry{}, s, noSource) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := s
				s.start = time.Now()
				test(t, from(&s))
			})
		})
	}
}

func TestWaitsForTheStore(t *testing.T) {
	both(t, slowStore{after: 19 * time.Second, tail: scanlog.Watermark{0: 10, 1: 3}}, func(t *testing.T, from taker) {
		start := time.Now()
		sight, err := from.Snapshot(t.Context(), 99)
		if err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited < 19*time.Second || waited > 20*time.Second {
			t.Errorf("waited %v", waited)
		}
		want := scanlog.Watermark{0: 15, 1: 3}
		if _, memory := from.(*snapshot.Memory); memory {
			want = scanlog.Watermark{0: 10, 1: 3} // it reads no further than the log was
		}
		if !maps.Equal(sight.Watermark, want) || sight.AsOf != 99 || sight.Revision != 7 {
			t.Errorf("%+v", sight)
		}
	})
}

func TestAStoreThatIsBehind(t *testing.T) {
	for name, s := range map[string]slowStore{
		"lagging": {after: time.Hour, tail: scanlog.Watermark{0: 10}},
		"hanging": {hang: true, tail: scanlog.Watermark{0: 10}},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, s, func(t *testing.T, from taker) {
				start := time.Now()
				_, err := from.Snapshot(t.Context(), 0)
				if !errors.Is(err, snapshot.ErrBehind) || errs.Of(err).Kind != errs.Unavailable {
					t.Errorf("%v", err)
				}
				if waited := time.Since(start); waited != 20*time.Second {
					t.Errorf("waited %v", waited)
				}
			})
		})
	}
}

func TestWhoeverAsksMayLeave(t *testing.T) {
	for name, s := range map[string]slowStore{
		"lagging": {after: time.Hour, tail: scanlog.Watermark{0: 10}},
		"hanging": {hang: true, tail: scanlog.Watermark{0: 10}},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, s, func(t *testing.T, from taker) {
				ctx, leave := context.WithTimeout(t.Context(), 3*time.Second)
				defer leave()
				start := time.Now()
				_, err := from.Snapshot(ctx, 0)
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, snapshot.ErrBehind) {
					t.Errorf("%v", err)
				}
				if waited := time.Since(start); waited != 3*time.Second {
					t.Errorf("waited %v", waited)
				}
			})
		})
	}
}

// TestWaitingForTheStoreHoldsUpNobody drops days, and takes other snapshots, while one waits.
func TestWaitingForTheStoreHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowStore{start: time.Now(), after: 10 * time.Second, tail: scanlog.Watermark{0: 10}}
		m := snapshot.NewMemory(emptyRegistry{}, s, snapshot.Options{})
		start := time.Now()
		done := make(chan error)
		for range 3 {
			go func() {
				_, err := m.Snapshot(t.Context(), 0)
				done <- err
			}()
		}
		synctest.Wait()
		m.DropBefore(0)
		if waited := time.Since(start); waited != 0 {
			t.Errorf("dropping days waited %v", waited)
		}
		for range 3 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if waited := time.Since(start); waited > 11*time.Second {
			t.Errorf("three snapshots took %v", waited)
		}
	})
}

// stuckStore has everything, and gives none of it before it is let go.
type stuckStore struct {
	slowStore
	entered, release chan struct{}
}

func (s *stuckStore) Read(context.Context, scanlog.Watermark, scanlog.Watermark, func([]scan.Scan) error) error {
	close(s.entered)
	<-s.release
	return nil
}

func TestWhoeverWaitsForAnotherSnapshotMayLeave(t *testing.T) {
	s := &stuckStore{entered: make(chan struct{}), release: make(chan struct{})}
	m := snapshot.NewMemory(emptyRegistry{}, s, snapshot.Options{})
	done := make(chan error)
	go func() {
		_, err := m.Snapshot(t.Context(), 0)
		done <- err
	}()
	<-s.entered
	ctx, leave := context.WithCancelCause(t.Context())
	errLeft := errors.New("left")
	go leave(errLeft)
	if _, err := m.Snapshot(ctx, 0); !errors.Is(err, errLeft) {
		t.Errorf("%v", err)
	}
	close(s.release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestDirectOpensWhatWasStored hands the parts of a real registry and a real log to Open.
func TestDirectOpensWhatWasStored(t *testing.T) {
	r := newReal(t)
	d := newDesk(r)
	d.putPlaces(t.Context(), t, shop)
	d.link(t.Context(), t, mai, person)
	d.append(t.Context(), t, in(mai, nine))
	source := memindex.Build(&tracing.Places{}, nil).AsOf(0)
	opened := 0
	direct := snapshot.NewDirect(d, d, func(
		_ context.Context, w snapshot.World, upTo scanlog.Watermark, asOf int64,
	) (tracing.Source, error) {
		opened++
		if w.Places.Dwell(shop.ID) != 3600 || w.Links.Person(mai) != person || asOf != nine || len(w.Infos) != 1 || w.Revision == 0 {
			t.Error("not what the registry has")
		}
		if upTo[uint32(scan.DayOf(nine))] != 1 {
			t.Errorf("up to %v", upTo)
		}
		return source, nil
	})
	sight, err := direct.Snapshot(t.Context(), nine)
	if err != nil || sight.Source != source || sight.Places.Dwell(shop.ID) != 3600 || opened != 1 {
		t.Errorf("%+v, %v", sight, err)
	}
	if err := r.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := direct.Snapshot(t.Context(), nine); err == nil {
		t.Error("a snapshot of a closed registry")
	}
}
