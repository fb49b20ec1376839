// Package trips keeps the runs of vehicles, so that a bus is not one all-day room: its driver begins and ends them, and whoever is
// scanned aboard is scanned on the one that was under way, or began some seconds after. It knows them without asking the registry on
// the way of a scan.
//
// A trip is of the device's own time, which may lie back: a driver's phone that had no network tells of it later. Scans that came
// before the server knew of it stay as they are.
package trips

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/shown"
	"github.com/truyvet/truyvet/qrgen"
)

// The bounds of trips.
const (
	longestRoute    = 100 // characters
	mostADay        = 200 // of one vehicle
	futureTolerance = 5 * time.Minute
	latestLooked    = 30 // of a vehicle's trips, for its routes
	mostRoutes      = 5

	// Boarding is how long before a trip began, in seconds, a scan may seem to be that was made on it. A device's steps and its scans come
	// each with a time that is corrected by what the device's clock said when it sent them, in whole seconds, and by how long that took.
	Boarding = 10
)

// The reasons for refusing to begin or end a trip. Compare with errors.Is.
var (
	ErrNoVehicle = errs.New(errs.Invalid, "trip_no_vehicle", "The place is not a vehicle.")
	ErrRoute     = errs.New(errs.Invalid, "trip_route", "Say which route the vehicle runs, in at most 100 characters and without the number of a card or a phone.")
	ErrTime      = errs.New(errs.Invalid, "trip_time", "The trip's time is in the future, or longer ago than scans are kept.")
	ErrID        = errs.New(errs.Invalid, "trip_id", "The trip has no id.")
	ErrTooMany   = &errs.Error{Kind: errs.TooMany, Code: "trips_too_many", Message: "The vehicle has begun too many trips today.", RetryAfter: time.Hour}
)

// Store is what trips are kept in. BeginTrip returns the trip as it is kept, which of one that is recorded already is that of before;
// of two ends that EndTrip is told the earlier holds. TripChanges returns what has changed since a known count of changes, of one
// moment, or all that began since an instant where it cannot tell. TripsOf returns the latest first.
type Store interface {
	BeginTrip(ctx context.Context, t registry.Trip) (registry.Trip, error)
	EndTrip(ctx context.Context, vehicle, id uuid.UUID, at int64) (registry.Trip, error)
	TripChanges(ctx context.Context, known, since int64) (registry.TripChanges, error)
	TripsOf(ctx context.Context, vehicle uuid.UUID, since int64, limit int) ([]registry.Trip, error)
}

// Deps is what the service needs. Everything in it is safe for concurrent use.
type Deps struct {
	Store Store
	Kind  func(place uuid.UUID) (kind qrgen.Kind, known bool) // without a query
	Clock func() time.Time
	Keep  time.Duration // for how long scans are kept: a scan is no older
}

// Service knows the trips of every vehicle. It is safe for concurrent use. What another process writes to the store is known after
// the next Refresh.
type Service struct {
	d Deps

	// changing is held while the store is changed or read anew, so that what was read before a change never takes the place
	// of what is known since. It is taken before mu.
	changing sync.Mutex
	changes  int64 // the store's count of changes when it was last read; held by changing

	mu   sync.RWMutex
	runs map[uuid.UUID][]run // by vehicle, in the order of (began, id); no two are under way at once
}

// run is what a scan needs of a trip.
type run struct {
	id          uuid.UUID
	began, over int64
}

// nothingRead is a count of changes that no store has.
const nothingRead = -1

// New returns a service that knows nothing yet; Refresh makes it know what the store holds.
func New(d Deps) *Service {
	return &Service{d: d, changes: nothingRead, runs: make(map[uuid.UUID][]run)}
}

// Refresh reads from the store what has changed. Call it at the start, and now and then where other processes write to the same
// store. After an error what was known before is still known.
func (s *Service) Refresh(ctx context.Context) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	now, err := s.d.Store.TripChanges(ctx, s.changes, s.oldest())
	if err != nil {
		return fmt.Errorf("refreshing what is known of trips: %w", err)
	}
	if now.Changes == s.changes {
		return nil
	}
	s.changes = now.Changes
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Whole {
		s.runs = make(map[uuid.UUID][]run)
	}
	for _, t := range now.Trips {
		s.learn(t)
	}
	return nil
}

// oldest is the instant at which a trip may have begun that scans of today's keeping were made on.
func (s *Service) oldest() int64 { return s.d.Clock().Add(-s.d.Keep - registry.LongestTrip).Unix() }

// learn takes over a trip as it is now, as a store does: the one that was under way when it began was over then. Of the vehicle's
// others it lets go of those that no scan can be of any more. The caller holds mu.
func (s *Service) learn(t registry.Trip) {
	oldest := s.oldest()
	runs := slices.DeleteFunc(s.runs[t.Vehicle], func(r run) bool { return r.id == t.ID || r.began < oldest })
	this := run{t.ID, t.Began, t.Over()}
	at, _ := slices.BinarySearchFunc(runs, this, func(a, b run) int {
		return cmp.Or(cmp.Compare(a.began, b.began), bytes.Compare(a.id[:], b.id[:]))
	})
	for i := range runs {
		if r := &runs[i]; r.began <= this.began && this.began < this.over {
			r.over = min(r.over, this.began)
		}
	}
	s.runs[t.Vehicle] = slices.Insert(runs, at, this)
}

