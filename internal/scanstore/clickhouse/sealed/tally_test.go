package sealed

import (
	"testing"

	"pgregory.net/rapid"
)

// However little memory there is, everybody's sources are counted once each.
func TestTally(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		people := rapid.IntRange(1, 9000).Draw(t, "people")
		sources := rapid.IntRange(1, 40).Draw(t, "sources")
		type met struct {
			source uint32
			hits   []hit
		}
		noted := rapid.SliceOf(rapid.Custom(func(t *rapid.T) met {
			first, many := rapid.IntRange(0, people-1).Draw(t, "person"), rapid.IntRange(0, 20_000).Draw(t, "many")
			m := met{source: uint32(rapid.IntRange(0, sources-1).Draw(t, "source")), hits: make([]hit, many)}
			for i := range m.hits {
				m.hits[i].person = uint32((first + i) % people)
			}
			return m
		})).Draw(t, "noted")
		who := make([]uint32, sources)
		for source := range who {
			who[source] = uint32(source % people)
		}
		workers := make([]*worker, rapid.IntRange(1, 3).Draw(t, "workers"))
		tally := newTally(people, who, len(workers), rapid.Int64Range(1, 1<<19).Draw(t, "memory"))
		tally.stamps = rapid.Uint32Range(1, 1<<stampBits-1).Draw(t, "stamps")
		for i := range workers {
			workers[i] = &worker{notes: tally.newNotes()}
		}
		for rounds := 0; ; rounds++ {
			for i, n := range noted {
				workers[i%len(workers)].notes.add(n.source, n.hits)
			}
			if !tally.take(workers) {
				break
			}
			if rounds > sources {
				t.Fatal("it does not end")
			}
		}
		want := make(map[uint32]map[uint32]bool)
		for _, n := range noted {
			for _, h := range n.hits {
				if h.person == who[n.source] {
					continue
				}
				if want[h.person] == nil {
					want[h.person] = make(map[uint32]bool)
				}
				want[h.person][n.source] = true
			}
		}
		for person, got := range tally.sources {
			if int(got) != len(want[uint32(person)]) {
				t.Fatalf("person %d has %d sources, want %d", person, got, len(want[uint32(person)]))
			}
		}
	})
}
