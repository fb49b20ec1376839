package memindex

import "sync"

// contact is that somebody met the source at work, in eight bytes: from the highest bit down
//
//	^(when it began, from base) 32 · number of the source 16 · person within their range 16
type contact uint64

// cell is what is known of one person, 0 for nothing:
//
//	^(when the earliest contact began, from base) 32 · number of the last source that they met 16 · how many they met 16
//
// The contacts with a source stand one after the other, so that only the last one must be remembered to count each once.
type cell uint64

const (
	earlyShift  = 32
	sourceShift = 16
	sourceMask  = 1<<16 - 1

	// maxSources is how many sources can be told apart, and counted, before the counts are emptied into totals. They are
	// numbered from 1 on; a sweep counts none, and its source is 0.
	maxSources = sourceMask

	// People stand in ranges of so many. The cells of a range fit in the second cache, which those of a large city do not.
	rangeBits   = 16
	rangePeople = 1 << rangeBits
)

func newContact(early, source, person uint32) contact {
	return contact(early)<<earlyShift | contact(source)<<sourceShift | contact(person)
}

// with is the cell with another contact. It has no branch, as each would wait for the cell to be read.
func (c cell) with(k contact) cell {
	count := uint32(c) & sourceMask
	if (uint32(c)^uint32(k))>>sourceShift != 0 { // another source than the last
		count++
	}
	return max(c, cell(k))>>earlyShift<<earlyShift | cell(k)&(sourceMask<<sourceShift) | cell(count)
}

func (c cell) early() uint32   { return uint32(c >> earlyShift) }
func (c cell) sources() uint32 { return uint32(c & sourceMask) }

// ledger is what one meeting knows of all people, kept from walk to walk and all zero in between. Each range of it is written
// by one worker at a time.
type ledger struct {
	cells  []cell   // by person
	totals []uint32 // by person: sources counted before the counts were last emptied; nil until they are
	ranges []rangeOf
}

// rangeOf is what belongs to a range of people, beside their cells.
type rangeOf struct {
	mu   sync.Mutex
	warm cell // as scratch.warm
}

func newLedger(people int) *ledger {
	return &ledger{cells: make([]cell, people), ranges: make([]rangeOf, ranges(people))}
}

// ranges returns how many ranges so many people are.
func ranges(people int) int { return (people + rangePeople - 1) / rangePeople }

// bounds returns the first person of a range, and the first of the next.
func (l *ledger) bounds(of int) (first, end int) {
	return of * rangePeople, min((of+1)*rangePeople, len(l.cells))
}

// add takes in contacts of people of a range. The contacts of a source must follow one another.
func (l *ledger) add(of int, contacts []contact) {
	if len(contacts) == 0 {
		return
	}
	r := &l.ranges[of]
	r.mu.Lock()
	defer r.mu.Unlock()
	first, end := l.bounds(of)
	cells := l.cells[first:end]
	warm := cell(0)
	for person := 0; person < len(cells); person += cacheLine { // in a row they come in sooner than one by one as they are met
		warm += cells[person]
	}
	r.warm = warm
	for _, k := range contacts {
		c := &cells[uint16(k)]
		*c = c.with(k)
	}
}

// emptyCounts moves the counts of sources of a range to the totals, so that the sources can be numbered from 1 on again.
func (l *ledger) emptyCounts(of int) {
	first, end := l.bounds(of)
	for person := first; person < end; person++ {
		c := &l.cells[person]
		l.totals[person] += c.sources()
		*c &^= 1<<earlyShift - 1
	}
}

// mark adds those who have a cell that is not zero to a set of 64 people each, from a multiple of 64 on.
func (l *ledger) mark(reached bits, first, end int) {
	for i := range reached {
		person, word := first+i*64, uint64(0)
		for j, c := range l.cells[person:min(person+64, end)] {
			word |= uint64((c|-c)>>63) << j
		}
		reached[i] |= word
	}
}
