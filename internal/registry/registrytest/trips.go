package registrytest

import (
	"bytes"
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// Trips are the runs of vehicles.
type Trips interface {
	BeginTrip(ctx context.Context, t registry.Trip) (registry.Trip, error)
	PutTrips(ctx context.Context, trips []registry.Trip) error
	EndTrip(ctx context.Context, vehicle, id uuid.UUID, at int64) (registry.Trip, error)
	TripChanges(ctx context.Context, known, since int64) (registry.TripChanges, error)
	TripsOf(ctx context.Context, vehicle uuid.UUID, since int64, limit int) ([]registry.Trip, error)
	Trips(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]registry.Trip, error)
	CountTripsBefore(ctx context.Context, began int64) (int64, error)
	DropTripsBefore(ctx context.Context, began int64) error
}

const aDay = 24 * 3600

func testTrips(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	must(t, s.PutPlaces(ctx, []registry.Place{place(1, uuid.Nil), place(2, uuid.Nil)}))
	bus, other := id(0xc0, 1), id(0xc0, 2)
	trip := func(n byte, began int64) registry.Trip {
		return registry.Trip{ID: id(0x20, n), Vehicle: bus, Route: "Cửa Lạch – Hà Nội", Began: began}
	}
	ended := func(t registry.Trip, at int64) registry.Trip {
		t.Ended = at
		return t
	}
	first, second, third := trip(3, 1000), trip(2, 5000), trip(1, 5000+2*aDay)
	of := func(since int64, limit int) func(want ...registry.Trip) {
		t.Helper()
		got, err := s.TripsOf(ctx, bus, since, limit)
		return func(want ...registry.Trip) {
			t.Helper()
			wantValue(t, append([]registry.Trip{}, want...))(got, err)
		}
	}
	of(0, 9)()
	wantValue(t, first)(s.BeginTrip(ctx, ended(first, 7))) // how it ends is not for its beginning to say
	wantValue(t, second)(s.BeginTrip(ctx, second))
	of(0, 9)(second, ended(first, 5000))
	wantValue(t, third)(s.BeginTrip(ctx, third))
	of(0, 9)(third, ended(second, 5000+aDay), ended(first, 5000)) // nobody ended it: it was over by itself
	of(0, 1)(third)
	of(5000, 9)(third, ended(second, 5000+aDay))

	again := second
	again.Route, again.Began = "elsewhere", 9
	wantValue(t, ended(second, 5000+aDay))(s.BeginTrip(ctx, again))
	again.Vehicle = other
	_, err := s.BeginTrip(ctx, again)
	wantError(t, err, registry.ErrExists)
	_, err = s.BeginTrip(ctx, registry.Trip{ID: id(0x20, 9), Vehicle: id(0xc0, 9), Began: 1})
	wantError(t, err, registry.ErrDangling)

	for _, step := range []struct{ at, want int64 }{{7000, 7000}, {8000, 7000}, {6000, 6000}, {10, 5000}} {
		wantValue(t, ended(second, step.want))(s.EndTrip(ctx, bus, second.ID, step.at))
	}
	wantValue(t, ended(third, third.Began+aDay))(s.EndTrip(ctx, bus, third.ID, third.Began+9*aDay))
	_, err = s.EndTrip(ctx, other, third.ID, 5)
	wantError(t, err, registry.ErrNotFound)
	_, err = s.EndTrip(ctx, bus, id(0x20, 9), 5)
	wantError(t, err, registry.ErrNotFound)

	late := trip(4, 2000) // told of when others had begun
	wantValue(t, ended(late, 5000))(s.BeginTrip(ctx, late))
	of(0, 9)(ended(third, third.Began+aDay), ended(second, 5000), ended(late, 5000), ended(first, 2000))
	wantValue(t, map[uuid.UUID]registry.Trip{first.ID: ended(first, 2000)})(s.Trips(ctx, []uuid.UUID{first.ID, id(0x20, 9)}))
	wantValue(t, map[uuid.UUID]registry.Trip{})(s.Trips(ctx, nil))

	wantValue(t, int64(2))(s.CountTripsBefore(ctx, 5000))
	must(t, s.DropTripsBefore(ctx, 5000))
	wantValue(t, int64(0))(s.CountTripsBefore(ctx, 5000))
	of(0, 9)(ended(third, third.Began+aDay), ended(second, 5000))

	more := []registry.Trip{ended(trip(6, 9000), 9500), trip(7, 9600)}
	wantError(t, s.PutTrips(ctx, append(more, second)), registry.ErrExists)
	before, err := s.TripChanges(ctx, -1, 0)
	must(t, err)
	must(t, s.PutTrips(ctx, more))
	wantValue(t, registry.TripChanges{Changes: before.Changes + 1, Trips: more})(s.TripChanges(ctx, before.Changes, 0))
}

// testTripChanges follows the changes of trips, and compares with what is.
func testTripChanges(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	must(t, s.PutPlaces(ctx, []registry.Place{place(1, uuid.Nil), place(2, uuid.Nil)}))
	changes := func(known, since int64) registry.TripChanges {
		t.Helper()
		c, err := s.TripChanges(ctx, known, since)
		must(t, err)
		return c
	}
	followed := changes(-1, 0)
	if !followed.Whole || len(followed.Trips) != 0 {
		t.Fatalf("at first there is %+v", followed)
	}
	seed := rand.Uint64()
	dice := rand.New(rand.NewPCG(seed, 0))
	for n := range byte(60) {
		vehicle := id(0xc0, 1+byte(dice.IntN(2)))
		var err error
		if trip := id(0x20, byte(dice.IntN(int(n)+1))); dice.IntN(2) == 0 {
			_, err = s.EndTrip(ctx, vehicle, trip, dice.Int64N(4*aDay))
		} else {
			_, err = s.BeginTrip(ctx, registry.Trip{ID: id(0x20, n), Vehicle: vehicle, Began: dice.Int64N(3 * aDay)})
		}
		if err != nil {
			wantError(t, err, registry.ErrNotFound)
		}
		if now := changes(followed.Changes, 0); now.Changes != followed.Changes {
			if now.Whole {
				t.Error("everything was read again")
			}
			followed.Changes = now.Changes
			followed.Trips = replaced(followed.Trips, now.Trips, func(t registry.Trip) uuid.UUID { return t.ID })
		} else if now.Trips != nil {
			t.Errorf("nothing has changed, and %d trips were read", len(now.Trips))
		}
	}
	slices.SortFunc(followed.Trips, func(a, b registry.Trip) int {
		return cmp.Or(bytes.Compare(a.Vehicle[:], b.Vehicle[:]), cmp.Compare(a.Began, b.Began), bytes.Compare(a.ID[:], b.ID[:]))
	})
	t.Log("seed", seed)
	wantSame(t, changes(followed.Changes+1, 0).Trips, followed.Trips)
	until := int64(0)
	for i, trip := range followed.Trips { // no two of a vehicle are under way at once
		if i > 0 && trip.Vehicle == followed.Trips[i-1].Vehicle && trip.Began < until {
			t.Errorf("%+v began before %d", trip, until)
		}
		until = trip.Over()
	}
	late := slices.DeleteFunc(followed.Trips, func(t registry.Trip) bool { return t.Began < aDay })
	wantSame(t, late, changes(-1, aDay).Trips)
}
