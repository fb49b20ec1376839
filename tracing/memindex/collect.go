package memindex

import (
	"slices"

	"github.com/truyvet/truyvet/tracing"
)

// collect puts together what the workers found, and gives their scratches back.
func (m *meeting) collect() tracing.Meetings {
	first := m.scratches[0]
	var found tracing.Meetings
	if people := len(m.v.people); first.few && len(first.touched) < people/sweepFrom {
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
	each := func(piece int, take func(person int)) {
		for person := piece * chunk; person < min(people, (piece+1)*chunk); person++ {
			for _, s := range m.scratches {
				if s.cells[person].early != 0 {
					take(person)
					break
				}
			}
		}
	}
	inParallel(m.workers, pieces, func() func(int) {
		return func(piece int) {
			each(piece, func(int) { starts[piece+1]++ })
		}
	})
	for i := range pieces {
		starts[i+1] += starts[i]
	}
	found := m.room(starts[pieces])
	inParallel(m.workers, pieces, func() func(int) {
		return func(piece int) {
			i := starts[piece]
			each(piece, func(person int) {
				m.take(&found, i, person)
				i++
			})
		}
	})
	return found
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
