package memindex

import (
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
	sites   *sites       // what site is made of
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
	return newIndex(places, numbering, segmentsOf(stays, len(people), workers), Effort{Workers: workers}, nil)
}

// dayStart, in seconds after midnight UTC, is when the days of an index begin: at three at night in Vietnam, when fewest
// people are at a place. Any other would do, with more stays that have to be looked for from two days.
const dayStart int64 = 20 * 60 * 60

// DayOf returns the number of the day that an instant lies in: that of a stay is the day on which it was entered. Day 0 begins at 20:00 UTC on 1 January 1970, and each lasts until that hour of the next.
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

// newIndex puts segments, in the order of their days, together. What it can it takes over from another index of the same
// numbering, which may be nil.
func newIndex(tree *tracing.Places, numbering *Numbering, segments []*segment, e Effort, before *Index) *Index {
	x := &Index{tree: tree}
	var known []bool
	if before != nil && before.tree == tree {
		known = before.scanned.isPart
	}
	_, places := numbering.names()
	x.scanned = newView(numbering, numbering, segments, e, parts(tree, places, known))
	x.sites = before.sitesOn(tree, places)
	x.site = sync.OnceValue(x.rollUp)
	return x
}

// parts says of each place whether it is a contact place in ScopePart; known is the answer for the first ones.
func parts(tree *tracing.Places, places []tracing.Place, known []bool) []bool {
	is := slices.Grow(slices.Clone(known), len(places)-len(known))
	for _, p := range places[len(known):] {
		_, one := tree.Contact(tracing.ScopePart, p)
		is = append(is, one)
	}
	return is
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
	size.Dictionaries = v.numbering.Bytes()
	return size
}
