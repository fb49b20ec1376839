package snapshot_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/tracing/stay"
)

// guarded lets a desk over a model be used by a Memory that runs beside the test.
type guarded struct {
	mu sync.Mutex
	*desk
}

func (g *guarded) Tail(ctx context.Context) (scanlog.Watermark, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.desk.Tail(ctx)
}

func (g *guarded) Read(ctx context.Context, after, upTo scanlog.Watermark, yield func([]scan.Scan) error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.desk.Read(ctx, after, upTo, yield)
}

func (g *guarded) append(t fataler, scans ...stay.Scan) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.desk.append(context.Background(), t, scans...)
}

// Count and ID make the model a store.
func (g *guarded) Count(context.Context) (int64, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return int64(len(g.parts.(*model).stored)), nil
}

func (g *guarded) ID(context.Context) (uuid.UUID, error) { return uuid.UUID{1}, nil }

func newGuarded(t fataler) *guarded {
	g := &guarded{desk: newDesk(&model{dice: rand.New(rand.NewPCG(1, 2))})}
	g.putPlaces(context.Background(), t, shop)
	return g
}

// run runs a Memory until stop is called, which waits for its end.
func run(t *testing.T, m *snapshot.Memory) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// TestRunKeepsUpByItself sees what is accepted in the index within two seconds, though nobody asks. The bubble ends only when
// nothing is left running.
func TestRunKeepsUpByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuarded(t)
		g.append(t, in(mai, nine))
		m := snapshot.NewMemory(g, g, snapshot.Options{})
		if state := m.Status().State; state != snapshot.Loading {
			t.Errorf("before anything: %s", state)
		}
		stop := run(t, m)
		for n := range 5 {
			g.append(t, in(uuid.New(), nine+600))
			time.Sleep(2 * time.Second)
			synctest.Wait()
			tail, err := g.Tail(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			s := m.Status()
			if s.State != snapshot.Live || s.Stays != n+2 || s.People != n+2 || s.Scans != n+2 || !maps.Equal(s.Watermark, tail) ||
				time.Since(s.Fresh) > 2*time.Second || s.Bytes == 0 {
				t.Errorf("after %d scans: %+v", n+2, s)
			}
			if got := listed(t, take(t, m, math.MaxInt64)); got != n+1 {
				t.Errorf("%d are listed of %d", got, n+1)
			}
		}
		stop()
		g.append(t, in(uuid.New(), nine+600))
		if got := listed(t, take(t, m, math.MaxInt64)); got != 6 {
			t.Errorf("when it runs no more %d are listed", got)
		}
	})
}

// TestWhileTheIndexLoads holds up what Run reads at first.
func TestWhileTheIndexLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowStore{start: time.Now(), after: 30 * time.Second, tail: scanlog.Watermark{0: 10}}
		m := snapshot.NewMemory(emptyRegistry{}, s, snapshot.Options{})
		stop := run(t, m)
		defer stop()
		synctest.Wait()
		if _, err := m.Snapshot(t.Context(), 0); !errors.Is(err, snapshot.ErrLoading) || errs.Of(err).RetryAfter == 0 {
			t.Errorf("while it loads: %v", err)
		}
		if state := m.Status().State; state != snapshot.Loading {
			t.Errorf("it is %s", state)
		}
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if _, err := m.Snapshot(t.Context(), 0); err != nil {
			t.Errorf("after it: %v", err)
		}
	})
}

// TestBudget lets more scans come than fit.
func TestBudget(t *testing.T) {
	t.Run("reckoned", func(t *testing.T) {
		g := newGuarded(t)
		for range 100 {
			g.append(t, in(uuid.New(), nine))
		}
		m := snapshot.NewMemory(g, g, snapshot.Options{Store: g, Budget: 99 * snapshot.PerScan})
		if _, err := m.Snapshot(t.Context(), 0); !errors.Is(err, snapshot.ErrOverBudget) || errs.Of(err).RetryAfter == 0 {
			t.Fatalf("%v", err)
		}
		s := m.Status()
		if s.State != snapshot.OverBudget || s.Needed < 100*snapshot.PerScan || s.Budget != 99*snapshot.PerScan || s.Scans != 0 {
			t.Errorf("%+v", s)
		}
	})
	t.Run("grown", func(t *testing.T) {
		g := newGuarded(t)
		m := snapshot.NewMemory(g, g, snapshot.Options{Store: g, Budget: 1 << 20, Dir: filepath.Join(t.TempDir(), "index")})
		g.append(t, in(mai, nine))
		take(t, m, 0)
		fitting := snapshot.NewFitting(m, snapshot.NewDirect(g, fixed2{g}, noSource))
		for day := range int64(20) { // each day takes a chunk
			g.append(t, in(mai, nine+day*scan.SecondsPerDay))
		}
		for range 2 { // nor does it try again while there are as many
			if _, err := m.Snapshot(t.Context(), 0); !errors.Is(err, snapshot.ErrOverBudget) {
				t.Errorf("%v", err)
			}
		}
		if state := m.Status().State; state != snapshot.OverBudget {
			t.Errorf("it is %s", state)
		}
		if _, err := fitting.Snapshot(t.Context(), 0); err != nil {
			t.Errorf("from the store: %v", err)
		}
		m.DropBefore(scan.DayOf(nine) + 18)
		if _, err := g.DropBefore(t.Context(), scan.DayOf(nine)+18); err != nil {
			t.Fatal(err)
		}
		if sight := take(t, m, math.MaxInt64); sight.Source == nil || m.Status().State != snapshot.Live {
			t.Errorf("with fewer scans it is %s", m.Status().State)
		}
	})
}

