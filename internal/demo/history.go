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

// scans returns everything that was scanned before isolation in the order of time, then of the people, with ids that are
// in the same order.
func (h *history) scans(t *town) []Scan {
	type entry struct {
		at     int64
		number int // of the event, which settles the order of those at the same time
		person int32
	}
	entries := make([]entry, 0, len(h.events))
	for person := range int32(len(h.isolated)) {
		for i, e := range h.of(person) {
			entries = append(entries, entry{at: e.at, number: h.first[person] + i, person: person})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.number, b.number)) })

	all := make([]Scan, len(entries))
	ids, trips := newDice(t.seed, streamScan, 0, 0), looseDice()
	milli := int64(math.MinInt64)
	for i, n := range entries {
		e := &h.events[n.number]
		milli = max(milli+1, e.at*1000)
		all[i] = Scan{ID: ids.uuidAt(milli), At: e.at, Person: n.person, Place: e.place, Kind: e.kind, How: e.how}
		if e.ride != standing {
			all[i].Trip = t.trip(trips, e.place, e.ride)
		}
	}
	return all
}
