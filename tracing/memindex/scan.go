package memindex

import (
	"github.com/truyvet/truyvet/tracing"
)

// presence is a stay of somebody who infects others during a part of it. Times are in seconds from the view's base.
type presence struct {
	person     uint32
	place      uint32
	day, group int32  // of the record that it rests on; day is noDay for an odd stay
	position   uint32 // of that record
	window     int32  // the position in scan.windows

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

	// Of the sources at work:
	windows []sourceWindow
	spans   []span
	here    []presence
	// Of the spans, one after the other:
	positions []uint32
	records   []record

	// Of the source and the presence at work:
	stamp   uint32
	person  uint32
	roots   []uint64
	carries bool
}

// sourceWindow is when a source infects others, from base.
type sourceWindow struct {
	person   uint32
	from, to int64
	roots    []uint64
}

// span is where a day's positions of a source's records stand.
type span struct {
	day, window int32
	first, end  uint32
}

func newScan(v *view, s *scratch, q tracing.Question, asOf int64) *scan {
	return &scan{scratch: s, v: v, q: q, asOf: asOf, least: max(q.Numbers.MinOverlap, 1)}
}

// sources takes the contacts of some sources. The windows of a person stand together.
func (s *scan) sources(sources []tracing.Infectious) {
	s.find(sources)
	s.warmUp()
	s.each(s.presence)
}

// find finds the presences of some sources, step by step for all of them.
func (s *scan) find(sources []tracing.Infectious) {
	s.windows = s.windows[:0]
	for i := range sources {
		w := &sources[i]
		s.windows = append(s.windows, sourceWindow{w.Person, s.v.clip(w.Window.From), s.v.clip(w.Window.To), w.Roots})
	}
	s.findSpans()
	s.findPresences()
	s.findGroups()
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
		s.stamp = s.nextSource()
	}
}

// clip returns an instant in seconds from base, cut to when there are stays.
func (v *view) clip(t int64) int64 { return min(max(t, v.base), v.base+v.span) - v.base }

// findSpans finds the days on which the sources have records that may count.
func (s *scan) findSpans() {
	s.spans = s.spans[:0]
	for i := range s.windows {
		w := &s.windows[i]
		for n := range s.v.days {
			d := &s.v.days[n]
			if d.end <= w.from || d.offset >= w.to || int(w.person)+1 >= len(d.people) {
				continue
			}
			s.spans = append(s.spans, span{int32(n), int32(i), d.people[w.person], d.people[w.person+1]})
		}
	}
}

// findPresences finds where the sources infect others for long enough to have a contact. First it only reads, so that no
// branch waits for what is read, and the reads do not wait for one another.
func (s *scan) findPresences() {
	s.positions = s.positions[:0]
	for _, sp := range s.spans {
		s.positions = append(s.positions, s.v.days[sp.day].byPerson[sp.first:sp.end]...)
	}
	s.records = s.records[:0]
	for _, sp := range s.spans {
		records := s.v.days[sp.day].records
		for range sp.end - sp.first {
			s.records = append(s.records, records[s.positions[len(s.records)]])
		}
	}
	s.here = s.here[:0]
	next := 0
	for _, sp := range s.spans {
		d, w := &s.v.days[sp.day], &s.windows[sp.window]
		s.person = w.person
		for range sp.end - sp.first {
			r, position := s.records[next], s.positions[next]
			next++
			enter := d.offset + r.enter()
			p, infects := s.infectious(enter, enter+r.length(), w.from, w.to)
			if !infects || d.hidden.has(position) {
				continue
			}
			p.day, p.position, p.window = sp.day, position, sp.window
			s.here = append(s.here, p)
		}
	}
}

// findGroups finds the places of the presences.
func (s *scan) findGroups() {
	for i := range s.here {
		p := &s.here[i]
		d := &s.v.days[p.day]
		group := d.groupOf(p.position)
		p.group, p.place = int32(group), d.places[group]
	}
}

// cacheLine is how many records lie in one line of the cache.
const cacheLine = 8

// warmUp reads from the lines that the presences will need first. These reads do not wait for one another, as those of the
// search itself would.
func (s *scan) warmUp() {
	sum := record(0)
	for i := range s.here {
		p := &s.here[i]
		d := &s.v.days[p.day]
		lists := d.lists[int(classes)*int(p.group):][:classes+1]
		for c := short; c < classes; c++ {
			first, last := lists[c], lists[c+1]
			if first <= p.position && p.position < last {
				first, last = max(first, p.position-min(p.position, 4*cacheLine)), min(last, p.position+3*cacheLine)
			} else {
				last = min(last, first+4*cacheLine)
			}
			for ; first < last; first += cacheLine {
				sum += d.records[first]
			}
		}
	}
	s.warm += sum // so that the reads have a use
}

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
		s.touch(hits)
	}
	cells, reached, stamp, self := s.cells, s.reached, s.stamp, s.person
	for _, r := range hits {
		person := r.person()
		if person == self {
			continue
		}
		c := &cells[person]
		early := ^uint32(max(offset+r.enter(), from))
		tally := stamp | c.tally&maxSources
		if tally != c.tally { // another source than the last that they met
			tally++
		}
		c.tally, c.early = tally, max(c.early, early)
		reached[person/64] |= 1 << (person % 64)
	}
	if s.carries && s.carrying != nil {
		s.foldCarrying(hits, offset, from)
	}
	if s.q.Words > 0 {
		s.foldRoots(hits)
	}
}

// touch notes those who have no contact yet.
func (s *scan) touch(hits []record) {
	for _, r := range hits {
		if person := r.person(); !s.reached.has(person) && person != s.person {
			s.touched = append(s.touched, person)
			s.reached.set(person)
		}
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
