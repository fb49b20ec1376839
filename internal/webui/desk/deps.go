package desk

import (
	"context"
	"io"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/audit"
	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/declaration"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/vault"
)

// Deps is what these pages are made from. All is needed.
type Deps struct {
	Cases        Cases
	Traces       Traces
	Audit        Audit
	Declarations Declarations
}

// Declarations reads what somebody has declared, among their details that were opened.
type Declarations interface {
	Read(ctx context.Context, details vault.Details) ([]declaration.Filled, error)
}

// Cases takes in confirmed cases. What lies outside the actor's area is registry.ErrNotFound.
type Cases interface {
	Record(ctx context.Context, actor registry.Account, in cases.Intake) (registry.Case, error)
	Cases(ctx context.Context, actor registry.Account, f cases.Filter, at registry.Cursor) (registry.Part[registry.Case], error)
	Count(ctx context.Context, actor registry.Account, f cases.Filter) (int, error)
	Tally(ctx context.Context, actor registry.Account) (cases.Tally, error)
	Case(ctx context.Context, actor registry.Account, id uuid.UUID) (registry.Case, error)
}

// Traces makes trace runs and dry runs, reads the lists of runs, and opens the details of who is in them. WriteCSV writes the
// list of one case, or of all where of is uuid.Nil.
type Traces interface {
	Run(ctx context.Context, actor registry.Account, order cases.Order) (registry.Run, error)
	DryRun(ctx context.Context, actor registry.Account, choice cases.Choice, own *cases.Numbers) (cases.Estimate, error)
	Runs(ctx context.Context, actor registry.Account, of uuid.UUID, at registry.Cursor) (registry.Part[registry.Run], error)
	List(ctx context.Context, actor registry.Account, run uuid.UUID) (*cases.List, error)
	Standing(ctx context.Context, actor registry.Account, run uuid.UUID) (cases.Standing, error)
	Approve(ctx context.Context, actor registry.Account, run uuid.UUID) error
	Listed(ctx context.Context, actor registry.Account, run, person uuid.UUID) (cases.Listed, error)
	OpenDetails(
		ctx context.Context, actor registry.Account, run, person uuid.UUID, purpose vault.Purpose,
	) (cases.Listed, vault.Details, error)
	WriteCSV(ctx context.Context, actor registry.Account, run, of uuid.UUID, w io.Writer) error
}

// Audit is the log of who did what. Check says how many entries it has and whether they are those that were written; Sign gives
// its end, signed. WriteCSV enters in it who exports what.
type Audit interface {
	Append(ctx context.Context, actor, action, subject, detail string) error
	Find(ctx context.Context, f registry.AuditFilter, before int64, limit int) ([]registry.AuditEntry, error)
	Check(ctx context.Context) (entries int64, err error)
	Sign(ctx context.Context) (audit.SignedHead, error)
	WriteCSV(ctx context.Context, e audit.Export, w io.Writer) error
}
