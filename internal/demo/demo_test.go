package demo

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

// someDay is a Wednesday afternoon.
func someDay() time.Time { return time.Date(2026, 6, 10, 15, 0, 0, 0, saigon()) }

func mustMake(t testing.TB, seed uint64, now time.Time, size Size) *District {
	t.Helper()
	d, err := Make(seed, now, saigon(), size)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSameInputsSameDistrict(t *testing.T) {
	t.Parallel()
	a, b := mustMake(t, 7, someDay(), Small()), mustMake(t, 7, someDay(), Small())
	if !reflect.DeepEqual(a, b) {
		t.Error("two districts of one seed differ")
	}
	if c := mustMake(t, 8, someDay(), Small()); reflect.DeepEqual(a.Scans, c.Scans) {
		t.Error("two seeds gave the same scans")
	}
}

func TestAWeekLaterIsTheSameAWeekLater(t *testing.T) {
	t.Parallel()
	const week = 7 * day
	a, b := mustMake(t, 7, someDay(), Small()), mustMake(t, 7, someDay().AddDate(0, 0, 7), Small())
	if len(a.Scans) != len(b.Scans) {
		t.Fatalf("%d scans, a week later %d", len(a.Scans), len(b.Scans))
	}
	for i := range a.Scans {
		p, q := a.Scans[i], b.Scans[i]
		p.At += week
		p.ID = q.ID // it holds the time
		if p != q {
			t.Fatalf("scan %d: %+v, a week later %+v", i, p, q)
		}
	}
	for i := range a.Cases {
		if a.Cases[i].Person != b.Cases[i].Person {
			t.Errorf("case %d is somebody else a week later", i)
		}
	}
	for i := range a.Isolations {
		if a.Isolations[i].Person != b.Isolations[i].Person || a.Isolations[i].At+week != b.Isolations[i].At {
			t.Errorf("isolation %d is another a week later", i)
		}
	}
}

// TestEveryLittleDistrictIsSound checks what must hold of every district, on any weekday and at any time of the day.
func TestEveryLittleDistrictIsSound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		seed := rapid.Uint64().Draw(r, "seed")
		now := someDay().Add(time.Duration(rapid.Int64Range(0, 7*day-1).Draw(r, "seconds later")) * time.Second)
		size := Size{Wards: rapid.IntRange(1, 2).Draw(r, "wards"), Cases: rapid.IntRange(1, 4).Draw(r, "cases")}
		size.Inhabitants = 400*size.Wards + rapid.IntRange(0, 500).Draw(r, "inhabitants more")
		d, err := Make(seed, now, saigon(), size)
		if err != nil {
			r.Fatal(err)
		}
		checkPlaces(r, d)
		checkScans(r, d, build(seed, size, settle(seed, size), 0), newCalendar(now, saigon()))
		checkNumbers(r, d, size)
	})
}

func checkPlaces(t *rapid.T, d *District) {
	areas := make(map[string]registry.Level)
	for _, a := range d.Areas {
		if _, known := areas[a.Parent]; a.Parent != "" && !known {
			t.Errorf("area %s comes before its parent", a.Code)
		}
		areas[a.Code] = a.Level
	}
	organisations := make(map[uuid.UUID]bool)
	for _, o := range d.Organisations {
		organisations[o.ID] = true
	}
	places := make(map[uuid.UUID]registry.Place)
	for _, p := range d.Places {
		if _, twice := places[p.ID]; twice {
			t.Errorf("place %s stands twice", p.ID)
		}
		if parent, known := places[p.Parent]; p.Parent != uuid.Nil && (!known || parent.Area != p.Area || parent.Organisation != p.Organisation) {
			t.Errorf("the parent of %q comes later, or lies or belongs elsewhere", p.Name)
		}
		if !p.Kind.Valid() || !organisations[p.Organisation] || areas[p.Area] != registry.Ward || p.Name == "" || p.Serial == 0 {
			t.Errorf("place %+v is not whole", p)
		}
		places[p.ID] = p
	}
}

