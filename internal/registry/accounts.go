package registry

import "github.com/google/uuid"

// Role is what an account may do.
type Role string

// The roles.
const (
	RoleOwner    Role = "owner"    // one organisation's places
	RoleGate     Role = "gate"     // one place; can only scan
	RoleScreen   Role = "screen"   // one place; can only show its code
	RoleWard     Role = "ward"     // tracing in one ward
	RoleDistrict Role = "district" // tracing in one district
	RoleCity     Role = "city"     // tracing in one city
	RoleAdmin    Role = "admin"    // accounts, areas, keys; no personal details
	RoleAuditor  Role = "auditor"  // the audit log
)

// Account is somebody, or at a gate something, that logs in. Which of Organisation, Place and Area is set follows from
// the role.
type Account struct {
	ID           uuid.UUID
	Login        string
	Role         Role
	Organisation uuid.UUID
	Place        uuid.UUID
	Area         string
	PasswordHash string // argon2id in PHC form; empty for a device, which has a key instead
	Created      int64
	Disabled     bool
	SecondFactor bool // whether it has one; it is set apart from the account
}

// SecondFactor is what an account proves beside its password: time-based one-time codes (RFC 6238).
type SecondFactor struct {
	Account uuid.UUID
	Secret  []byte // sealed with a key that is in no database
	Step    int64  // the time step of the code that was used last: none of it or of an earlier one is good any more
	Since   int64
}

// SignIn is a login that has not ended: the server's side of a session.
type SignIn struct {
	ID      uuid.UUID
	Account uuid.UUID
	Began   int64
	Seen    int64 // when it was last used, to some minutes
	Expires int64
	Browser string // what it was made with, as "Firefox, Android"
}

// Invitation lets whoever has its token make an account, once; or, where it renews one, log in to it anew. It is dropped
// when it is accepted or withdrawn.
type Invitation struct {
	ID           uuid.UUID
	TokenHash    []byte // SHA-256; nil until there is a token
	Role         Role
	Organisation uuid.UUID
	Place        uuid.UUID
	Area         string
	Renews       uuid.UUID // the account that is renewed; uuid.Nil for a new one
	Note         string    // for whom or what it is, in words of who proposed it
	Proposed     uuid.UUID // by which account
	Confirmed    uuid.UUID // by which other account; uuid.Nil until then
	Created      int64
	Expires      int64
}
