package sealed

import (
	"cmp"
	"context"
	"slices"
	"sort"
)

// guest is a united stay at the place at work, from the source's base. Who it is of is a position in worker.there.
type guest struct{ enter, leave, who uint32 }

// visitor is a person at the place at work. What is found of them there stands here, near that of the others there, and not
// with all the people of the city.
type visitor struct {
	person uint32
	early  uint32 // ^(when the earliest contact began), 0 for none
	last   uint32 // the stamp of the last source that they met
	over   uint32 // 1 + the position in worker.long of a stay that goes on into the next day, else 0
	first  int32  // the position of their first window among the sources, -1 for none
}

// shortUntil, in seconds, is below what length a stay is short. Those who stay for longer are looked for apart, so that one
// person behind the counter all day does not make every search for customers go back to the morning.
const shortUntil = 2 * 60 * 60

// presence is a stay of a source who infects others during a part of it, from the source's base.
type presence struct {
	source      int32 // the position of the window
	person      uint32
	who         uint32
	enter       int64
	leave       int64
	from, until int64 // the infectious part, with the linger
}

// worker looks for contacts, one contact place after the other.
type worker struct {
	m        *meeting
	early    []uint32 // by person: ^(when the earliest contact began), 0 for none
	carrying []uint32 // by person, as early, of contacts that carry on
	roots    []uint64 // by person: rows of sets of cases
	stamp    uint32
	pairs    *pairs

	crowd  []uint32 // by person: the number of the last crowd that they were counted in
	crowds uint32

	short, long []guest  // by entry
	latest      []uint32 // when the last leaves of those in long up to there
	tail        []guest
	there       []visitor
	number      []uint32 // by person: their position in there, where they are at it
	guesses     []uint32 // of a group's people, from number
	infectious  bool     // whether a source is there
	here        []presence
}

func (m *meeting) newWorker(workers int) *worker {
	n := len(m.src.people)
	w := &worker{m: m, early: make([]uint32, n), number: make([]uint32, n), pairs: m.tally.newPairs(workers)}
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
	rows = slices.DeleteFunc(rows, func(r row) bool { return l.contact[r.key] == nowhere })
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(l.contact[a.key], l.contact[b.key]), cmp.Compare(a.day, b.day))
	})
	for _, contact := range u.contacts {
		n := 0
		for n < len(rows) && l.contact[rows[n].key] == contact {
			n++
		}
		if err := w.contactPlace(rows[:n], w.m.fresh.at(l, contact)); err != nil {
			return err
		}
		rows = rows[n:]
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
	if !w.infectious {
		return nil
	}
	w.here = w.here[:0]
	w.findPresences(w.short)
	w.findPresences(w.long)
	if len(w.here) == 0 {
		return nil
	}
	// Source by source, so that who meets one several times here counts it once.
	slices.SortFunc(w.here, func(a, b presence) int { return cmp.Compare(a.source, b.source) })
	for i := range w.here {
		if i == 0 || w.here[i].person != w.here[i-1].person {
			w.stamp++
		}
		w.presence(&w.here[i])
		w.pairs.check()
	}
	for i := range w.there {
		if v := &w.there[i]; v.early > w.early[v.person] {
			w.early[v.person] = v.early
		}
	}
	return nil
}

// visitor returns the position of a person in there, a new one for somebody new. It is tried at a guess first.
func (w *worker) visitor(person, guess uint32) uint32 {
	if int(guess) < len(w.there) && w.there[guess].person == person {
		return guess
	}
	if n := w.number[person]; int(n) < len(w.there) && w.there[n].person == person {
		return n
	}
	n := uint32(len(w.there))
	w.number[person] = n
	v := visitor{person: person, first: -1}
	if w.m.who.has(person) {
		v.first, w.infectious = w.m.first[person], true
	}
	w.there = append(w.there, v)
	return n
}

// findPresences finds who infects others at the place.
func (w *worker) findPresences(guests []guest) {
	m := w.m
	for i := range guests {
		g := &guests[i]
		v := &w.there[g.who]
		if v.first < 0 {
			continue
		}
		person := v.person
		for n := int(v.first); n < len(m.sources) && m.sources[n].Person == person; n++ {
			p := presence{source: int32(n), person: person, who: g.who, enter: int64(g.enter), leave: min(int64(g.leave), m.asOf)}
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
	first := p.from + w.m.least - shortUntil
	w.meet(p, w.short[sort.Search(len(w.short), func(i int) bool { return int64(w.short[i].enter) > first }):], carries)
	first = p.from + w.m.least
	w.meet(p, w.long[sort.Search(len(w.latest), func(i int) bool { return int64(w.latest[i]) >= first }):], carries)
}

// meet takes the contacts of a presence among guests, who are sorted by their entry.
func (w *worker) meet(p *presence, guests []guest, carries bool) {
	from, until, least := p.from, p.until, w.m.least
	counts, more := w.pairs != nil, w.carrying != nil || w.m.q.Words > 0
	number := w.m.numbers[p.source]
	for i := range guests {
		g := &guests[i]
		enter := int64(g.enter)
		if enter > until-least {
			break
		}
		begin := max(enter, from)
		if min(int64(g.leave), until)-begin < least || g.who == p.who {
			continue
		}
		v := &w.there[g.who]
		v.early = max(v.early, ^uint32(begin))
		if counts && v.last != w.stamp {
			v.last = w.stamp
			w.pairs.add(v.person, number)
		}
		if more {
			w.meetMore(p, v.person, begin, carries)
		}
	}
}

// meetMore takes of a contact what is seldom asked for.
func (w *worker) meetMore(p *presence, person uint32, begin int64, carries bool) {
	if carries && w.carrying != nil {
		w.carrying[person] = max(w.carrying[person], ^uint32(begin))
	}
	for n, b := range w.m.sources[p.source].Roots {
		w.roots[int(person)*w.m.q.Words+n] |= b
	}
}

// crowdOf counts the distinct people other than the source who were there during the stay.
func (w *worker) crowdOf(p *presence) int {
	w.crowds++
	w.crowd[p.person] = w.crowds
	n := 0
	for _, guests := range [][]guest{w.short, w.long} {
		for i := range guests {
			g := &guests[i]
			if int64(g.enter) >= p.leave {
				break
			}
			if person := w.there[g.who].person; int64(g.leave) > p.enter && w.crowd[person] != w.crowds {
				w.crowd[person] = w.crowds
				n++
			}
		}
	}
	return n
}
