package memindex

import (
	"context"
	"math"
	"runtime"
	"slices"

	"github.com/truyvet/truyvet/tracing"
)

// snapshot is an index as it is known at asOf.
type snapshot struct {
	index *Index
	asOf  int64
}

// Option changes how an index is walked.
type Option func(*walker)

// Workers sets how many goroutines a walk uses at most; it is as many as Go runs at once unless set. What a walk finds does
// not depend on it.
func Workers(n int) Option { return func(w *walker) { w.workers = n } }

// AsOf returns the stays as they are known at t: clipped there. It costs nothing, and math.MaxInt64 clips nothing.
//
// The source is a [tracing.Walker], unless there are 136 years between its stays.
func (x *Index) AsOf(t int64, options ...Option) tracing.Source {
	w := &walker{snapshot: &snapshot{index: x, asOf: t}, workers: runtime.GOMAXPROCS(0), sizes: usual()}
	for _, o := range options {
		o(w)
	}
	if x.scanned.span >= math.MaxUint32-day {
		return w.snapshot
	}
	return w
}

// view returns the stays united for the scope.
func (s *snapshot) view(scope tracing.Scope) *view {
	if scope == tracing.ScopeSite {
		return s.index.site()
	}
	return s.index.scanned
}

// answer is a call of one of the methods of a source.
type answer struct {
	v     *view
	asOf  int64
	part  bool // only contact places of ScopePart
	yield func(int, tracing.United) error
	parts []tracing.Part // room for those of the next
}

func (s *snapshot) answer(scope tracing.Scope, yield func(int, tracing.United) error) *answer {
	return &answer{v: s.view(scope), asOf: s.asOf, part: scope == tracing.ScopePart, yield: yield}
}

// OfPeople implements [tracing.Source].
func (s *snapshot) OfPeople(
	ctx context.Context, scope tracing.Scope, windows []tracing.PersonWindow, yield func(int, tracing.United) error,
) error {
	a := s.answer(scope, yield)
	for i, w := range windows {
		if err := ctx.Err(); err != nil {
			return err
		}
		if person, known := a.v.numbering.FindPerson(w.Person); known {
			if err := a.person(i, person, w.From, min(w.To, s.asOf)); err != nil {
				return err
			}
		}
	}
	return nil
}

// AtPlaces implements [tracing.Source].
func (s *snapshot) AtPlaces(
	ctx context.Context, scope tracing.Scope, windows []tracing.PlaceWindow, yield func(int, tracing.United) error,
) error {
	a := s.answer(scope, yield)
	for i, w := range windows {
		if err := ctx.Err(); err != nil {
			return err
		}
		if place, known := a.v.placed.FindPlace(w.Place); known {
			if err := a.place(i, place, w.From, min(w.To, s.asOf)); err != nil {
				return err
			}
		}
	}
	return nil
}

// person gives what one person has in a window.
func (a *answer) person(window int, person uint32, from, to int64) error {
	for i := range a.v.days {
		d := &a.v.days[i]
		if d.start >= to || d.latest <= from {
			continue
		}
		for _, position := range d.of(person) {
			if err := a.give(window, d, position, d.places[d.groupOf(position)], from, to); err != nil {
				return err
			}
		}
	}
	for _, i := range a.v.oddOf[person] {
		if err := a.giveOdd(window, &a.v.odd[i], from, to); err != nil {
			return err
		}
	}
	return nil
}

// place gives who was at a place in a window.
func (a *answer) place(window int, place uint32, from, to int64) error {
	for i := range a.v.days {
		d := &a.v.days[i]
		if d.start >= to || d.latest <= from {
			continue
		}
		group, there := d.group(place)
		if !there {
			continue
		}
		for c := short; c < classes; c++ {
			if err := a.list(window, d, group, c, from, to); err != nil {
				return err
			}
		}
	}
	for _, o := range a.v.oddsAt(place) {
		if err := a.giveOdd(window, &o, from, to); err != nil {
			return err
		}
	}
	return nil
}

func (a *answer) list(window int, d *dayOf, group int, c class, from, to int64) error {
	list := d.list(group, c)
	first := d.lists[int(classes)*group+int(c)]
	if c == short && from > d.start {
		skipped := len(list) - len(since(list, before(from-d.start-longFrom)))
		list, first = list[skipped:], first+uint32(skipped)
	}
	end := before(min(to, d.start+day) - d.start)
	for j, r := range list {
		if r >= end {
			break
		}
		if err := a.give(window, d, first+uint32(j), d.places[group], from, to); err != nil {
			return err
		}
	}
	return nil
}

// give yields a record if it meets the window.
func (a *answer) give(window int, d *dayOf, position, place uint32, from, to int64) error {
	r := d.records[position]
	enter := d.start + r.enter()
	leave := enter + r.length()
	if enter >= to || min(leave, a.asOf) <= from || from >= to || d.hidden.has(position) || a.part && !a.v.isPart[place] {
		return nil
	}
	if cap(a.parts)-len(a.parts) < 1 {
		a.parts = make([]tracing.Part, 0, min(max(2*cap(a.parts), 8), 512)) // yield may keep the ones before
	}
	first := len(a.parts)
	a.parts = d.appendParts(a.parts, position)
	return a.yieldClipped(window, r.person(), place, enter, leave, a.parts[first:len(a.parts):len(a.parts)])
}

// giveOdd yields an odd stay if it meets the window.
func (a *answer) giveOdd(window int, o *odd, from, to int64) error {
	enter, leave := a.v.base+o.enter, a.v.base+o.leave
	if enter >= to || min(leave, a.asOf) <= from || from >= to || a.part && !a.v.isPart[o.place] {
		return nil
	}
	return a.yieldClipped(window, o.person, o.place, enter, leave, slices.Clip(o.parts))
}

func (a *answer) yieldClipped(window int, person, place uint32, enter, leave int64, parts []tracing.Part) error {
	u := tracing.United{Person: a.v.people[person], Place: a.v.places[place], Enter: enter, Leave: leave, Parts: parts}
	u, _ = u.Clip(a.asOf)
	return a.yield(window, u)
}
