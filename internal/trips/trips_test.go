package trips_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore"
	"github.com/truyvet/truyvet/internal/trips"
	"github.com/truyvet/truyvet/qrgen"
)

const (
	keep = 21 * 24 * time.Hour
	day  = 24 * time.Hour

	route = "Cửa Lạch – Hà Nội"
)

var morning = time.Date(2021, 12, 1, 6, 0, 0, 0, time.UTC)

// depot is a registry with vehicles and other places, whose servers have one clock.
type depot struct {
	store *sqlstore.Store
	now   time.Time
	of    registry.Organisation
	kinds map[uuid.UUID]qrgen.Kind
}

func newDepot(t *testing.T) *depot {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), filepath.Join(t.TempDir(), "registry.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	d := &depot{store: store, now: morning, of: registry.Organisation{ID: uuid.New(), Name: "Xe khách"}, kinds: make(map[uuid.UUID]qrgen.Kind)}
	must(t, store.Migrate(t.Context()))
	must(t, store.PutOrganisation(t.Context(), d.of))
	return d
}

// gate is that of a new place.
func (d *depot) gate(t *testing.T, kind qrgen.Kind) registry.Account {
	t.Helper()
	p := registry.Place{ID: uuid.New(), Organisation: d.of.ID, Kind: kind, Name: "51B-123.45", Serial: 1}
	must(t, d.store.PutPlaces(t.Context(), []registry.Place{p}))
	d.kinds[p.ID] = kind
	return registry.Account{ID: uuid.New(), Role: registry.RoleGate, Place: p.ID}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// server returns what one server knows.
func (d *depot) server(t *testing.T) *trips.Service {
	t.Helper()
	s := trips.New(trips.Deps{
		Store: d.store, Clock: func() time.Time { return d.now }, Keep: keep,
		Kind: func(place uuid.UUID) (qrgen.Kind, bool) { kind, known := d.kinds[place]; return kind, known },
	})
	must(t, s.Refresh(t.Context()))
	return s
}

// told is a trip as somebody writes them down who hears of them.
type told struct {
	vehicle, id  uuid.UUID
	began, ended int64
}

// at is the trip of a vehicle at an instant: the one that began last, if it was not over by then.
func at(list []told, vehicle uuid.UUID, when int64) uuid.UUID {
	var last told
	for _, trip := range list {
		if trip.vehicle == vehicle && trip.began <= when && trip.began >= last.began {
			last = trip
		}
	}
	if last.ended != 0 && when >= last.ended || when >= last.began+int64(day/time.Second) {
		return uuid.Nil
	}
	return last.id
}

// TestEveryServerKnowsWhichTripItWas has drivers tell of beginnings and ends in any order. A server that is told all of it knows at
// once; two that are told a part each know when they have looked, and so does one that has just begun.
func TestEveryServerKnowsWhichTripItWas(t *testing.T) {
	d := newDepot(t)
	d.now = morning.Add(3 * day)
	rapid.Check(t, func(r *rapid.T) {
		vehicles := []registry.Account{d.gate(t, qrgen.KindVehicle), d.gate(t, qrgen.KindVehicle)}
		servers := []*trips.Service{d.server(t), d.server(t)}
		if rapid.Bool().Draw(r, "one is told all") {
			servers = servers[:1]
		}
		var list []told
		check := func(s *trips.Service) {
			for when := morning.Unix() - 900; when < d.now.Unix(); when += 900 {
				for _, vehicle := range vehicles {
					if got, want := s.At(vehicle.Place, when), at(list, vehicle.Place, when); got != want {
						r.Fatalf("at %d it is %s, want %s of %+v", when-morning.Unix(), got, want, list)
					}
				}
			}
		}
		for range rapid.IntRange(1, 20).Draw(r, "steps") {
			when := morning.Unix() + 1800*rapid.Int64Range(0, 3*24*2).Draw(r, "when")
			s := rapid.SampledFrom(servers).Draw(r, "server")
			if len(list) > 0 && rapid.Bool().Draw(r, "ends") {
				trip := &list[rapid.IntRange(0, len(list)-1).Draw(r, "which")]
				if _, err := s.End(t.Context(), registry.Account{Place: trip.vehicle}, trip.id, when); err != nil {
					r.Fatal(err)
				}
				if when = max(when, trip.began); trip.ended == 0 || when < trip.ended {
					trip.ended = when
				}
			} else {
				gate := rapid.SampledFrom(vehicles).Draw(r, "vehicle")
				trip, err := s.Begin(t.Context(), gate, uuid.New(), route, when)
				if err != nil {
					r.Fatal(err)
				}
				list = append(list, told{gate.Place, trip.ID, when, 0})
			}
			if len(servers) == 1 {
				check(s)
			}
		}
		for _, s := range append(servers, d.server(t)) {
			must(t, s.Refresh(t.Context()))
			check(s)
		}
	})
}

// TestWhatIsRefused leaves nothing behind.
func TestWhatIsRefused(t *testing.T) {
	d := newDepot(t)
	s, bus, shop := d.server(t), d.gate(t, qrgen.KindVehicle), d.gate(t, qrgen.KindShop)
	now := d.now.Unix()
	for name, c := range map[string]struct {
		gate  registry.Account
		id    uuid.UUID
		route string
		at    int64
		want  error
	}{
		"a shop":              {shop, uuid.New(), route, now, trips.ErrNoVehicle},
		"a place that is not": {registry.Account{Place: uuid.New()}, uuid.New(), route, now, trips.ErrNoVehicle},
		"no id":               {bus, uuid.Nil, route, now, trips.ErrID},
		"no route":            {bus, uuid.New(), " \t", now, trips.ErrRoute},
		"a long route":        {bus, uuid.New(), strings.Repeat("đ", 101), now, trips.ErrRoute},
		"somebody's card":     {bus, uuid.New(), "079 000 000 001", now, trips.ErrRoute},
		"a part of a card":    {bus, uuid.New(), "079000000001|024000001|Nguyễn Thị Ánh|01021990|Nữ|Số 12", now, trips.ErrRoute},
		"no text":             {bus, uuid.New(), "a\xff", now, trips.ErrRoute},
		"a control character": {bus, uuid.New(), "a\x07b", now, trips.ErrRoute},
		"in the future":       {bus, uuid.New(), route, now + 301, trips.ErrTime},
		"before any scan":     {bus, uuid.New(), route, now - int64(keep.Seconds()) - 1, trips.ErrTime},
	} {
		if _, err := s.Begin(t.Context(), c.gate, c.id, c.route, c.at); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := s.End(t.Context(), bus, uuid.New(), 0); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("the end of nothing: %v", err)
	}
	trip, err := s.Begin(t.Context(), bus, uuid.New(), "  "+strings.Repeat("đ ", 50), now+300)
	must(t, err)
	if trip.Began != now || trip.Route != strings.TrimSpace(strings.Repeat("đ ", 50)) {
		t.Errorf("it is kept as %+v", trip)
	}
	if _, err := s.End(t.Context(), d.gate(t, qrgen.KindVehicle), trip.ID, 0); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("the end by another vehicle: %v", err)
	}
	if list, err := d.store.TripsOf(t.Context(), bus.Place, 0, 9); err != nil || len(list) != 1 || list[0] != trip {
		t.Errorf("kept are %+v, %v", list, err)
	}
}

