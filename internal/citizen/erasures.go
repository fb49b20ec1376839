package citizen

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
)

// ErrHeld says that a list of a tracing team holds somebody's scans, so that they cannot be erased yet. Compare with errors.Is.
var ErrHeld = errs.New(errs.Conflict, "scans_held", "A tracing team's list holds these check-ins; they can be erased once it is dropped.")

// ErasureStore keeps erasures, and knows who stands in which list: NewestListOf returns when the newest kept list was made that
// somebody is in, 0 where there is none. PersonByAlias gives registry.ErrNotFound for nobody. The registry's adapters satisfy it.
type ErasureStore interface {
	Erase(ctx context.Context, erasures ...registry.Erasure) error
	PersonByAlias(ctx context.Context, alias uuid.UUID) (registry.Person, error)
	NewestListOf(ctx context.Context, person uuid.UUID) (created int64, err error)
}

// Ledger is the audit log.
type Ledger interface {
	Append(ctx context.Context, actor, action, subject, detail string) error
}

// Erasures erases what was scanned of people. It is safe for concurrent use.
type Erasures struct {
	store   ErasureStore
	ledger  Ledger
	listAge time.Duration
	clock   func() time.Time
}

// NewErasures returns erasures that are kept in store and entered in ledger, where lists are kept for listAge.
func NewErasures(store ErasureStore, ledger Ledger, listAge time.Duration, clock func() time.Time) *Erasures {
	return &Erasures{store: store, ledger: ledger, listAge: listAge, clock: clock}
}

// HeldUntil returns when the last of the lists is dropped that somebody is in, 0 where there is none.
func (e *Erasures) HeldUntil(ctx context.Context, alias uuid.UUID) (int64, error) {
	person, err := personOf(ctx, e.store, alias)
	if err != nil {
		return 0, err
	}
	newest, err := e.store.NewestListOf(ctx, person)
	if err != nil {
		return 0, fmt.Errorf("looking for lists: %w", err)
	}
	if until := newest + int64(e.listAge/time.Second); newest != 0 && until > e.clock().Unix() {
		return until, nil
	}
	return 0, nil
}

// personOf returns whom an alias stands for: itself, where it is linked to nobody.
func personOf(ctx context.Context, people PeopleByAlias, alias uuid.UUID) (uuid.UUID, error) {
	person, err := people.PersonByAlias(ctx, alias)
	if errors.Is(err, registry.ErrNotFound) {
		return alias, nil
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("finding a person: %w", err)
	}
	return person.ID, nil
}

// Erase erases every scan of an alias that was received until now, in this second too: from then on no trace finds one. The error
// is ErrHeld while a list holds the person, who may be wanted for that list's sake. By says for the audit log who asked, with no
// personal detail. The entry is written first, so that nothing is erased without one; erasing again what is erased is safe.
func (e *Erasures) Erase(ctx context.Context, alias uuid.UUID, by string) error {
	until, err := e.HeldUntil(ctx, alias)
	if err != nil {
		return fmt.Errorf("erasing scans: %w", err)
	}
	if until != 0 {
		return ErrHeld
	}
	before := e.clock().Unix() + 1
	if err := e.ledger.Append(ctx, "system", "scans_erased", alias.String(), by); err != nil {
		return fmt.Errorf("erasing scans: %w", err)
	}
	if err := e.store.Erase(ctx, registry.Erasure{Alias: alias, Before: before}); err != nil {
		return fmt.Errorf("erasing scans: %w", err)
	}
	return nil
}
