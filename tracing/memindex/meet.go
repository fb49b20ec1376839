package memindex

import (
	"cmp"
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
)

// walker is a snapshot whose instants all fit the cells.
type walker struct {
	*snapshot
	workers int
	plan    plan
	sizes   sizes
}

var _ tracing.Walker = (*walker)(nil)

// plan says how contacts are looked for.
type plan uint8

const (
	bySize plan = iota
	scanning
	sweeping
)

// sizes are those by which the way is chosen and the work is cut.
type sizes struct {
	sweepFrom    int // the share of people, one in so many, from which on a sweep of all places is less work than to look sources up
	few          int // up to so many sources, those whom they met are kept in a list
	parallelFrom int // so many sources are worth a second worker
	batch        int // windows that are worked at together
	places       int // places that are swept at once
}

// usual returns the sizes for walks that count. What a batch needs stands all over the memory: looked up step by step for all its windows, it comes
// in while other things are looked up, and not one after the other.
func usual() sizes { return sizes{sweepFrom: 64, few: 64, parallelFrom: 64, batch: 16, places: 256} }

// PersonNumber implements [tracing.Walker].
func (w *walker) PersonNumber(id uuid.UUID) (uint32, bool) {
	number, known := w.index.scanned.numbering.FindPerson(id)
	return number, known && int(number) < len(w.index.scanned.people)
}

// PersonID implements [tracing.Walker].
func (w *walker) PersonID(number uint32) uuid.UUID { return w.index.scanned.people[number] }

// Meet implements [tracing.Walker].
func (w *walker) Meet(ctx context.Context, q tracing.Question, sources []tracing.Infectious) (tracing.Meetings, error) {
	v := w.view(q.Numbers.Scope)
	if !slices.IsSortedFunc(sources, byPerson) {
		sources = slices.Clone(sources)
		slices.SortStableFunc(sources, byPerson)
	}
	people := countPeople(sources)
	workers := w.workers
	if people < w.sizes.parallelFrom {
		workers = 1
	}
	m := meeting{ctx: ctx, v: v, q: q, asOf: v.clip(w.asOf), workers: workers, sizes: w.sizes}
	if w.sweeps(q, len(sources), people, len(v.people)) {
		m.sweep(sources)
	} else {
		m.scan(sources)
	}
	if err := ctx.Err(); err != nil {
		for _, s := range m.scratches {
			*s = scratch{cells: make([]cell, len(v.people))}
			v.release(s)
		}
		return tracing.Meetings{}, err
	}
	return m.collect(), nil
}

func byPerson(a, b tracing.Infectious) int { return cmp.Compare(a.Person, b.Person) }

// countPeople returns how many people the sources are, which are sorted by person.
func countPeople(sources []tracing.Infectious) int {
	n := 0
	for i := range sources {
		if i == 0 || sources[i].Person != sources[i-1].Person {
			n++
		}
	}
	return n
}

// sweeps says whether a question can be answered by a sweep, and is better.
func (w *walker) sweeps(q tracing.Question, windows, sources, people int) bool {
	if q.Sources || q.Words > 0 || q.Numbers.CrowdLimit > 0 || windows > sources {
		return false
	}
	return w.plan == sweeping || w.plan == bySize && sources >= people/w.sizes.sweepFrom
}

// meeting is one call of Meet.
type meeting struct {
	ctx       context.Context
	v         *view
	q         tracing.Question
	asOf      int64
	workers   int
	sizes     sizes
	scratches []*scratch
}

// newScans makes a scan for each worker.
func (m *meeting) newScans(workers, sources int) []*scan {
	scans := make([]*scan, max(workers, 1))
	for i := range scans {
		s := m.v.scratch()
		s.few = workers <= 1 && sources <= m.sizes.few
		if m.q.Numbers.CrowdLimit > 0 {
			s.carrying = make([]uint32, len(m.v.people))
			s.crowd = make([]uint32, len(m.v.people))
		}
		if m.q.Words > 0 {
			s.rootsOf = make([]uint64, len(m.v.people)*m.q.Words)
		}
		m.scratches = append(m.scratches, s)
		scans[i] = newScan(m.v, s, m.q, m.asOf)
	}
	return scans
}

// scan looks the sources up.
func (m *meeting) scan(sources []tracing.Infectious) {
	pieces := batches(sources, m.sizes.batch)
	workers := min(m.workers, len(pieces))
	given := handOut(m.newScans(workers, len(sources)))
	inParallel(workers, len(pieces), func() func(int) {
		s := given()
		return func(i int) {
			if m.ctx.Err() == nil {
				s.sources(pieces[i])
			}
		}
	})
}

// batches cuts sources, sorted by person, into pieces of about batch that hold all windows of their people.
func batches(sources []tracing.Infectious, batch int) [][]tracing.Infectious {
	pieces := make([][]tracing.Infectious, 0, len(sources)/batch+1)
	for first := 0; first < len(sources); {
		end := min(first+batch, len(sources))
		for end < len(sources) && sources[end].Person == sources[end-1].Person {
			end++
		}
		pieces = append(pieces, sources[first:end])
		first = end
	}
	return pieces
}

// sweep goes through all places.
func (m *meeting) sweep(sources []tracing.Infectious) {
	chunk := m.sizes.places
	pieces := (len(m.v.places) + chunk - 1) / chunk
	f := m.v.frontier(sources)
	workers := min(m.workers, pieces)
	given := handOut(m.newScans(workers, len(m.v.people)))
	inParallel(workers, pieces, func() func(int) {
		s := sweep{scan: given(), f: f}
		s.few = false
		return func(i int) {
			if m.ctx.Err() == nil {
				s.places(uint32(i*chunk), uint32(min(len(m.v.places), (i+1)*chunk)))
			}
		}
	})
}

// handOut returns a function that gives each of scans to one caller.
func handOut(scans []*scan) func() *scan {
	waiting := make(chan *scan, len(scans))
	for _, s := range scans {
		waiting <- s
	}
	return func() *scan { return <-waiting }
}
