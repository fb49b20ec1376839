package memindex

import (
	"runtime"
	"sync"

	"github.com/truyvet/truyvet/tracing"
)

// sites is the stays of an index once more, at the roots of their places. Indices that are made from one another share it
// for as long as places have the roots that they had, and so what is made of the days that they share.
type sites struct {
	numbering *Numbering // of the sites

	mu       sync.Mutex
	segments map[*segment]*segment // by that of the places scanned; of the index last asked
}

// sitesOn returns the sites for an index made from x, which may be nil, with perhaps another tree.
func (x *Index) sitesOn(tree *tracing.Places, places []tracing.Place) *sites {
	if x != nil && (x.tree == tree || sameRoots(x.tree, tree, places)) {
		return x.sites
	}
	return &sites{numbering: NewNumbering(0, 0), segments: make(map[*segment]*segment)}
}

func sameRoots(a, b *tracing.Places, places []tracing.Place) bool {
	for _, p := range places {
		rootA, _ := a.Contact(tracing.ScopeSite, p)
		if rootB, _ := b.Contact(tracing.ScopeSite, p); rootA != rootB {
			return false
		}
	}
	return true
}

// rollUp makes the view of the same stays at their sites.
func (x *Index) rollUp() *view {
	workers := runtime.GOMAXPROCS(0)
	v, s := x.scanned, x.sites
	s.mu.Lock()
	defer s.mu.Unlock()
	siteOf := make([]uint32, len(v.places))
	for i, p := range v.places {
		site, _ := x.tree.Contact(tracing.ScopeSite, p)
		siteOf[i] = s.numbering.Place(site)
	}
	rolled := make([]*segment, len(v.days))
	inParallel(workers, len(v.days), func() func(int) {
		var b builder
		return func(i int) {
			if rolled[i] = s.segments[v.days[i].segment]; rolled[i] == nil {
				rolled[i] = b.rolledUp(v.days[i].segment, siteOf, len(v.people))
			}
		}
	})
	clear(s.segments)
	for i := range rolled {
		s.segments[v.days[i].segment] = rolled[i]
	}
	_, places := s.numbering.names()
	everywhere := make([]bool, len(places))
	for i := range everywhere {
		everywhere[i] = true
	}
	return newView(v.numbering, s.numbering, rolled, Effort{Workers: workers}, everywhere)
}

// rolledUp makes the segment of the same stays at other places.
func (b *builder) rolledUp(s *segment, siteOf []uint32, people int) *segment {
	c := change{day: DayOf(s.start), before: s}
	d := b.stays(&c)
	for i, place := range d.places {
		d.places[i] = siteOf[place]
	}
	for i := range d.long {
		d.long[i].Place = siteOf[d.long[i].Place]
	}
	return b.segment(d, people)
}
