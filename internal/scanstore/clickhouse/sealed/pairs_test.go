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
		type met struct{ person, source uint32 }
		noted := rapid.SliceOf(rapid.Custom(func(t *rapid.T) met {
			return met{uint32(rapid.IntRange(0, people-1).Draw(t, "person")), uint32(rapid.IntRange(0, sources-1).Draw(t, "source"))}
		})).Draw(t, "noted")
		tally := newTally(true, people, sources, rapid.Int64Range(1, 400).Draw(t, "memory"))
		workers := make([]*worker, rapid.IntRange(1, 3).Draw(t, "workers"))
		for i := range workers {
			workers[i] = &worker{pairs: tally.newPairs(len(workers))}
		}
		for rounds := 0; ; rounds++ {
			for i, n := range noted {
				w := workers[i%len(workers)]
				w.pairs.add([]uint32{n.person}, n.source)
				w.pairs.check()
			}
			if !tally.take(workers) {
				break
			}
			if rounds > people {
				t.Fatal("it does not end")
			}
		}
		want := make(map[uint32]map[uint32]bool)
		for _, n := range noted {
			if want[n.person] == nil {
				want[n.person] = make(map[uint32]bool)
			}
			want[n.person][n.source] = true
		}
		for person, got := range tally.sources {
			if int(got) != len(want[uint32(person)]) {
				t.Fatalf("person %d has %d sources, want %d", person, got, len(want[uint32(person)]))
			}
		}
	})
}
