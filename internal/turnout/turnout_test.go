package turnout_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/internal/turnout"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
)

// town is stays that are there as they are, and a clock.
type town struct {
	now   time.Time
	stays []tracing.Stay
	trips []registry.Trip         // the latest first
	site  map[uuid.UUID]uuid.UUID // of a part
	asked atomic.Int32
	fault error
	held  chan struct{} // where it is not nil, stays are given once it is closed
}

func (t *town) Snapshot(_ context.Context, asOf int64) (snapshot.Snapshot, error) {
	t.asked.Add(1)
	if t.held != nil {
		<-t.held
	}
	if t.fault != nil {
		return snapshot.Snapshot{}, t.fault
	}
	var infos []tracing.PlaceInfo
	known := make(map[uuid.UUID]bool)
	for _, s := range t.stays {
		if !known[s.Place.ID] {
			known[s.Place.ID] = true
			infos = append(infos, tracing.PlaceInfo{ID: s.Place.ID, Parent: t.site[s.Place.ID], Dwell: 3600})
		}
	}
	places, err := tracing.NewPlaces(infos)
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	return snapshot.Snapshot{Source: memindex.Build(places, t.stays).AsOf(asOf), Places: places, AsOf: asOf}, nil
}

func (t *town) service(zone *time.Location) *turnout.Service {
	return turnout.New(t, t, func() time.Time { return t.now }, zone)
}

func (t *town) Since(vehicle uuid.UUID, at int64) (ids []uuid.UUID) {
	for _, trip := range t.trips {
		if trip.Vehicle == vehicle && trip.Over() > at {
			ids = append(ids, trip.ID)
		}
	}
	return ids
}

func (t *town) TripsOf(_ context.Context, vehicle uuid.UUID, since int64, limit int) (list []registry.Trip, _ error) {
	for _, trip := range t.trips {
		if trip.Vehicle == vehicle && trip.Began >= since && len(list) < limit {
			list = append(list, trip)
		}
	}
	return list, nil
}

// came adds a stay of somebody new.
func (t *town) came(place uuid.UUID, at time.Time) {
	t.stays = append(t.stays, tracing.Stay{
		Person: uuid.New(), Place: tracing.Place{ID: place}, Enter: at.Unix(), Leave: at.Add(time.Hour).Unix(), Basis: tracing.Assumed,
	})
}

var vietnam = time.FixedZone("+07", 7*3600)

// TestTableAgainstCounting draws arrivals and counts them one by one, in zones of whole and of half hours.
func TestTableAgainstCounting(t *testing.T) {
	zones := []*time.Location{vietnam, time.UTC, time.FixedZone("+05:30", 19800)}
	rapid.Check(t, func(r *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(r, "zone")
		w := &town{now: time.Unix(1_800_000_000+rapid.Int64Range(0, 86400).Draw(r, "now"), 0)}
		places := []uuid.UUID{uuid.New(), uuid.New()}
		for _, ago := range rapid.SliceOfN(rapid.Int64Range(1, 9*86400), 1, 60).Draw(r, "ago") {
			if rapid.Bool().Draw(r, "crowd") {
				for range turnout.Fewest {
					w.came(places[0], w.now.Add(-time.Duration(ago)*time.Second))
				}
			}
			w.came(places[ago%2], w.now.Add(-time.Duration(ago)*time.Second))
		}
		table, err := w.service(zone).Table(t.Context(), places[0])
		if err != nil {
			r.Fatal(err)
		}
		if len(table.Days) != turnout.Days || len(table.Days[0].Hours) != 24 {
			r.Fatalf("%d days, the first of %d hours", len(table.Days), len(table.Days[0].Hours))
		}
		for _, d := range table.Days {
			if clock := time.Unix(d.Start, 0).In(zone); clock.Hour() != 0 || clock.Minute() != 0 {
				r.Fatalf("a day begins at %s", clock)
			}
			for _, h := range d.Hours {
				n := 0
				for _, s := range w.stays {
					if s.Place.ID == places[0] && s.Enter >= h.Start && s.Enter < h.Start+3600 {
						n++
					}
				}
				want := turnout.Hour{Start: h.Start, People: n}
				if n > 0 && n < turnout.Fewest {
					want = turnout.Hour{Start: h.Start, Few: true}
				}
				if h != want {
					r.Fatalf("%+v, want %+v", h, want)
				}
			}
		}
	})
}

