package memindex

import (
	mathbits "math/bits"
	"slices"

	"github.com/truyvet/truyvet/tracing"
)

// collect puts together what the workers found, and gives their scratches back.
func (m *meeting) collect() tracing.Meetings {
	first := m.scratches[0]
	var found tracing.Meetings
	if people := len(m.v.people); first.few && len(first.touched) < people/m.sizes.sweepFrom {
		slices.Sort(first.touched)
		found = m.room(len(first.touched))
		for i, person := range first.touched {
			m.take(&found, i, int(person))
			first.reached[person/64] = 0
		}
	} else {
		found = m.collectAll(people)
	}
	for _, s := range m.scratches {
		m.v.release(s)
	}
	return found
}

// collectAll goes through all people.
func (m *meeting) collectAll(people int) tracing.Meetings {
	chunk := m.sizes.people
	pieces := (people + chunk - 1) / chunk
	starts := make([]int, pieces+1)
	reached := newBits(people)
	inParallel(m.workers, pieces, func() func(int) {
		return func(piece int) {
			from, to := piece*chunk, min(people, (piece+1)*chunk)
			own := reached[from/64 : (to+63)/64]
			for _, s := range m.scratches {
				s.mark(own, from, to)
			}
			for _, word := range own {
				starts[piece+1] += mathbits.OnesCount64(word)
			}
		}
	})
	for i := range pieces {
		starts[i+1] += starts[i]
	}
	found := m.room(starts[pieces])
	inParallel(m.workers, pieces, func() func(int) {
		return func(piece int) {
			i := starts[piece]
			for w := piece * chunk / 64; w < min(len(reached), (piece+1)*chunk/64); w++ {
				for word := reached[w]; word != 0; word &= word - 1 {
					m.take(&found, i, w*64+mathbits.TrailingZeros64(word))
					i++
				}
			}
		}
	})
	return found
}

// mark moves to a set, of 64 people each from the first on, those who were reached by what a worker found.
func (s *scratch) mark(reached bits, first, end int) {
	for i := range reached {
		reached[i] |= s.reached[first/64+i]
		s.reached[first/64+i] = 0
	}
	if s.swept == nil {
		return
	}
	for person := first; person < end; person += 64 {
		word := uint64(0)
		for i, early := range s.swept.earliest[person:min(person+64, end)] {
			word |= uint64((early|-early)>>31) << i
		}
		reached[(person-first)/64] |= word
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
	met := tracing.Met{Person: uint32(person)}
	early, carrying := uint32(0), uint32(0)
	for _, s := range m.scratches {
		c := &s.cells[person]
		early = max(early, c.early)
		if s.swept != nil {
			early, s.swept.earliest[person] = max(early, s.swept.earliest[person]), 0
		}
		met.Sources += c.tally & maxSources
		if s.totals != nil {
			met.Sources += s.totals[person]
		}
		if s.carrying != nil {
			carrying = max(carrying, s.carrying[person])
		}
		if m.q.Words > 0 {
			for w, bits := range s.rootsOf[person*m.q.Words:][:m.q.Words] {
				found.Roots[i*m.q.Words+w] |= bits
			}
		}
		*c = cell{}
	}
	met.First = m.v.base + int64(^early)
	if !m.q.Sources {
		met.Sources = 0
	}
	if found.Carrying != nil {
		found.Carrying[i] = tracing.Never
		if carrying != 0 {
			found.Carrying[i] = m.v.base + int64(^carrying)
		}
	}
	found.Met[i] = met
}
