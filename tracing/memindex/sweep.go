package memindex

import (
	"cmp"
	"math"
	"slices"

	"github.com/truyvet/truyvet/tracing"
)

// frontier is who infects others, and when: at most one window each.
type frontier struct {
	people  bits
	windows []window // by person, for those in people
	first   int64    // when the first of them begins, from base
}

// window is from base.
type window struct{ from, to int64 }

func (v *view) frontier(sources []tracing.Infectious) *frontier {
	f := &frontier{people: newBits(len(v.people)), windows: make([]window, len(v.people)), first: math.MaxInt64}
	for i := range sources {
		s := &sources[i]
		f.people.set(s.Person)
		w := window{v.clip(s.Window.From), v.clip(s.Window.To)}
		f.windows[s.Person] = w
		f.first = min(f.first, w.from)
	}
	return f
}

// sweep goes through places once, with all who infect others there at the same time, and finds for everybody at a place when
// the earliest of their contacts there began. That takes time for the stays and not for the contacts.
//
// Let sources be at the place during [f1, u1), [f2, u2), …, each for as long as a contact takes, m, and somebody during
// [e, l) for as long. If f ≤ e, they are in contact exactly if u ≥ e + m, and from e on. If f > e, they are exactly if
// f ≤ l − m, and from f on. So the first exposure is e if the latest u among those who came first is late enough, and else
// the next f, if that is early enough. As nobody meets themselves, the second latest u and the second next f count too.
type sweep struct {
	*scan
	f       *frontier
	cursors []int // by day: the next group

	infectious []presence
	visitors   []visitor // who came on an earlier day
	latest     []latest  // by position in infectious
}

// visitor is a stay, in seconds from base.
type visitor struct {
	person       uint32
	enter, leave int64
}

// latest is the latest until among some presences, and the latest among those of others than that person.
type latest struct {
	person        uint32
	until, others int64
}

// places sweeps the places from first up to end.
func (s *sweep) places(first, end uint32) {
	days := s.v.days
	s.cursors = slices.Grow(s.cursors[:0], len(days))[:len(days)]
	for i := range days {
		s.cursors[i], _ = days[i].group(first)
	}
	for place := first; place < end; place++ {
		if s.v.oddAt.has(place) {
			s.oddPlace(place)
			continue
		}
		if s.isContactPlace(place) {
			s.place(place)
		}
	}
}

// groupAt returns the group of the place that the sweep has come to.
func (s *sweep) groupAt(i int, place uint32) (int, bool) {
	d, c := &s.v.days[i], &s.cursors[i]
	for *c < len(d.places) && d.places[*c] < place {
		*c++
	}
	return *c, *c < len(d.places) && d.places[*c] == place
}

func (s *sweep) place(place uint32) {
	s.infectious, s.visitors = s.infectious[:0], s.visitors[:0]
	for i := range s.v.days {
		d := &s.v.days[i]
		group, there := s.groupAt(i, place)
		if !there || d.end <= s.f.first {
			continue
		}
		s.infectious = slices.DeleteFunc(s.infectious, func(p presence) bool { return p.until <= d.offset })
		s.findInfectious(d, group)
		if len(s.infectious) > 0 {
			s.meetOn(d, group)
		}
		s.visitors = slices.DeleteFunc(s.visitors, func(g visitor) bool { return g.leave <= d.offset+day })
		for _, r := range d.list(group, overnight) {
			if enter := d.offset + r.enter(); r.enter()+r.length() > day {
				s.visitors = append(s.visitors, visitor{r.person(), enter, enter + r.length()})
			}
		}
	}
}

// findInfectious adds those of a group that infect others there.
func (s *sweep) findInfectious(d *dayOf, group int) {
	records, _ := d.all(group)
	for _, r := range records {
		if person := r.person(); s.f.people.has(person) {
			w := &s.f.windows[person]
			s.person = person
			enter := d.offset + r.enter()
			if p, infects := s.scan.infectious(enter, enter+r.length(), w.from, w.to); infects {
				s.infectious = append(s.infectious, p)
			}
		}
	}
}

// meetOn takes the contacts of those who are infectious with everybody of a group and with the visitors.
func (s *sweep) meetOn(d *dayOf, group int) {
	slices.SortFunc(s.infectious, func(a, b presence) int { return cmp.Compare(a.from, b.from) })
	s.latest = s.latest[:0]
	now := latest{until: math.MinInt64, others: math.MinInt64}
	for i := range s.infectious {
		switch p := &s.infectious[i]; {
		case p.person == now.person:
			now.until = max(now.until, p.until)
		case p.until > now.until:
			now = latest{p.person, p.until, now.until}
		default:
			now.others = max(now.others, p.until)
		}
		s.latest = append(s.latest, now)
	}
	for c := short; c < classes; c++ {
		s.meetList(d, d.list(group, c))
	}
	for _, g := range s.visitors {
		n, _ := slices.BinarySearchFunc(s.infectious, g.enter+1, func(p presence, t int64) int { return cmp.Compare(p.from, t) })
		s.meetOne(g.person, g.enter, g.leave, n)
	}
}

// meetList takes the contacts of a list, sorted by its entries.
func (s *sweep) meetList(d *dayOf, list []record) {
	begin := s.infectious[0].from - d.offset
	n := 0
	for _, r := range list {
		enter, length := r.enter(), r.length()
		if length < s.least || enter+length < begin+s.least {
			continue
		}
		enter += d.offset
		for n < len(s.infectious) && s.infectious[n].from <= enter {
			n++
		}
		s.meetOne(r.person(), enter, enter+length, n)
	}
}

// meetOne takes the earliest contact of a stay, of which the first n presences began before or with it.
func (s *sweep) meetOne(person uint32, enter, leave int64, n int) {
	exposed := enter
	until := int64(math.MinInt64)
	if n > 0 {
		l := &s.latest[n-1]
		if until = l.until; l.person == person {
			until = l.others
		}
	}
	if until < enter+s.least || leave < enter+s.least {
		for n < len(s.infectious) && s.infectious[n].person == person {
			n++
		}
		if n == len(s.infectious) {
			return
		}
		if exposed = s.infectious[n].from; exposed > leave-s.least {
			return
		}
	}
	if early := ^uint32(exposed); early > s.cells[person].early {
		s.cells[person].early = early
	}
}

// oddPlace takes the contacts of a place that has odd stays, one presence after the other.
func (s *sweep) oddPlace(place uint32) {
	if !s.isContactPlace(place) {
		return
	}
	take := func(person uint32, enter, leave int64, dayNo, group int, position uint32) {
		if !s.f.people.has(person) {
			return
		}
		s.begin(person)
		w := &s.f.windows[person]
		if p, infects := s.scan.infectious(enter, leave, w.from, w.to); infects {
			p.place, p.day, p.group, p.position = place, int32(dayNo), int32(group), position
			s.presence(&p)
		}
	}
	for i := range s.v.days {
		d := &s.v.days[i]
		group, there := s.groupAt(i, place)
		if !there {
			continue
		}
		records, first := d.all(group)
		for j, r := range records {
			if position := first + uint32(j); !d.hidden.has(position) {
				take(r.person(), d.offset+r.enter(), d.offset+r.enter()+r.length(), i, group, position)
			}
		}
	}
	for _, o := range s.v.oddsAt(place) {
		take(o.person, o.enter, o.leave, noDay, 0, 0)
	}
}
