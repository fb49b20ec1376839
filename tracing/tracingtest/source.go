package tracingtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/truyvet/truyvet/tracing"
)

// chunk is how many worlds are made into sources at once, at most.
const chunk = 1000

// Maker makes a source for each of some worlds, in their order.
type Maker = func(t *testing.T, worlds []World) []tracing.Source

// requestsPerWorld is how often each world is traced.
const requestsPerWorld = 3

// RunSource runs the conformance suite of [tracing.Source] on as many random small worlds as asked for. Each of makers makes
// a source for each of the worlds that it is given (up to 1,000, so that they may share tables), in their order; it may be
// called several times. Every trace of every source is compared with the naive oracle byte for byte, what is reached and its
// evidence with the same lists, and every answer of the source with the contract. An [Explainer] is asked about every stay. The oracle is asked once for all makers. A
// failure names its seed, for RunSeed.
func RunSource(t *testing.T, worlds int, makers ...Maker) {
	t.Helper()
	for first := 0; first < worlds; first += chunk {
		seeds := make([]uint64, min(chunk, worlds-first))
		for i := range seeds {
			seeds[i] = uint64(first + i)
		}
		runSeeds(t, seeds, makers)
		if t.Failed() {
			return
		}
	}
}

// RunSeed runs the suite on the world of one seed.
func RunSeed(t *testing.T, seed uint64, makers ...Maker) {
	t.Helper()
	runSeeds(t, []uint64{seed}, makers)
}

func runSeeds(t *testing.T, seeds []uint64, makers []Maker) {
	t.Helper()
	worlds := make([]World, len(seeds))
	for i, seed := range seeds {
		worlds[i] = RandomWorld(seed)
	}
	sources := make([][]tracing.Source, len(worlds))
	for n, maker := range makers {
		made := maker(t, worlds)
		if len(made) != len(worlds) {
			t.Fatalf("maker %d: %d sources were made for %d worlds", n, len(made), len(worlds))
		}
		for i := range made {
			sources[i] = append(sources[i], made[i])
		}
	}
	for i, seed := range seeds {
		if err := checkWorld(t.Context(), worlds[i], seed, sources[i]...); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, worlds[i])
		}
	}
}

// checkWorld asks and traces the sources of a world, several traces at once.
func checkWorld(ctx context.Context, w World, seed uint64, sources ...tracing.Source) error {
	d := newDice(^seed)
	d.world = w
	d.from, d.to = span(w)
	requests := make([]tracing.Request, requestsPerWorld)
	for i := range requests {
		requests[i] = d.request()
	}
	stays, united := NaiveStays(w), make(map[tracing.Scope][]tracing.United)
	for _, scope := range []tracing.Scope{tracing.ScopePart, tracing.ScopePlace, tracing.ScopeSite} {
		united[scope] = naiveUnited(w, stays, scope)
	}
	faults := make([]error, len(requests))
	var wait sync.WaitGroup
	for i, req := range requests {
		wait.Go(func() { faults[i] = checkRequest(ctx, naiveWalk(united[req.Numbers.Scope], req), req, sources) })
	}
	wait.Wait()
	for _, src := range sources {
		if e, is := src.(Explainer); is {
			faults = append(faults, CheckWhy(ctx, w, e))
		}
	}
	return errors.Join(append(faults, checkAnswers(ctx, d, united, sources))...)
}

// checkRequest traces every source.
func checkRequest(ctx context.Context, report *tracing.Report, req tracing.Request, sources []tracing.Source) error {
	want, err := newOracle(report, req)
	if err != nil {
		return err
	}
	for n, src := range sources {
		if fault := errors.Join(want.checkTrace(ctx, src), want.checkReach(ctx, src)); fault != nil {
			err = errors.Join(err, fmt.Errorf("source %d: %w", n, fault))
		}
	}
	return err
}

// span returns the times between which a world's scans are, or any span for a world without scans.
func span(w World) (from, to int64) {
	if len(w.Scans) == 0 {
		return 1_638_316_800, 1_638_403_200
	}
	from, to = math.MaxInt64, 0
	for _, s := range w.Scans {
		from, to = min(from, s.At), max(to, s.At)
	}
	return from - 3600, to + 3600
}

// checkTrace compares a trace with the oracle's.
func (o *oracle) checkTrace(ctx context.Context, src tracing.Source) error {
	report, err := tracing.Trace(ctx, src, o.req)
	if err != nil {
		return fmt.Errorf("tracing %+v: %w", o.req, err)
	}
	got, err := json.Marshal(report)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, o.text) {
		return fmt.Errorf("request %+v\n got %s\nwant %s", o.req, got, o.text)
	}
	return nil
}

