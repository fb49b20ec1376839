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

// at is a guest at work who is a source, by their positions among guests and windows.
type at struct {
	guest  uint32
	window int32
}

// hit is a contact of the presence at work: with whom, and ^(when it began).
type hit struct{ person, early uint32 }

// worker looks for contacts, one contact place after the other.
type worker struct {
	m        *meeting
	early    []uint32 // by person: ^(when the earliest contact began), 0 for none
	carrying []uint32 // by person, as early, of contacts that carry on
	roots    []uint64 // by person: rows of sets of cases
	notes    *notes

	crowd  []uint32 // by person: the number of the last crowd that they were counted in
	crowds uint32

	order []uint64 // of the rows of a unit
	rows  []row    // of the place at work
	hall
	sources []at
	here    []presence
	hits    []hit
}

func (m *meeting) newWorker() *worker {
	n := len(m.src.people)
	w := &worker{m: m, early: make([]uint32, n), notes: m.tally.newNotes(), hall: hall{staying: newBits(n)}}
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
	w.hits = slices.Grow(w.hits[:0], max(len(w.short), len(w.long)))
	for i := range w.here {
		w.presence(&w.here[i])
	}
	return nil
}

// findPresences finds who infects others at the place. First it only looks up where their windows stand, so that these reads
// all over the memory do not wait for one another.
func (w *worker) findPresences(guests []guest) {
	m := w.m
	who := m.who
	w.sources = w.sources[:0]
	for i := range guests {
		if who.has(guests[i].person) {
			w.sources = append(w.sources, at{guest: uint32(i)})
		}
	}
	for i := range w.sources {
		s := &w.sources[i]
		s.window = m.first[guests[s.guest].person]
	}
	for _, s := range w.sources {
		g := &guests[s.guest]
		if m.tally.later() && !m.tally.counts(m.numbers[s.window]) {
			continue
		}
		for n := int(s.window); n < len(m.sources) && m.sources[n].Person == g.person; n++ {
			p := presence{source: int32(n), person: g.person, enter: int64(g.enter), leave: min(int64(g.leave), m.asOf)}
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
	early := w.early
	own := early[p.person] // nobody meets themselves
	for _, h := range hits {
		early[h.person] = max(early[h.person], h.early)
	}
	early[p.person] = own
	w.notes.add(w.m.numbers[p.source], hits)
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
