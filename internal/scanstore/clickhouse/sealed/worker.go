package sealed

import (
	"cmp"
	"context"
	"slices"
)

// presence is a stay of a source who infects others during a part of it, from the source's base.
type presence struct {
	source      int32 // the position of the window
	person      uint32
	enter       int64
	leave       int64
	from, until int64 // the infectious part, with the linger
}

// cell is what a worker has found of a person.
type cell struct {
	early uint32 // ^(when the earliest contact began), 0 for none
	last  uint32 // the stamp of the last source that they met
}

// hit is a contact of the presence at work: with whom, and ^(when it began).
type hit struct{ person, early uint32 }

// worker looks for contacts, one contact place after the other.
type worker struct {
	m        *meeting
	cells    []cell   // by person
	carrying []uint32 // by person, as early, of contacts that carry on
	roots    []uint64 // by person: rows of sets of cases
	stamp    uint32   // of the source at work at the place at work
	pairs    *pairs

	crowd  []uint32 // by person: the number of the last crowd that they were counted in
	crowds uint32

	order []uint64 // of the rows of a unit
	rows  []row    // of the place at work
	hall
	here  []presence
	turns []uint64 // of the presences
	hits  []hit
	met   []uint32 // who has met the source at work, and had not before at the place
}

func (m *meeting) newWorker(workers int) *worker {
	n := len(m.src.people)
	w := &worker{m: m, cells: make([]cell, n), pairs: m.tally.newPairs(workers), hall: hall{staying: newBits(n)}}
	if m.q.Numbers.CrowdLimit > 0 {
		w.carrying, w.crowd = make([]uint32, n), make([]uint32, n)
	}
	w.roots = make([]uint64, n*m.q.Words)
	return w
}

// unit takes the contacts at some places.
func (w *worker) unit(ctx context.Context, u *unit) error {
	rows, err := w.m.src.rows(ctx, ofPlace, u.conditions...)
	if err != nil {
		return err
	}
	l := w.m.l
	w.order = w.order[:0]
	for i := range rows {
		if contact := l.contact[rows[i].key]; contact != nowhere {
			w.order = append(w.order, uint64(contact)<<32|uint64(i))
		}
	}
	slices.Sort(w.order)
	order := w.order
	for _, contact := range u.contacts {
		w.rows = w.rows[:0]
		for ; len(order) > 0 && uint32(order[0]>>32) == contact; order = order[1:] {
			w.rows = append(w.rows, rows[uint32(order[0])])
		}
		slices.SortFunc(w.rows, func(a, b row) int { return cmp.Compare(a.day, b.day) })
		if err := w.contactPlace(w.rows, w.m.fresh.at(l, contact)); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) contactPlace(rows []row, fresh []freshStay) error {
	if len(rows) == 0 && len(fresh) == 0 {
		return nil
	}
	if err := w.load(rows, fresh); err != nil {
		return err
	}
	w.here = w.here[:0]
	w.findPresences(w.short)
	w.findPresences(w.long)
	// Source by source, so that who meets one several times here counts it once.
	w.turns = w.turns[:0]
	for i := range w.here {
		w.turns = append(w.turns, uint64(w.here[i].source)<<32|uint64(i))
	}
	slices.Sort(w.turns)
	w.hits = slices.Grow(w.hits[:0], max(len(w.short), len(w.long)))
	w.met = slices.Grow(w.met[:0], max(len(w.short), len(w.long)))
	before := nobody
	for _, turn := range w.turns {
		p := &w.here[uint32(turn)]
		if p.person != before {
			before = p.person
			w.stamp++
		}
		w.presence(p)
		w.pairs.check()
	}
	return nil
}

// nobody is no person's number.
const nobody uint32 = 1<<32 - 1

// findPresences finds who infects others at the place.
func (w *worker) findPresences(guests []guest) {
	m := w.m
	who := m.who
	for i := range guests {
		g := &guests[i]
		person := g.person
		if !who.has(person) {
			continue
		}
		for n := int(m.first[person]); n < len(m.sources) && m.sources[n].Person == person; n++ {
			p := presence{source: int32(n), person: person, enter: int64(g.enter), leave: min(int64(g.leave), m.asOf)}
			window := &m.sources[n].Window
			p.from = max(p.enter, window.From)
			end := min(p.leave, window.To)
			p.until = min(end+m.q.Numbers.Linger, m.asOf)
			if p.from < end && p.until-p.from >= m.least {
				w.here = append(w.here, p)
			}
		}
	}
}

// presence takes the contacts of a presence.
func (w *worker) presence(p *presence) {
	carries := true
	if limit := w.m.q.Numbers.CrowdLimit; limit > 0 {
		carries = w.crowdOf(p) <= limit
	}
	short, long := w.around(p.from + w.m.least)
	w.meet(p, short, carries)
	w.meet(p, long, carries)
}

// meet takes the contacts of a presence among guests, who are sorted by their entry.
//
// Who stays long enough is as good as random, so the loop has no branch on it: everybody is written, and kept by moving on.
func (w *worker) meet(p *presence, guests []guest, carries bool) {
	from, until, least := p.from, p.until, w.m.least
	hits, n := w.hits[:len(guests)], 0
	for i := range guests {
		g := &guests[i]
		enter := int64(g.enter)
		if enter > until-least {
			break
		}
		begin := max(enter, from)
		hits[n] = hit{g.person, ^uint32(begin)}
		n += int(uint64(least-1-(min(int64(g.leave), until)-begin)) >> 63)
	}
	w.fold(p, hits[:n])
	if w.carrying != nil && carries {
		w.carryOn(p, hits[:n])
	}
	if w.m.q.Words > 0 {
		w.addRoots(p, hits[:n])
	}
}

// fold adds contacts to what is known of people.
func (w *worker) fold(p *presence, hits []hit) {
	cells, stamp := w.cells, w.stamp
	own := cells[p.person].early
	cells[p.person].last = stamp // nobody meets themselves
	met, n := w.met[:len(hits)], 0
	for _, h := range hits {
		c := &cells[h.person]
		met[n] = h.person
		n += int((uint64(c.last^stamp) + (1<<32 - 1)) >> 32) // 1 where they differ
		c.early, c.last = max(c.early, h.early), stamp
	}
	cells[p.person].early = own
	w.pairs.add(met[:n], w.m.numbers[p.source])
}

// carryOn adds contacts that carry on, where not all do.
func (w *worker) carryOn(p *presence, hits []hit) {
	for _, h := range hits {
		if h.person != p.person {
			w.carrying[h.person] = max(w.carrying[h.person], h.early)
		}
	}
}

// addRoots adds the cases that led to the source.
func (w *worker) addRoots(p *presence, hits []hit) {
	for _, h := range hits {
		if h.person == p.person {
			continue
		}
		row := w.roots[int(h.person)*w.m.q.Words:]
		for n, b := range w.m.sources[p.source].Roots {
			row[n] |= b
		}
	}
}

// crowdOf counts the distinct people other than the source who were there during the stay.
func (w *worker) crowdOf(p *presence) int {
	w.crowds++
	w.crowd[p.person] = w.crowds
	n := 0
	short, long := w.around(p.enter + 1)
	for _, guests := range [][]guest{short, long} {
		for i := range guests {
			g := &guests[i]
			if int64(g.enter) >= p.leave {
				break
			}
			if int64(g.leave) > p.enter && w.crowd[g.person] != w.crowds {
				w.crowd[g.person] = w.crowds
				n++
			}
		}
	}
	return n
}
