package visitor

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/qrgen"
)

// Deps is what these pages are made from. All is needed.
type Deps struct {
	Codes        Codes
	Proofs       Proofs
	Credentials  Credentials
	Erasures     Erasures
	History      History
	Notices      Notices
	Dependants   Dependants
	Declarations Declarations
	Signer       Signer
	Map          Map

	// Retention is how long scans are kept, in whole days, which citizens are told.
	Retention time.Duration
	// ListAge is how long lists are kept, and OpenedDelay after what time citizens are told who opened their details, both in
	// whole days.
	ListAge, OpenedDelay time.Duration
}

// Codes says whether a code is good at an instant. Its errors are those of qrgen.KeySet.Verify.
type Codes interface {
	Verify(token string, at time.Time) (qrgen.Token, error)
}

// Proofs proves a citizen's phone number with a one-time code. Kept says whether that number is kept still; where that cannot be
// seen it is taken to be.
type Proofs interface {
	Kept(ctx context.Context, alias uuid.UUID) (bool, error)
	Start(ctx context.Context, phone, remote string) (citizen.Started, error)
	Finish(ctx context.Context, id uuid.UUID, code string, about citizen.About) (citizen.Credential, error)
}

// Credentials says whose credential a browser presents.
type Credentials interface {
	Verify(text string) (uuid.UUID, error)
}

// Erasures erases what was scanned of somebody, and of those under their phone, and enters in the audit log by whom it was asked.
// While a list holds somebody, Held says until when, and Erase leaves them, or refuses with citizen.ErrHeld.
type Erasures interface {
	Held(ctx context.Context, alias uuid.UUID) (citizen.Held, error)
	Erase(ctx context.Context, w citizen.Wish) (citizen.Erased, error)
}

// Notices records who has accepted which version of the notice.
type Notices interface {
	AcceptNotice(ctx context.Context, alias uuid.UUID, version int, at int64) error
}

// History tells people where they were and who opened their details.
type History interface {
	Visits(ctx context.Context, alias uuid.UUID) ([]citizen.Visit, error)
	Opened(ctx context.Context, alias uuid.UUID) ([]citizen.Opening, error)
}

// Dependants keeps the people without a phone of their own, under that of a citizen.
type Dependants interface {
	Add(ctx context.Context, guardian uuid.UUID, name string) (uuid.UUID, error)
	Aliases(ctx context.Context, guardian uuid.UUID) ([]uuid.UUID, error)
}

// Signer signs what a citizen shows at a gate.
type Signer interface {
	SignPersonal(c qrgen.PersonalCode) (string, error)
}

// Map knows the names of places, and which code hangs where, without a query.
type Map interface {
	Name(id uuid.UUID) (places.Name, bool)
	Check(text string) (places.Checked, error)
	Dwell(id uuid.UUID) int64 // seconds
}
