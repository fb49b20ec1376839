package memindex

import (
	"maps"
	"slices"

	"github.com/truyvet/truyvet/tracing"
)

// Builder makes an index of stays that come bit by bit and need not stand in memory as such: it holds 12 B of each until
// their day is built, and then lets go of them. It is not safe for concurrent use.
type Builder struct {
	numbering *Numbering
	days      map[int64]*pile
}

// pile is the stays of one day, in pieces so that growing moves none of them.
type pile struct {
	pieces []*dayStays // each with some of the records
	long   []DenseStay
}

// pieceSize is how many records a piece of a pile holds.
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
		if !s.fits() {
			p.long = append(p.long, *s)
			continue
		}
		last := len(p.pieces) - 1
		if last < 0 || len(p.pieces[last].records) == pieceSize {
			p.pieces = append(p.pieces, &dayStays{records: make([]record, 0, pieceSize), places: make([]uint32, 0, pieceSize)})
			last++
		}
		p.pieces[last].add(s.record(startOf(day)), s.Place)
	}
}

// stays returns what the segment of a day is to be made of, and lets go of it.
func (p *pile) stays(start int64) *dayStays {
	n := 0
	for _, piece := range p.pieces {
		n += len(piece.records)
	}
	d := &dayStays{start: start, records: make([]record, 0, n), places: make([]uint32, 0, n), long: p.long}
	for i, piece := range p.pieces {
		d.records, d.places = append(d.records, piece.records...), append(d.places, piece.places...)
		p.pieces[i] = nil
	}
	return d
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
			segments[i] = b.segment(piles[i].stays(startOf(days[i])), len(people))
		}
	})
	return newIndex(places, b.numbering, segments, Effort{Workers: workers}, nil)
}
