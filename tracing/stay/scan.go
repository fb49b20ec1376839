// Package stay derives stays from scans: when each person came to a place and when they left it.
//
// The online path, the batch path and the command line all use it; it is a pure function of one person's scans, so late
// scans only need deriving again.
package stay

import (
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
)

// Kind is what a scan says. The numbers are those of the wire and storage form and never change.
type Kind uint8

// The kinds of scan.
const (
	In    Kind = 1 // the person came in
	Out   Kind = 2 // the person left
	Renew Kind = 3 // the person is still here
	Void  Kind = 4 // takes back the scan that it names
)

// Scan is one reading of a code, as far as deriving stays needs it. At is in UTC seconds. Voids names, in a Void, the scan
// of the same alias that is taken back. Doubts are those that the scan came with.
type Scan struct {
	ID     uuid.UUID
	Alias  uuid.UUID
	Place  tracing.Place
	At     int64
	Kind   Kind
	Voids  uuid.UUID
	Doubts Doubts
}
