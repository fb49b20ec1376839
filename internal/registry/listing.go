package registry

import "github.com/google/uuid"

// Cursor says which part of a listing is asked for: the records that follow one, or those before one, or with neither the first. A
// record is named by its id, so that a listing may grow while somebody turns its pages: nothing is left out or comes twice.
type Cursor struct {
	After, Before uuid.UUID // at most one of them
	Limit         int       // 1 or more
}

// Part is a part of a listing: records next to one another, in the order of the listing.
type Part[T any] struct {
	Records  []T
	Previous bool // there are records before the first
	Next     bool // and after the last
}

// CaseFilter says which cases are listed, the newest first.
type CaseFilter struct {
	Within string      // those of an area, or of what lies in it
	IDs    []uuid.UUID // those of these ids; nil for all
	OpenAt int64       // those that are not isolated at that instant; 0 = all
	// Sample, where it is set, are the cases of that day: those with such a sample, and of those without one those that were
	// recorded in [From, To).
	Sample   string
	From, To int64
}

// CaseTally counts the cases of an area.
type CaseTally struct {
	All, Open int
	// BySample counts those with a sample by its day; ByEntry the others by the quarter of an hour in which they were recorded, as
	// the instant at which it begins.
	BySample map[string]int
	ByEntry  map[int64]int
}

// RunFilter says which trace runs are listed, the newest first.
type RunFilter struct {
	Around string    // those of an area, of what lies in it, and of what it lies in
	Case   uuid.UUID // those that a case was traced in; uuid.Nil for all
}

// AccountFilter says which accounts are listed, in the order of the logins; the zero value, all of them.
type AccountFilter struct {
	Organisation uuid.UUID // those of its owners, and of the gates at its places
	Within       string    // those of an area, or of what lies in it
	Roles        []Role    // those of a role among them; nil for every role
}

// PlaceFile is a file of places that an organisation gave, and what became of its rows.
type PlaceFile struct {
	ID           uuid.UUID
	Organisation uuid.UUID
	Taken        int64 // when
	Added        int
	Refused      int
	Faults       string // of the rows that were refused, as package places writes them
}
