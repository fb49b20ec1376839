package sealed

import (
	mathbits "math/bits"
	"slices"
	"sync/atomic"
)

// tally counts the distinct sources of each person met. Workers note pairs of the two, each once for a place; those of a
// person at several places are told apart in the end. Pairs are kept in buckets by the high bits of whom they are of, four
// bytes each. Where they would take more memory than is allowed, the people are taken in several rounds: in each, pairs of
// people of the buckets from low up to high count, and high goes down while they are too many.
type tally struct {
	sources  []uint32 // by person
	people   int      // among the sources
	width    int      // of the number of a source, in bits
	lowBits  int      // of a person's number that stand in a pair
	low      int
	high     atomic.Int64
	buckets  int
	mostEach int // pairs of one worker, in the end
	most     int
}

// pairBits is the size of a pair.
const pairBits = 32

func newTally(wanted bool, people, sources int, memory int64) *tally {
	if !wanted {
		return nil
	}
	t := &tally{sources: make([]uint32, people), people: sources, width: mathbits.Len(uint(sources))}
	t.lowBits = min(11, pairBits-t.width)
	t.buckets = people>>t.lowBits + 1
	t.high.Store(int64(t.buckets))
	t.most = int(memory / (pairBits / 8))
	return t
}

// pairs are those that one worker has noted.
type pairs struct {
	*tally
	of    [][]uint32 // by bucket
	noted int
	most  int
}

func (t *tally) newPairs(workers int) *pairs {
	if t == nil {
		return nil
	}
	// A slice that grows has room for twice what is in it.
	return &pairs{tally: t, of: make([][]uint32, t.buckets), most: max(t.most/workers/2, 1)}
}

// add notes a pair.
func (p *pairs) add(person, source uint32) {
	b := int(person >> p.lowBits)
	if b < p.low || b >= len(p.of) {
		return
	}
	p.of[b] = append(p.of[b], (person&(1<<p.lowBits-1))<<p.width|source)
	p.noted++
}

// check makes room where too many are noted.
func (p *pairs) check() {
	if p == nil || p.noted <= p.most {
		return
	}
	p.cut()
	for p.noted > p.most/2 {
		for b := range p.of {
			slices.Sort(p.of[b])
			p.of[b] = slices.Compact(p.of[b])
		}
		if p.count(); p.noted <= p.most/2 || len(p.of) <= p.low+1 {
			break
		}
		// Nobody counts in this round who is past the middle of those that still do.
		middle := int64(p.low + max(1, (len(p.of)-p.low)/2))
		for {
			high := p.high.Load()
			if high <= middle || p.high.CompareAndSwap(high, middle) {
				break
			}
		}
		p.cut()
	}
}

// cut forgets the pairs of people who are left to the next round.
func (p *pairs) cut() {
	high := int(p.high.Load())
	clear(p.of[high:])
	p.of = p.of[:high]
	p.count()
}

func (p *pairs) count() {
	p.noted = 0
	for _, of := range p.of {
		p.noted += len(of)
	}
}

// take counts what the workers noted in a round, and reports whether there is another: those who were left out.
func (t *tally) take(workers []*worker) (again bool) {
	if t == nil {
		return false
	}
	for _, w := range workers {
		w.pairs.cut()
	}
	high := int(t.high.Load())
	seen := make([]uint32, t.people)
	starts := make([]int, 1<<t.lowBits+1)
	var sorted []uint32
	stamp := uint32(0)
	for b := t.low; b < high; b++ {
		clear(starts)
		n := 0
		for _, w := range workers {
			for _, pair := range w.pairs.of[b] {
				starts[pair>>t.width+1]++
			}
			n += len(w.pairs.of[b])
		}
		for i := 1; i < len(starts); i++ {
			starts[i] += starts[i-1]
		}
		sorted = slices.Grow(sorted[:0], n)[:n]
		at := slices.Clone(starts)
		for _, w := range workers {
			for _, pair := range w.pairs.of[b] {
				sorted[at[pair>>t.width]] = pair & (1<<t.width - 1)
				at[pair>>t.width]++
			}
		}
		for i := range 1 << t.lowBits {
			if starts[i] == starts[i+1] {
				continue
			}
			stamp++
			count := uint32(0)
			for _, source := range sorted[starts[i]:starts[i+1]] {
				if seen[source] != stamp {
					seen[source] = stamp
					count++
				}
			}
			t.sources[b<<t.lowBits+i] = count
		}
	}
	t.low = high
	t.high.Store(int64(t.buckets))
	for _, w := range workers {
		w.pairs.of = make([][]uint32, t.buckets)
		w.pairs.noted = 0
	}
	return high < t.buckets
}