// At returns the trip that a vehicle was on at an instant, UTC seconds, or where there was none that which began within Boarding after
// it; uuid.Nil for none.
func (s *Service) At(vehicle uuid.UUID, at int64) uuid.UUID {
	s.mu.RLock()
	defer s.mu.RUnlock()
	runs := s.runs[vehicle]
	next, _ := slices.BinarySearchFunc(runs, at, func(r run, at int64) int {
		if r.began <= at {
			return -1
		}
		return 1
	})
	for _, r := range slices.Backward(runs[:next]) {
		if at < r.over {
			return r.id
		}
		if r.began < r.over { // one of no length is as if it had not been
			break
		}
	}
	for _, r := range runs[next:] {
		if r.began > at+Boarding {
			break
		}
		if r.began < r.over {
			return r.id
		}
	}
	return uuid.Nil
}

// Since returns the trips of a vehicle that were not over at an instant, in the order in which they began, of those that scans may be of.
func (s *Service) Since(vehicle uuid.UUID, at int64) []uuid.UUID {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var ids []uuid.UUID
	for _, r := range s.runs[vehicle] {
		if r.over > at {
			ids = append(ids, r.id)
		}
	}
	return ids
}

// IsVehicle says whether trips may be begun at a place.
func (s *Service) IsVehicle(place uuid.UUID) bool {
	kind, known := s.d.Kind(place)
	return known && kind == qrgen.KindVehicle
}

// Begin records that the vehicle at which a gate stands set out at an instant, UTC seconds as the server's clock has them, 0 for now.
// The id is made by whoever tells of it: told twice it is one trip. It is known here when Begin returns. The errors are those above,
// and those of the store.
func (s *Service) Begin(ctx context.Context, gate registry.Account, id uuid.UUID, route string, at int64) (registry.Trip, error) {
	route = strings.Join(strings.Fields(route), " ")
	at, err := s.judge(gate.Place, id, at)
	switch {
	case err != nil:
		return registry.Trip{}, err
	case shown.Personal(route):
		return registry.Trip{}, ErrRoute
	case route == "" || utf8.RuneCountInString(route) > longestRoute || !utf8.ValidString(route) || strings.ContainsFunc(route, unicode.IsControl):
		return registry.Trip{}, ErrRoute
	case s.begunAround(gate.Place, id, at) >= mostADay:
		return registry.Trip{}, ErrTooMany
	}
	return s.change(func() (registry.Trip, error) {
		return s.d.Store.BeginTrip(ctx, registry.Trip{ID: id, Vehicle: gate.Place, Route: route, Began: at})
	})
}

// End records that a trip of the vehicle at which a gate stands was over at an instant, as Begin has it. Of two ends the earlier holds.
// What is no trip of the vehicle is registry.ErrNotFound.
func (s *Service) End(ctx context.Context, gate registry.Account, id uuid.UUID, at int64) (registry.Trip, error) {
	at, err := s.judge(gate.Place, id, at)
	if err != nil {
		return registry.Trip{}, err
	}
	return s.change(func() (registry.Trip, error) { return s.d.Store.EndTrip(ctx, gate.Place, id, at) })
}

// judge returns the instant of a beginning or an end, or says why it cannot be.
func (s *Service) judge(place, id uuid.UUID, at int64) (int64, error) {
	now := s.d.Clock()
	switch {
	case !s.IsVehicle(place):
		return 0, ErrNoVehicle
	case id == uuid.Nil:
		return 0, ErrID
	case at == 0:
		return now.Unix(), nil
	case at > now.Add(futureTolerance).Unix() || at < now.Add(-s.d.Keep).Unix():
		return 0, ErrTime
	}
	return min(at, now.Unix()), nil
}

// begunAround returns how many trips but one a vehicle began in the day before an instant and the day after it.
func (s *Service) begunAround(vehicle, but uuid.UUID, at int64) (n int) {
	const day = int64(24 * time.Hour / time.Second)
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, r := range s.runs[vehicle] {
		if r.id != but && at-day < r.began && r.began < at+day {
			n++
		}
	}
	return n
}

// change changes the store, and takes over what came of it.
func (s *Service) change(work func() (registry.Trip, error)) (registry.Trip, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	t, err := work()
	if err != nil {
		return registry.Trip{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.learn(t)
	return t, nil
}

// TripsOf returns up to limit trips of a vehicle that began since an instant, the latest first.
func (s *Service) TripsOf(ctx context.Context, vehicle uuid.UUID, since int64, limit int) ([]registry.Trip, error) {
	return s.d.Store.TripsOf(ctx, vehicle, since, limit)
}

// Board is what a driver is shown.
type Board struct {
	Trip   registry.Trip // that is under way; the zero Trip for none
	Routes []string      // that the vehicle ran of late, the latest first
}

// UnderWay says whether there is a trip under way.
func (b Board) UnderWay() bool { return b.Trip.ID != uuid.Nil }

// Board returns what the driver of a vehicle is shown. The errors are those of the store.
func (s *Service) Board(ctx context.Context, vehicle uuid.UUID) (b Board, err error) {
	now := s.d.Clock()
	latest, err := s.d.Store.TripsOf(ctx, vehicle, now.Add(-s.d.Keep).Unix(), latestLooked)
	if err != nil {
		return Board{}, err
	}
	for _, t := range latest {
		if t.Began <= now.Unix() && now.Unix() < t.Over() {
			b.Trip = t
		}
		if len(b.Routes) < mostRoutes && !slices.Contains(b.Routes, t.Route) {
			b.Routes = append(b.Routes, t.Route)
		}
	}
	return b, nil
}
