package tracing

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// Detail says what [Reach] finds out of each person beside generation and first exposure, which cost least.
type Detail struct {
	Sources bool // the number of distinct people whom they have it from
	Cases   bool // the cases at the root
}

// Reached is who was reached, without the evidence. It is a function of the stays and the request alone, but for the numbers
// of people, which are the source's. It is immutable and safe for concurrent use.
type Reached struct {
	// Generations holds, from the first generation on, its people, in the order of their numbers. First is when the earliest
	// of the encounters began that list them, Sources from how many people they are.
	Generations [][]Met

	src       Source
	by        meeter
	req       Request
	frontiers [][]Infectious // by hop: who it started from
	words     int
	roots     [][]uint64 // by generation: rows of sets of cases
}

// meeter finds contacts: a Walker, or whatever does it for another source.
type meeter interface {
	PersonNumber(id uuid.UUID) (uint32, bool)
	PersonID(number uint32) uuid.UUID
	Meet(ctx context.Context, q Question, sources []Infectious) (Meetings, error)
}

// Reach walks as [Trace] does and says who was reached, when first, and what else is asked for, but not by what encounters.
// That takes a fraction of the time and the memory; [Reached.Evidence] then tells it of those who are looked at.
func Reach(ctx context.Context, src Source, req Request, detail Detail) (*Reached, error) {
	if w, ok := src.(Walker); ok {
		return reach(ctx, src, w, req, detail)
	}
	g := newGathering(src)
	g.know(req)
	return reach(ctx, src, g, req, detail)
}

// walk is the state of one walk.
type walk struct {
	*Reached
	labels   labels
	isolated map[uint32]int64
	rows     []uint64 // the cases that led to those who are known
}

func reach(ctx context.Context, src Source, by meeter, req Request, detail Detail) (*Reached, error) {
	if err := req.Validate(); err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	w := walk{Reached: &Reached{src: src, by: by, req: req}, isolated: make(map[uint32]int64, len(req.Isolated))}
	if detail.Cases {
		w.words = (len(req.Cases) + 63) / 64
	}
	for id, at := range req.Isolated {
		if number, known := by.PersonNumber(id); known {
			w.isolated[number] = at
		}
	}
	sources := w.start()
	for hop := 1; hop <= req.Numbers.Depth && len(sources) > 0; hop++ {
		q := Question{Numbers: req.Numbers, Sources: detail.Sources, Words: w.words}
		m, err := by.Meet(ctx, q, sources)
		if err != nil {
			return nil, fmt.Errorf("tracing generation %d: %w", hop, err)
		}
		w.frontiers = append(w.frontiers, sources)
		// A source whose window did not change would cause the contacts that it caused before: whom it reaches is listed
		// and labelled already. So only those with an earlier label go on.
		sources = w.take(&m, hop == req.Numbers.Depth)
	}
	return w.Reached, nil
}

// start returns the cases that infected others at all as sources, ascending by person. Who has no number has no stay either.
func (w *walk) start() []Infectious {
	var sources []Infectious
	for i, c := range w.req.Cases {
		if number, known := w.by.PersonNumber(c.Person); known {
			s := Infectious{Person: number, Window: c.Window}
			if w.words > 0 {
				s.Roots = make([]uint64, w.words)
				s.Roots[i/64] = 1 << (i % 64)
			}
			sources = append(sources, s)
		}
	}
	slices.SortStableFunc(sources, func(a, b Infectious) int { return cmp.Compare(a.Person, b.Person) })
	w.labels.cases = caseNumbers(sources)
	return slices.DeleteFunc(sources, func(s Infectious) bool { return s.Window.To <= s.Window.From })
}

// take takes in what a hop found and returns the sources of the next.
func (w *walk) take(m *Meetings, last bool) []Infectious {
	if last {
		w.labels.takeLast(m, w.words)
		w.list(m)
		return nil
	}
	row := 0
	if w.words > 0 {
		row = len(w.rows) / w.words
	}
	earlier := w.labels.take(m, w.words, int32(row))
	w.list(m)
	sources := make([]Infectious, 0, len(earlier))
	for _, l := range earlier {
		s := Infectious{Person: l.person, Window: Window{From: l.carrying + w.req.Numbers.Latency, To: w.req.End}}
		if isolated, ok := w.isolated[l.person]; ok {
			s.Window.To = min(s.Window.To, isolated)
		}
		if w.words > 0 {
			s.Roots = w.rows[int(l.row)*w.words:][:w.words]
		}
		if s.Window.From < s.Window.To {
			sources = append(sources, s)
		}
	}
	return sources
}

