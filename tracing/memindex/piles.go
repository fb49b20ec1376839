package memindex

import (
	"maps"
	"slices"

	"github.com/truyvet/truyvet/tracing"
)

// Builder makes an index of stays that come bit by bit and need not stand in memory as such: it holds 16 B of each until
// their day is built, and then lets go of them. It is not safe for concurrent use.
type Builder struct {
	numbering *Numbering
	days      map[int64]*pile
}

// pile is the stays of one day, in pieces so that growing moves none of them.
type pile struct {
	pieces [][]entry
	long   []DenseStay
}

// pieceSize is how many entries a piece of a pile holds.
const pieceSize = 1 << 13

// NewBuilder returns a Builder for stays by the numbers of a numbering.
func NewBuilder(numbering *Numbering) *Builder {
	return &Builder{numbering: numbering, days: make(map[int64]*pile)}
}

// Add takes stays, in any order, and does not keep them. Stays of no length are dropped.
func (b *Builder) Add(stays []DenseStay) {
	for i := range stays {
		s := &stays[i]
		if s.Leave <= s.Enter {
			continue
		}
		day := DayOf(s.Enter)
		p := b.days[day]
		if p == nil {
			p = &pile{}
			b.days[day] = p
		}
		e, fits := s.entry(startOf(day))
		if !fits {
			p.long = append(p.long, *s)
			continue
		}
		last := len(p.pieces) - 1
		if last < 0 || len(p.pieces[last]) == pieceSize {
			p.pieces = append(p.pieces, make([]entry, 0, pieceSize))
			last++
		}
		p.pieces[last] = append(p.pieces[last], e)
	}
}

// Build makes the index, with at most so many workers. The builder is empty after it.
func (b *Builder) Build(places *tracing.Places, workers int) *Index {
	days := slices.Sorted(maps.Keys(b.days))
	piles := make([]*pile, len(days))
	for i, day := range days {
		piles[i] = b.days[day]
	}
	clear(b.days)
	people, _ := b.numbering.names()
	segments := make([]*segment, len(days))
	inParallel(workers, len(days), func() func(int) {
		var b builder
		return func(i int) {
			p := piles[i]
			entries := slices.Concat(p.pieces...)
			p.pieces = nil
			segments[i] = b.segment(startOf(days[i]), len(people), entries, p.long)
		}
	})
	return newIndex(places, b.numbering, segments, workers, nil)
}
