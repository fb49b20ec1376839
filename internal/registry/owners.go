package registry

import "github.com/google/uuid"

// Application is that an organisation asks for an account of its own. It is dropped when it is admitted or refused.
type Application struct {
	ID        uuid.UUID
	TokenHash []byte // SHA-256 of what the applicant holds: once admitted it is that of their invitation
	Name      string // of the organisation
	Address   string
	Area      string // code of its ward
	Contact   []byte // where it can be asked back, sealed
	Created   int64
	Expires   int64
}

// PrintOrder is posters that an owner ordered in one file. Drawn again it gives the same bytes, while the places and their codes
// stay as they are.
type PrintOrder struct {
	ID           uuid.UUID
	Organisation uuid.UUID
	Format       string // as poster.Format.String gives it
	Language     string // as poster.Language.String gives it
	Files        string // as printing.Files has it
	Places       []uuid.UUID
	Count        int // of Places, which listings leave out
	Created      int64
	Expires      int64
}
