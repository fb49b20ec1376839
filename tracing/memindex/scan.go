package memindex

import (
	"slices"

	"github.com/truyvet/truyvet/tracing"
)

// presence is a stay of somebody who infects others during a part of it. Times are in seconds from the view's base.
type presence struct {
	person      uint32
	place       uint32
	day, group  int   // of the record that it rests on; day is noDay for an odd stay
	enter       int64 // of the stay
	leave       int64 // of the stay, as known
	from, until int64 // of the infectious part, with the linger
}

// noDay is the day of a presence that rests on an odd stay.
const noDay = -1

// scan looks for contacts one presence after the other. It is what few sources need, and what counting them needs.
type scan struct {
	*scratch
	v     *view
	q     tracing.Question
	asOf  int64 // from base
	least int64 // how long the overlap of a contact is, at least 1
	here  []presence

	// Of the source and the presence at work:
	stamp   uint32
	person  uint32
	roots   []uint64
	carries bool
}

func newScan(v *view, s *scratch, q tracing.Question, asOf int64) *scan {
	return &scan{scratch: s, v: v, q: q, asOf: asOf, least: max(q.Numbers.MinOverlap, 1)}
}

// source takes the contacts of somebody during some windows.
func (s *scan) source(windows []tracing.Infectious) {
	s.begin(windows[0].Person)
	for i := range windows {
		w := &windows[i]
		s.roots = w.Roots
		s.findPresences(s.v.clip(w.Window.From), s.v.clip(w.Window.To))
		for j := range s.here {
			s.presence(&s.here[j])
		}
	}
}

// begin makes somebody the source at work.
func (s *scan) begin(person uint32) { s.person, s.stamp = person, s.nextSource() }

// clip returns an instant in seconds from base, cut to when there are stays.
func (v *view) clip(t int64) int64 { return min(max(t, v.base), v.base+v.span) - v.base }

// findPresences finds where the source at work infects others during [from, to) for long enough to have a contact.
func (s *scan) findPresences(from, to int64) {
	s.here = s.here[:0]
	for i := range s.v.days {
		d := &s.v.days[i]
		if d.end <= from {
			continue
		}
		if d.offset >= to {
			break
		}
		for _, position := range d.of(s.person) {
			r := d.records[position]
			p, infects := s.infectious(d.offset+r.enter(), d.offset+r.enter()+r.length(), from, to)
			if !infects || d.hidden.has(position) {
				continue
			}
			p.day, p.group = i, d.groupOf(position)
			if p.place = d.places[p.group]; s.isContactPlace(p.place) {
				s.here = append(s.here, p)
			}
		}
	}
	for _, i := range s.v.oddOf[s.person] {
		o := &s.v.odd[i]
		p, infects := s.infectious(o.enter, o.leave, from, to)
		if infects && s.isContactPlace(o.place) {
			p.day, p.place = noDay, o.place
			s.here = append(s.here, p)
		}
	}
}

// infectious returns the presence of the source at work during a stay, and whether it is long enough to have a contact.
func (s *scan) infectious(enter, leave, from, to int64) (presence, bool) {
	leave = min(leave, s.asOf)
	p := presence{person: s.person, enter: enter, leave: leave, from: max(enter, from)}
	end := min(leave, to)
	p.until = min(end+s.q.Numbers.Linger, s.asOf)
	return p, p.from < end && p.until-p.from >= s.least
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
	first := p.day
	if p.day == noDay {
		first = s.v.dayAt(from)
	}
	for i := first; i < len(days) && days[i].offset <= until-least; i++ {
		if i == p.day {
			s.onDay(i, p.group, from, until, least, take)
		} else if group, there := days[i].group(p.place); there {
			s.onDay(i, group, from, until, least, take)
		}
	}
	if p.day == noDay || days[first].entered.has(uint32(p.group)) {
		for i := range first {
			if days[i].end <= from {
				continue
			}
			if group, there := days[i].group(p.place); there {
				s.onDay(i, group, from, until, least, take)
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

// onDay is around for one group of one day.
func (s *scan) onDay(i, group int, from, until, least int64, take taker) {
	d := &s.v.days[i]
	from -= d.offset
	end := before(until - d.offset - least + 1)
	hits := s.hits[:0]
	for c := short; c < classes; c++ {
		list := d.list(group, c)
		if len(list) == 0 {
			continue
		}
		if d.hidden != nil {
			list = s.withoutHidden(d, group, c)
		}
		if c == short {
			list = enteredSince(list, from+least-longFrom)
		}
		hits = overlapping(hits, list, end, from, least)
	}
	s.hits = hits
	take(s, hits, d.offset, d.offset+from)
}

// overlapping appends those of list, sorted by their entry, that are less than end and stay for least after they entered or,
// if that is later, after from, a time of their day.
func overlapping(hits, list []record, end record, from, least int64) []record {
	n := len(hits)
	hits = slices.Grow(hits, len(list))[:n+len(list)]
	for _, r := range list {
		if r >= end {
			break
		}
		hits[n] = r
		enter := r.enter()
		if enter+r.length()-max(enter, from) >= least {
			n++
		}
	}
	return hits[:n]
}

// withoutHidden returns a list without the parts of odd stays.
func (s *scan) withoutHidden(d *dayOf, group int, c class) []record {
	s.unhidden = s.unhidden[:0]
	position := d.lists[int(classes)*group+int(c)]
	for _, r := range d.list(group, c) {
		if !d.hidden.has(position) {
			s.unhidden = append(s.unhidden, r)
		}
		position++
	}
	return s.unhidden
}

// fold adds the contacts of the presence at work to what is known of people.
func (s *scan) fold(hits []record, offset, from int64) {
	cells, stamp, self := s.cells, s.stamp, s.person
	for _, r := range hits {
		person := r.person()
		if person == self {
			continue
		}
		early := ^uint32(max(offset+r.enter(), from))
		c := &cells[person]
		if t := c.tally; t&^maxSources != stamp {
			if t == 0 && s.few {
				s.touched = append(s.touched, person)
			}
			c.tally = stamp | (t&maxSources + 1)
		}
		if early > c.early {
			c.early = early
		}
	}
	if s.carries && s.carrying != nil {
		s.foldCarrying(hits, offset, from)
	}
	if s.q.Words > 0 {
		s.foldRoots(hits)
	}
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