// TestWhoGetsOnAsItSetsOut is on the trip though the two clocks have them get on before it began, but for who is on the one before.
func TestWhoGetsOnAsItSetsOut(t *testing.T) {
	d := newDepot(t)
	s, bus := d.server(t), d.gate(t, qrgen.KindVehicle)
	before, none, next, now := uuid.New(), uuid.New(), uuid.New(), d.now.Unix()
	for _, trip := range []told{{id: before, began: now - 600, ended: now - 5}, {id: none, began: now - 2, ended: now - 2}, {id: next, began: now}} {
		_, err := s.Begin(t.Context(), bus, trip.id, route, trip.began)
		must(t, err)
		if trip.ended != 0 {
			_, err = s.End(t.Context(), bus, trip.id, trip.ended)
			must(t, err)
		}
	}
	for ago, want := range map[int64]uuid.UUID{
		0: next, 1: next, 5: next, 6: before, 600: before, 600 + trips.Boarding: before, 601 + trips.Boarding: uuid.Nil,
	} {
		if got := s.At(bus.Place, now-ago); got != want {
			t.Errorf("%d s before it sets out it is on %s, want %s", ago, got, want)
		}
	}
}

// TestNobodyBeginsTripsWithoutEnd bounds what a gate whose key was taken can do.
func TestNobodyBeginsTripsWithoutEnd(t *testing.T) {
	d := newDepot(t)
	s, bus, other := d.server(t), d.gate(t, qrgen.KindVehicle), d.gate(t, qrgen.KindVehicle)
	first := uuid.New()
	_, err := s.Begin(t.Context(), bus, first, route, 0)
	for n := 1; err == nil; n++ {
		if n > 200 {
			t.Fatal("there is no bound")
		}
		_, err = s.Begin(t.Context(), bus, uuid.New(), route, d.now.Unix()-int64(n%3))
	}
	if !errors.Is(err, trips.ErrTooMany) {
		t.Fatal(err)
	}
	_, err = s.Begin(t.Context(), bus, first, route, 0) // the answer to it was lost
	must(t, err)
	_, err = s.Begin(t.Context(), other, uuid.New(), route, 0)
	must(t, err)
	d.now = d.now.Add(day + time.Second)
	_, err = s.Begin(t.Context(), bus, uuid.New(), route, 0)
	must(t, err)
}

