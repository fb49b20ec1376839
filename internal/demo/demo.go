package demo

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/tracing/stay"
)

// DefaultSeed is the seed of the district that demonstrations show.
const DefaultSeed uint64 = 1

// Size is how large a district is.
type Size struct {
	Inhabitants int
	Wards       int // 1 to 10
	Cases       int // F0s over the month
}

// Full is the size of the district that was reported of.
func Full() Size { return Size{Inhabitants: 84_000, Wards: 10, Cases: 26} }

// Small is a twentieth of it, for tests.
func Small() Size { return Size{Inhabitants: 4_200, Wards: 2, Cases: 3} }

// District is a made-up district with a month of scans. It is data: nothing changes it once it is made.
type District struct {
	Now           int64 // the instant at which it ends
	Inhabitants   int   // all of them; People has those who scan
	Areas         []registry.Area
	Organisations []registry.Organisation
	Places        []registry.Place // parents before their parts; Code is empty until they are loaded
	People        []Person
	Trips         []registry.Trip // of the vehicles that were scanned
	Scans         []Scan          // by (At, ID)
	Declarations  []Declaration   // at most one of a person and a day
	Cases         []registry.Case
	Isolations    []registry.Isolation
	Tour          Tour
}

// Scan is one scan. Person and Place are positions in People and Places.
type Scan struct {
	ID     uuid.UUID
	Trip   uuid.UUID
	At     int64
	Person int32
	Place  int32
	Kind   stay.Kind
	How    scan.How
}

// Make makes the district of a seed, with scans of 30 local days up to now, the last of which is today. It is a pure
// function: the same seed, now, time zone and size give the same district. It is an error when the size is out of bounds, or
// so small that nobody can be a case. It takes a few seconds for the full size and may be called concurrently.
func Make(seed uint64, now time.Time, loc *time.Location, size Size) (*District, error) {
	if err := size.check(); err != nil {
		return nil, fmt.Errorf("making a district: %w", err)
	}
	cal := newCalendar(now, loc)
	created := cal.start[0] - 5*day
	all := settle(seed, size)
	t := build(seed, size, all, created)
	people := t.residents(all)
	d := &District{
		Now: cal.now, Inhabitants: len(all), Areas: t.areas, Organisations: t.organisations, Places: t.places,
		People: register(seed, people, t.wards, created),
	}
	h := t.live(cal, people, d.People)
	o, err := newOutbreak(d, t, cal, people, h)
	if err != nil {
		return nil, fmt.Errorf("making a district: %w", err)
	}
	if err := o.spread(size.Cases); err != nil {
		return nil, fmt.Errorf("making a district: %w", err)
	}
	d.Trips, d.Scans = h.trips(t, cal), h.scans(t)
	if d.Declarations, err = d.declare(t, cal); err != nil {
		return nil, fmt.Errorf("making a district: %w", err)
	}
	return d, nil
}

func (s Size) check() error {
	if s.Wards < 1 || s.Wards > len(wardNames()) {
		return fmt.Errorf("%d wards: there may be 1 to %d", s.Wards, len(wardNames()))
	}
	if s.Inhabitants < 400*s.Wards {
		return fmt.Errorf("%d inhabitants are too few for %d wards", s.Inhabitants, s.Wards)
	}
	if s.Cases < 1 || s.Cases > 100 {
		return fmt.Errorf("%d cases: there may be 1 to 100", s.Cases)
	}
	return nil
}