func checkScans(t *rapid.T, d *District, town *town, cal *calendar) {
	isolated := make(map[uuid.UUID]int64)
	for _, i := range d.Isolations {
		isolated[i.Person] = i.At
	}
	for _, c := range d.Cases {
		if c.Isolated != 0 {
			isolated[c.Person] = c.Isolated
		}
	}
	if len(d.Scans) < 10*len(d.People) {
		t.Errorf("%d scans of %d people are no month", len(d.Scans), len(d.People))
	}
	trips := make(map[uuid.UUID]registry.Trip)
	for _, trip := range d.Trips {
		trips[trip.ID] = trip
	}
	var last Scan
	today := 0 // the scans are in the order of their time
	for i, s := range d.Scans {
		person, place := &d.People[s.Person], &d.Places[s.Place]
		for today < scanDays-1 && cal.start[today+1] <= s.At {
			today++
		}
		switch {
		case s.At < cal.start[0] || s.At > d.Now:
			t.Fatalf("scan %d at %d lies outside the month", i, s.At)
		case !town.spots[s.Place].hours.at(cal.week[today], int(s.At-cal.start[today])):
			t.Fatalf("scan %d at %s when it is closed", i, place.Name)
		case isolated[person.ID] != 0 && s.At >= isolated[person.ID]:
			t.Fatalf("scan %d by somebody in isolation", i)
		case (s.Trip != uuid.Nil) != (place.Kind == qrgen.KindVehicle):
			t.Fatalf("scan %d: trip %s at a %s", i, s.Trip, place.Kind)
		case s.Trip != uuid.Nil && (trips[s.Trip].Vehicle != place.ID || s.At < trips[s.Trip].Began || s.At >= trips[s.Trip].Over()):
			t.Fatalf("scan %d at %d: of trip %+v", i, s.At, trips[s.Trip])
		case s.How == scan.GateCard && person.IDCard == "":
			t.Fatalf("scan %d of an ID card that is not on record", i)
		case s.Kind != stay.In && s.Kind != stay.Out && s.Kind != stay.Renew:
			t.Fatalf("scan %d of kind %d", i, s.Kind)
		case s.At < last.At || bytes.Compare(s.ID[:], last.ID[:]) <= 0 || s.ID.Version() != 7 || s.ID.Variant() != uuid.RFC4122:
			t.Fatalf("scan %d: time or id out of order", i)
		}
		if made, _ := s.ID.Time().UnixTime(); made < s.At || made > s.At+minute {
			t.Fatalf("scan %d at %d has an id of %d", i, s.At, made)
		}
		last = s
	}
}

func checkNumbers(t *rapid.T, d *District, size Size) {
	phones := make(map[string]bool)
	for _, p := range d.People {
		if phones[p.Phone] || len(p.Phone) != 10 || (p.IDCard != "" && len(p.IDCard) != 12) {
			t.Fatalf("a number of person %s is another's or none", p.ID)
		}
		phones[p.Phone] = true
	}
	if d.Inhabitants != size.Inhabitants || len(d.Cases) != size.Cases {
		t.Errorf("%d inhabitants and %d cases", d.Inhabitants, len(d.Cases))
	}
	people := make(map[uuid.UUID]bool)
	for _, c := range d.Cases {
		if people[c.Person] {
			t.Errorf("somebody is a case twice")
		}
		people[c.Person] = true
		if c.Sample == "" || c.Onset > c.Sample || c.Isolated > d.Now || c.Created > d.Now {
			t.Errorf("case %+v cannot be", c)
		}
	}
	for _, i := range d.Isolations {
		if people[i.Person] {
			t.Errorf("somebody is isolated as a case and as a contact, or twice")
		}
		people[i.Person] = true
		if i.At > d.Now || i.Recorded > d.Now {
			t.Errorf("an isolation is recorded before it happens")
		}
	}
	if !phones[d.Tour.Phone] || d.Tour.Onset == "" || d.Tour.Sample < d.Tour.Onset {
		t.Errorf("the tour leads nowhere: %+v", d.Tour)
	}
}

func TestSizesOutOfBounds(t *testing.T) {
	for name, size := range map[string]Size{
		"no ward":         {Inhabitants: 5_000, Wards: 0, Cases: 1},
		"too many wards":  {Inhabitants: 50_000, Wards: 11, Cases: 1},
		"too few people":  {Inhabitants: 399, Wards: 1, Cases: 1},
		"no case":         {Inhabitants: 5_000, Wards: 1, Cases: 0},
		"too many cases":  {Inhabitants: 5_000, Wards: 1, Cases: 101},
		"the zero of all": {},
	} {
		if _, err := Make(1, someDay(), saigon(), size); err == nil {
			t.Errorf("%s: made a district of %+v", name, size)
		}
	}
}
