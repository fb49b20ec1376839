package stay

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
)

// The bounds of the rules, in seconds.
const (
	longest        int64 = 24 * 60 * 60 // no stay is assumed to last longer
	lateCheckOut   int64 = 4 * 60 * 60  // a check-out this long after the entry is believed at any place
	dwellsCheckOut       = 2            // and so is one this many dwells after it
)

// Derive returns the stays of one person from the scans of all the person's aliases, in any order, clipped at asOf
// (math.MaxInt64 clips nothing). Stays of no length are dropped. The result is sorted by (enter, place, trip, leave).
//
// A repeated (alias, id) is ignored: the first given wins. A Void takes back the scan that has its alias and the id that it
// names, whenever it was made; it makes no stay itself and cannot be taken back. Scans of an unknown kind count for nothing.
// A stay is flagged if a scan that opened, renewed or closed it is doubted, by what it came with or for what the person's
// other scans say ([Doubts]): a scan elsewhere closes a stay when it ends it before its assumed end, and a check-out that came
// too late to be believed does not.
//
// Times must be far enough from the ends of int64 that a dwell can be added or subtracted. Derive keeps nothing of what it
// is given and may be called concurrently.
func Derive(person uuid.UUID, scans []Scan, places *tracing.Places, asOf int64) []tracing.Stay {
	return NewDeriver(places, asOf).Append(nil, person, scans)
}

// Deriver is [Derive] for one person after the other: it keeps its working memory between them. It is not safe for
// concurrent use.
type Deriver struct {
	deriver
	positions []int
}

// NewDeriver returns a Deriver for stays on a tree of places, clipped at asOf.
func NewDeriver(places *tracing.Places, asOf int64) *Deriver {
	return &Deriver{deriver: newDeriver(places, asOf)}
}

// Count makes no other doubts than these flag stays, which are the same otherwise. With one doubt at a time it tells why a
// stay is flagged.
func (d *Deriver) Count(doubts Doubts) { d.counted = doubts }

// Append appends the stays of one person to stays, as Derive returns them. It does not keep scans.
func (d *Deriver) Append(stays []tracing.Stay, person uuid.UUID, scans []Scan) []tracing.Stay {
	d.positions = slices.Grow(d.positions[:0], len(scans))[:len(scans)]
	for i := range d.positions {
		d.positions[i] = i
	}
	d.scans = scans
	stays = d.person(stays, person, d.positions)
	d.scans, d.stays = nil, nil
	return stays
}

// All derives the stays of everybody: scans grouped by the person that their alias stands for, each group as [Derive] does.
// The result is sorted by person, then as Derive sorts. It may be called concurrently.
func All(scans []Scan, links *Links, places *tracing.Places, asOf int64) []tracing.Stay {
	people, groups := byPerson(scans, links)
	d := newDeriver(places, asOf)
	d.scans = scans
	stays := make([]tracing.Stay, 0, len(scans)/2) // a check-in and a check-out make one
	for i, person := range people {
		stays = d.person(stays, person, groups[i])
	}
	return stays
}