// list adds a generation.
func (w *walk) list(m *Meetings) {
	w.Generations = append(w.Generations, m.Met)
	if w.words > 0 {
		first := len(w.rows)
		w.rows = append(w.rows, m.Roots...)
		w.roots = append(w.roots, w.rows[first:])
	}
}

// Count returns how many people the generations hold, from the first on.
func (r *Reached) Count() []int {
	counts := make([]int, len(r.Generations))
	for i, g := range r.Generations {
		counts[i] = len(g)
	}
	return counts
}

// Person returns the id of somebody by their number in Generations.
func (r *Reached) Person(number uint32) uuid.UUID { return r.by.PersonID(number) }

// Cases returns the cases at the root of how the i-th person of a generation, 1 for the first, was reached, as ascending
// positions in the request; nothing where [Detail] did not ask for them.
//
// The root of an encounter is the case that it was with, or else the cases of the person that it was with. The cases of a
// person are the roots of all the encounters that list them. So everybody listed has at least one. A walk from such a case
// alone reaches them too, but perhaps in a later generation, or not at all where a label that came from another case was
// needed in time or number; a case that is not among them may reach them as well, by more hops than these.
func (r *Reached) Cases(generation, i int) []int {
	if r.words == 0 {
		return nil
	}
	var cases []int
	for w, bits := range r.roots[generation-1][i*r.words:][:r.words] {
		for b := range 64 {
			if bits>>b&1 != 0 {
				cases = append(cases, w*64+b)
			}
		}
	}
	return cases
}

// Evidence returns what a report says of some people, in the order of a report. Who was not reached is left out. It asks
// the source at most three times for each generation that is concerned.
func (r *Reached) Evidence(ctx context.Context, people []uuid.UUID) ([]Contact, error) {
	numbers := make([]uint32, 0, len(people))
	for _, id := range people {
		if number, known := r.by.PersonNumber(id); known {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	var contacts []Contact
	for i, generation := range r.Generations {
		wanted := common(generation, numbers)
		if len(wanted) == 0 {
			continue
		}
		found, err := r.evidence(ctx, i+1, wanted)
		if err != nil {
			return nil, fmt.Errorf("finding the evidence of generation %d: %w", i+1, err)
		}
		contacts = append(contacts, found...)
	}
	return newReport(contacts).Contacts, nil
}

// common returns those of a generation who are among the numbers.
func common(generation []Met, numbers []uint32) []uint32 {
	var in []uint32
	for _, m := range generation {
		for len(numbers) > 0 && numbers[0] < m.Person {
			numbers = numbers[1:]
		}
		if len(numbers) > 0 && numbers[0] == m.Person {
			in = append(in, m.Person)
		}
	}
	return in
}

// evidence returns the contacts of some people of a generation, by number.
func (r *Reached) evidence(ctx context.Context, generation int, wanted []uint32) ([]Contact, error) {
	g := newGathering(r.src)
	g.q = Question{Numbers: r.req.Numbers}
	ids := make([]uuid.UUID, len(wanted))
	for i, number := range wanted {
		ids[i] = r.by.PersonID(number)
		g.want(ids[i])
	}
	frontier := slices.Clone(r.frontiers[generation-1])
	for i := range frontier {
		frontier[i].Person = g.number(r.by.PersonID(frontier[i].Person))
	}
	find := g.presencesOf
	if len(wanted) < len(frontier) {
		find = func(ctx context.Context, sources []Infectious) ([]presence, error) {
			return g.presencesNear(ctx, ids, sources)
		}
	}
	presences, err := find(ctx, frontier)
	if err != nil {
		return nil, err
	}
	if err := g.meetAll(ctx, presences); err != nil {
		return nil, err
	}
	g.describeAll()
	contacts := make([]Contact, 0, len(wanted))
	for _, id := range ids {
		contacts = append(contacts, contactOf(id, generation, g.evidence[g.number(id)]))
	}
	return contacts, nil
}
