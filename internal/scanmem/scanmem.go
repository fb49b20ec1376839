// Package scanmem holds the scans of all days in memory, as far as deriving stays needs them, in 32 B each and without a
// pointer in them; and it keeps them in files, so that a restart need not read them from the scan store again.
package scanmem

import (
	"cmp"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// Places gives the places that were scanned their numbers, 0, 1, 2, …
type Places interface {
	Place(p tracing.Place) uint32 // the number of a place, a new one for a new place
	Places() []tracing.Place      // the places by number; those of new numbers come behind it
}

// Scans are scans by alias and by the UTC day of At. Aliases are known by the numbers 0, 1, 2, … in the order in which they
// come. It is not safe for concurrent use, except that a Copy of a day may be read while it changes.
type Scans struct {
	places  Places
	number  map[uuid.UUID]uint32
	aliases []uuid.UUID // by number
	days    []*day      // in their order
	changes uint64
}

// New returns Scans that hold none, over places whose numbers others may use too.
func New(places Places) *Scans {
	return &Scans{places: places, number: make(map[uuid.UUID]uint32)}
}

// Alias returns the number of an alias, a new one for a new alias, which need not have scans.
func (s *Scans) Alias(id uuid.UUID) uint32 {
	number, known := s.number[id]
	if !known {
		number = uint32(len(s.aliases))
		s.number[id] = number
		s.aliases = append(s.aliases, id)
	}
	return number
}

// Aliases returns how many aliases have a number.
func (s *Scans) Aliases() int { return len(s.aliases) }

// ID returns the alias of a number.
func (s *Scans) ID(alias uint32) uuid.UUID { return s.aliases[alias] }

// Add takes a scan that is well formed and returns the number of its alias, and false for a repeat: one that is held already
// with its alias, id, day and time of receipt. The log sees to it that a second scan of an (alias, id) says the same.
func (s *Scans) Add(sc *scan.Scan) (alias uint32, added bool) {
	alias = s.Alias(sc.Alias)
	d := s.day(scan.DayOf(sc.At))
	if sc.Kind == stay.Void {
		added = d.addVoid(alias, void{id: sc.ID, voids: sc.Voids, at: uint32(sc.At), received: uint32(sc.ReceivedAt)})
	} else {
		r := record{id: sc.ID, received: uint32(sc.ReceivedAt)}
		r.say(sc.At, sc.Kind, sc.Flags)
		added = d.add(alias, r, func() uint32 { return s.places.Place(tracing.Place{ID: sc.Place, Trip: sc.Trip}) })
	}
	if added {
		s.touch(d)
	}
	return alias, added
}

// find returns where a day stands, or would stand, and whether it is there.
func (s *Scans) find(of scan.Day) (int, bool) {
	return slices.BinarySearchFunc(s.days, of, func(d *day, of scan.Day) int { return cmp.Compare(d.of, of) })
}

// day returns a day, a new one where there is none.
func (s *Scans) day(of scan.Day) *day {
	i, there := s.find(of)
	if !there {
		s.days = slices.Insert(s.days, i, &day{of: of, voids: make(map[uint32][]void)})
	}
	return s.days[i]
}

// touch notes that a day is not what it was.
func (s *Scans) touch(d *day) {
	s.changes++
	d.change = s.changes
}

// Of appends the scans of an alias to scans, oldest day first. Those received before an instant are left out.
func (s *Scans) Of(scans []stay.Scan, alias uint32, since int64) []stay.Scan {
	places := s.places.Places()
	for _, d := range s.days {
		first := len(scans)
		for at := d.latest(alias); at != 0; {
			r := d.record(at)
			if int64(r.received) >= since {
				scans = append(scans, r.scan(d.of, s.aliases[alias], places))
			}
			at = r.earlier
		}
		slices.Reverse(scans[first:])
		for _, v := range d.voids[alias] {
			if int64(v.received) >= since {
				scans = append(scans, stay.Scan{ID: v.id, Alias: s.aliases[alias], At: int64(v.at), Kind: stay.Void, Voids: v.voids})
			}
		}
	}
	return scans
}

// AtPlaces returns the aliases that have a scan, taken back or not, at one of the places, which it asks for by number.
func (s *Scans) AtPlaces(is func(place uint32) bool) []uint32 {
	found := make([]bool, len(s.aliases))
	for _, d := range s.days {
		if !d.anyAt(is) {
			continue
		}
		for alias := range d.last {
			for at := d.last[alias]; at != 0 && !found[alias]; at = d.record(at).earlier {
				found[alias] = is(d.record(at).place)
			}
		}
	}
	return numbersOf(found)
}

func numbersOf(found []bool) (numbers []uint32) {
	for i, is := range found {
		if is {
			numbers = append(numbers, uint32(i))
		}
	}
	return numbers
}

// Days returns the days that have scans, in their order.
func (s *Scans) Days() []scan.Day {
	days := make([]scan.Day, len(s.days))
	for i, d := range s.days {
		days[i] = d.of
	}
	return days
}

// DropBefore forgets the days before first and returns the aliases that had scans on them.
func (s *Scans) DropBefore(first scan.Day) []uint32 {
	var found []bool
	for len(s.days) > 0 && s.days[0].of < first {
		d := s.days[0]
		s.days = slices.Delete(s.days, 0, 1)
		if found == nil {
			found = make([]bool, len(s.aliases))
		}
		for alias, last := range d.last {
			found[alias] = found[alias] || last != 0
		}
		for alias := range d.voids {
			found[alias] = true
		}
	}
	return numbersOf(found)
}

// Len returns how many scans are held.
func (s *Scans) Len() int {
	n := 0
	for _, d := range s.days {
		n += int(d.records) + d.voidCount
	}
	return n
}

// Bytes returns about how much memory the scans and their aliases take, without the places.
func (s *Scans) Bytes() int64 {
	n := int64(cap(s.aliases))*16 + int64(mapSpare*float64(len(s.aliases)*(16+4+1)))
	for _, d := range s.days {
		n += int64(len(d.chunks))*chunkSize*recordSize + int64(cap(d.last))*4 + int64(mapSpare*float64(d.voidCount*voidSize))
	}
	return n
}

// mapSpare is by how much a map of Go is larger than what is in it, on the average: it is 7/16 to 7/8 full.
const mapSpare = 1.5
