package memindex

import (
	"cmp"
	"maps"
	"slices"

	"github.com/truyvet/truyvet/tracing"
)

// Replace returns an index in which the stays of some people are replaced by others, all of theirs. Only the days on which the
// two differ are built anew; the others are shared with x, which stays as it is. It keeps
// neither people, which may stand in any order and more than once, nor stays; every stay must be of one of the people.
func (x *Index) Replace(people []uint32, stays []DenseStay, e Effort) *Index {
	c := x.changes(people, stays, e)
	if len(c) == 0 {
		return x
	}
	segments := make([]*segment, 0, len(x.scanned.days)+len(c))
	var changed []*change
	for i := range x.scanned.days {
		s := x.scanned.days[i].segment
		if ch := c[DayOf(s.start)]; ch != nil {
			ch.before = s
		} else {
			segments = append(segments, s)
		}
	}
	for _, d := range slices.Sorted(maps.Keys(c)) {
		changed = append(changed, c[d])
	}
	names, _ := x.scanned.numbering.names()
	built := make([]*segment, len(changed))
	inParallel(e.Workers, len(changed), func() func(int) {
		b := builder{resting: resting{rest: e.Rest}}
		return func(i int) {
			if d := b.stays(changed[i]); len(d.records)+len(d.long) > 0 {
				built[i] = b.segment(d, len(names))
			}
		}
	})
	for _, s := range built {
		if s != nil {
			segments = append(segments, s)
		}
	}
	slices.SortFunc(segments, func(a, b *segment) int { return cmp.Compare(a.start, b.start) })
	return newIndex(x.tree, x.scanned.numbering, segments, e, x)
}

// On returns the same stays on another tree of places. Nothing is built anew.
func (x *Index) On(places *tracing.Places) *Index {
	segments := make([]*segment, len(x.scanned.days))
	for i := range segments {
		segments[i] = x.scanned.days[i].segment
	}
	return newIndex(places, x.scanned.numbering, segments, Effort{}, x)
}

// change is what becomes of a day: those people's stays go, and these come.
type change struct {
	day    int64
	before *segment // nil where there was none
	people bits
	stays  []DenseStay
}

// changes compares the stays that people have with those that they shall have, and returns by day what differs.
func (x *Index) changes(people []uint32, stays []DenseStay, e Effort) map[int64]*change {
	r := resting{rest: e.Rest}
	people = slices.Compact(slices.Sorted(slices.Values(people)))
	days := make(map[int64][]DenseStay)
	for i := range stays {
		if s := &stays[i]; s.Leave > s.Enter {
			day := DayOf(s.Enter)
			days[day] = append(days[day], *s)
		}
	}
	found := make(map[int64]*change)
	compare := func(day int64, s *segment) {
		if c := r.differences(s, people, days[day]); len(c.people) > 0 {
			c.day = day
			found[day] = &c
		}
		delete(days, day)
	}
	for i := range x.scanned.days {
		s := x.scanned.days[i].segment
		compare(DayOf(s.start), s)
	}
	for _, day := range slices.Collect(maps.Keys(days)) {
		compare(day, &segment{})
	}
	return found
}

// differences compares what people have on a day with what they shall have there, which it reorders.
func (r *resting) differences(s *segment, people []uint32, stays []DenseStay) (c change) {
	slices.SortFunc(stays, func(a, b DenseStay) int { return a.compare(&b) })
	r.after(len(stays))
	var had []DenseStay
	for _, person := range people {
		now := ofPerson(stays, person)
		stays = stays[len(now):]
		if had = s.staysOf(had[:0], person); !slices.Equal(had, now) {
			c.people = c.people.with(person)
			c.stays = append(c.stays, now...)
		}
		r.after(comparing)
	}
	return c
}

// comparing is how many records are dealt with in the time that it takes to look somebody up and compare.
const comparing = 8

// ofPerson returns the stays of one person, with which the list begins if there are any.
func ofPerson(stays []DenseStay, person uint32) []DenseStay {
	n := 0
	for n < len(stays) && stays[n].Person == person {
		n++
	}
	return stays[:n]
}

// compare orders by everything that a stay is, the person first.
func (s *DenseStay) compare(t *DenseStay) int {
	switch {
	case s.Person != t.Person:
		return cmp.Compare(s.Person, t.Person)
	case s.Enter != t.Enter:
		return cmp.Compare(s.Enter, t.Enter)
	case s.Place != t.Place:
		return cmp.Compare(s.Place, t.Place)
	case s.Leave != t.Leave:
		return cmp.Compare(s.Leave, t.Leave)
	case s.Basis != t.Basis:
		return cmp.Compare(s.Basis, t.Basis)
	case s.Flagged == t.Flagged:
		return 0
	case t.Flagged:
		return -1
	default:
		return 1
	}
}

// staysOf appends what one person has in the segment, in the order of compare.
func (s *segment) staysOf(stays []DenseStay, person uint32) []DenseStay {
	first := len(stays)
	var room [4]tracing.Part
	for _, position := range s.of(person) {
		place := s.places[s.groupOf(position)]
		for _, p := range s.appendParts(room[:0], position) {
			stays = append(stays, DenseStay{person, place, p.Enter, p.Leave, p.Basis, p.Flagged})
		}
	}
	for _, st := range s.long {
		if st.Person == person {
			stays = append(stays, st)
		}
	}
	slices.SortFunc(stays[first:], func(a, b DenseStay) int { return a.compare(&b) })
	return stays
}

// with returns the set with one more, perhaps in the same memory.
func (b bits) with(i uint32) bits {
	for int(i/64) >= len(b) {
		b = append(b, 0)
	}
	b.set(i)
	return b
}

// stays returns what the segment of a day that changes is to be made of.
func (b *builder) stays(c *change) *dayStays {
	d := &dayStays{start: startOf(c.day)}
	if s := c.before; s != nil {
		d.records, d.places = make([]record, 0, s.stays+len(c.stays)), make([]uint32, 0, s.stays+len(c.stays))
		for i, place := range s.places {
			records, first := s.all(i)
			b.after(len(records))
			for j, r := range records {
				switch {
				case c.people.has(r.person()):
				case r.basis() != several:
					d.add(r, place)
				default:
					at, _ := slices.BinarySearch(s.mixed, first+uint32(j))
					for _, part := range s.parts[s.mixedParts[at]:s.mixedParts[at+1]] {
						d.add(part, place)
					}
				}
			}
		}
		for i := range s.long {
			if st := &s.long[i]; !c.people.has(st.Person) {
				d.take(st)
			}
		}
	}
	for i := range c.stays {
		d.take(&c.stays[i])
	}
	return d
}

func (d *dayStays) add(r record, place uint32) {
	d.records, d.places = append(d.records, r), append(d.places, place)
}

// take adds a stay that began on the day.
func (d *dayStays) take(s *DenseStay) {
	if s.fits() {
		d.add(s.record(d.start), s.Place)
	} else {
		d.long = append(d.long, *s)
	}
}
