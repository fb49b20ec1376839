package sealed

import (
	mathbits "math/bits"
	"slices"
	"sync"
	"sync/atomic"
)

// tally counts the distinct sources of each person met. Workers note pairs of the two, each once for a place; those of a
// person at several places are told apart in the end. Pairs are kept in buckets by the high bits of whom they are of, four
// bytes each. Where they would take more memory than is allowed, the people are taken in several rounds: in each, pairs of
// people of the buckets from low up to high count, and high goes down while they are too many.
type tally struct {
	sources []uint32 // by person
	people  int      // among the sources
	width   int      // of the number of a source, in bits
	lowBits int      // of a person's number that stand in a pair
	low     int
	high    atomic.Int64
	buckets int
	most    int // pairs in memory
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
	of    []piles
	noted int // about
	most  int
	spare [][]uint32
}

// piles are pairs of one bucket: full ones, and the last that has room.
type piles struct {
	full [][]uint32
	last []uint32
}

// pile is how many pairs are kept together, so that nothing is copied as they become more.
const pile = 2048

func (t *tally) newPairs(workers int) *pairs {
	if t == nil {
		return nil
	}
	return &pairs{tally: t, of: make([]piles, t.buckets), most: max(t.most/workers, 1)}
}

// add notes that people met a source.
func (p *pairs) add(people []uint32, source uint32) {
	if p == nil {
		return
	}
	for _, person := range people {
		b := int(person >> p.lowBits)
		if b < p.low || b >= len(p.of) {
			continue
		}
		of := &p.of[b]
		if len(of.last) == cap(of.last) {
			p.another(of)
		}
		of.last = append(of.last, (person&(1<<p.lowBits-1))<<p.width|source)
	}
}

// another gives a bucket room.
func (p *pairs) another(of *piles) {
	if of.last != nil {
		of.full = append(of.full, of.last)
	}
	if n := len(p.spare); n > 0 {
		of.last, p.spare = p.spare[n-1], p.spare[:n-1]
	} else {
		of.last = make([]uint32, 0, pile)
	}
	p.noted += pile
}

// each gives take all pairs of a bucket.
func (of *piles) each(take func([]uint32)) {
	for _, full := range of.full {
		take(full)
	}
	take(of.last)
}

// check makes room where too many are noted.
func (p *pairs) check() {
	if p == nil || p.noted <= p.most {
		return
	}
	p.cut()
	for p.noted > p.most/2 {
		p.noted = 0
		for b := range p.of {
			p.sift(&p.of[b])
		}
		if p.noted <= p.most/2 || len(p.of) <= p.low+1 {
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

// sift notes the pairs of a bucket anew, each once.
func (p *pairs) sift(of *piles) {
	var all []uint32
	of.each(func(pairs []uint32) { all = append(all, pairs...) })
	p.release(of)
	slices.Sort(all)
	for _, pair := range slices.Compact(all) {
		if len(of.last) == cap(of.last) {
			p.another(of)
		}
		of.last = append(of.last, pair)
	}
}

// release takes back the room of a bucket.
func (p *pairs) release(of *piles) {
	for _, full := range of.full {
		p.spare = append(p.spare, full[:0])
	}
	if of.last != nil {
		p.spare = append(p.spare, of.last[:0])
	}
	*of = piles{}
}

// cut forgets the pairs of people who are left to the next round.
func (p *pairs) cut() {
	high := min(int(p.high.Load()), len(p.of))
	for b := high; b < len(p.of); b++ {
		p.release(&p.of[b])
	}
	p.of = p.of[:high]
	p.noted = 0
	for b := range p.of {
		p.noted += len(p.of[b].full)*pile + cap(p.of[b].last)
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
	var next atomic.Int64
	next.Store(int64(t.low))
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			c := counter{tally: t, seen: make([]uint32, t.people), starts: make([]int, 1<<t.lowBits+1)}
			for b := next.Add(1) - 1; b < int64(high); b = next.Add(1) - 1 {
				c.bucket(workers, int(b))
			}
		})
	}
	wait.Wait()
	t.low = high
	t.high.Store(int64(t.buckets))
	for _, w := range workers {
		for b := range w.pairs.of {
			w.pairs.release(&w.pairs.of[b])
		}
		w.pairs.of, w.pairs.noted = make([]piles, t.buckets), 0
	}
	return high < t.buckets
}

// counter counts the sources of a bucket after the other.
type counter struct {
	*tally
	seen   []uint32 // by source: the stamp of the last person who has it
	stamp  uint32
	starts []int // by the low bits of a person's number
	sorted []uint32
}

func (c *counter) bucket(workers []*worker, b int) {
	clear(c.starts)
	n := 0
	for _, w := range workers {
		w.pairs.of[b].each(func(pairs []uint32) {
			for _, pair := range pairs {
				c.starts[pair>>c.width]++
			}
			n += len(pairs)
		})
	}
	// Each start is moved to the end of its person's, and then counted down.
	for i := 1; i < len(c.starts); i++ {
		c.starts[i] += c.starts[i-1]
	}
	c.sorted = slices.Grow(c.sorted[:0], n)[:n]
	for _, w := range workers {
		w.pairs.of[b].each(func(pairs []uint32) {
			for _, pair := range pairs {
				at := &c.starts[pair>>c.width]
				*at--
				c.sorted[*at] = pair & (1<<c.width - 1)
			}
		})
	}
	for i := range 1 << c.lowBits {
		of := c.sorted[c.starts[i]:c.starts[i+1]]
		if len(of) == 0 {
			continue
		}
		c.stamp++
		count := uint32(0)
		for _, source := range of {
			if c.seen[source] != c.stamp {
				c.seen[source] = c.stamp
				count++
			}
		}
		c.sources[b<<c.lowBits+i] = count
	}
}
