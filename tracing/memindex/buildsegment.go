package memindex

import (
	"cmp"
	mathbits "math/bits"
	"slices"
)

// builder makes one segment after the other and keeps its working memory between them.
type builder struct {
	resting
	grouped []record // by list, before each list is sorted
	next    []uint32 // by place and class: how many there are, then where the next goes
	buckets []uint32 // of a list that is sorted
}

// segment makes the segment of a day, of which it takes over the records, in any order, and the stays that no record holds.
//
// There is no comparison of everything with everything: records are scattered to the lists of their places, each list is
// sorted in the cache, and last the positions are scattered by person. That shows whose records touch at a place. There are
// few of them, or none, and uniting them is extra work.
func (b *builder) segment(day *dayStays, people int) *segment {
	s := &segment{start: day.start, stays: len(day.records) + len(day.long), records: day.records, long: day.long}
	s.people = make([]uint32, people+1)
	b.group(s, day.places)
	for i := range s.lists[1:] {
		first, end := s.lists[i], s.lists[i+1]
		b.sort(b.grouped[first:end], s.records[first:end])
		b.after(int(end - first))
	}
	if touching := b.indexPeople(s); len(touching) > 0 {
		b.unite(s, touching)
		b.indexPeople(s)
	}
	s.indexGroups()
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

// group copies the records of a segment into b.grouped, list by list, and makes places and lists of it.
func (b *builder) group(s *segment, placeOf []uint32) {
	places := 0
	for _, place := range placeOf {
		places = max(places, int(place)+1)
	}
	b.next = slices.Grow(b.next[:0], int(classes)*places)[:int(classes)*places]
	clear(b.next)
	b.inSteps(len(s.records), func(first, end int) {
		for i, r := range s.records[first:end] {
			b.next[uint32(classes)*placeOf[first+i]+uint32(r.class())]++
		}
	})
	groups := 0
	for place := range places {
		if lists := b.next[int(classes)*place:][:classes]; lists[short]|lists[long]|lists[overnight] != 0 {
			groups++
		}
	}
	s.places, s.lists = make([]uint32, 0, groups), make([]uint32, 0, int(classes)*groups+1)
	first := uint32(0)
	for place := range places {
		lists := b.next[int(classes)*place:][:classes]
		if lists[short]|lists[long]|lists[overnight] == 0 {
			continue
		}
		s.places = append(s.places, uint32(place))
		for c, n := range lists {
			s.lists = append(s.lists, first)
			lists[c], first = first, first+n
		}
	}
	s.lists = append(s.lists, first)
	b.grouped = slices.Grow(b.grouped[:0], len(s.records))[:len(s.records)]
	b.inSteps(len(s.records), func(first, end int) {
		for i, r := range s.records[first:end] {
			next := &b.next[uint32(classes)*placeOf[first+i]+uint32(r.class())]
			b.grouped[*next] = r
			*next++
		}
	})
}

const (
	fewRecords = 12 // are sorted by inserting each
	fullBucket = 64 // with more in one bucket, buckets do not help
)

// sort copies a list into sorted, of the same length, in the order of the records. Where people enter over the day, as many
// buckets of equal time as there are records bring each near to where it belongs.
func (b *builder) sort(list, sorted []record) {
	if len(list) <= fewRecords {
		copy(sorted, list)
		insertionSort(sorted)
		return
	}
	low, high := list[0], list[0]
	for _, r := range list {
		low, high = min(low, r), max(high, r)
	}
	span := uint64(high-low) >> enterShift
	shift := enterShift + mathbits.Len64(span/uint64(len(list)))
	n := int(uint64(high-low)>>shift) + 1
	b.buckets = slices.Grow(b.buckets[:0], n)[:n]
	clear(b.buckets)
	for _, r := range list {
		b.buckets[uint64(r-low)>>shift]++
	}
	fullest := slices.Max(b.buckets)
	starts(b.buckets)
	for _, r := range list {
		next := &b.buckets[uint64(r-low)>>shift]
		sorted[*next] = r
		*next++
	}
	if fullest > fullBucket {
		slices.Sort(sorted)
	} else {
		insertionSort(sorted)
	}
}

// insertionSort sorts what is short, or nearly sorted.
func insertionSort(list []record) {
	for i, r := range list {
		for ; i > 0 && list[i-1] > r; i-- {
			list[i] = list[i-1]
		}
		list[i] = r
	}
}

// indexPeople makes the second order, and finds who leaves last. It returns the groups, ascending, in which somebody has
// records that touch.
func (b *builder) indexPeople(s *segment) (touching []int) {
	clear(s.people)
	s.latest = s.start
	b.inSteps(len(s.records), func(first, end int) {
		last := int64(0)
		for _, r := range s.records[first:end] {
			s.people[r.person()]++
			last = max(last, r.enter()+r.length())
		}
		s.latest = max(s.latest, s.start+last)
	})
	starts(s.people)
	s.byPerson = make([]uint32, len(s.records))
	for group := range s.places {
		records, first := s.all(group)
		touch := false
		for i, r := range records {
			next := s.people[r.person()]
			s.people[r.person()]++
			s.byPerson[next] = first + uint32(i)
			if next > 0 && s.byPerson[next-1]-first < uint32(i) && !touch { // somebody of this group, and perhaps the same
				touch = s.touches(r, s.byPerson[:next], first)
			}
		}
		if touch {
			touching = append(touching, group)
		}
		b.after(len(records))
	}
	// Each start has moved to the next one's place.
	copy(s.people[1:], s.people)
	s.people[0] = 0
	return touching
}

// touches says whether a record touches one of the same person among those from first on at the end of positions.
func (s *segment) touches(r record, positions []uint32, first uint32) bool {
	for i := len(positions) - 1; i >= 0 && positions[i] >= first; i-- {
		other := s.records[positions[i]]
		if other.person() != r.person() {
			return false
		}
		if r.enter() <= other.enter()+other.length() && other.enter() <= r.enter()+r.length() {
			return true
		}
	}
	return false
}

// unite unites the records that touch in some groups, ascending.
func (b *builder) unite(s *segment, touching []int) {
	before, lists := s.records, s.lists
	s.records, s.lists = make([]record, 0, len(before)), make([]uint32, 0, len(lists))
	places := s.places
	s.places = make([]uint32, 0, len(places))
	for group, place := range places {
		own := lists[int(classes)*group:][:classes+1]
		records := before[own[short]:own[classes]]
		b.after(len(records))
		if len(touching) == 0 || touching[0] != group {
			shift := own[short] - uint32(len(s.records))
			s.places = append(s.places, place)
			for _, first := range own[:classes] {
				s.lists = append(s.lists, first-shift)
			}
			s.records = append(s.records, records...)
			continue
		}
		touching = touching[1:]
		b.uniteGroup(s, place, records)
	}
	s.lists = append(s.lists, uint32(len(s.records)))
	s.records = slices.Clone(s.records) // there are fewer now
	s.mixedParts = append(s.mixedParts, uint32(len(s.parts)))
}

// uniteGroup appends a group of what the records of a place unite to.
func (b *builder) uniteGroup(s *segment, place uint32, records []record) {
	slices.SortFunc(records, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.person(), b.person()), cmp.Compare(a, b))
	})
	var united []union
	for i := 0; i < len(records); {
		leave := records[i].enter() + records[i].length()
		end := i + 1
		for end < len(records) && records[end].person() == records[i].person() && records[end].enter() <= leave {
			leave = max(leave, records[end].enter()+records[end].length())
			end++
		}
		if u, fits := unionOf(records[i:end], leave); fits {
			united = append(united, u)
		} else {
			s.keepLong(place, records[i:end])
		}
		i = end
	}
	if len(united) == 0 {
		return
	}
	slices.SortFunc(united, func(a, b union) int {
		return cmp.Or(cmp.Compare(a.record.class(), b.record.class()), cmp.Compare(a.record, b.record))
	})
	s.places = append(s.places, place)
	for c := short; c < classes; c++ {
		s.lists = append(s.lists, uint32(len(s.records)))
		for len(united) > 0 && united[0].record.class() == c {
			s.add(united[0])
			united = united[1:]
		}
	}
}

