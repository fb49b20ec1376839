// Package scan holds the scan, version 1: one reading of a code, its validation and its wire form.
//
// A scan carries no personal detail: whose it is stands in it as an alias, and which device read it as a number.
package scan

import (
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// How says by what means a code was read. The numbers are stored and never change.
type How uint8

// The ways to scan. An offline one was kept on the device and delivered later.
const (
	Phone            How = 1
	GateCard         How = 2 // an ID card shown at a gate
	GateCode         How = 3 // a personal code shown at a gate
	GateTyped        How = 4 // a number typed at a gate
	PhoneOffline     How = 5
	GateCardOffline  How = 6
	GateCodeOffline  How = 7
	GateTypedOffline How = 8
)

// Offline returns the same way, for what was kept on the device and delivered later.
func (h How) Offline() How {
	if h <= GateTyped {
		return h + PhoneOffline - Phone
	}
	return h
}

// Flags are doubts about a scan that the server noted when it judged it: Late and OutOfHours. A flagged scan is kept; contacts
// that rest on it are at most possible.
type Flags = stay.Doubts

// Scan is one reading of a code as it is logged and stored.
type Scan struct {
	ID         uuid.UUID // made by the client, a UUIDv7 as a rule; any UUID but the nil one
	Alias      uuid.UUID // whose scan it is
	Place      uuid.UUID
	Trip       uuid.UUID // uuid.Nil = none
	At         int64     // when it was scanned, UTC seconds, skew corrected
	ReceivedAt int64     // when the server had it, UTC seconds
	Shard      uint32    // where the log put it; 0 until then
	Seq        uint64    // its position in the shard, from 1, growing; 0 until logged
	Kind       stay.Kind
	How        How
	Serial     uint32 // of the code that was read
	Device     uint64 // a number that names the device, 0 = unknown
	Skew       int32  // seconds by which At was corrected
	Flags      Flags
	Voids      uuid.UUID // in a void: the id of the scan that it takes back
}

// SecondsPerDay is the length of the UTC days that scans are kept by.
const SecondsPerDay = 24 * 60 * 60

// Day is a UTC day, counted from 1 January 1970. Scans are kept, and dropped, by the day of At.
type Day int32

// DayOf returns the day of an instant.
func DayOf(at int64) Day {
	day := at / SecondsPerDay
	if at%SecondsPerDay < 0 {
		day--
	}
	return Day(day)
}

// Start returns the first second of the day.
func (d Day) Start() int64 { return int64(d) * SecondsPerDay }

// String returns the day as 2006-01-02.
func (d Day) String() string { return time.Unix(d.Start(), 0).UTC().Format(time.DateOnly) }

// ForStay returns what deriving stays needs of the scan.
func (s *Scan) ForStay() stay.Scan {
	return stay.Scan{
		ID:     s.ID,
		Alias:  s.Alias,
		Place:  tracing.Place{ID: s.Place, Trip: s.Trip},
		At:     s.At,
		Kind:   s.Kind,
		Voids:  s.Voids,
		Doubts: s.Flags,
	}
}
