package tracing

import (
	"context"

	"github.com/google/uuid"
)

// Walker is a [Source] that finds by itself whom some people met. People have numbers in it, from 0 on without gaps, that
// mean the same in every call.
//
// A Walker only finds contacts. What they make of people (generations, labels, who carries on) is said in one place, by
// [Reach], for every kind of source.
type Walker interface {
	Source
	// PersonNumber returns the number of a person, and whether there is one: somebody without has no stay.
	PersonNumber(id uuid.UUID) (uint32, bool)
	// PersonID is the inverse of PersonNumber.
	PersonID(number uint32) uuid.UUID
	// Meet returns everybody whom the sources met, each once, in the order of their numbers. It may be called concurrently.
	Meet(ctx context.Context, q Question, sources []Infectious) (Meetings, error)
}

// Question says which contacts are meant and what is wanted of them.
type Question struct {
	Numbers Numbers // Depth and Latency do not count here
	Sources bool    // count the distinct sources of each person met
	// Words is the length of each source's row of Roots, 0 when nobody asks who led to whom.
	Words int
}

// Infectious is somebody, by number, who infects others during a window. One person may stand in several.
type Infectious struct {
	Person uint32
	Window Window
	// Roots is a set of cases, as bits: who is met gets the union of the sets of those who met them.
	Roots []uint64
}

// Met is somebody, by number, who was met.
type Met struct {
	Person  uint32
	Sources uint32 // how many distinct people they met, where that was asked for; else 0
	First   int64  // when the earliest of the contacts began
}

// Meetings is what Meet found. Whoever is a source may be among those met.
type Meetings struct {
	Met []Met
	// Carrying is, for each of Met, when the earliest contact began whose crowd was within the limit, and [Never] where there
	// was none. It is nil where there is no limit: then it would be First.
	Carrying []int64
	// Roots is a row of Question.Words for each of Met.
	Roots []uint64
}
