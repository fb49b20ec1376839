// Package tracing finds, from who was where and when, the people whom confirmed cases may have infected.
//
// Its input is stays (a person at a place during [enter, leave)), given by a [Source]; its output is a [Report]: the
// F1, F2, … Fn lists with the evidence for each person. The walk between them is [Trace]. Which numbers turn a case
// into a trace (minimum overlap, linger, latency, depth, scope, crowd limit) is said by a [Profile].
//
// Instants are UTC whole seconds since 1970, durations are seconds, intervals are half-open [from, to).
package tracing

import (
	"bytes"
	"fmt"

	"github.com/google/uuid"
)

// Place is where a stay happened: a place with its own code, and for a vehicle the trip too, so that a bus is not one
// all-day room. Trip is uuid.Nil where there is none. Two stays are at the same place only if both fields are equal.
type Place struct {
	ID   uuid.UUID
	Trip uuid.UUID
}

// Compare orders places by (id, trip): negative if p comes before q, zero if they are equal, positive if it comes after.
func (p Place) Compare(q Place) int {
	if c := bytes.Compare(p.ID[:], q.ID[:]); c != 0 {
		return c
	}
	return bytes.Compare(p.Trip[:], q.Trip[:])
}

// Basis says how the end of a stay is known, from best to worst; the worse of two is the larger.
type Basis uint8

// The bases of a stay's end.
const (
	Checkout Basis = iota // the person checked out
	Moved                 // the person was scanned elsewhere
	Assumed               // nothing says when the person left: the place's dwell was assumed
)

// String returns the basis as it is written in lists: checkout, moved or assumed.
func (b Basis) String() string {
	switch b {
	case Checkout:
		return "checkout"
	case Moved:
		return "moved"
	default:
		return "assumed"
	}
}

// MarshalText writes the basis as String does.
func (b Basis) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (b *Basis) UnmarshalText(text []byte) error {
	for _, basis := range []Basis{Checkout, Moved, Assumed} {
		if basis.String() == string(text) {
			*b = basis
			return nil
		}
	}
	return fmt.Errorf("basis %q is none of checkout, moved, assumed", text)
}

// Stay is one person at one scanned place during [Enter, Leave). Flagged says that a late or otherwise flagged scan
// stands behind it, which makes every contact that rests on it at most possible.
type Stay struct {
	Person  uuid.UUID
	Place   Place
	Enter   int64
	Leave   int64
	Basis   Basis
	Flagged bool
}

// United is the union of one person's overlapping or touching stays at one contact place: [Enter, Leave) without a gap.
// Parts are the stays that it was made of, ordered by (Enter, Leave, Basis, Flagged); for an overlap O, the basis of the
// union is the worst among the parts that meet O. Parts is shared and must not be changed.
type United struct {
	Person uuid.UUID
	Place  Place
	Enter  int64
	Leave  int64
	Parts  []Part
}

// Part is one of the stays that a united stay was made of.
type Part struct {
	Enter   int64
	Leave   int64
	Basis   Basis
	Flagged bool
}
