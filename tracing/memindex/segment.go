package memindex

import (
	"math"
	"slices"

	"github.com/truyvet/truyvet/tracing"
)

// segment holds the stays that began on one day, those of each person at each place united among themselves. It knows
// nothing of other days and never changes, so that indices share it.
type segment struct {
	start  int64 // the instant at which the day begins
	latest int64 // the instant at which the last of records leaves
	stays  int   // how many it was made of

	// records are grouped by place, then class, and sorted by entry. Places that nobody entered that day have no group:
	// group i is that of places[i], its list of class c is records[lists[3i+c]:lists[3i+c+1]].
	records []record
	places  []uint32
	lists   []uint32
	groups  []uint32 // the group of every 64th record

	// byPerson[people[p]:people[p+1]] are the positions of person p's records.
	byPerson []uint32
	people   []uint32

	// The parts of the record at position mixed[i], which is marked with several, are parts[mixedParts[i]:mixedParts[i+1]],
	// sorted by (enter, leave, basis, flagged).
	mixed      []uint32
	mixedParts []uint32
	parts      []record

	long []DenseStay // those that no record, alone or united, can hold
}

// groupStep is for how many records one entry of segment.groups stands.
const groupStep = 64

// bytes returns the memory that the segment takes.
func (s *segment) bytes() int64 {
	words := len(s.places) + len(s.lists) + len(s.groups) + len(s.byPerson) + len(s.people) + len(s.mixed) + len(s.mixedParts)
	return int64(len(s.records)+len(s.parts))*8 + int64(words)*4 + int64(len(s.long))*32
}

// of returns the positions of a person's records.
func (s *segment) of(person uint32) []uint32 {
	if int(person)+1 >= len(s.people) {
		return nil
	}
	return s.byPerson[s.people[person]:s.people[person+1]]
}

// groupOf returns the group that a position lies in.
func (s *segment) groupOf(position uint32) int {
	low, high := int(s.groups[position/groupStep]), len(s.places)
	if next := int(position/groupStep) + 1; next < len(s.groups) {
		high = int(s.groups[next]) + 1
	}
	for high-low > 1 { // groups are not empty, so that there are at most groupStep of them here
		middle := int(uint(low+high) / 2)
		if s.lists[int(classes)*middle] <= position {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// group returns the group of a place, and whether it has one.
func (s *segment) group(place uint32) (int, bool) { return slices.BinarySearch(s.places, place) }

// list returns one list of a group.
func (s *segment) list(group int, c class) []record {
	i := int(classes)*group + int(c)
	return s.records[s.lists[i]:s.lists[i+1]]
}

// all returns the three lists of a group as one, and the position of the first.
func (s *segment) all(group int) ([]record, uint32) {
	i := int(classes) * group
	return s.records[s.lists[i]:s.lists[i+int(classes)]], s.lists[i]
}

// appendParts appends what the record at a position was made of.
func (s *segment) appendParts(parts []tracing.Part, position uint32) []tracing.Part {
	r := s.records[position]
	if r.basis() != several {
		return append(parts, s.part(r))
	}
	i, _ := slices.BinarySearch(s.mixed, position)
	for _, p := range s.parts[s.mixedParts[i]:s.mixedParts[i+1]] {
		parts = append(parts, s.part(p))
	}
	return parts
}

func (s *segment) part(r record) tracing.Part {
	enter := s.start + r.enter()
	return tracing.Part{Enter: enter, Leave: enter + r.length(), Basis: r.basis(), Flagged: r.flagged()}
}

// since returns the part of a sorted list that is not less than begin.
func since(list []record, begin record) []record {
	if begin == 0 {
		return list
	}
	low, n := 0, len(list)
	for n > 0 {
		half := n / 2
		if list[low+half] < begin {
			low += half + 1
			n -= half + 1
		} else {
			n = half
		}
	}
	return list[low:]
}

// before returns the least record of those that enter at or after a time within the day.
func before(enter int64) record {
	switch {
	case enter <= 0:
		return 0
	case enter >= day:
		return math.MaxUint64
	default:
		return record(enter) << enterShift
	}
}
