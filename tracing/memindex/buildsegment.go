package memindex

import (
	"cmp"
	"slices"
)

// entry is a record on its way into a segment.
type entry struct {
	record record
	place  uint32
}

// builder makes one segment after the other and keeps its working memory between them.
type builder struct {
	sorted []entry  // the other half of every pass
	counts []uint32 // by place
	lists  []uint32 // where the next record of each list goes
	mixed  []mixed
}

// mixed is a union of several parts on its way into a segment.
type mixed struct {
	entry entry
	parts []record
}

// segment makes the segment of a day out of the stays that records can hold, in any order, and those that they cannot. It
// keeps long and not entries, which it changes.
//
// There is no comparison of everything with everything: stays are scattered by person, which brings together what may unite,
// then sorted by entry and by place in counting passes, and last their positions are scattered by person.
func (b *builder) segment(start int64, people int, entries []entry, long []DenseStay) *segment {
	s := &segment{start: start, stays: len(entries) + len(long), long: long}
	if cap(b.sorted) < len(entries) {
		b.sorted = make([]entry, len(entries))
	}
	s.people = make([]uint32, people+1)
	byPerson := b.sorted[:len(entries)]
	for i := range entries {
		s.people[entries[i].record.person()]++
	}
	starts(s.people)
	for i := range entries {
		next := &s.people[entries[i].record.person()]
		byPerson[*next] = entries[i]
		*next++
	}
	united := b.unite(s, byPerson, entries[:0])
	other := b.sorted[:len(united)]
	b.byEntry(united, other, 0, 9)
	b.byEntry(other, united, 9, enterBits-9)
	b.byPlace(s, united)
	b.findMixed(s)
	s.indexPeople()
	return s
}

// starts turns the sizes of consecutive groups into where they start.
func starts(sizes []uint32) {
	sum := uint32(0)
	for i, size := range sizes {
		sizes[i] = sum
		sum += size
	}
}

// unite appends to united what the entries, grouped by person, unite to.
func (b *builder) unite(s *segment, entries, united []entry) []entry {
	b.mixed = b.mixed[:0]
	for i := 0; i < len(entries); {
		person := entries[i].record.person()
		end := i + 1
		for end < len(entries) && entries[end].record.person() == person {
			end++
		}
		if own := entries[i:end]; noneTouch(own) {
			united = append(united, own...)
		} else {
			united = b.unitePerson(s, own, united)
		}
		i = end
	}
	return united
}

// noneTouch says whether no two of the entries unite. It may say no where there are many.
func noneTouch(entries []entry) bool {
	if len(entries) > 32 {
		return false
	}
	for i := range entries {
		a := &entries[i]
		for j := range i {
			if b := &entries[j]; a.place == b.place &&
				a.record.enter() <= b.record.enter()+b.record.length() && b.record.enter() <= a.record.enter()+a.record.length() {
				return false
			}
		}
	}
	return true
}

// unitePerson unites the entries of one person, which it reorders.
func (b *builder) unitePerson(s *segment, entries, united []entry) []entry {
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.record, b.record))
	})
	for i := 0; i < len(entries); {
		first := entries[i]
		leave := first.record.enter() + first.record.length()
		end := i + 1
		for end < len(entries) && entries[end].place == first.place && entries[end].record.enter() <= leave {
			leave = max(leave, entries[end].record.enter()+entries[end].record.length())
			end++
		}
		united = b.union(s, entries[i:end], leave, united)
		i = end
	}
	return united
}

// union appends the union of entries, sorted by their entry.
func (b *builder) union(s *segment, entries []entry, leave int64, united []entry) []entry {
	first := entries[0]
	enter, person := first.record.enter(), first.record.person()
	switch {
	case len(entries) == 1:
		return append(united, first)
	case leave-enter > maxLength:
		for _, e := range entries {
			p := s.part(e.record)
			s.long = append(s.long, DenseStay{
				Person: person, Place: e.place, Enter: p.Enter, Leave: p.Leave, Basis: p.Basis, Flagged: p.Flagged,
			})
		}
		return united
	}
	m := mixed{entry: entry{newRecord(enter, leave-enter, person, several, false), first.place}}
	for _, e := range entries {
		m.parts = append(m.parts, e.record)
	}
	slices.Sort(m.parts) // one person: by (enter, length, basis, flagged)
	b.mixed = append(b.mixed, m)
	return append(united, m.entry)
}

