package memindex

import (
	"maps"
	"math"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
)

// view is a set of united stays: segments by day, and what concerns more than one of them.
type view struct {
	numbering *Numbering // of the people
	placed    *Numbering // of the places
	people    []uuid.UUID
	places    []tracing.Place
	isPart    []bool // by place: whether it is a contact place in ScopePart

	days  []dayOf            // in their order
	odd   []odd              // by place, then entry
	oddAt bits               // places that have some of them
	oddOf map[uint32][]int32 // their positions by person

	// Within the view instants are counted in seconds from base, the start of the first day; span is when everybody has left.
	base, span int64

	scratches chan *scratch
	ledgers   chan *ledger
}

// dayOf is a segment and what the days around it mean for it.
type dayOf struct {
	*segment
	offset int64 // start − base
	end    int64 // when the last has left, from base
	// entered tells the groups where somebody who came on an earlier day, and is in a record, stays on into this one.
	entered bits
	// hidden tells the records that are parts of an odd stay; nil where there are none.
	hidden bits
}

// odd is a united stay that no record holds: one of several days, or a very long one.
type odd struct {
	person, place uint32
	enter, leave  int64 // from base
	parts         []tracing.Part
}

// bits is a set of small numbers.
type bits []uint64

func newBits(n int) bits         { return make(bits, (n+63)/64) }
func (b bits) set(i uint32)      { b[i/64] |= 1 << (i % 64) }
func (b bits) has(i uint32) bool { return int(i/64) < len(b) && b[i/64]>>(i%64)&1 != 0 }

// newView puts segments, in the order of their days, together. There must be an isPart for every place that was numbered
// before the segments were made.
func newView(numbering, placed *Numbering, segments []*segment, e Effort, isPart []bool) *view {
	v := &view{numbering: numbering, placed: placed, isPart: isPart}
	v.scratches, v.ledgers = make(chan *scratch, idle), make(chan *ledger, idle)
	v.people, _ = numbering.names()
	_, v.places = placed.names()
	v.places = v.places[:len(isPart)]
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for _, s := range segments {
		first, last = min(first, s.start), max(last, s.latest)
		for _, st := range s.long {
			last = max(last, st.Leave)
		}
	}
	if len(segments) > 0 {
		v.base, v.span = first, last-first
	}
	v.days = make([]dayOf, len(segments))
	for i, s := range segments {
		v.days[i] = dayOf{segment: s, offset: s.start - v.base, end: s.latest - v.base}
	}
	v.joinNights(e)
	v.markEntered(&resting{rest: e.Rest})
	return v
}

// key is somebody at a place.
type key struct{ person, place uint32 }

// joinNights finds the united stays that lie in several segments or in no record.
func (v *view) joinNights(e Effort) {
	found := make([]map[key]bool, len(v.days))
	inParallel(e.Workers, len(v.days), func() func(int) {
		r := &resting{rest: e.Rest}
		return func(i int) { found[i] = v.keysFrom(i, r) }
	})
	keys := make(map[key]bool)
	for _, those := range found {
		maps.Copy(keys, those)
	}
	for k := range keys {
		v.join(k)
	}
	slices.SortFunc(v.odd, func(a, b odd) int { return a.compare(b.place, b.enter, b.person) })
	v.oddAt = newBits(len(v.places))
	v.oddOf = make(map[uint32][]int32)
	for i := range v.odd {
		v.oddAt.set(v.odd[i].place)
		v.oddOf[v.odd[i].person] = append(v.oddOf[v.odd[i].person], int32(i))
	}
}

// keysFrom returns who, of a day's stays, may have an odd one.
func (v *view) keysFrom(i int, resting *resting) map[key]bool {
	keys := make(map[key]bool)
	for _, st := range v.days[i].long {
		keys[key{st.Person, st.Place}] = true
	}
	v.eachOvernight(i, resting, func(group int, r record) {
		k := key{r.person(), v.days[i].places[group]}
		leave := v.days[i].offset + r.enter() + r.length()
		for j := i + 1; j < len(v.days) && v.days[j].offset <= leave; j++ {
			for _, position := range v.days[j].of(k.person) {
				if v.days[j].offset+v.days[j].records[position].enter() <= leave && v.placeOf(j, position) == k.place {
					keys[k] = true
				}
			}
		}
	})
	return keys
}

