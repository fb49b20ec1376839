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
	enough       int // contacts of a range of people that are counted together
	round        int // people who are sources in one round, at most maxSources
}

// usual returns the sizes for walks that count. What a batch needs stands all over the memory: looked up step by step for all
// its windows, it comes in while other things are looked up, and not one after the other.
func usual() sizes {
	return sizes{
		sweepFrom: 96, few: 64, parallelFrom: 64, batch: 16, sweep: 1 << 12, places: 256,
		enough: rangePeople / 2, round: maxSources,
	}
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
	m := meeting{ctx: ctx, v: v, q: q, asOf: v.clip(w.asOf), workers: workers, sizes: w.sizes, ledger: v.ledger()}
	if w.sweeps(q, people, len(v.people)) {
		m.sweep(sources)
	} else {
		m.scan(sources)
	}
	if err := ctx.Err(); err != nil {
		return tracing.Meetings{}, err // what was found so far is left to the garbage collector
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
	ctx     context.Context
	v       *view
	q       tracing.Question
	asOf    int64
	workers int
	sizes   sizes
	ledger  *ledger
	scans   []*scan // one for each worker
}

// prepare makes a scan for each worker.
func (m *meeting) prepare(workers, sources int) {
	m.scans = make([]*scan, max(workers, 1))
	for i := range m.scans {
		s := m.v.scratch()
		s.few = workers <= 1 && sources <= m.sizes.few
		if m.q.Numbers.CrowdLimit > 0 {
			s.carrying = make([]uint32, len(m.v.people))
			s.crowd = make([]uint32, len(m.v.people))
		}
		if m.q.Words > 0 {
			s.rootsOf = make([]uint64, len(m.v.people)*m.q.Words)
		}
		m.scans[i] = &scan{
			scratch: s, ledger: m.ledger, v: m.v, q: m.q, asOf: m.asOf, least: max(m.q.Numbers.MinOverlap, 1), enough: m.sizes.enough,
		}
	}
}

// scan looks the sources up, in rounds of so many people as can be told apart.
func (m *meeting) scan(sources []tracing.Infectious) {
	pieces := batches(sources, m.sizes.batch)
	m.prepare(min(m.workers, len(pieces)), len(sources))
	for len(pieces) > 0 {
		round := 1
		for round < len(pieces) && pieces[round].end-pieces[0].before <= m.sizes.round {
			round++
		}
		m.inParallel(round, func(s *scan, i int) { s.sources(pieces[i], pieces[0].before) })
		if pieces = pieces[round:]; len(pieces) > 0 {
			m.endRound()
		}
	}
}

// endRound counts the sources of the round that is over, so that those of the next can have the same numbers.
func (m *meeting) endRound() {
	if m.ledger.totals == nil {
		m.ledger.totals = make([]uint32, len(m.ledger.cells))
	}
	inParallel(m.workers, len(m.ledger.ranges), func() func(int) {
		return func(i int) {
			m.settle(i)
			m.ledger.emptyCounts(i)
		}
	})
}

// settle adds to the ledger what all workers have found of a range.
func (m *meeting) settle(of int) {
	for _, s := range m.scans {
		s.settleRange(of)
	}
}

// piece is some of the sources, with all windows of their people.
type piece struct {
	sources []tracing.Infectious
	before  int // how many people are sources in the pieces before it
	end     int // and how many with this one
}

// batches cuts sources, sorted by person, into pieces of about batch.
func batches(sources []tracing.Infectious, batch int) []piece {
	pieces := make([]piece, 0, len(sources)/batch+1)
	people := 0
	for first := 0; first < len(sources); {
		end := min(first+batch, len(sources))
		for end < len(sources) && sources[end].Person == sources[end-1].Person {
			end++
		}
		p := piece{sources[first:end], people, people + countPeople(sources[first:end])}
		pieces = append(pieces, p)
		first, people = end, p.end
	}
	return pieces
}

// sweep sweeps, several times where the presences of all sources at once would take too much memory.
func (m *meeting) sweep(sources []tracing.Infectious) {
	m.prepare(m.workers, len(m.v.people))
	for _, s := range m.scans {
		s.few = false
	}
	for pieces := range slices.Chunk(batches(sources, m.sizes.batch), m.sizes.sweep) {
		m.sweepOnce(pieces)
	}
}

// sweepOnce goes through all places, day by day.
func (m *meeting) sweepOnce(pieces []piece) {
	for _, s := range m.scans {
		s.sweeping(len(m.v.people))
	}
	m.inParallel(len(pieces), func(s *scan, i int) { s.gather(pieces[i].sources) })
	w := newSweep(m.v, m.scans[0].least, m.scans)
	m.inChunks(len(m.v.places), m.sizes.places, func(s *scan, first, end int) {
		for place := first; place < end; place++ {
			w.prepare(place, &s.sorting)
		}
	})
	for i := range m.v.days {
		d := &m.v.days[i]
		m.inChunks(len(d.places), m.sizes.places, func(s *scan, first, end int) { w.day(d, first, end, s.swept) })
		w.finish(m.scans)
	}
}

// inParallel does n pieces of work, each with one of the scans, unless nobody waits for them any more.
func (m *meeting) inParallel(n int, do func(s *scan, i int)) {
	waiting := make(chan *scan, len(m.scans))
	for _, s := range m.scans {
		waiting <- s
	}
	inParallel(len(m.scans), n, func() func(int) {
		s := <-waiting
		return func(i int) {
			if m.ctx.Err() == nil {
				do(s, i)
			}
		}
	})
}

// inChunks does the work on things 0 to n, so many at once.
func (m *meeting) inChunks(n, chunk int, do func(s *scan, first, end int)) {
	m.inParallel((n+chunk-1)/chunk, func(s *scan, i int) { do(s, i*chunk, min(n, (i+1)*chunk)) })
}
