// Package registry holds the records that do not come from scans: areas, organisations, places, people and their
// aliases, accounts, cases and trace runs. It is the contract; the adapters beneath it keep the records in a database.
//
// Ids are UUIDs, instants UTC seconds since 1970 (0 = not set), and areas are named by their official code.
package registry

import (
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/qrgen"
)

// The errors that every adapter gives. Compare with errors.Is.
var (
	ErrNotFound = errs.New(errs.NotFound, "not_found", "There is no such record.")
	ErrExists   = errs.New(errs.Conflict, "exists", "There is already such a record.")
	ErrChanged  = errs.New(errs.Conflict, "changed_meanwhile", "Somebody else changed it meanwhile; look again and repeat.")
	ErrDangling = errs.New(errs.Invalid, "unknown_reference", "It names a record that does not exist.")
	ErrPlaces   = errs.New(errs.Invalid, "place_tree", "A place cannot lie in itself, and it stays with its parent and its organisation.")
	ErrAreas    = errs.New(errs.Invalid, "area_tree", "An area is a province, district or ward, and lies in one of a wider level.")
	ErrLabRef   = errs.New(errs.Conflict, "lab_ref_taken", "The case of somebody else has this laboratory reference.")
	ErrRevision = errs.New(errs.Conflict, "unknown_revision", "The registry has never been at that revision.")
	ErrText     = errs.New(errs.Invalid, "no_text", "It holds characters that no text may hold.")
	ErrSpent    = errs.New(errs.Gone, "spent", "It has been tried as often as it may be.")
	ErrFull     = errs.New(errs.TooMany, "full", "There are as many as there may be.")
	ErrBusy     = errs.Busy("registry_busy", "The registry is busy at this moment; try again.", 2*time.Second)
)

// Level is the rank of an area.
type Level string

// The levels, from the widest.
const (
	Province Level = "province"
	District Level = "district"
	Ward     Level = "ward"
)

// Area is an administrative unit. Parent is the code of the unit it lies in, empty for a province or city.
type Area struct {
	Code   string
	Level  Level
	Parent string
	Name   string
}

// Organisation is the business or agency that answers for places.
type Organisation struct {
	ID       uuid.UUID
	Name     string
	Created  int64
	Revision int64 // grows with every edit; an edit names the one it read
}

// Place is anything with its own code. Code is the token of its newest code as it was signed when it was issued: keeping
// the text makes a poster printed again the same bytes, whatever has become of the key since.
type Place struct {
	ID           uuid.UUID
	Parent       uuid.UUID // uuid.Nil for a site
	Organisation uuid.UUID
	Key          string // what files of its organisation call it, each place otherwise; empty where none does
	Kind         qrgen.Kind
	Name         string
	Address      string
	Area         string // code of its ward
	Dwell        int64  // seconds; 0 = its kind's
	Hours        string // when it is open, as ParseHours writes it; empty if unknown
	Form         string // the name of the form that it asks for, or NoForm; empty where it asks for what the place around it does
	Code         string
	Serial       uint32
	Issued       int64
	Created      int64
	Revision     int64 // grows with every edit; an edit names the one it read
}

// NoForm is the Form of a place that asks for none, whatever the place around it does.
const NoForm = "none"

// DwellSeconds returns the dwell that holds for the place.
func (p *Place) DwellSeconds() int64 {
	if p.Dwell > 0 {
		return p.Dwell
	}
	return int64(p.Kind.Dwell().Seconds())
}

// Lying is how a place lies among others: in which ward, as far as it says so itself, and how deep, 1 for a site.
type Lying struct {
	Area  string
	Level int
}

// Code is the life of a code that was issued: of each that is not the newest of its place, and of the newest where it ends. A
// serial below the newest of which there is none is dead: it was never issued, or before their lives were kept.
type Code struct {
	Place   uuid.UUID
	Serial  uint32
	Issued  int64 // 0 where it is not known
	Ends    int64 // from then on it is dead; 0 = it does not end
	Revoked bool  // it was taken back by its owner, and not replaced by the next
}

// Person is what aliases resolve to. Area is the ward, or where that is unknown the district, in which the person
// resides; empty if nothing is known.
type Person struct {
	ID      uuid.UUID
	Area    string
	Created int64
}

// Link says that an alias stands for a person. Kind is what the alias was made from: phone or id_card.
type Link struct {
	Alias  uuid.UUID
	Person uuid.UUID
	Kind   string
	Linked int64
}

