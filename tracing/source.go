package tracing

import (
	"context"

	"github.com/google/uuid"
)

// PersonWindow asks where Person was during [From, To).
type PersonWindow struct {
	Person uuid.UUID
	From   int64
	To     int64
}

// PlaceWindow asks who was at the contact place Place during [From, To).
type PlaceWindow struct {
	Place Place
	From  int64
	To    int64
}

// Source gives the united stays that a walk reads. It is a snapshot: every call on one Source sees the same scans, places
// and links, clipped at the same as-of time, so that a walk of several calls is consistent.
//
// Both methods take a batch of windows, so that a walk makes a few calls per generation and never one per person. They
// call yield once for every pair of a window (by its position i) and a united stay that meets it (Enter < To and
// From < Leave), in any order, from one goroutine at a time; a stay that meets several windows is yielded for each. The
// stay is whole: it is not cut to the window, and its parts outside the window belong to it. An empty window (To ≤ From)
// is met by nothing. An error from yield ends the call and is returned as it is.
//
// The scope says which contact places there are (see [Scope]): the stays of a person at places that have the same contact
// place are united there, and stays that have none are left out.
//
// A Source may be used by several walks at once.
type Source interface {
	OfPeople(ctx context.Context, scope Scope, windows []PersonWindow, yield func(i int, s United) error) error
	AtPlaces(ctx context.Context, scope Scope, windows []PlaceWindow, yield func(i int, s United) error) error
}