// join unites what one person has at one place on all days, and keeps what no record holds.
func (v *view) join(k key) {
	type member struct {
		day      int
		position uint32
		enter    int64
	}
	var members []member
	var parts []tracing.Part
	for i := range v.days {
		d := &v.days[i]
		for _, position := range d.of(k.person) {
			if v.placeOf(i, position) == k.place {
				members = append(members, member{i, position, d.start + d.records[position].enter()})
				parts = d.appendParts(parts, position)
			}
		}
		for _, st := range d.long {
			if st.Person == k.person && st.Place == k.place {
				parts = append(parts, tracing.Part{Enter: st.Enter, Leave: st.Leave, Basis: st.Basis, Flagged: st.Flagged})
			}
		}
	}
	for _, u := range tracing.UniteParts(nil, uuid.Nil, tracing.Place{}, parts) {
		inside := slices.DeleteFunc(slices.Clone(members), func(m member) bool { return m.enter < u.Enter || m.enter >= u.Leave })
		if len(inside) == 1 {
			m := inside[0]
			if length := v.days[m.day].records[m.position].length(); m.enter == u.Enter && length == u.Leave-u.Enter {
				continue // as it stands
			}
		}
		for _, m := range inside {
			d := &v.days[m.day]
			if d.hidden == nil {
				d.hidden = newBits(len(d.records))
			}
			d.hidden.set(m.position)
		}
		v.odd = append(v.odd, odd{k.person, k.place, u.Enter - v.base, u.Leave - v.base, u.Parts})
	}
}

// eachOvernight calls take for the records of a day that last until its end or longer.
func (v *view) eachOvernight(i int, resting *resting, take func(group int, r record)) {
	for group := range v.days[i].places {
		list := v.days[i].list(group, overnight)
		for _, r := range list {
			take(group, r)
		}
		resting.after(1 + comparing*len(list))
	}
}

// markEntered marks, for each day, the groups of places where somebody stays on from an earlier day.
func (v *view) markEntered(resting *resting) {
	for i := range v.days {
		v.days[i].entered = newBits(len(v.days[i].places))
	}
	for i := range v.days {
		for j := i + 1; j < len(v.days) && v.days[j].offset < v.days[i].end; j++ {
			v.eachOvernight(i, resting, func(group int, r record) {
				if v.days[i].offset+r.enter()+r.length() <= v.days[j].offset {
					return
				}
				if there, ok := v.days[j].group(v.days[i].places[group]); ok {
					v.days[j].entered.set(uint32(there))
				}
			})
		}
	}
}

// placeOf returns the place of a record.
func (v *view) placeOf(i int, position uint32) uint32 {
	return v.days[i].places[v.days[i].groupOf(position)]
}

// dayAt returns the last day that began by an instant, the first if none did.
func (v *view) dayAt(t int64) int {
	i := len(v.days) - 1
	for i > 0 && v.days[i].offset > t {
		i--
	}
	return i
}

// oddsAt returns the odd stays at a place.
func (v *view) oddsAt(place uint32) []odd {
	if !v.oddAt.has(place) {
		return nil
	}
	first, _ := slices.BinarySearchFunc(v.odd, place, func(o odd, place uint32) int { return o.compare(place, math.MinInt64, 0) })
	end := first
	for end < len(v.odd) && v.odd[end].place == place {
		end++
	}
	return v.odd[first:end]
}

// compare orders by (place, enter, person).
func (o odd) compare(place uint32, enter int64, person uint32) int {
	switch {
	case o.place != place:
		return int(int64(o.place) - int64(place))
	case o.enter != enter:
		if o.enter < enter {
			return -1
		}
		return 1
	default:
		return int(int64(o.person) - int64(person))
	}
}
