package registry

import "github.com/google/uuid"

// Sealed is one personal detail of somebody, encrypted. What it says can be read with the vault's keys alone, which are in
// no database.
type Sealed struct {
	Person uuid.UUID
	Field  string // which detail, as vault.Field names it
	Key    uint32 // the id of the key that it is sealed with
	Value  []byte
	Made   int64 // when it was said, of a detail that is kept no longer than scans of that time; 0 for one that stays with its person
}

// Form is one version of a form that people declare something with. What was answered to a version is read with it, however the
// form has changed since. Body is as its maker writes it.
type Form struct {
	Name    string
	Version int
	Body    []byte
}

// Opening says that somebody's details were opened: from which run's list, by whom and what for. Each is written together
// with its audit entry, whose Seq it has.
type Opening struct {
	Seq     int64
	Person  uuid.UUID
	Run     uuid.UUID
	Account uuid.UUID
	Area    string // of the account: the authority
	Purpose string // a stable word
	At      int64
}

// Approval says that a second person has looked at a run and let its list be used.
type Approval struct {
	Run     uuid.UUID
	Account uuid.UUID // whose it is
	At      int64
}

// AuditSeal returns the seal of an entry, given that of the entry before; nil for the first.
type AuditSeal func(prev []byte, e AuditEntry) []byte

// Dependant is somebody without a phone of their own, a child or somebody old, who is reached by that of a guardian.
type Dependant struct {
	Person   uuid.UUID
	Guardian uuid.UUID
	Number   int // among those under one phone, from 1
}
