package memindex

import (
	"cmp"
	"iter"
	"runtime"
	"slices"
	"sync"

	"github.com/truyvet/truyvet/tracing"
)

// Index is a set of stays and the tree of their places. It is immutable and safe for concurrent use.
type Index struct {
	tree    *tracing.Places
	scanned *view        // united at the places scanned: for ScopePart and ScopePlace
	site    func() *view // the same stays united at their sites, made when first asked for
}

// DenseStay is a stay by the numbers that a [Numbering] gave. Enter and Leave are UTC seconds.
type DenseStay struct {
	Person, Place uint32
	Enter, Leave  int64
	Basis         tracing.Basis
	Flagged       bool
}

// Build indexes stays at the places that were scanned. It does not keep them. Stays of no length are dropped.
func Build(places *tracing.Places, stays []tracing.Stay) *Index {
	return BuildSeq(places, slices.Values(stays))
}

// BuildSeq is Build for stays that need not stand in memory as such.
func BuildSeq(places *tracing.Places, stays iter.Seq[tracing.Stay]) *Index {
	n := NewNumbering(0, 0)
	var dense []DenseStay
	for s := range stays {
		dense = append(dense, DenseStay{n.people.of(s.Person), n.places.of(s.Place), s.Enter, s.Leave, s.Basis, s.Flagged})
	}
	return BuildDense(places, n, dense, runtime.GOMAXPROCS(0))
}

// BuildDense indexes stays by number, with at most so many workers. Every number must be one of the numbering, of which at
// most [MaxPeople] people can be used. It keeps the numbering, which may grow further, and not the stays, which may stand
// in any order.
func BuildDense(places *tracing.Places, numbering *Numbering, stays []DenseStay, workers int) *Index {
	people, _ := numbering.names()
	return newIndex(places, numbering, segmentsOf(stays, len(people), workers), workers)
}

// dayStart, in seconds after midnight UTC, is when the days of an index begin: at three at night in Vietnam, when fewest
// people are at a place. Any other would do, with more stays that have to be looked for from two days.
const dayStart int64 = 20 * 60 * 60

// DayOf returns the number of the day that an instant lies in, for [Index.Update]: that of a stay is the day on which it was
// entered. Day 0 begins at 20:00 UTC on 1 January 1970, and each lasts until that hour of the next.
func DayOf(instant int64) int64 {
	instant -= dayStart
	d := instant / day
	if instant%day < 0 {
		d--
	}
	return d
}

// startOf is when a day begins.
func startOf(d int64) int64 { return d*day + dayStart }

// Update returns an index in which the stays of some days, by their numbers as DayOf gives them, are replaced by others;
// nil takes a day out. All other days are shared with x, which stays as it is. Every stay must be entered on its day.
func (x *Index) Update(days map[int64][]DenseStay, workers int) *Index {
	var kept []*segment
	for i := range x.scanned.days {
		s := x.scanned.days[i].segment
		if _, replaced := days[DayOf(s.start)]; !replaced {
			kept = append(kept, s)
		}
	}
	people, _ := x.scanned.numbering.names()
	var all []DenseStay
	for _, stays := range days {
		all = append(all, stays...)
	}
	kept = append(kept, segmentsOf(all, len(people), workers)...)
	slices.SortFunc(kept, func(a, b *segment) int { return cmp.Compare(a.start, b.start) })
	return newIndex(x.tree, x.scanned.numbering, kept, workers)
}

func newIndex(tree *tracing.Places, numbering *Numbering, segments []*segment, workers int) *Index {
	x := &Index{tree: tree}
	x.scanned = newView(numbering, numbering, segments, workers, func(p tracing.Place) bool {
		_, is := tree.Contact(tracing.ScopePart, p)
		return is
	})
	x.site = sync.OnceValue(x.rollUp)
	return x
}

// rollUp makes the view of the same stays at their sites.
func (x *Index) rollUp() *view {
	sites := NewNumbering(0, 0)
	siteOf := make([]uint32, len(x.scanned.places))
	for i, p := range x.scanned.places {
		site, _ := x.tree.Contact(tracing.ScopeSite, p)
		siteOf[i] = sites.places.of(site)
	}
	var stays []DenseStay
	for i := range x.scanned.days {
		x.scanned.days[i].each(func(s DenseStay) {
			s.Place = siteOf[s.Place]
			stays = append(stays, s)
		})
	}
	segments := segmentsOf(stays, len(x.scanned.people), runtime.GOMAXPROCS(0))
	return newView(x.scanned.numbering, sites, segments, runtime.GOMAXPROCS(0), func(tracing.Place) bool { return true })
}

// Size is what an index holds and takes.
type Size struct {
	Stays  int   // that it was made of
	United int   // records of united stays
	Bytes  int64 // of memory, without the dictionaries of ids
	// Dictionaries is about how many bytes the ids of people and places take, with the maps that find them.
	Dictionaries int64
}

// Size says how large the index is. The view of sites, made when first asked for, is not counted.
func (x *Index) Size() Size {
	var size Size
	v := x.scanned
	for i := range v.days {
		d := &v.days[i]
		size.Stays += d.stays
		size.United += len(d.records)
		size.Bytes += d.bytes() + int64(len(d.entered)+len(d.hidden))*8
	}
	for i := range v.odd {
		size.Bytes += 56 + int64(len(v.odd[i].parts))*24
	}
	size.Bytes += int64(len(v.isPart)) + int64(len(v.oddAt))*8
	// A map of Go takes about 8/7 · 4/3 of its slots and a control byte for each.
	const spare = 1.5
	size.Dictionaries = int64(len(v.people))*16 + int64(len(v.places))*32 +
		int64(spare*float64(len(v.people)*(16+4+1)+len(v.places)*(32+4+1)))
	return size
}
