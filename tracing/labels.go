package tracing

import (
	"math"
	"slices"
)

// Never is the label of those who do not carry on.
const Never int64 = math.MaxInt64

// labels is what a walk knows of those whom it has reached. The rules of generations and labels are here and nowhere else,
// whatever finds the contacts.
type labels struct {
	cases []uint32 // ascending: they are never listed and never infected again
	known []label  // ascending by person
}

// label is what is known of somebody who was reached.
type label struct {
	person   uint32
	row      int32 // of the cases that led to them, where that is asked for
	carrying int64 // when the earliest exposure began that carries on; Never where none did
}

// take takes in what a hop found. It cuts m down to those who are reached for the first time, and returns the labels of those
// that are earlier than before, ascending by person; at the last hop, after which nobody carries on, it returns no labels and
// forgets. Rows, each of some words, are given from nextRow on, in the order of m.
func (l *labels) take(m *Meetings, last bool, words int, nextRow int32) (earlier []label) {
	var merged []label
	if !last {
		merged = make([]label, 0, len(l.known)+len(m.Met))
	}
	listed := 0
	known, cases := l.known, l.cases
	for i := range m.Met {
		person := m.Met[i].Person
		for len(cases) > 0 && cases[0] < person {
			cases = cases[1:]
		}
		if len(cases) > 0 && cases[0] == person {
			continue
		}
		n := 0
		for n < len(known) && known[n].person < person {
			n++
		}
		if !last {
			merged = append(merged, known[:n]...)
		}
		known = known[n:]
		was, row := Never, nextRow+int32(listed)
		carrying := m.carrying(i)
		if len(known) > 0 && known[0].person == person {
			was, row = known[0].carrying, known[0].row
			known = known[1:]
		} else {
			m.move(listed, i, words)
			listed++
		}
		if last {
			continue
		}
		now := label{person, row, min(carrying, was)}
		merged = append(merged, now)
		if now.carrying < was {
			earlier = append(earlier, now)
		}
	}
	l.known = append(merged, known...)
	m.Met, m.Roots, m.Carrying = m.Met[:listed], m.Roots[:listed*words], nil
	return earlier
}

// move moves what was found of one person to the place of another.
func (m *Meetings) move(to, from, words int) {
	m.Met[to] = m.Met[from]
	if words > 0 {
		copy(m.Roots[to*words:][:words], m.Roots[from*words:])
	}
}

// carrying is when the earliest contact began that carries on.
func (m *Meetings) carrying(i int) int64 {
	if m.Carrying == nil {
		return m.Met[i].First
	}
	return m.Carrying[i]
}

// caseNumbers returns the people of the cases, ascending, each once.
func caseNumbers(cases []Infectious) []uint32 {
	numbers := make([]uint32, len(cases))
	for i, c := range cases {
		numbers[i] = c.Person
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}
