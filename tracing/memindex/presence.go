package memindex

import (
	"slices"

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
	n := 0
	for _, sp := range s.spans {
		n += int(sp.end - sp.first)
	}
	s.positions = slices.Grow(s.positions[:0], n)[:n]
	n = 0
	for _, sp := range s.spans {
		for _, position := range s.v.days[sp.day].byPerson[sp.first:sp.end] { // one by one: of the two or three of a day, copying costs more
			s.positions[n] = position
			n++
		}
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

// infectious returns the presence of the source at work during a stay, and whether it is long enough to have a contact.
func (s *scan) infectious(enter, leave, from, to int64) (presence, bool) {
	leave = min(leave, s.asOf)
	p := presence{person: s.person, enter: enter, leave: leave, from: max(enter, from)}
	end := min(leave, to)
	p.until = min(end+s.q.Numbers.Linger, s.asOf)
	return p, p.from < end && p.until-p.from >= s.least
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