// byEntry sorts entries into sorted by some bits of their entry, keeping the order of those that have them equal.
func (b *builder) byEntry(entries, sorted []entry, low, width int) {
	var counts [1 << 9]uint32
	mask := uint64(1)<<width - 1
	shift := enterShift + low
	for i := range entries {
		counts[uint64(entries[i].record)>>shift&mask]++
	}
	starts(counts[:])
	for i := range entries {
		next := &counts[uint64(entries[i].record)>>shift&mask]
		sorted[*next] = entries[i]
		*next++
	}
}

// byPlace puts the entries, sorted by their entry, into the lists of their places.
func (b *builder) byPlace(s *segment, entries []entry) {
	highest := uint32(0)
	for i := range entries {
		highest = max(highest, entries[i].place)
	}
	b.counts = slices.Grow(b.counts[:0], int(highest)+1)[:int(highest)+1]
	clear(b.counts)
	for i := range entries {
		b.counts[entries[i].place]++
	}
	groups := 0
	for _, n := range b.counts {
		if n > 0 {
			groups++
		}
	}
	s.places = make([]uint32, 0, groups)
	for place, n := range b.counts {
		if n > 0 {
			b.counts[place] = uint32(len(s.places))
			s.places = append(s.places, uint32(place))
		}
	}
	s.lists = make([]uint32, int(classes)*groups+1)
	for i := range entries {
		e := &entries[i]
		s.lists[uint32(classes)*b.counts[e.place]+uint32(e.record.class())]++
	}
	starts(s.lists)
	b.lists = append(b.lists[:0], s.lists...)
	s.records = make([]record, len(entries))
	for i := range entries {
		e := &entries[i]
		next := &b.lists[uint32(classes)*b.counts[e.place]+uint32(e.record.class())]
		s.records[*next] = e.record
		*next++
	}
	s.groups = make([]uint32, 0, (len(entries)+groupStep-1)/groupStep)
	group := uint32(0)
	for position := 0; position < len(entries); position += groupStep {
		for s.lists[uint32(classes)*(group+1)] <= uint32(position) {
			group++
		}
		s.groups = append(s.groups, group)
	}
}

// findMixed finds where the unions of several parts have come to stand, and keeps their parts.
func (b *builder) findMixed(s *segment) {
	type found struct {
		position uint32
		parts    []record
	}
	all := make([]found, len(b.mixed))
	count := 0
	for i, m := range b.mixed {
		group, _ := s.group(m.entry.place)
		list := s.list(group, m.entry.record.class())
		at, _ := slices.BinarySearchFunc(list, m.entry.record.enter(), func(r record, enter int64) int {
			return cmp.Compare(r.enter(), enter)
		})
		for list[at] != m.entry.record {
			at++
		}
		first := s.lists[int(classes)*group+int(m.entry.record.class())]
		all[i] = found{first + uint32(at), m.parts}
		count += len(m.parts)
	}
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(a.position, b.position) })
	s.mixed = make([]uint32, 0, len(all))
	s.mixedParts = make([]uint32, 0, len(all)+1)
	s.parts = make([]record, 0, count)
	for _, f := range all {
		s.mixed = append(s.mixed, f.position)
		s.mixedParts = append(s.mixedParts, uint32(len(s.parts)))
		s.parts = append(s.parts, f.parts...)
	}
	s.mixedParts = append(s.mixedParts, uint32(len(s.parts)))
}

// indexPeople makes the second order, and finds who leaves last.
func (s *segment) indexPeople() {
	clear(s.people)
	last := int64(0)
	for _, r := range s.records {
		s.people[r.person()]++
		last = max(last, r.enter()+r.length())
	}
	s.latest = s.start + last
	starts(s.people)
	s.byPerson = make([]uint32, len(s.records))
	for i, r := range s.records {
		next := &s.people[r.person()]
		s.byPerson[*next] = uint32(i)
		*next++
	}
	// Each start has moved to the next one's place.
	copy(s.people[1:], s.people)
	s.people[0] = 0
}
