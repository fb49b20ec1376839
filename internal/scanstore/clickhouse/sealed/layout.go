package sealed

import (
	"cmp"
	"slices"

	"github.com/truyvet/truyvet/tracing"
)

// nowhere is the contact place of places that have none.
const nowhere = 1<<32 - 1

// bits is a set of small numbers.
type bits []uint64

func newBits(n int) bits         { return make(bits, (n+63)/64) }
func (b bits) set(i uint32)      { b[i/64] |= 1 << (i % 64) }
func (b bits) clear(i uint32)    { b[i/64] &^= 1 << (i % 64) }
func (b bits) has(i uint32) bool { return int(i/64) < len(b) && b[i/64]>>(i%64)&1 != 0 }

// layout is the contact places of a scope. They have the numbers of the places, but for the scope site, where each site has
// one of its own.
type layout struct {
	contact []uint32 // by place
	names   []tracing.Place
	number  func(tracing.Place) (uint32, bool)

	// Of the scope site: the places of contact place c are members[starts[c]:starts[c+1]].
	members []uint32
	starts  []uint32
}

func (src *Source) newLayout(scope tracing.Scope) *layout {
	l := &layout{contact: make([]uint32, len(src.places))}
	if scope != tracing.ScopeSite {
		l.names = src.places
		for n, p := range src.places {
			l.contact[n] = uint32(n)
			if _, is := src.w.Places.Contact(scope, p); !is {
				l.contact[n] = nowhere
			}
		}
		l.number = func(p tracing.Place) (uint32, bool) {
			n, known := src.placeNumber(p)
			return n, known && l.contact[n] != nowhere
		}
		return l
	}
	numbers := make(map[tracing.Place]uint32)
	l.members = make([]uint32, len(src.places))
	for n, p := range src.places {
		site, _ := src.w.Places.Contact(scope, p)
		contact, known := numbers[site]
		if !known {
			contact = uint32(len(l.names))
			numbers[site] = contact
			l.names = append(l.names, site)
		}
		l.contact[n], l.members[n] = contact, uint32(n)
	}
	l.number = func(p tracing.Place) (uint32, bool) {
		n, known := numbers[p]
		return n, known
	}
	slices.SortFunc(l.members, func(a, b uint32) int { return cmp.Or(cmp.Compare(l.contact[a], l.contact[b]), cmp.Compare(a, b)) })
	l.starts = make([]uint32, len(l.names)+1)
	for _, n := range l.members {
		l.starts[l.contact[n]+1]++
	}
	for c := range l.names {
		l.starts[c+1] += l.starts[c]
	}
	return l
}

// appendMembers appends the places of a contact place.
func (l *layout) appendMembers(dst []uint32, contact uint32) []uint32 {
	if l.starts == nil {
		return append(dst, contact)
	}
	return append(dst, l.members[l.starts[contact]:l.starts[contact+1]]...)
}

// freshPlaces are the fresh stays by contact place.
type freshPlaces []freshStay

func (src *Source) freshAt(l *layout) freshPlaces {
	all := make(freshPlaces, 0, len(src.fresh))
	for _, f := range src.fresh {
		if l.contact[f.place] != nowhere {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b freshStay) int {
		return cmp.Or(cmp.Compare(l.contact[a.place], l.contact[b.place]), cmp.Compare(a.person, b.person), cmp.Compare(a.enter, b.enter))
	})
	return all
}

// at returns the stays at a contact place, by person and then by entry.
func (f freshPlaces) at(l *layout, contact uint32) []freshStay {
	first, there := slices.BinarySearchFunc(f, contact, func(s freshStay, contact uint32) int { return cmp.Compare(l.contact[s.place], contact) })
	if !there {
		return nil
	}
	end := first
	for end < len(f) && l.contact[f[end].place] == contact {
		end++
	}
	return f[first:end:end]
}

// unit is contact places that are read together.
type unit struct {
	contacts   []uint32 // ascending
	conditions []string // of their rows: each is of one of these
}

// listed divides contact places into units, with all days.
func (src *Source) listed(l *layout, contacts []uint32) []unit {
	var units []unit
	days := daysAre(src.days)
	for len(contacts) > 0 {
		var keys []uint32
		n := 0
		for n < len(contacts) && n < src.s.sizes.pairs/8+1 && len(keys) < keysListed {
			keys = l.appendMembers(keys, contacts[n])
			n++
		}
		units = append(units, unit{contacts[:n], []string{keysAre(keys) + " AND " + days}})
		contacts = contacts[n:]
	}
	return units
}
