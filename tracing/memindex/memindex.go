// Package memindex holds stays in memory, by person and by place, and gives them to a walk.
package memindex

import (
	"iter"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
)

// Index is a set of stays and the tree of their places. It is immutable and safe for concurrent use.
type Index struct {
	scanned *view        // united at the places scanned: for ScopePart and ScopePlace
	isPart  []bool       // by place number of scanned: whether the place is a contact place in ScopePart
	site    func() *view // the same stays united at their sites, made when first asked for
}

// Build indexes stays at the places that were scanned, at most 2³¹ − 1 of them. It does not keep them. Stays of no length
// are dropped.
func Build(places *tracing.Places, stays []tracing.Stay) *Index {
	return BuildSeq(places, slices.Values(stays))
}

// BuildSeq is Build for stays that need not stand in memory as such. It goes over them twice, and both times must see the
// same.
func BuildSeq(places *tracing.Places, stays iter.Seq[tracing.Stay]) *Index {
	x := &Index{scanned: scannedView(stays)}
	x.isPart = make([]bool, len(x.scanned.places))
	for i, p := range x.scanned.places {
		_, x.isPart[i] = places.Contact(tracing.ScopePart, p)
	}
	x.site = sync.OnceValue(func() *view {
		return x.scanned.rolledUp(func(p tracing.Place) tracing.Place {
			site, _ := places.Contact(tracing.ScopeSite, p)
			return site
		})
	})
	return x
}

// AsOf returns the stays as they are known at t: clipped there. It costs nothing, and math.MaxInt64 clips nothing.
func (x *Index) AsOf(t int64) tracing.Source { return &snapshot{index: x, asOf: t} }

// visit is a stay in the working memory of building a view.
type visit struct {
	place int32
	part  tracing.Part
}

// scannedView numbers the people and places of stays, groups the stays by person and makes the view of them.
func scannedView(stays iter.Seq[tracing.Stay]) *view {
	people := numbering[uuid.UUID]{number: make(map[uuid.UUID]int32)}
	places := numbering[tracing.Place]{number: make(map[tracing.Place]int32)}
	type pair struct{ person, place int32 }
	var pairs []pair
	var start []int32 // first the size of each person's group, then where it starts
	for s := range stays {
		p := pair{people.of(s.Person), places.of(s.Place)}
		if int(p.person) == len(start) {
			start = append(start, 0)
		}
		start[p.person]++
		pairs = append(pairs, p)
	}
	start = append(start, 0)
	starts(start)
	visits := make([]visit, len(pairs))
	next := slices.Clone(start)
	i := 0
	for s := range stays {
		n := &next[pairs[i].person]
		visits[*n] = visit{pairs[i].place, tracing.Part{Enter: s.Enter, Leave: s.Leave, Basis: s.Basis, Flagged: s.Flagged}}
		*n++
		i++
	}
	return newView(people, places, start, visits)
}

// numbering gives things the numbers 0, 1, 2, … in the order in which they come.
type numbering[T comparable] struct {
	number map[T]int32
	things []T
}

func (n *numbering[T]) of(thing T) int32 {
	number, known := n.number[thing]
	if !known {
		number = int32(len(n.things))
		n.number[thing] = number
		n.things = append(n.things, thing)
	}
	return number
}

// starts turns the sizes of consecutive groups into their starts.
func starts(sizes []int32) {
	sum := int32(0)
	for i, size := range sizes {
		sizes[i] = sum
		sum += size
	}
}
