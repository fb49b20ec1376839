package cases

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/vault"
)

// The reasons for opening nothing. Compare with errors.Is.
var (
	ErrNotApproved  = errs.New(errs.Forbidden, "run_not_approved", "Whoever took in the case made the run too: a second person has to approve it before details are opened.")
	ErrOwnApproval  = errs.New(errs.Forbidden, "run_own_approval", "A run is approved by somebody else than who made it.")
	ErrApprovalOver = errs.New(errs.Gone, "run_approval_over", "A run is approved within 24 hours; make a new one.")
	ErrNoApproval   = errs.New(errs.Conflict, "run_needs_no_approval", "This run needs no approval, or has one.")
)

// ApprovalTime is how long after a run it can be approved.
const ApprovalTime = 24 * time.Hour

// usualCases is how many cases of one person within vault.LookupPeriod are recorded without the auditor being told: the ward's,
// the district's, and one put right. Whoever makes cases of somebody to see where they were makes more.
const usualCases = 3

// Approvals keeps who approved a run. PutApproval writes the entry in the same transaction.
type Approvals interface {
	Approval(ctx context.Context, run uuid.UUID) (registry.Approval, error)
	PutApproval(ctx context.Context, a registry.Approval, seal registry.AuditSeal, entry registry.AuditEntry) error
}

// Vault opens people's details.
type Vault interface {
	Open(ctx context.Context, o vault.Order) (vault.Details, error)
}

// Standing says whether details may be opened from a run's list.
type Standing struct {
	Needed   bool              // whether a second person has to approve it: its author took in one of its cases
	Approval registry.Approval // zero where there is none
	Until    int64             // when the time to approve it ends
	Mine     bool              // whether the account that asks may approve it now
}

// Opens says whether details may be opened from the list.
func (s Standing) Opens() bool { return !s.Needed || s.Approval.At != 0 }

// Standing returns how a run stands for an account. A run that does not concern it is registry.ErrNotFound.
func (s *Service) Standing(ctx context.Context, actor registry.Account, id uuid.UUID) (Standing, error) {
	full, err := s.lists.get(ctx, id, s.d.Clock(), s.load)
	if err != nil {
		return Standing{}, err
	}
	if !s.concerns(full.Run, actor) {
		return Standing{}, registry.ErrNotFound
	}
	own := func(c registry.Case) bool { return c.Author == full.Run.Author }
	standing := Standing{Needed: slices.ContainsFunc(full.Cases, own), Until: full.Run.Created + int64(ApprovalTime/time.Second)}
	if !standing.Needed {
		return standing, nil
	}
	standing.Approval, err = s.d.Approvals.Approval(ctx, id)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		standing.Mine = s.mayApprove(full.Run, actor) == nil
	case err != nil:
		return Standing{}, err
	}
	return standing, nil
}

// mayApprove says why an account may not approve a run, nil where it may: it is of a tracing role of the run's area or a wider
// one, somebody else's than the author's, and not too late.
func (s *Service) mayApprove(run registry.Run, actor registry.Account) error {
	switch {
	case !account.May(actor.Role, account.ActTrace) || !s.d.Places.Within(run.Area, actor.Area):
		return ErrRole
	case actor.ID == run.Author:
		return ErrOwnApproval
	case s.d.Clock().Unix() >= run.Created+int64(ApprovalTime/time.Second):
		return ErrApprovalOver
	}
	return nil
}

// Approve lets the list of a run be used whose author took in one of its cases. The errors: registry.ErrNotFound for a run that
// does not concern the actor, ErrNoApproval, ErrRole, ErrOwnApproval and ErrApprovalOver.
func (s *Service) Approve(ctx context.Context, actor registry.Account, id uuid.UUID) error {
	if !account.May(actor.Role, account.ActTrace) {
		return ErrRole
	}
	standing, err := s.Standing(ctx, actor, id)
	if err != nil {
		return err
	}
	if standing.Opens() {
		return ErrNoApproval
	}
	full, err := s.lists.get(ctx, id, s.d.Clock(), s.load)
	if err != nil {
		return err
	}
	if err := s.mayApprove(full.Run, actor); err != nil {
		return err
	}
	approval := registry.Approval{Run: id, Account: actor.ID, At: s.d.Clock().Unix()}
	err = s.d.Approvals.PutApproval(ctx, approval, s.d.Audit.Seal, s.d.Audit.Entry(actor.Login, "run_approved", id.String(), ""))
	if errors.Is(err, registry.ErrExists) {
		return ErrNoApproval
	}
	if err != nil {
		return fmt.Errorf("approving a run: %w", err)
	}
	return nil
}

// Listed is a person of a run's list, and how the run stands.
type Listed struct {
	Row
	Run      registry.Run // without its inputs and its report
	Standing Standing
}

// Listed returns somebody of a run's list as the actor may see it, without opening anything. Whoever is not in the actor's sight
// is registry.ErrNotFound.
func (s *Service) Listed(ctx context.Context, actor registry.Account, run, person uuid.UUID) (Listed, error) {
	if !account.May(actor.Role, account.ActTrace) {
		return Listed{}, ErrRole
	}
	list, err := s.list(ctx, actor, run)
	if err != nil {
		return Listed{}, err
	}
	n := slices.IndexFunc(list.People, func(row Row) bool { return row.Person == person })
	if n < 0 {
		return Listed{}, registry.ErrNotFound
	}
	standing, err := s.Standing(ctx, actor, run)
	if err != nil {
		return Listed{}, err
	}
	return Listed{Row: list.People[n], Run: list.Run, Standing: standing}, nil
}

// OpenDetails opens the details of somebody in a run's list, for a purpose. It is the one way to them. The errors: ErrRole,
// registry.ErrNotFound for whoever is not in the list as the actor may see it, ErrNotApproved, vault.ErrPurpose.
func (s *Service) OpenDetails(
	ctx context.Context, actor registry.Account, run, person uuid.UUID, purpose vault.Purpose,
) (Listed, vault.Details, error) {
	listed, err := s.Listed(ctx, actor, run, person)
	if err != nil {
		return Listed{}, nil, err
	}
	if !listed.Standing.Opens() {
		return Listed{}, nil, ErrNotApproved
	}
	details, err := s.d.Vault.Open(ctx, vault.Order{Person: person, Run: run, Account: actor, Purpose: purpose})
	if err != nil {
		return Listed{}, nil, err
	}
	return listed, details, nil
}

// watch tells the auditor of somebody of whom more cases are recorded than is usual, once for each beyond that.
func (s *Service) watch(ctx context.Context, c registry.Case) error {
	recent, err := s.d.Book.CasesOf(ctx, c.Person, c.Created-int64(vault.LookupPeriod/time.Second))
	if err != nil || recent <= usualCases {
		return err
	}
	detail := fmt.Sprintf("cases=%d;days=%d", recent, int(vault.LookupPeriod/(24*time.Hour)))
	return s.d.Audit.Append(ctx, "system", vault.RepeatedLookups, c.Person.String(), detail)
}
