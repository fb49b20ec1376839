package benchwalk

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"unsafe"
)

// Plain is what one writes first: the stays twice, sorted by person and by place, and a walk in one thread. It is for one
// goroutine at a time.
type Plain struct {
	byPerson, byPlace       []visit
	personStart, placeStart []uint32
	longest                 []uint32 // by place, in seconds: how long before an instant one must look for who is there

	since []uint32 // by person, while a walk runs: the first exposure of its generation, or never, or inCase
	count []uint32 // by person: how many sources met them
	last  []uint32 // by person: the last source that did
}

// visit is a stay without the one that it is listed under.
type visit struct{ other, enter, leave uint32 }

// Marks in since.
const (
	never  uint32 = math.MaxUint32
	inCase uint32 = 0
)

// NewPlain sorts the stays of a city.
func NewPlain(city *City) *Plain {
	n := len(city.Stays)
	p := &Plain{
		byPerson: make([]visit, n), byPlace: make([]visit, n),
		personStart: make([]uint32, city.People+1), placeStart: make([]uint32, city.Places+1),
		longest: make([]uint32, city.Places),
		since:   make([]uint32, city.People), count: make([]uint32, city.People), last: make([]uint32, city.People),
	}
	for i := range p.since {
		p.since[i] = never
	}
	for i, s := range city.Stays {
		p.byPerson[i] = visit{s.Place, s.Enter, s.Leave}
		p.personStart[s.Person+1]++
		p.placeStart[s.Place+1]++
		p.longest[s.Place] = max(p.longest[s.Place], s.Leave-s.Enter)
	}
	accumulate(p.personStart)
	accumulate(p.placeStart)
	next := slices.Clone(p.placeStart)
	for _, s := range city.Stays {
		p.byPlace[next[s.Place]] = visit{s.Person, s.Enter, s.Leave}
		next[s.Place]++
	}
	for place := range city.Places {
		slices.SortFunc(p.at(uint32(place)), func(a, b visit) int { return cmp.Compare(a.enter, b.enter) })
	}
	return p
}

// accumulate turns sizes, each one place too far, into starts.
func accumulate(sizes []uint32) {
	for i := 1; i < len(sizes); i++ {
		sizes[i] += sizes[i-1]
	}
}

func (p *Plain) of(person uint32) []visit {
	return p.byPerson[p.personStart[person]:p.personStart[person+1]]
}

func (p *Plain) at(place uint32) []visit {
	return p.byPlace[p.placeStart[place]:p.placeStart[place+1]]
}

// Bytes is what the two arrays and their starts take.
func (p *Plain) Bytes() int64 {
	return int64(len(p.byPerson)+len(p.byPlace))*int64(unsafe.Sizeof(visit{})) +
		4*int64(len(p.personStart)+len(p.placeStart)+len(p.longest))
}

// contacts gives everybody whom person met while infectious during [from, to), and when that began, once per contact.
func (p *Plain) contacts(person, from, to uint32, take func(other, exposed uint32)) {
	for _, s := range p.of(person) {
		from, to := max(s.enter, from), min(s.leave, to)
		if from+MinOverlap > to {
			continue
		}
		there := p.at(s.other)
		earliest := from - min(from, p.longest[s.other])
		first := sort.Search(len(there), func(i int) bool { return there[i].enter > earliest })
		for i := first; i < len(there) && there[i].enter+MinOverlap <= to; i++ {
			t := &there[i]
			exposed := max(from, t.enter)
			if exposed+MinOverlap <= min(to, t.leave) && t.other != person {
				take(t.other, exposed)
			}
		}
	}
}

// Answer answers a question.
func (p *Plain) Answer(q Question) Answer {
	a, _ := p.AnswerPairs(q)
	return a
}

// AnswerPairs answers a question, and counts the contacts that the answer rests on: those of the sources of the last
// generation that was walked with people who are listed in the answer.
func (p *Plain) AnswerPairs(q Question) (Answer, int) {
	for _, c := range q.Cases {
		p.since[c.Person] = inCase
	}
	pairs := 0
	var first, second []uint32
	for _, c := range q.Cases {
		p.contacts(c.Person, c.From, c.To, func(other, exposed uint32) {
			pairs++
			switch since := p.since[other]; {
			case since == never:
				first = append(first, other)
				p.since[other] = exposed
			case exposed < since && since != inCase:
				p.since[other] = exposed
			}
		})
	}
	var rows []Row
	switch q.Kind {
	case F1:
		rows = p.exposures(make([]Row, 0, len(first)), first)
	case F2:
		second, pairs = p.countSources(first)
		rows = make([]Row, len(second))
		for i, person := range second {
			rows[i] = Row{person, p.count[person]}
			p.count[person], p.last[person] = 0, 0
		}
	case WhoWhen:
		var when []Row
		when, pairs = p.exposedBy(first)
		rows = p.exposures(when, first)
	}
	for _, person := range first {
		p.since[person] = never
	}
	for _, c := range q.Cases {
		p.since[c.Person] = never
	}
	return Answer{Rows: rows}, pairs
}

func (p *Plain) exposures(rows []Row, people []uint32) []Row {
	for _, person := range people {
		rows = append(rows, Row{person, p.since[person] - uint32(Start)})
	}
	return rows
}

// countSources counts for everybody who was met by first, and is neither of them nor a case, by how many.
func (p *Plain) countSources(first []uint32) (second []uint32, pairs int) {
	for i, person := range first {
		source := uint32(i + 1)
		p.contacts(person, p.since[person], uint32(End), func(other, _ uint32) {
			if p.since[other] != never {
				return
			}
			pairs++
			if p.last[other] != source {
				if p.count[other] == 0 {
					second = append(second, other)
				}
				p.last[other] = source
				p.count[other]++
			}
		})
	}
	return second, pairs
}

// exposedBy finds the first exposures of everybody who was met by first and is neither of them nor a case.
func (p *Plain) exposedBy(first []uint32) (rows []Row, pairs int) {
	for _, person := range first {
		p.contacts(person, p.since[person], uint32(End), func(other, exposed uint32) {
			if p.since[other] != never {
				return
			}
			pairs++
			if p.count[other] == 0 {
				rows = append(rows, Row{Person: other, Value: exposed})
				p.count[other] = uint32(len(rows))
			} else if row := &rows[p.count[other]-1]; exposed < row.Value {
				row.Value = exposed
			}
		})
	}
	for i := range rows {
		p.count[rows[i].Person] = 0
		rows[i].Value -= uint32(Start)
	}
	return rows, pairs
}
