package memindex

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A ledger knows of everybody the earliest contact and how many sources they met, whatever is added together, and is all zero
// but for what it was told.
func TestLedgerKnowsTheEarliestContactAndCountsSources(t *testing.T) {
	const people = rangePeople + 70
	l := newLedger(people)
	l.totals = make([]uint32, people)
	rapid.Check(t, func(r *rapid.T) {
		some := []uint32{0, 1, 63, 64, rangePeople - 1, rangePeople, people - 1}
		early, sources := make(map[uint32]uint32), make(map[uint32]uint32)
		waiting := make([][]contact, len(l.ranges))
		settle := func() {
			for i := range waiting {
				l.add(i, waiting[i])
				waiting[i] = nil
			}
		}
		number := uint32(0)
		for range rapid.IntRange(0, 10).Draw(r, "sources") {
			if number = rapid.Uint32Range(number+1, maxSources).Draw(r, "number"); number == maxSources {
				settle()
				for i := range l.ranges {
					l.emptyCounts(i)
				}
				number = 1
			}
			met := rapid.SliceOfN(rapid.SampledFrom(some), 0, 10).Draw(r, "met")
			for _, person := range met {
				when := rapid.Uint32Range(1, 1<<32-1).Draw(r, "early")
				early[person] = max(early[person], when)
				waiting[person/rangePeople] = append(waiting[person/rangePeople], newContact(when, number, person%rangePeople))
			}
			slices.Sort(met)
			for _, person := range slices.Compact(met) {
				sources[person]++
			}
			if rapid.Bool().Draw(r, "settle") {
				settle()
			}
		}
		settle()
		for person := range uint32(people) {
			c, total := l.cells[person], l.totals[person]
			l.cells[person], l.totals[person] = 0, 0
			if c.early() != early[person] || c.sources()+total != sources[person] {
				r.Fatalf("person %d: early %d, %d and %d sources, want %d and %d", person, c.early(), c.sources(), total,
					early[person], sources[person])
			}
		}
	})
}
