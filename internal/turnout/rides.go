package turnout

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/tracing"
)

// mostRides is how many runs of a vehicle are counted.
const mostRides = 300

// Ride is a run of a vehicle and how many people came aboard, or, where there were some and fewer than [Fewest], that there were.
type Ride struct {
	registry.Trip
	People int // 0 where Few
	Few    bool
}

// Rides are the runs of a vehicle in the latest days, the latest first. It never changes.
type Rides struct {
	AsOf  int64
	More  bool // there were more than are told of
	Rides []Ride
}

// Rides returns how many people came aboard on each run of a vehicle. Whether somebody may know that is for the caller to say. The
// errors are those of Table, and those of reading the runs.
func (s *Service) Rides(ctx context.Context, vehicle uuid.UUID) (*Rides, error) {
	return recall(ctx, s, s.rides, vehicle, func(now time.Time, source tracing.Source) (*Rides, error) {
		since := tracing.DateOf(now.In(s.location)).AddDays(1 - Days).Start(s.location)
		trips, err := s.trips.TripsOf(ctx, vehicle, since, mostRides+1)
		if err != nil {
			return nil, fmt.Errorf("counting who came aboard: %w", err)
		}
		r := &Rides{AsOf: now.Unix(), More: len(trips) > mostRides}
		var windows []tracing.PlaceWindow
		for _, trip := range trips[:min(len(trips), mostRides)] {
			r.Rides = append(r.Rides, Ride{Trip: trip})
			windows = append(windows, tracing.PlaceWindow{
				Place: tracing.Place{ID: vehicle, Trip: trip.ID}, From: trip.Began, To: now.Unix(),
			})
		}
		people := make([]map[uuid.UUID]bool, len(windows))
		err = source.AtPlaces(ctx, tracing.ScopePlace, windows, func(i int, u tracing.United) error {
			if people[i] == nil {
				people[i] = make(map[uuid.UUID]bool)
			}
			people[i][u.Person] = true
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("counting who came aboard: %w", err)
		}
		for i := range r.Rides {
			if n := len(people[i]); n < Fewest {
				r.Rides[i].Few = n > 0
			} else {
				r.Rides[i].People = n
			}
		}
		return r, nil
	})
}

// Aboard is how many people came aboard on a run that is under way, and how many of them have not been scanned out, or elsewhere.
type Aboard struct{ Came, There int }

// Aboard returns who is aboard, for the driver, who sees them: no number is too small to be told. The errors are those of Table.
func (s *Service) Aboard(ctx context.Context, trip registry.Trip) (Aboard, error) {
	return recall(ctx, s, s.aboard, trip.ID, func(now time.Time, source tracing.Source) (Aboard, error) {
		last := make(map[uuid.UUID]tracing.Part) // of each person
		window := []tracing.PlaceWindow{{Place: tracing.Place{ID: trip.Vehicle, Trip: trip.ID}, From: trip.Began, To: now.Unix()}}
		err := source.AtPlaces(ctx, tracing.ScopePlace, window, func(_ int, u tracing.United) error {
			for _, part := range u.Parts {
				if part.Leave >= last[u.Person].Leave {
					last[u.Person] = part
				}
			}
			return nil
		})
		if err != nil {
			return Aboard{}, fmt.Errorf("counting who is aboard: %w", err)
		}
		a := Aboard{Came: len(last)}
		for _, part := range last {
			if part.Basis == tracing.Assumed {
				a.There++
			}
		}
		return a, nil
	})
}
