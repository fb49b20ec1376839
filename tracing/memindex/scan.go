package memindex

import (
	"github.com/truyvet/truyvet/tracing"
)

// scan looks for contacts one presence after the other. It is what few sources need, and what counting them needs.
type scan struct {
	*scratch
	ledger *ledger
	v      *view
	q      tracing.Question
	asOf   int64 // from base
	least  int64 // how long the overlap of a contact is, at least 1
	enough int   // so many contacts of a range are added to the ledger together

	// Of the sources at work:
	windows []sourceWindow
	spans   []span
	here    []presence
	// Of the spans, one after the other:
	positions []uint32
	records   []record

	// Of the source and the presence at work:
	number  uint32
	person  uint32
	roots   []uint64
	carries bool
}

// sources takes the contacts of some sources, who are numbered from 1 on after so many people.
func (s *scan) sources(p piece, after int) {
	s.find(p.sources)
	s.warmUp()
	s.number = uint32(p.before - after)
	s.each(s.presence)
	s.settle()
}

// each calls take for the presences that were found at contact places, and takes the contacts of those that rest on odd
// stays. The source at work is that of the presence.
func (s *scan) each(take func(*presence)) {
	next := 0
	for i := range s.windows {
		w := &s.windows[i]
		if i == 0 || w.person != s.windows[i-1].person {
			s.begin(w.person)
		}
		s.roots = w.roots
		for ; next < len(s.here) && s.here[next].window == int32(i); next++ {
			if p := &s.here[next]; s.isContactPlace(p.place) {
				take(p)
			}
		}
		s.oddPresences(w)
	}
}

// begin makes somebody the source at work.
func (s *scan) begin(person uint32) {
	s.person = person
	if s.q.Sources {
		s.number++
	}
}

// clip returns an instant in seconds from base, cut to when there are stays.
func (v *view) clip(t int64) int64 { return min(max(t, v.base), v.base+v.span) - v.base }

// oddPresences takes the contacts of the source at work during odd stays.
func (s *scan) oddPresences(w *sourceWindow) {
	for _, i := range s.v.oddOf[w.person] {
		o := &s.v.odd[i]
		p, infects := s.infectious(o.enter, o.leave, w.from, w.to)
		if infects && s.isContactPlace(o.place) {
			p.day, p.place = noDay, o.place
			s.presence(&p)
		}
	}
}

func (s *scan) isContactPlace(place uint32) bool {
	return s.q.Numbers.Scope != tracing.ScopePart || s.v.isPart[place]
}

// presence takes the contacts of a presence.
func (s *scan) presence(p *presence) {
	s.carries = true
	if limit := s.q.Numbers.CrowdLimit; limit > 0 {
		s.carries = s.crowdOf(p) <= limit
	}
	s.around(p, p.from, p.until, s.least, (*scan).fold)
}

// taker is given records that were found, with the offset of their day, and the start of what was asked for.
type taker func(s *scan, hits []record, offset, from int64)

// around gives take, in some calls, every stay at the place of p that has an overlap of least or longer with [from, until).
// A stay clipped at the as-of time needs no look of its own, as until is not beyond it.
func (s *scan) around(p *presence, from, until, least int64, take taker) {
	days := s.v.days
	first := int(p.day)
	if first == noDay {
		first = s.v.dayAt(from)
	}
	for i := first; i < len(days) && days[i].offset <= until-least; i++ {
		if i == int(p.day) {
			s.onDay(i, int(p.group), p, from, until, least, take)
		} else if group, there := days[i].group(p.place); there {
			s.onDay(i, group, nil, from, until, least, take)
		}
	}
	if p.day == noDay || days[first].entered.has(uint32(p.group)) {
		for i := range first {
			if days[i].end <= from {
				continue
			}
			if group, there := days[i].group(p.place); there {
				s.onDay(i, group, nil, from, until, least, take)
			}
		}
	}
	for _, o := range s.v.oddsAt(p.place) {
		if enter := max(o.enter, from); min(o.leave, until)-enter >= least {
			s.hits = append(s.hits[:0], newRecord(0, 0, o.person, 0, false))
			take(s, s.hits, enter, enter)
		}
	}
}

// onDay is around for one group of one day. The presence p is given where its record stands in the group: that is near all
// those whom it met.
func (s *scan) onDay(i, group int, p *presence, from, until, least int64, take taker) {
	d := &s.v.days[i]
	from -= d.offset
	end := before(until - d.offset - least + 1)
	lists := d.lists[int(classes)*group:][:classes+1]
	if n := int(lists[classes] - lists[0]); n > cap(s.hits) {
		s.hits = make([]record, 2*n)
	}
	hits := s.hits[:0]
	for c := short; c < classes; c++ {
		first, last := lists[c], lists[c+1]
		if first == last {
			continue
		}
		begin := record(0)
		if c == short {
			begin = before(from + least - longFrom)
		}
		switch {
		case d.hidden != nil:
			hits = overlapping(hits, s.withoutHidden(d, first, last), end, from, least)
		case p != nil && first <= p.position && p.position < last:
			own := p.position
			hits = overlappingBack(hits, d.records[first:own], begin, from, least)
			hits = overlapping(hits, d.records[own+1:last], end, from, least)
		default:
			hits = overlapping(hits, since(d.records[first:last], begin), end, from, least)
		}
	}
	s.hits = hits
	take(s, hits, d.offset, d.offset+from)
}

