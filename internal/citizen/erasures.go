package citizen

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// ErasureStore keeps erasures. The registry's adapters satisfy it.
type ErasureStore interface {
	Erase(ctx context.Context, erasures ...registry.Erasure) error
}

// Ledger is the audit log.
type Ledger interface {
	Append(ctx context.Context, actor, action, subject, detail string) error
}

// Erasures erases what was scanned of people. It is safe for concurrent use.
type Erasures struct {
	store  ErasureStore
	ledger Ledger
	clock  func() time.Time
}

// NewErasures returns erasures that are kept in store and entered in ledger.
func NewErasures(store ErasureStore, ledger Ledger, clock func() time.Time) *Erasures {
	return &Erasures{store: store, ledger: ledger, clock: clock}
}

// Erase erases every scan of an alias that was received until now, in this second too: from then on no trace finds one. Lists
// that were made before stay as they are. By says for the audit log who asked, with no personal detail. The entry is written
// first, so that nothing is erased without one; erasing again what is erased is safe.
func (e *Erasures) Erase(ctx context.Context, alias uuid.UUID, by string) error {
	before := e.clock().Unix() + 1
	if err := e.ledger.Append(ctx, "system", "scans_erased", alias.String(), by); err != nil {
		return fmt.Errorf("erasing scans: %w", err)
	}
	if err := e.store.Erase(ctx, registry.Erasure{Alias: alias, Before: before}); err != nil {
		return fmt.Errorf("erasing scans: %w", err)
	}
	return nil
}