func TestBoard(t *testing.T) {
	d := newDepot(t)
	s, bus := d.server(t), d.gate(t, qrgen.KindVehicle)
	board := func(want string) {
		t.Helper()
		b, err := s.Board(t.Context(), bus.Place)
		must(t, err)
		if got := fmt.Sprintf("%t %s %q", b.UnderWay(), b.Trip.Route, b.Routes); got != want {
			t.Errorf("the board says %s, want %s", got, want)
		}
	}
	board(`false  []`)
	var last registry.Trip
	for _, route := range []string{"one", "two", "one", "three", "four", "five", "six"} {
		var err error
		last, err = s.Begin(t.Context(), bus, uuid.New(), route, 0)
		must(t, err)
		d.now = d.now.Add(time.Hour)
	}
	board(`true six ["six" "five" "four" "three" "one"]`)
	_, err := s.End(t.Context(), bus, last.ID, 0)
	must(t, err)
	board(`false  ["six" "five" "four" "three" "one"]`)
	_, err = s.Begin(t.Context(), bus, uuid.New(), "two", 0)
	must(t, err)
	d.now = d.now.Add(day - time.Second)
	board(`true two ["two" "six" "five" "four" "three"]`)
	d.now = d.now.Add(time.Second)
	board(`false  ["two" "six" "five" "four" "three"]`)
	if ids := s.Since(bus.Place, morning.Add(6*time.Hour).Unix()); len(ids) != 2 {
		t.Errorf("%d trips were not over by then", len(ids))
	}
}

// TestTheRegistryIsAway: what was known is known still, and nothing is taken for begun that is not kept.
func TestTheRegistryIsAway(t *testing.T) {
	d := newDepot(t)
	s, bus := d.server(t), d.gate(t, qrgen.KindVehicle)
	trip, err := s.Begin(t.Context(), bus, uuid.New(), route, 0)
	must(t, err)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Refresh(gone); err == nil {
		t.Error("it was read all the same")
	}
	d.now = d.now.Add(time.Hour)
	if _, err := s.Begin(gone, bus, uuid.New(), route, 0); err == nil {
		t.Error("it was begun all the same")
	}
	if got := s.At(bus.Place, d.now.Unix()); got != trip.ID {
		t.Errorf("it is %s, want %s", got, trip.ID)
	}
}
