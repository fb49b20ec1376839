package tracing

import (
	"cmp"
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
// that are earlier than before, ascending by person. Rows, each of some words, are given from nextRow on, in the order of m.
func (l *labels) take(m *Meetings, words int, nextRow int32) (earlier []label) {
	merged := make([]label, 0, len(l.known)+len(m.Met))
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
		merged = append(merged, known[:n]...)
		known = known[n:]
		was, row := Never, nextRow+int32(listed)
		carrying := m.carrying(i)
		if len(known) > 0 && known[0].person == person {
			was, row = known[0].carrying, known[0].row
			known = known[1:]
		} else {
			m.move(listed, i, i+1, words)
			listed++
		}
		now := label{person, row, min(carrying, was)}
		merged = append(merged, now)
		if now.carrying < was {
			earlier = append(earlier, now)
		}
	}
	l.known = append(merged, known...)
	m.cut(listed, words)
	return earlier
}

// takeLast cuts what the last hop found, after which nobody carries on, down to those who are reached for the first time. They
// are many more than those who were reached before, so that they are moved in long pieces.
func (l *labels) takeLast(m *Meetings, words int) {
	listed, next := 0, 0
	known, cases := l.known, l.cases
	for len(known)+len(cases) > 0 {
		var person uint32
		if len(cases) == 0 || len(known) > 0 && known[0].person < cases[0] {
			person, known = known[0].person, known[1:]
		} else {
			person, cases = cases[0], cases[1:]
		}
		i := next + positionOf(m.Met[next:], person)
		if i == len(m.Met) || m.Met[i].Person != person {
			continue
		}
		m.move(listed, next, i, words)
		listed, next = listed+i-next, i+1
	}
	m.move(listed, next, len(m.Met), words)
	m.cut(listed+len(m.Met)-next, words)
}

// positionOf returns the position of the first of some people, in their order, who is not before a person. It looks for it in
// steps that grow, as it is near the beginning.
func positionOf(met []Met, person uint32) int {
	end := 1
	for end < len(met) && met[end].Person < person {
		end *= 2
	}
	i, _ := slices.BinarySearchFunc(met[end/2:min(end+1, len(met))], person, func(m Met, person uint32) int {
		return cmp.Compare(m.Person, person)
	})
	return end/2 + i
}

// move moves what was found of the people from first up to end to another place.
func (m *Meetings) move(to, first, end, words int) {
	copy(m.Met[to:], m.Met[first:end])
	if words > 0 {
		copy(m.Roots[to*words:], m.Roots[first*words:end*words])
	}
}

// cut leaves the first people, whose labels were taken in.
func (m *Meetings) cut(people, words int) {
	m.Met, m.Roots, m.Carrying = m.Met[:people], m.Roots[:people*words], nil
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
