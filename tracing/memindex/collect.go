package memindex

import (
	mathbits "math/bits"
	"slices"

	"github.com/truyvet/truyvet/tracing"
)

// collect puts together what the workers found, and gives what they worked with back.
func (m *meeting) collect() tracing.Meetings {
	first := m.scans[0]
	var found tracing.Meetings
	if first.few && len(first.touched) < len(m.v.people)/m.sizes.sweepFrom {
		slices.Sort(first.touched)
		found = m.room(len(first.touched))
		for i, person := range first.touched {
			m.take(&found, i, int(person))
		}
	} else {
		found = m.collectAll()
	}
	for _, s := range m.scans {
		m.v.release(s.scratch)
	}
	m.v.releaseLedger(m.ledger)
	return found
}

// collectAll goes through all people, range by range.
func (m *meeting) collectAll() tracing.Meetings {
	l := m.ledger
	reached := newBits(len(l.cells))
	for _, person := range m.scans[0].touched {
		reached.set(person)
	}
	starts := make([]int, len(l.ranges)+1)
	inParallel(m.workers, len(l.ranges), func() func(int) {
		return func(of int) {
			first, end := l.bounds(of)
			own := reached[first/64 : (end+63)/64]
			m.mark(own, of, first, end)
			for _, word := range own {
				starts[of+1] += mathbits.OnesCount64(word)
			}
		}
	})
	for i := range l.ranges {
		starts[i+1] += starts[i]
	}
	found := m.room(starts[len(l.ranges)])
	inParallel(m.workers, len(l.ranges), func() func(int) {
		return func(of int) {
			i := starts[of]
			first, end := l.bounds(of)
			for w := first / 64; w < (end+63)/64; w++ {
				for word := reached[w]; word != 0; word &= word - 1 {
					m.take(&found, i, w*64+mathbits.TrailingZeros64(word))
					i++
				}
			}
		}
	})
	return found
}

// mark adds those of a range who were reached to a set of 64 people each, from the first on. Where they are few it knows them.
func (m *meeting) mark(reached bits, of, first, end int) {
	if !m.scans[0].few {
		m.settle(of)
		m.ledger.mark(reached, first, end)
	}
	for _, s := range m.scans {
		if s.swept != nil {
			s.swept.mark(reached, first, end)
		}
	}
}

// mark adds those who were exposed to a set, as that of a ledger does.
func (x *exposures) mark(reached bits, first, end int) {
	for i := range reached {
		person, word := first+i*64, uint64(0)
		for j, early := range x.earliest[person:min(person+64, end)] {
			word |= uint64((early|-early)>>31) << j
		}
		reached[i] |= word
	}
}

// room makes the slices for so many people.
func (m *meeting) room(n int) tracing.Meetings {
	found := tracing.Meetings{Met: make([]tracing.Met, n)}
	if m.q.Numbers.CrowdLimit > 0 {
		found.Carrying = make([]int64, n)
	}
	if m.q.Words > 0 {
		found.Roots = make([]uint64, n*m.q.Words)
	}
	return found
}

// take moves what is known of a person to position i of what was found.
func (m *meeting) take(found *tracing.Meetings, i, person int) {
	c := m.ledger.cells[person]
	m.ledger.cells[person] = 0
	met := tracing.Met{Person: uint32(person)}
	if m.q.Sources {
		met.Sources = c.sources()
		if m.ledger.totals != nil {
			met.Sources += m.ledger.totals[person]
		}
	}
	early, carrying := c.early(), uint32(0)
	for _, s := range m.scans {
		if s.swept != nil {
			early, s.swept.earliest[person] = max(early, s.swept.earliest[person]), 0
		}
		if s.carrying != nil {
			carrying = max(carrying, s.carrying[person])
		}
		if m.q.Words > 0 {
			for w, bits := range s.rootsOf[person*m.q.Words:][:m.q.Words] {
				found.Roots[i*m.q.Words+w] |= bits
			}
		}
	}
	met.First = m.v.base + int64(^early)
	if found.Carrying != nil {
		found.Carrying[i] = tracing.Never
		if carrying != 0 {
			found.Carrying[i] = m.v.base + int64(^carrying)
		}
	}
	found.Met[i] = met
}