// TestOnePersonIsNoCrowd has somebody go in and out of one place for an hour, and five people come twice to another.
func TestOnePersonIsNoCrowd(t *testing.T) {
	begun := time.Date(2026, 11, 23, 8, 0, 0, 0, vietnam)
	w := &town{now: begun.Add(90 * time.Minute)}
	alone, busy := uuid.New(), uuid.New()
	visit := func(place, person uuid.UUID, minute int) {
		at := begun.Add(time.Duration(minute) * time.Minute).Unix()
		w.stays = append(w.stays, tracing.Stay{
			Person: person, Place: tracing.Place{ID: place}, Enter: at, Leave: at + 60, Basis: tracing.Checkout,
		})
	}
	one := uuid.New()
	for n := range 12 {
		visit(alone, one, 5*n)
	}
	for range turnout.Fewest {
		person := uuid.New()
		visit(busy, person, 10)
		visit(busy, person, 40)
	}
	for place, want := range map[uuid.UUID]turnout.Hour{
		alone: {Start: begun.Unix(), Few: true}, busy: {Start: begun.Unix(), People: turnout.Fewest},
	} {
		table, err := w.service(vietnam).Table(t.Context(), place)
		if err != nil {
			t.Fatal(err)
		}
		if got := table.Days[turnout.Days-1].Hours[8]; got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

// TestPresentAgainstCounting draws who came and went, at a site and its rooms, and counts who is there.
func TestPresentAgainstCounting(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := &town{now: time.Unix(1_800_000_000, 0), site: make(map[uuid.UUID]uuid.UUID)}
		site, room, other := uuid.New(), uuid.New(), uuid.New()
		w.site[room] = site
		w.came(site, w.now.Add(-48*time.Hour))
		people := make([]uuid.UUID, 12)
		for i := range people {
			people[i] = uuid.New()
		}
		there := map[uuid.UUID]map[uuid.UUID]bool{site: {}, room: {}, other: {}}
		for range rapid.IntRange(0, 40).Draw(r, "stays") {
			s := tracing.Stay{
				Person: rapid.SampledFrom(people).Draw(r, "who"), Basis: tracing.Assumed,
				Place: tracing.Place{ID: rapid.SampledFrom([]uuid.UUID{site, room, other}).Draw(r, "where")},
				Enter: w.now.Unix() - rapid.Int64Range(1, 7200).Draw(r, "ago"),
			}
			s.Leave = s.Enter + rapid.Int64Range(1, 7200).Draw(r, "for")
			w.stays = append(w.stays, s)
			if s.Leave >= w.now.Unix() {
				there[s.Place.ID][s.Person] = true
				if w.site[s.Place.ID] == site {
					there[site][s.Person] = true
				}
			}
		}
		for _, place := range []uuid.UUID{site, room, other} {
			got, err := w.service(vietnam).Present(t.Context(), place, place != room)
			if err != nil {
				r.Fatal(err)
			}
			want := turnout.Present{AsOf: w.now.Unix(), People: len(there[place])}
			if want.People > 0 && want.People < turnout.Fewest {
				want.People, want.Few = 0, true
			}
			if got != want {
				r.Fatalf("%+v, want %+v", got, want)
			}
		}
	})
}

func TestAtLeastTellsNoSmallNumber(t *testing.T) {
	d := turnout.Day{Hours: []turnout.Hour{{People: 7}, {Few: true}, {People: 5}, {}}}
	if n, more := d.AtLeast(); n != 12 || !more {
		t.Errorf("%d, more: %v", n, more)
	}
}