// Challenge is a one-time code that was sent and waits to be proved. The alias was made from the phone number, which it holds
// encrypted, for the vault; the code is kept as a keyed hash.
type Challenge struct {
	ID       uuid.UUID
	Alias    uuid.UUID
	CodeHash []byte
	Phone    []byte // as vault.Ring seals it
	Created  int64
	Expires  int64
	Tries    int
}

// Case is a confirmed infected person (F0). Onset and Sample are local days as 2006-01-02, empty if unknown; at least one
// is set. Isolated is when the person was isolated, 0 if not yet.
type Case struct {
	ID       uuid.UUID
	Person   uuid.UUID
	Onset    string
	Sample   string
	Isolated int64
	LabRef   string
	Area     string // the area that answers for the case: the author's
	Author   uuid.UUID
	Created  int64
}

// Isolation is when a person who is no case was isolated. The newest record for a person holds.
type Isolation struct {
	Person   uuid.UUID
	At       int64
	Recorded int64
}

// Run is a trace run as it is kept: what it was made from, and its result. It never changes.
type Run struct {
	ID        uuid.UUID
	Cases     []uuid.UUID
	Profile   string            // the profile's name
	Rules     []byte            // the profile's numbers, canonical JSON
	AsOf      int64             // the instant that stays were clipped at
	Watermark scanlog.Watermark // what was stored when it ran
	Revision  int64             // of places and links
	Inputs    []byte            // what else the walk went by, JSON as its maker writes it; nil in listings
	Hash      string            // SHA-256 of Report, hex
	Report    []byte            // canonical JSON of tracing.Report; nil in listings
	F1, F2    int
	Area      string // the author's
	Author    uuid.UUID
	Created   int64
}

// Erasure is a tombstone: scans of the alias that were received before the instant do not exist any more, for any reader.
// Their bytes go with their day. See stay.Links for how readers tell.
type Erasure struct {
	Alias  uuid.UUID
	Before int64
}

// World is what stays are derived with, of one moment: of Places the id, the parent, the kind, the area and the dwell, and nothing else. Links
// has for every alias the person that it stands for, Erased for every alias with an erasure its instant.
type World struct {
	Revision int64 // grows with every change of links and erasures, and of which places there are, their parents, kind, dwell and area
	Places   []Place
	Areas    []Area
	Links    map[uuid.UUID]uuid.UUID
	Erased   map[uuid.UUID]int64
}

// Delta is what has changed of a World since one revision. Put over the World of that revision it makes the World of this.
type Delta struct {
	Revision int64
	Places   []Place                 // all of them, as in a World; nil where what stays are derived with is the same of every place
	Areas    []Area                  // all of them where Places are
	Links    map[uuid.UUID]uuid.UUID // of the aliases whose link has changed; uuid.Nil where it is gone
	Erased   map[uuid.UUID]int64     // of the aliases that were erased, or erased again
}

// Gazetteer is what has a name on the map, of one moment, and the lives of codes: everything, or what has changed since an earlier
// count of changes.
type Gazetteer struct {
	Changes int64 // grows with every change of the rest
	Whole   bool  // it is everything
	Places  []Place
	Areas   []Area // all of them; nil where none has changed
	Codes   []Code
}

// Search asks for places by name.
type Search struct {
	Organisation uuid.UUID // whose places; uuid.Nil for everybody's
	Area         string    // those whose ward is in this area, or is it; empty for those of any, and of none
	Text         string    // each of its first 20 words begins a word of the name; without words every place is found
	After        uuid.UUID // the Next of the page before; uuid.Nil for the first
	Limit        int
}

// Found is a page of what was searched for, in the order of the names as they are looked for, then of the ids. Next is where the
// next page begins, uuid.Nil where nothing more can come. A page may be short, or empty, and yet not be the last: a search looks
// at so many places and no more.
type Found struct {
	Places []Place
	Next   uuid.UUID
}

// AuditEntry is one line of the audit log. Seal chains it to the entry before.
type AuditEntry struct {
	Seq     int64
	At      int64
	Actor   string // login of the account, or "system"
	Action  string // stable word: login, login_failed, case_recorded, run, list_read, export, …
	Subject string // what it was done to: an id, never a personal detail
	Detail  string
	Seal    []byte
}
