package demo

import (
	"cmp"
	"math"
	"slices"
)

// history is every scan, by person and time.
type history struct {
	events   []event
	first    []int   // where a person's scans begin; one longer than there are people
	isolated []int64 // since when a person scans no more; math.MaxInt64 for most
}

// live lets everybody live for a month.
func (t *town) live(cal *calendar, people []resident, records []Person) *history {
	h := &history{first: make([]int, 1, len(people)+1), isolated: make([]int64, len(people))}
	y := &diary{t: t, cal: cal, d: looseDice(), family: looseDice()}
	for i := range people {
		begin := len(y.events)
		y.month(i, &people[i], records[i].IDCard != "")
		slices.SortStableFunc(y.events[begin:], func(a, b event) int { return cmp.Compare(a.at, b.at) })
		h.first = append(h.first, len(y.events))
		h.isolated[i] = math.MaxInt64
	}
	h.events = y.events
	return h
}

// of returns the scans of a person before isolation.
func (h *history) of(person int32) []event {
	events := h.events[h.first[person]:h.first[person+1]]
	end, _ := slices.BinarySearchFunc(events, h.isolated[person], func(e event, at int64) int { return cmp.Compare(e.at, at) })
	return events[:end]
}

// scans returns everything that was scanned before isolation in the order of time, with ids that are in the same order.
func (h *history) scans(t *town) []Scan {
	trips := looseDice()
	all := make([]Scan, 0, len(h.events))
	for person := range int32(len(h.isolated)) {
		for _, e := range h.of(person) {
			s := Scan{At: e.at, Person: person, Place: e.place, Kind: e.kind, How: e.how}
			if e.ride != standing {
				s.Trip = t.trip(trips, e.place, e.ride)
			}
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b Scan) int { return cmp.Compare(a.At, b.At) })
	ids := newDice(t.seed, streamScan, 0, 0)
	milli := int64(math.MinInt64)
	for i := range all {
		s := &all[i]
		milli = max(milli+1, s.At*1000)
		s.ID = ids.uuidAt(milli)
	}
	return all
}