// union is a united stay and what it was made of, one record or several.
type union struct {
	record record
	parts  []record
}

// unionOf returns the union of one person's records, in their order, and whether a record can hold it.
func unionOf(parts []record, leave int64) (union, bool) {
	first := parts[0]
	if len(parts) == 1 {
		return union{first, parts}, true
	}
	length := leave - first.enter()
	if length > maxLength {
		return union{}, false
	}
	return union{newRecord(first.enter(), length, first.person(), several, false), parts}, true
}

// add appends a record, and the parts of one that has several.
func (s *segment) add(u union) {
	if len(u.parts) > 1 {
		s.mixed = append(s.mixed, uint32(len(s.records)))
		s.mixedParts = append(s.mixedParts, uint32(len(s.parts)))
		s.parts = append(s.parts, u.parts...)
	}
	s.records = append(s.records, u.record)
}

// keepLong keeps what unites to more than a record can hold.
func (s *segment) keepLong(place uint32, records []record) {
	for _, r := range records {
		p := s.part(r)
		s.long = append(s.long, DenseStay{
			Person: r.person(), Place: place, Enter: p.Enter, Leave: p.Leave, Basis: p.Basis, Flagged: p.Flagged,
		})
	}
}

// indexGroups notes the group of every 64th record.
func (s *segment) indexGroups() {
	s.groups = make([]uint32, 0, (len(s.records)+groupStep-1)/groupStep)
	group := uint32(0)
	for position := 0; position < len(s.records); position += groupStep {
		for s.lists[uint32(classes)*(group+1)] <= uint32(position) {
			group++
		}
		s.groups = append(s.groups, group)
	}
}
