package sealed

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// tally counts the distinct sources of each person met. Workers note whom a source met at each place, 4 bytes for a contact,
// and in the end one source after the other is counted, with all that was noted of it. Where that would take more memory than
// is allowed, there are several rounds: in each the sources from low up to high count, and high goes down while notes are too
// many.
type tally struct {
	sources []uint32 // by person
	who     []uint32 // by source: the person
	low     uint32
	high    atomic.Uint32
	most    int    // words that one worker notes at most
	stamps  uint32 // that a counter tells apart
	mu      sync.Mutex
}

func newTally(people int, who []uint32, workers int, memory int64) *tally {
	most := min(int(memory/wordSize)/workers, math.MaxInt32) // a position is a word
	t := &tally{sources: make([]uint32, people), who: who, most: most, stamps: 1<<stampBits - 1}
	t.high.Store(uint32(len(who)))
	return t
}

// later says whether this is another round than the first: then only the sources that count in it are of interest.
func (t *tally) later() bool { return t != nil && t.low > 0 }

// counts says whether a source counts in this round.
func (t *tally) counts(source uint32) bool { return source >= t.low && source < t.high.Load() }

// notes are those of one worker: blocks of people whom a source met, each with a header before it. They stand in pages, so that
// nothing is copied as they become more, and have positions from 1 on: that of the first word of the header, plus one.
type notes struct {
	*tally
	pages  [][]uint32
	used   int      // pages; all of them but the last are full
	newest []uint32 // by source: the position of its newest block, else 0
}

// The words of a header: the position of the block that was the newest of the source, the source, and how many people follow.
const (
	before = iota
	ofSource
	length
	header
)

// wordSize is the size of a word, in bytes, and page how many are kept together.
const (
	wordSize = 4
	page     = 1 << 12
)

func (t *tally) newNotes() *notes {
	if t == nil {
		return nil
	}
	return &notes{tally: t, newest: make([]uint32, len(t.who))}
}

// add notes that a source had contacts, of whom it may be one itself.
func (n *notes) add(source uint32, hits []hit) {
	if n == nil || !n.counts(source) {
		return
	}
	for len(hits) > 0 {
		people := n.room(source, min(len(hits), page-header))
		for i := range people {
			people[i] = hits[i].person
		}
		hits = hits[len(people):]
	}
	if n.used*page > n.most && n.high.Load() > n.low+1 {
		n.shorten()
	}
}

// room returns the place for a new block of some people of a source.
func (n *notes) room(source uint32, people int) []uint32 {
	if n.used == 0 || page-len(n.pages[n.used-1]) < header+people {
		if n.used == len(n.pages) {
			n.pages = append(n.pages, make([]uint32, 0, page))
		}
		n.pages[n.used] = n.pages[n.used][:0]
		n.used++
	}
	at := &n.pages[n.used-1]
	first := len(*at)
	*at = (*at)[:first+header+people]
	b := (*at)[first:]
	b[before], b[ofSource], b[length] = n.newest[source], source, uint32(people)
	n.newest[source] = uint32((n.used-1)*page + first + 1)
	return b[header:]
}

// block returns the words from a position up to the end of its page.
func (n *notes) block(position uint32) []uint32 {
	position--
	return n.pages[position/page][position%page:]
}

// shorten leaves sources to later rounds until what is noted of the others is half of what is allowed, or they are one.
func (n *notes) shorten() {
	for {
		n.forget()
		high := n.high.Load()
		if n.used*page <= n.most/2 || high <= n.low+1 {
			return
		}
		n.high.CompareAndSwap(high, n.low+(high-n.low)/2)
	}
}

// forget forgets what was noted of sources that do not count, and moves the rest to the front: nothing is written where
// something is still to be read.
func (n *notes) forget() {
	used := n.used
	n.clear()
	for _, words := range slices.Clone(n.pages[:used]) {
		for len(words) > 0 {
			source, people := words[ofSource], words[header:header+words[length]]
			if n.counts(source) {
				copy(n.room(source, len(people)), people)
			}
			words = words[header+len(people):]
		}
	}
}

// clear forgets everything.
func (n *notes) clear() {
	n.used = 0
	clear(n.newest)
}

// take counts what was noted in a round, and reports whether there is another, for those who were left out.
func (t *tally) take(workers []*worker) (again bool) {
	if t == nil {
		return false
	}
	all := make([]*notes, len(workers))
	for i, w := range workers {
		all[i] = w.notes
	}
	high := t.high.Load()
	var next atomic.Uint32
	next.Store(t.low)
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			c := counter{tally: t, counts: make([]uint32, len(t.sources))}
			for source := next.Add(1) - 1; source < high; source = next.Add(1) - 1 {
				c.source(all, source)
			}
			c.flush()
		})
	}
	wait.Wait()
	for _, n := range all {
		n.clear()
	}
	t.low = high
	t.high.Store(uint32(len(t.who)))
	return high < uint32(len(t.who))
}

// counter counts one source after the other. What it knows of a person is one word, so that the second cache holds half a
// million: in the low bits the number of their sources, in the high ones the stamp of the last.
type counter struct {
	*tally
	counts []uint32 // by person
	stamp  uint32
	ahead  uint32 // a use for what is only read ahead
}

// stampBits is the size of a stamp.
const stampBits = 16

// source counts a source with everybody whom it met.
func (c *counter) source(all []*notes, source uint32) {
	if c.stamp == c.stamps {
		c.flush()
	}
	c.stamp++
	counts, stamp := c.counts, c.stamp
	const countMask = 1<<(32-stampBits) - 1
	self := &counts[c.who[source]]
	*self = stamp<<(32-stampBits) | *self&countMask // nobody meets themselves
	for _, n := range all {
		for at := n.newest[source]; at > 0; {
			b := n.block(at)
			if at = b[before]; at > 0 {
				c.ahead += n.block(at)[before] // so that the next block comes in while this one is counted
			}
			for _, person := range b[header : header+b[length]] {
				was := counts[person]
				another := ((was>>(32-stampBits) ^ stamp) + countMask) >> (32 - stampBits) // 1 where the last one is not this one
				counts[person] = stamp<<(32-stampBits) | (was&countMask + another)
			}
		}
	}
}

// flush adds what was counted to the sums of all, and begins anew.
func (c *counter) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for person, count := range c.counts {
		c.sources[person] += count & (1<<(32-stampBits) - 1)
	}
	clear(c.counts)
	c.stamp = 0
}