// TestQuiet has the clock at 10:00 on Monday 23 November 2026.
func TestQuiet(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, vietnam)
	w := &town{now: now}
	var all []registry.Place
	want := make(map[string]time.Time)
	add := func(name, hours string, last, since time.Duration) {
		p := registry.Place{ID: uuid.New(), Name: name, Hours: hours, Created: now.Add(-30 * 24 * time.Hour).Unix()}
		if last > 0 {
			w.came(p.ID, now.Add(-last))
		}
		if since > 0 {
			want[name] = now.Add(-since)
		}
		all = append(all, p)
	}
	const day = 24 * time.Hour
	weekdays := "Mo-Fr 08:00-17:00"
	add("always open, yesterday", "24/7", 23*time.Hour, 0)
	add("always open, longer", "24/7", 25*time.Hour, day)
	add("unknown hours, never", "", 0, day)
	add("closed at the week-end, Friday noon", weekdays, 2*day+22*time.Hour, 0)
	add("closed at the week-end, Thursday", weekdays, 4*day, 3*day-2*time.Hour+4*time.Hour)
	add("over midnight, last night", "22:00-03:00", 8*time.Hour, 0)
	add("over midnight, the night before", "22:00-03:00", 34*time.Hour, 12*time.Hour)
	add("never open", "Mo-Su off", 2*day, day)
	young := registry.Place{ID: uuid.New(), Name: "new", Created: now.Add(-time.Hour).Unix()}
	bus := registry.Place{ID: uuid.New(), Name: "bus", Kind: qrgen.KindVehicle}
	trip := registry.Trip{ID: uuid.New(), Vehicle: bus.ID, Began: now.Add(-3 * time.Hour).Unix()}
	w.trips = append(w.trips, trip)
	w.stays = append(w.stays, tracing.Stay{
		Person: uuid.New(), Place: tracing.Place{ID: bus.ID, Trip: trip.ID}, Enter: trip.Began, Leave: trip.Began + 60, Basis: tracing.Assumed,
	})
	all = append(all, young, bus, registry.Place{ID: uuid.New(), Name: "idle bus", Kind: qrgen.KindVehicle})
	want["idle bus"] = now.Add(-day)

	got, err := w.service(vietnam).Quiet(t.Context(), uuid.New(), all)
	if err != nil {
		t.Fatal(err)
	}
	if got.Count != len(want) || len(got.First) != len(want) {
		t.Errorf("%d are quiet, want %d", got.Count, len(want))
	}
	for _, q := range got.First {
		if since, quiet := want[q.Place.Name]; !quiet || since.Unix() != q.Since {
			t.Errorf("%s is quiet since %s, want %s", q.Place.Name, time.Unix(q.Since, 0).In(vietnam), since)
		}
	}
}

// TestAnswersAreKept asks twice within a minute and once after it, about two things.
func TestAnswersAreKept(t *testing.T) {
	w := &town{now: time.Unix(1_800_000_000, 0), fault: errors.New("no stays at this moment")}
	s := w.service(vietnam)
	place, owner := uuid.New(), uuid.New()
	ask := func() []error {
		_, table := s.Table(t.Context(), place)
		_, quiet := s.Quiet(t.Context(), owner, nil)
		_, present := s.Present(t.Context(), place, false)
		return []error{table, quiet, present}
	}
	for _, err := range ask() {
		if !errors.Is(err, w.fault) {
			t.Errorf("a failure is answered with %v", err)
		}
	}
	w.fault = nil
	for _, after := range []time.Duration{0, time.Second, time.Minute} {
		w.now = w.now.Add(after)
		if faults := ask(); slices.ContainsFunc(faults, func(err error) bool { return err != nil }) {
			t.Fatal(faults)
		}
	}
	if n := w.asked.Load(); n != 9 {
		t.Errorf("the stays were asked for %d times", n)
	}
}

// TestWaitingForAnAnswer asks the same ten times while the first two answers are worked out.
func TestWaitingForAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &town{now: time.Unix(1_800_000_000, 0), held: make(chan struct{})}
		s := w.service(vietnam)
		place := uuid.New()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if _, err := s.Table(t.Context(), place); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(w.held)
		all.Wait()
		if n := w.asked.Load(); n != 2 {
			t.Errorf("the stays were asked for %d times", n)
		}
	})
}