// byPerson returns the people in the order of their ids and, for each, the positions of their scans in ascending order.
func byPerson(scans []Scan, links *Links) ([]uuid.UUID, [][]int) {
	number := make(map[uuid.UUID]int)
	var people []uuid.UUID
	of := make([]int, len(scans))
	var sizes []int
	for i := range scans {
		person := links.Person(scans[i].Alias)
		n, known := number[person]
		if !known {
			n = len(people)
			number[person] = n
			people = append(people, person)
			sizes = append(sizes, 0)
		}
		of[i] = n
		sizes[n]++
	}
	positions := make([]int, len(scans))
	groups := make([][]int, len(people))
	used := 0
	for n, size := range sizes {
		groups[n] = positions[used : used : used+size]
		used += size
	}
	for i, n := range of {
		groups[n] = append(groups[n], i)
	}
	slices.SortFunc(people, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	sorted := make([][]int, len(people))
	for i, person := range people {
		sorted[i] = groups[number[person]]
	}
	return people, sorted
}

// deriver derives one person after the other, and keeps its working memory between them.
type deriver struct {
	scans   []Scan
	places  *tracing.Places
	asOf    int64
	counted Doubts // that flag a stay

	out    uuid.UUID // the person at work
	stays  []tracing.Stay
	open   []opened
	voided []bool
	judged []Doubts // of the scans that count, in the order in which the rules read them

	flagged bool // whether the scan at work is doubted
}

func newDeriver(places *tracing.Places, asOf int64) deriver {
	return deriver{places: places, asOf: asOf, counted: ^Doubts(0)}
}

// opened is a stay that has not ended yet. The places of the open stays are always a place and ancestors of it.
type opened struct {
	place   tracing.Place
	enter   int64
	end     int64 // the assumed end
	dwell   int64
	flagged bool
}

// person appends the stays of a person to stays. The positions of the person's scans, ascending, are put in another order.
func (d *deriver) person(stays []tracing.Stay, person uuid.UUID, positions []int) []tracing.Stay {
	first := len(stays)
	d.out, d.stays, d.open = person, stays, d.open[:0]
	live := d.live(positions)
	d.judge(live)
	for n, i := range live {
		s := &d.scans[i]
		d.flagged = (s.Doubts|d.judged[n])&d.counted != 0
		previous := int64(0)
		if n > 0 {
			previous = d.scans[positions[n-1]].At
		}
		if s.Kind == Out {
			d.leave(s, n > 0, previous)
		} else {
			d.come(s)
		}
	}
	for _, o := range d.open {
		d.close(o, o.end, tracing.Assumed)
	}
	slices.SortFunc(d.stays[first:], compareStays)
	return d.stays
}

// live returns the positions of the scans that count, in the order in which the rules read them. It reorders positions and
// returns a part of it, from its start.
func (d *deriver) live(positions []int) []int {
	slices.SortFunc(positions, func(i, j int) int {
		if c := d.compareKey(i, &d.scans[j].Alias, &d.scans[j].ID); c != 0 {
			return c
		}
		return cmp.Compare(i, j)
	})
	positions = slices.CompactFunc(positions, func(i, j int) bool {
		return d.scans[i].ID == d.scans[j].ID && d.scans[i].Alias == d.scans[j].Alias
	})

	d.voided = slices.Grow(d.voided[:0], len(positions))[:len(positions)]
	clear(d.voided)
	for _, i := range positions {
		if s := &d.scans[i]; s.Kind == Void {
			at, found := slices.BinarySearchFunc(positions, s, func(j int, void *Scan) int {
				return d.compareKey(j, &void.Alias, &void.Voids)
			})
			if found {
				d.voided[at] = true
			}
		}
	}

	live := positions[:0]
	for n, i := range positions {
		switch d.scans[i].Kind {
		case In, Out, Renew:
			if !d.voided[n] {
				live = append(live, i)
			}
		}
	}
	slices.SortFunc(live, d.compareTime)
	return live
}

// compareKey compares the (alias, id) of scan i with another.
func (d *deriver) compareKey(i int, alias, id *uuid.UUID) int {
	if c := bytes.Compare(d.scans[i].Alias[:], alias[:]); c != 0 {
		return c
	}
	return bytes.Compare(d.scans[i].ID[:], id[:])
}

// compareTime orders scans by (at, out before in, id). Two aliases may have used one id: then the alias decides.
func (d *deriver) compareTime(i, j int) int {
	a, b := &d.scans[i], &d.scans[j]
	if a.At != b.At {
		return cmp.Compare(a.At, b.At)
	}
	if (a.Kind == Out) != (b.Kind == Out) {
		if a.Kind == Out {
			return -1
		}
		return 1
	}
	if c := bytes.Compare(a.ID[:], b.ID[:]); c != 0 {
		return c
	}
	return bytes.Compare(a.Alias[:], b.Alias[:])
}

// come is the rule of a check-in or a renewal.
func (d *deriver) come(s *Scan) {
	if d.read(s) {
		return
	}
	dwell := d.places.Dwell(s.Place.ID)
	d.open = append(d.open, opened{
		place: s.Place, enter: s.At, end: s.At + min(dwell, longest), dwell: dwell, flagged: d.flagged,
	})
}

// leave is the rule of a check-out. previous is the time of the person's scan before this one, where there is one.
func (d *deriver) leave(s *Scan, hasPrevious bool, previous int64) {
	if d.read(s) {
		return
	}
	enter := s.At - d.places.Dwell(s.Place.ID)
	if hasPrevious {
		enter = max(enter, previous)
	}
	d.close(opened{place: s.Place, enter: enter, flagged: d.flagged}, s.At, tracing.Assumed)
}

// read tells the open stays of s: one at the place of s is renewed or checked out, those at ancestors of the place are
// renewed, the others end early. Who leaves a vehicle leaves it for good: a check-out ends the stay on an earlier run of it, which was
// over before they got to their phone. It reports whether s found its stay: for a check-out one that it ended, else one that is
// open still.
func (d *deriver) read(s *Scan) (found bool) {
	kept := d.open[:0]
	for _, o := range d.open {
		stays := false
		switch {
		case o.place.ID == s.Place.ID && s.Kind == Out: // of a vehicle whichever run of it they were on
			d.checkOut(o, s)
			found = true
		case o.place == s.Place:
			o, stays = d.renew(o, s)
			found = stays
		case d.places.IsAncestor(o.place, s.Place):
			o, stays = d.renew(o, s)
		default:
			d.endEarly(o, s)
		}
		if stays {
			kept = append(kept, o)
		}
	}
	d.open = kept
	return found
}

// renew moves the assumed end of o on, or closes o if s came after it. It reports whether o is still open.
func (d *deriver) renew(o opened, s *Scan) (opened, bool) {
	if s.At > o.end {
		d.close(o, o.end, tracing.Assumed)
		return o, false
	}
	o.end = min(s.At+o.dwell, o.enter+longest)
	o.flagged = o.flagged || d.flagged
	return o, true
}

// endEarly ends o because s was made elsewhere.
func (d *deriver) endEarly(o opened, s *Scan) {
	if s.At >= o.end {
		d.close(o, o.end, tracing.Assumed)
		return
	}
	o.flagged = o.flagged || d.flagged
	d.close(o, s.At, tracing.Moved)
}

// checkOut ends o with the check-out s, if that is believed.
func (d *deriver) checkOut(o opened, s *Scan) {
	believed := max(o.end, o.enter+min(longest, max(lateCheckOut, dwellsCheckOut*o.dwell)))
	if s.At > believed {
		d.close(o, o.end, tracing.Assumed)
		return
	}
	o.flagged = o.flagged || d.flagged
	d.close(o, s.At, tracing.Checkout)
}

// close adds the stay that o was.
func (d *deriver) close(o opened, leave int64, basis tracing.Basis) {
	leave = min(leave, d.asOf)
	if leave <= o.enter {
		return
	}
	d.stays = append(d.stays, tracing.Stay{
		Person: d.out, Place: o.place, Enter: o.enter, Leave: leave, Basis: basis, Flagged: o.flagged,
	})
}

// compareStays orders the stays of one person by (enter, place, trip, leave).
func compareStays(a, b tracing.Stay) int {
	if a.Enter != b.Enter {
		return cmp.Compare(a.Enter, b.Enter)
	}
	if c := a.Place.Compare(b.Place); c != 0 {
		return c
	}
	if a.Leave != b.Leave {
		return cmp.Compare(a.Leave, b.Leave)
	}
	return cmp.Compare(a.Basis, b.Basis)
}
