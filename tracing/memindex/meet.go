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
	sweep        int // batches that are swept together
	places       int // places that are swept at once
	people       int // people who are gone through at once, a multiple of 64
}

// usual returns the sizes for walks that count. What a batch needs stands all over the memory: looked up step by step for all
// its windows, it comes in while other things are looked up, and not one after the other.
func usual() sizes {
	return sizes{sweepFrom: 96, few: 64, parallelFrom: 64, batch: 16, sweep: 1 << 12, places: 256, people: 1 << 14}
}

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
	if w.sweeps(q, people, len(v.people)) {
		m.sweep(sources)
	} else {
		m.scan(sources)
	}
	if err := ctx.Err(); err != nil {
		for _, s := range m.scratches {
			*s = scratch{cells: make([]cell, len(v.people)), reached: newBits(len(v.people))}
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
func (w *walker) sweeps(q tracing.Question, sources, people int) bool {
	if q.Sources || q.Words > 0 || q.Numbers.CrowdLimit > 0 {
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
	scans := m.newScans(min(m.workers, len(pieces)), len(sources))
	m.inParallel(scans, len(pieces), func(s *scan, i int) { s.sources(pieces[i]) })
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

// sweep sweeps, several times where the presences of all sources at once would take too much memory.
func (m *meeting) sweep(sources []tracing.Infectious) {
	scans := m.newScans(m.workers, len(m.v.people))
	for _, s := range scans {
		s.few = false
	}
	for pieces := range slices.Chunk(batches(sources, m.sizes.batch), m.sizes.sweep) {
		m.sweepOnce(scans, pieces)
	}
}

// sweepOnce goes through all places, day by day.
func (m *meeting) sweepOnce(scans []*scan, pieces [][]tracing.Infectious) {
	for _, s := range scans {
		s.sweeping(len(m.v.people))
	}
	m.inParallel(scans, len(pieces), func(s *scan, i int) { s.gather(pieces[i]) })
	w := newSweep(m.v, scans[0].least, scans)
	m.inChunks(scans, len(m.v.places), m.sizes.places, func(s *scan, first, end int) {
		for place := first; place < end; place++ {
			w.prepare(place, &s.sorting)
		}
	})
	for i := range m.v.days {
		d := &m.v.days[i]
		m.inChunks(scans, len(d.places), m.sizes.places, func(s *scan, first, end int) { w.day(d, first, end, s.swept) })
		w.finish(scans)
	}
}

// inParallel does n pieces of work, each with one of the scans, unless nobody waits for them any more.
func (m *meeting) inParallel(scans []*scan, n int, do func(s *scan, i int)) {
	waiting := make(chan *scan, len(scans))
	for _, s := range scans {
		waiting <- s
	}
	inParallel(len(scans), n, func() func(int) {
		s := <-waiting
		return func(i int) {
			if m.ctx.Err() == nil {
				do(s, i)
			}
		}
	})
}

// inChunks does the work on things 0 to n, so many at once.
func (m *meeting) inChunks(scans []*scan, n, chunk int, do func(s *scan, first, end int)) {
	m.inParallel(scans, (n+chunk-1)/chunk, func(s *scan, i int) { do(s, i*chunk, min(n, (i+1)*chunk)) })
}
