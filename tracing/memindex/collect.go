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
	const chunk = 1 << 14
	pieces := (people + chunk - 1) / chunk
	starts := make([]int, pieces+1)
	reached := newBits(people)
	inParallel(m.workers, pieces, func() func(int) {
		return func(piece int) {
			from, to := piece*chunk, min(people, (piece+1)*chunk)
			for _, s := range m.scratches {
				mark(reached[from/64:], s.cells[from:to])
			}
			for _, word := range reached[from/64 : (to+63)/64] {
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

// mark adds to a set, which begins with the first of them, those of the cells that know of a contact.
func mark(reached bits, cells []cell) {
	for len(cells) > 0 {
		n := min(64, len(cells))
		word := uint64(0)
		for i, c := range cells[:n] {
			known := (c.early | -c.early) >> 31
			word |= uint64(known) << i
		}
		reached[0] |= word
		reached, cells = reached[1:], cells[n:]
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
