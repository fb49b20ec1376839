package turnout_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/turnout"
	"github.com/truyvet/truyvet/tracing"
)

// TestRidesAgainstCounting draws who came aboard on which run of two buses, and counts them one by one.
func TestRidesAgainstCounting(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := &town{now: time.Date(2026, 11, 23, 17, 0, 0, 0, vietnam)}
		bus, other := uuid.New(), uuid.New()
		people := make([]uuid.UUID, 12)
		for i := range people {
			people[i] = uuid.New()
		}
		came, there := make(map[uuid.UUID]map[uuid.UUID]bool), make(map[uuid.UUID]map[uuid.UUID]bool)
		began := w.now.Unix()
		for range rapid.IntRange(1, 10).Draw(r, "trips") {
			began -= rapid.Int64Range(3600, 30*3600).Draw(r, "earlier")
			trip := registry.Trip{ID: uuid.New(), Vehicle: rapid.SampledFrom([]uuid.UUID{bus, other}).Draw(r, "bus"), Began: began}
			w.trips = append(w.trips, trip)
			came[trip.ID], there[trip.ID] = make(map[uuid.UUID]bool), make(map[uuid.UUID]bool)
			for _, person := range people {
				at := began
				for range rapid.IntRange(0, 2).Draw(r, "times") {
					basis := rapid.SampledFrom([]tracing.Basis{tracing.Checkout, tracing.Moved, tracing.Assumed}).Draw(r, "basis")
					w.stays = append(w.stays, tracing.Stay{
						Person: person, Place: tracing.Place{ID: trip.Vehicle, Trip: trip.ID}, Enter: at, Leave: at + 600, Basis: basis,
					})
					at += 600 + 300*rapid.Int64Range(0, 1).Draw(r, "pause")
					came[trip.ID][person], there[trip.ID][person] = true, basis == tracing.Assumed
				}
			}
		}
		w.came(bus, w.now.Add(-time.Hour)) // with no run
		s := w.service(vietnam)
		got, err := s.Rides(t.Context(), bus)
		if err != nil {
			r.Fatal(err)
		}
		since := time.Date(2026, 11, 17, 0, 0, 0, 0, vietnam).Unix()
		want := &turnout.Rides{AsOf: w.now.Unix()}
		for _, trip := range w.trips {
			if trip.Vehicle != bus || trip.Began < since {
				continue
			}
			ride := turnout.Ride{Trip: trip, People: len(came[trip.ID])}
			if ride.People < turnout.Fewest {
				ride.People, ride.Few = 0, ride.People > 0
			}
			want.Rides = append(want.Rides, ride)
			aboard, err := s.Aboard(t.Context(), trip)
			if err != nil {
				r.Fatal(err)
			}
			n := 0
			for _, is := range there[trip.ID] {
				if is {
					n++
				}
			}
			if aboard.Came != len(came[trip.ID]) || aboard.There != n {
				r.Fatalf("%+v, want %d and %d", aboard, len(came[trip.ID]), n)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			r.Fatalf("the rides differ (-want +got):\n%s", d)
		}
		table, err := s.Table(t.Context(), bus)
		if err != nil {
			r.Fatal(err)
		}
		if today := table.Days[turnout.Days-1]; slices.IndexFunc(today.Hours, func(h turnout.Hour) bool { return h.People > 0 }) >= 0 {
			r.Fatalf("who was on a run counts among the hours: %+v", today)
		}
	})
}

// TestPresentInAVehicle counts who is on the trip that is under way and on none, and not who was on a trip that is over.
func TestPresentInAVehicle(t *testing.T) {
	w := &town{now: time.Date(2026, 11, 23, 17, 0, 0, 0, vietnam)}
	bus, now := uuid.New(), w.now.Unix()
	out := registry.Trip{ID: uuid.New(), Vehicle: bus, Began: now - 7200, Ended: now - 600}
	back := registry.Trip{ID: uuid.New(), Vehicle: bus, Began: now - 300}
	w.trips = []registry.Trip{back, out}
	for trip, n := range map[uuid.UUID]int{out.ID: 7, back.ID: 5, uuid.Nil: 1} {
		for range n {
			w.stays = append(w.stays, tracing.Stay{
				Person: uuid.New(), Place: tracing.Place{ID: bus, Trip: trip}, Enter: now - 100, Leave: now + 100, Basis: tracing.Assumed,
			})
		}
	}
	got, err := w.service(vietnam).Present(t.Context(), bus, true)
	if want := (turnout.Present{AsOf: now, People: 6}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}