// checkAnswers compares what both methods of the sources yield with what the contract says.
func checkAnswers(ctx context.Context, d *dice, all map[tracing.Scope][]tracing.United, sources []tracing.Source) error {
	for _, scope := range []tracing.Scope{tracing.ScopePart, tracing.ScopePlace, tracing.ScopeSite} {
		united := all[scope]
		people, places := d.personWindows(), d.placeWindows(united)
		ofPeople, atPlaces := make([][]string, len(people)), make([][]string, len(places))
		for i, w := range people {
			ofPeople[i] = thatMeet(united, w.From, w.To, func(u tracing.United) bool { return u.Person == w.Person })
		}
		for i, w := range places {
			atPlaces[i] = thatMeet(united, w.From, w.To, func(u tracing.United) bool { return u.Place == w.Place })
		}
		for n, src := range sources {
			err := checkAnswer(ofPeople, func(yield func(int, tracing.United) error) error { return src.OfPeople(ctx, scope, people, yield) })
			if err != nil {
				return fmt.Errorf("source %d: OfPeople, scope %s, windows %v: %w", n, scope, people, err)
			}
			err = checkAnswer(atPlaces, func(yield func(int, tracing.United) error) error { return src.AtPlaces(ctx, scope, places, yield) })
			if err != nil {
				return fmt.Errorf("source %d: AtPlaces, scope %s, windows %v: %w", n, scope, places, err)
			}
		}
	}
	return nil
}

// window returns a window that is often empty, short or endless.
func (d *dice) window() (from, to int64) {
	switch d.IntN(5) {
	case 0:
		return 0, math.MaxInt64
	case 1:
		t := d.time()
		return t, t
	case 2:
		t := d.time()
		return t, t + 1
	default:
		return d.time(), d.time()
	}
}

func (d *dice) personWindows() []tracing.PersonWindow {
	people := append(d.world.people(), d.id())
	windows := make([]tracing.PersonWindow, d.IntN(6))
	for i := range windows {
		from, to := d.window()
		windows[i] = tracing.PersonWindow{Person: pick(d, people), From: from, To: to}
	}
	return windows
}

func (d *dice) placeWindows(united []tracing.United) []tracing.PlaceWindow {
	places := []tracing.Place{{ID: d.id()}}
	for _, p := range d.world.Places { // among them some that are no contact place
		places = append(places, tracing.Place{ID: p.ID})
	}
	for _, u := range united {
		places = append(places, u.Place)
	}
	windows := make([]tracing.PlaceWindow, d.IntN(6))
	for i := range windows {
		from, to := d.window()
		windows[i] = tracing.PlaceWindow{Place: pick(d, places), From: from, To: to}
	}
	return windows
}

// thatMeet returns, in words and sorted, the united stays that meet a window and are wanted.
func thatMeet(united []tracing.United, from, to int64, wanted func(tracing.United) bool) []string {
	var met []string
	for _, u := range united {
		if from < to && u.Enter < to && from < u.Leave && wanted(u) {
			met = append(met, fmt.Sprint(u))
		}
	}
	slices.Sort(met)
	return met
}

// checkAnswer runs ask and compares what it yields for each window with what is wanted, then checks that an error of yield
// ends the call.
func checkAnswer(wanted [][]string, ask func(func(int, tracing.United) error) error) error {
	got := make([][]string, len(wanted))
	yields := 0
	err := ask(func(i int, u tracing.United) error {
		if i < 0 || i >= len(wanted) {
			return fmt.Errorf("yielded for window %d of %d", i, len(wanted))
		}
		got[i] = append(got[i], fmt.Sprint(u))
		yields++
		return nil
	})
	if err != nil {
		return err
	}
	for i, want := range wanted {
		slices.Sort(got[i])
		if !slices.Equal(got[i], want) {
			return fmt.Errorf("window %d:\n got %s\nwant %s", i, strings.Join(got[i], "\n     "), strings.Join(want, "\n     "))
		}
	}
	if yields == 0 {
		return nil
	}
	stop, calls := errors.New("stop"), 0
	err = ask(func(int, tracing.United) error {
		calls++
		return stop
	})
	if err != stop || calls != 1 { //nolint:errorlint // the contract: as it is
		return fmt.Errorf("an error of yield came back as %v after %d calls of yield", err, calls)
	}
	return nil
}
