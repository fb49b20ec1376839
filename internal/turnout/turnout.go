// Package turnout counts how many people came to a place, hour by hour, and notices where nobody came, for the organisation that
// answers for the place. It gives numbers alone, and none that is small enough to tell of somebody.
//
// The numbers are made of the stays that traces walk on, so what was taken back or erased is not in them. Whoever comes to a
// place counts once for each hour in which a stay of theirs begins there: somebody who goes in and out all the time is one person, and
// not told. The runs of a vehicle, each of which is a place of its own to a trace, are counted by themselves, see [Service.Rides],
// and not among the hours: of two numbers that hold the same people the difference could tell of somebody.
package turnout

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/tracing"
)

const (
	// Fewest is the smallest number that is told: below it a single person could be followed from hour to hour.
	Fewest = 5
	// Days is how many local days a table has, today's among them.
	Days = 7

	keptFor   = time.Minute     // how old an answer may be
	aboardFor = 5 * time.Second // and one to a driver
	mostKept  = 1000            // answers
	atOnce    = 2               // questions that are put to the stays
)

// Snapshots gives what traces walk on.
type Snapshots interface {
	Snapshot(ctx context.Context, asOf int64) (snapshot.Snapshot, error)
}

// Trips knows the runs of vehicles. Since returns, without a query, those of a vehicle that were not over at an instant; TripsOf the
// latest that began since one, the latest first.
type Trips interface {
	Since(vehicle uuid.UUID, at int64) []uuid.UUID
	TripsOf(ctx context.Context, vehicle uuid.UUID, since int64, limit int) ([]registry.Trip, error)
}

// Service counts. It is safe for concurrent use. An answer is up to a minute old, and few are worked out at a time, so that
// whoever looks often asks no more of the stays.
type Service struct {
	snapshots Snapshots
	trips     Trips
	clock     func() time.Time
	location  *time.Location
	turns     chan struct{}

	mu      sync.Mutex
	tables  kept[*Table]
	quiet   kept[QuietPlaces]
	doubts  kept[Suspicion]
	present kept[Present]
	rides   kept[*Rides]
	aboard  kept[Aboard]
}

// New returns a service whose days are those of a location.
func New(snapshots Snapshots, trips Trips, clock func() time.Time, location *time.Location) *Service {
	return &Service{
		snapshots: snapshots, trips: trips, clock: clock, location: location, turns: make(chan struct{}, atOnce),
		tables: keep[*Table](keptFor), quiet: keep[QuietPlaces](keptFor), doubts: keep[Suspicion](keptFor), present: keep[Present](keptFor),
		rides: keep[*Rides](keptFor), aboard: keep[Aboard](aboardFor),
	}
}

// windows are those of a place, and where it is a vehicle of each of its runs.
func (s *Service) windows(place uuid.UUID, from, to int64) []tracing.PlaceWindow {
	windows := []tracing.PlaceWindow{{Place: tracing.Place{ID: place}, From: from, To: to}}
	for _, trip := range s.trips.Since(place, from) {
		windows = append(windows, tracing.PlaceWindow{Place: tracing.Place{ID: place, Trip: trip}, From: from, To: to})
	}
	return windows
}

// Hour is how many people came in one hour, or, where there were some and fewer than [Fewest], that there were. Start is UTC
// seconds.
type Hour struct {
	Start  int64
	People int // 0 where Few
	Few    bool
}

// Day is the hours of a local day that have begun, in their order: 24 but where the clock is changed.
type Day struct {
	Start int64
	Hours []Hour
}

// AtLeast returns how many came on the day, without the hours of few. (With them it would tell how many those were.)
func (d Day) AtLeast() (people int, more bool) {
	for _, h := range d.Hours {
		people += h.People
		more = more || h.Few
	}
	return people, more
}

// Table is the latest days of a place, the oldest first. It never changes.
type Table struct {
	AsOf int64
	Days []Day
}