// overlapping appends those of list, sorted by their entry, that are less than end and stay for least after they entered or,
// if that is later, after from, a time of their day. There is room for all of list.
//
// Who stays long enough is as good as random, so the loop has no branch on it: each record is written, and kept by moving on.
func overlapping(hits, list []record, end record, from, least int64) []record {
	n := len(hits)
	hits = hits[:n+len(list)]
	for _, r := range list {
		if r >= end {
			break
		}
		hits[n] = r
		n += r.stays(from, least)
	}
	return hits[:n]
}

// overlappingBack is overlapping from the end of list back to begin, for a list in which all are less than end.
func overlappingBack(hits, list []record, begin record, from, least int64) []record {
	n := len(hits)
	hits = hits[:n+len(list)]
	for i := len(list) - 1; i >= 0; i-- {
		r := list[i]
		if r < begin {
			break
		}
		hits[n] = r
		n += r.stays(from, least)
	}
	return hits[:n]
}

// stays is 1 for a stay that lasts for least after from and after its entry, else 0.
func (r record) stays(from, least int64) int {
	enter := r.enter()
	return int(uint64(least-1-(enter+r.length()-max(enter, from))) >> 63)
}

// withoutHidden returns the records from first up to last without the parts of odd stays.
func (s *scan) withoutHidden(d *dayOf, first, last uint32) []record {
	s.unhidden = s.unhidden[:0]
	for position := first; position < last; position++ {
		if !d.hidden.has(position) {
			s.unhidden = append(s.unhidden, d.records[position])
		}
	}
	return s.unhidden
}

// fold adds the contacts of the presence at work to what is known of people.
func (s *scan) fold(hits []record, offset, from int64) {
	if s.few {
		s.enter(hits, offset, from)
	} else {
		s.part(hits, offset, from)
	}
	if s.carries && s.carrying != nil {
		s.foldCarrying(hits, offset, from)
	}
	if s.q.Words > 0 {
		s.foldRoots(hits)
	}
}

// enter takes the contacts of few sources into the ledger one by one, and notes whom it has not met before.
func (s *scan) enter(hits []record, offset, from int64) {
	for _, r := range hits {
		person := r.person()
		if person == s.person {
			continue
		}
		c := &s.ledger.cells[person]
		if *c == 0 {
			s.touched = append(s.touched, person)
		}
		*c = c.with(newContact(^uint32(max(offset+r.enter(), from)), s.number, 0))
	}
}

// part parts the contacts of a source by ranges of people. In the ledger each would lie somewhere else in memory; parted they
// lie one after the other, and those of a range are then added while its cells are in the cache.
func (s *scan) part(hits []record, offset, from int64) {
	ranges, self, number := s.parted, s.person, s.number
	for _, r := range hits {
		person := r.person()
		if person == self {
			continue
		}
		to := &ranges[person/rangePeople]
		to.block[to.n%blockContacts] = newContact(^uint32(max(offset+r.enter(), from)), number, person%rangePeople)
		if to.n++; to.n == blockContacts {
			to.flush()
		}
	}
}

// settle adds the contacts of those ranges that have enough of them to the ledger. It must not between those of one source.
func (s *scan) settle() {
	for i := range s.parted {
		if p := &s.parted[i]; len(p.contacts)+int(p.n) >= s.enough {
			s.settleRange(i)
		}
	}
}

// settleRange adds the contacts of a range to the ledger.
func (s *scan) settleRange(of int) {
	p := &s.parted[of]
	p.flush()
	s.ledger.add(of, p.contacts)
	p.contacts = p.contacts[:0]
}

// foldCarrying is fold for those contacts that carry on, where not all do.
func (s *scan) foldCarrying(hits []record, offset, from int64) {
	for _, r := range hits {
		if person := r.person(); person != s.person {
			s.carrying[person] = max(s.carrying[person], ^uint32(max(offset+r.enter(), from)))
		}
	}
}

// foldRoots adds the cases that led to the source at work.
func (s *scan) foldRoots(hits []record) {
	words := s.q.Words
	for _, r := range hits {
		row := s.rootsOf[int(r.person())*words:][:words]
		for i, w := range s.roots {
			row[i] |= w
		}
	}
}

// crowdOf counts the distinct people other than the source who were there during the stay.
func (s *scan) crowdOf(p *presence) int {
	s.crowds++
	s.crowd[p.person] = s.crowds
	s.inCrowd = 0
	s.around(p, p.enter, p.leave, 1, (*scan).count)
	return s.inCrowd
}

func (s *scan) count(hits []record, _, _ int64) {
	for _, r := range hits {
		if person := r.person(); s.crowd[person] != s.crowds {
			s.crowd[person] = s.crowds
			s.inCrowd++
		}
	}
}