// fixed2 is a log of which everything is stored.
type fixed2 struct{ *guarded }

func (f fixed2) Stored(ctx context.Context) (scanlog.Watermark, error) { return f.Tail(ctx) }

// TestKeptOverRestarts stops and starts a Memory with scans that come in between, and reads only these again.
func TestKeptOverRestarts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		g := newGuarded(rt)
		g.append(rt, in(mai, nine))
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "looks"), 1))
		stored := func() int { return len(g.parts.(*model).stored) }
		known := 0
		for range rapid.IntRange(1, 4).Draw(rt, "starts") {
			reader := &counting{Reader: g}
			m := snapshot.NewMemory(g, feed{fixed2{g}, reader}, snapshot.Options{
				Store: g, Dir: dir, Clock: func() time.Time { return time.Unix(nine, 0) }, Retention: 240 * time.Hour,
			})
			sight, err := m.Snapshot(t.Context(), math.MaxInt64)
			if err != nil {
				rt.Fatal(err)
			}
			if reader.read != stored()-known {
				rt.Fatalf("%d scans were read of %d, of which %d were kept", reader.read, stored(), known)
			}
			if difference, err := g.compare(t.Context(), sight, dice); difference != "" || err != nil {
				rt.Fatal(difference, err)
			}
			for range rapid.IntRange(0, 20).Draw(rt, "scans") {
				one := in(uuid.New(), nine+3600*rapid.Int64Range(-100, 0).Draw(rt, "at"))
				g.append(rt, one)
			}
			if _, err := m.Snapshot(t.Context(), math.MaxInt64); err != nil {
				rt.Fatal(err)
			}
			known = stored()
			ended, end := context.WithCancel(t.Context())
			end()
			m.Run(ended)
			for range rapid.IntRange(0, 5).Draw(rt, "scans in between") {
				g.append(rt, in(uuid.New(), nine+60))
			}
		}
	})
}

// TestKeptThatCannotBeUsed starts on files of another log, of other days, and damaged ones.
func TestKeptThatCannotBeUsed(t *testing.T) {
	var log strings.Builder
	dir := filepath.Join(t.TempDir(), "index")
	begin := func(g *guarded, at int64) *snapshot.Memory {
		return snapshot.NewMemory(g, g, snapshot.Options{
			Store: g, Dir: dir, Clock: func() time.Time { return time.Unix(at, 0) }, Retention: 48 * time.Hour,
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
	}
	finish := func(m *snapshot.Memory) {
		ended, end := context.WithCancel(t.Context())
		end()
		m.Run(ended)
	}
	g := newGuarded(t)
	g.append(t, in(mai, nine), in(nam, nine+600), in(nam, nine+2*scan.SecondsPerDay))
	m := begin(g, nine)
	take(t, m, 0)
	finish(m)

	later := begin(g, nine+4*scan.SecondsPerDay)
	take(t, later, 0)
	if got := later.Status().Scans; got != 1 {
		t.Errorf("of three scans, one of them young enough, %d were taken over", got)
	}

	emptied := newGuarded(t)
	emptied.append(t, in(mai, nine))
	m = begin(emptied, nine)
	if take(t, m, 0); m.Status().Scans != 1 || !strings.Contains(log.String(), "further than the scan log") {
		t.Errorf("over a log that was put back: %d scans\n%s", m.Status().Scans, log.String())
	}

	files, err := filepath.Glob(filepath.Join(dir, "*.scans"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	if err := os.Truncate(files[0], 100); err != nil {
		t.Fatal(err)
	}
	m = begin(g, nine)
	if take(t, m, 0); m.Status().Scans != 3 || !strings.Contains(log.String(), "damaged") {
		t.Errorf("over a damaged file: %d scans\n%s", m.Status().Scans, log.String())
	}
	finish(m)
	if take(t, begin(g, nine), 0); strings.Count(log.String(), "cannot be used") != 2 {
		t.Errorf("it was not written anew:\n%s", log.String())
	}
}

// lazy is a feed that takes its time over each scan.
type lazy struct {
	*guarded
	each time.Duration
}

func (l lazy) Read(ctx context.Context, after, upTo scanlog.Watermark, yield func([]scan.Scan) error) error {
	var all []scan.Scan
	err := l.guarded.Read(ctx, after, upTo, func(block []scan.Scan) error {
		all = append(all, block...)
		return nil
	})
	for i := range all {
		if err == nil {
			time.Sleep(l.each)
			err = yield(all[i : i+1])
		}
	}
	return err
}

// TestWhoeverAsksHurriesTheUpkeep has much come, which is taken in bit by bit, and asks before that is over.
func TestWhoeverAsksHurriesTheUpkeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuarded(t)
		g.append(t, in(mai, nine))
		l := lazy{g, 10 * time.Millisecond}
		m := snapshot.NewMemory(g, l, snapshot.Options{})
		stop := run(t, m)
		defer stop()
		time.Sleep(time.Second)
		const more = 100
		for range more {
			g.append(t, in(uuid.New(), nine+600))
		}
		time.Sleep(time.Second)
		if scans := m.Status().Scans; scans < 5 || scans > more/4 {
			t.Errorf("after a second %d scans are in", scans)
		}
		began := time.Now()
		got := listed(t, take(t, m, math.MaxInt64))
		if waited := time.Since(began); got != more || waited > (more+5)*l.each {
			t.Errorf("%d are listed, after %v", got, waited)
		}
	})
}