// Table returns how many people came to a place. Whether somebody may know that is for the caller to say. The errors are those of
// taking a snapshot, of reading the stays and of ctx.
func (s *Service) Table(ctx context.Context, place uuid.UUID) (*Table, error) {
	return recall(ctx, s, s.tables, place, func(now time.Time, source tracing.Source) (*Table, error) {
		t := s.empty(now)
		seen := make(map[arrival]bool)
		window := []tracing.PlaceWindow{{Place: tracing.Place{ID: place}, From: t.Days[0].Start, To: now.Unix()}}
		err := source.AtPlaces(ctx, tracing.ScopePlace, window, func(_ int, u tracing.United) error {
			if h := t.hour(u.Enter); h != nil && !seen[arrival{u.Person, h.Start}] {
				seen[arrival{u.Person, h.Start}] = true
				h.People++
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("counting who came to a place: %w", err)
		}
		t.hide()
		return t, nil
	})
}

// arrival is that somebody came in the hour that began at an instant.
type arrival struct {
	person uuid.UUID
	hour   int64
}

const hour = 3600

// empty returns the latest days with nobody in them.
func (s *Service) empty(now time.Time) *Table {
	t := &Table{AsOf: now.Unix(), Days: make([]Day, Days)}
	today := tracing.DateOf(now.In(s.location))
	for i := range t.Days {
		date := today.AddDays(i + 1 - Days)
		d := &t.Days[i]
		d.Start = date.Start(s.location)
		end := min(date.AddDays(1).Start(s.location), now.Unix()+1)
		for at := d.Start; at < end; at += hour {
			d.Hours = append(d.Hours, Hour{Start: at})
		}
	}
	return t
}

// hour returns the hour of an instant, nil where it is none of the table's.
func (t *Table) hour(at int64) *Hour {
	for i := len(t.Days) - 1; i >= 0; i-- {
		d := &t.Days[i]
		if at < d.Start {
			continue
		}
		if n := (at - d.Start) / hour; n < int64(len(d.Hours)) {
			return &d.Hours[n]
		}
		return nil
	}
	return nil
}

// hide leaves of small numbers that there are some.
func (t *Table) hide() {
	for _, d := range t.Days {
		for i := range d.Hours {
			if h := &d.Hours[i]; h.People > 0 && h.People < Fewest {
				h.People, h.Few = 0, true
			}
		}
	}
}

// Quiet is a place to which nobody has come since an instant, UTC seconds, for a whole day of its opening or longer.
type Quiet struct {
	Place registry.Place
	Since int64
}

// QuietPlaces are the first of the places to which nobody came, in the order in which they were given, and how many there are.
type QuietPlaces struct {
	First []Quiet
	Count int
}

// mostQuiet is how many quiet places are named.
const mostQuiet = 50

// Quiet returns, of some places, those to which nobody came for a day: where hours of opening are known, on the latest day of them
// that is over, and after it; else for 24 hours. Places that are younger are none. The
// answer is kept under an id, that of the organisation or of the one place that is asked about. Whose places they are is for the
// caller to say. The errors are those of Table.
func (s *Service) Quiet(ctx context.Context, about uuid.UUID, places []registry.Place) (QuietPlaces, error) {
	return recall(ctx, s, s.quiet, about, func(now time.Time, source tracing.Source) (QuietPlaces, error) {
		var asked []Quiet
		var windows []tracing.PlaceWindow
		var of []int // which of asked a window is of
		for _, p := range places {
			since := s.lastOpening(p.Hours, now)
			if p.Created > since {
				continue
			}
			for _, w := range s.windows(p.ID, since, now.Unix()) {
				windows, of = append(windows, w), append(of, len(asked))
			}
			asked = append(asked, Quiet{p, since})
		}
		came := make([]bool, len(asked))
		err := source.AtPlaces(ctx, tracing.ScopePlace, windows, func(i int, u tracing.United) error {
			came[of[i]] = came[of[i]] || u.Enter >= windows[i].From
			return nil
		})
		if err != nil {
			return QuietPlaces{}, fmt.Errorf("looking where nobody came: %w", err)
		}
		var quiet QuietPlaces
		for i, q := range asked {
			if came[i] {
				continue
			}
			quiet.Count++
			if quiet.Count <= mostQuiet {
				quiet.First = append(quiet.First, q)
			}
		}
		return quiet, nil
	})
}

// lastOpening returns when the latest day of opening that is over began.
func (s *Service) lastOpening(hours string, now time.Time) int64 {
	week, known := registry.OpeningSpans(hours)
	today := tracing.DateOf(now.In(s.location))
	for back := 0; known && hours != "24/7" && back <= 8; back++ {
		date := today.AddDays(-back)
		start := date.Start(s.location)
		day := (int(time.Unix(start, 0).In(s.location).Weekday()) + 6) % 7 // from Monday
		if spans := week[day]; len(spans) > 0 {
			last := spans[len(spans)-1]
			if start+int64(last.To)*60 <= now.Unix() {
				return start + int64(spans[0].From)*60
			}
		}
	}
	return now.Unix() - 24*hour
}

// kept is answers by what was asked about, which are good for a time.
type kept[T any] struct {
	good    time.Duration
	answers map[uuid.UUID]answer[T]
}

func keep[T any](good time.Duration) kept[T] { return kept[T]{good, make(map[uuid.UUID]answer[T])} }

// answer is what was worked out at an instant.
type answer[T any] struct {
	at    time.Time
	value T
}

// recall returns the answer that the service keeps, or works it out. Whoever waited for a turn takes what somebody else
// has worked out meanwhile.
func recall[T any](
	ctx context.Context, s *Service, of kept[T], about uuid.UUID, work func(now time.Time, source tracing.Source) (T, error),
) (T, error) {
	var none T
	look := func(now time.Time) (T, bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		known, there := of.answers[about]
		since := now.Sub(known.at)
		return known.value, there && since >= 0 && since < of.good
	}
	if value, there := look(s.clock()); there {
		return value, nil
	}
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
	now := s.clock()
	if value, there := look(now); there {
		return value, nil
	}
	sight, err := s.snapshots.Snapshot(ctx, now.Unix())
	if err != nil {
		return none, fmt.Errorf("counting who came: %w", err)
	}
	value, err := work(now, sight.Source)
	if err != nil {
		return none, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(of.answers) >= mostKept {
		clear(of.answers)
	}
	of.answers[about] = answer[T]{now, value}
	return value, nil
}
