package citizen

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
)

// ErrHeld says that a list of a tracing team holds somebody's scans, so that they cannot be erased yet. Compare with errors.Is.
var ErrHeld = errs.New(errs.Conflict, "scans_held", "A tracing team's list holds these check-ins; they can be erased once it is dropped.")

// ErasureStore keeps erasures, and knows who stands in which list: NewestListOf returns when the
// newest kept list was made that somebody is in, 0 where there is none; AliasesOf the aliases that stand for some people; DropDatedOf
// drops what some people have declared. The registry's adapters satisfy it.
type ErasureStore interface {
	Family
	Erase(ctx context.Context, erasures ...registry.Erasure) error
	NewestListOf(ctx context.Context, person uuid.UUID) (created int64, err error)
	AliasesOf(ctx context.Context, people []uuid.UUID) ([]uuid.UUID, error)
	DropDatedOf(ctx context.Context, people []uuid.UUID) error
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

// Held is until when lists hold what was scanned of somebody, and of those under their phone: when the last of the lists is dropped
// that each is in, 0 where there is none.
type Held struct {
	Own   int64
	Under []int64 // in the order in which they were added
}

// Free returns how many of those under the phone no list holds.
func (h Held) Free() (n int) {
	for _, until := range h.Under {
		if until == 0 {
			n++
		}
	}
	return n
}

// Until returns when the last list is dropped that any of them is in; 0 where there is none.
func (h Held) Until() int64 { return slices.Max(append([]int64{h.Own}, h.Under...)) }

// Held returns what lists hold of the person of an alias.
func (e *Erasures) Held(ctx context.Context, alias uuid.UUID) (Held, error) {
	_, held, err := e.those(ctx, alias)
	return held, err
}

// those returns the person of an alias and behind them those under their phone, and until when each is held.
func (e *Erasures) those(ctx context.Context, alias uuid.UUID) (people []uuid.UUID, held Held, err error) {
	person, err := personOf(ctx, e.store, alias)
	if err != nil {
		return nil, Held{}, err
	}
	under, err := e.store.Dependants(ctx, person)
	if err != nil {
		return nil, Held{}, fmt.Errorf("finding who is under a phone: %w", err)
	}
	if held.Own, err = e.heldUntil(ctx, person); err != nil {
		return nil, Held{}, err
	}
	people = []uuid.UUID{person}
	for _, dependant := range under {
		until, err := e.heldUntil(ctx, dependant.Person)
		if err != nil {
			return nil, Held{}, err
		}
		people, held.Under = append(people, dependant.Person), append(held.Under, until)
	}
	return people, held, nil
}

// heldUntil returns when the last of the lists is dropped that a person is in, 0 where there is none.
func (e *Erasures) heldUntil(ctx context.Context, person uuid.UUID) (int64, error) {
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

// Wish asks for everything to be erased that was scanned of the person of an alias until now.
type Wish struct {
	Alias uuid.UUID
	Under bool   // of those under their phone too
	By    string // who asks, for the audit log, with no personal detail
}

// Erased is what became of a wish.
type Erased struct {
	Own   bool // their own scans are erased; else a list holds them
	Under int  // of how many of those under their phone they are
	Held  Held // what stays for now, of those whom no wish was for too
}

// Erase erases every scan that was received until now, in this second too, of the person of an alias, whichever of their aliases it
// carries, and what they have declared, and those of who is under their phone if that is wished: from then on no trace finds one. What a list holds stays, of each
// by themselves, for they may be wanted for that list's sake; the error is ErrHeld where that is everything. The entries are
// written first, so that nothing is erased without one; erasing again what is erased is safe.
func (e *Erasures) Erase(ctx context.Context, w Wish) (Erased, error) {
	done, err := e.erase(ctx, w)
	if err != nil {
		return Erased{}, fmt.Errorf("erasing scans: %w", err)
	}
	return done, nil
}

func (e *Erasures) erase(ctx context.Context, w Wish) (done Erased, err error) {
	people, held, err := e.those(ctx, w.Alias)
	if err != nil {
		return Erased{}, err
	}
	done.Held = held
	var free []uuid.UUID
	aliases := []uuid.UUID{}
	if done.Own = held.Own == 0; done.Own {
		free, aliases = people[:1:1], append(aliases, w.Alias) // it may stand for itself
	}
	for i, until := range held.Under {
		if w.Under && until == 0 {
			free = append(free, people[i+1])
			done.Under++
		}
	}
	if len(free) == 0 {
		return Erased{}, ErrHeld
	}
	linked, err := e.store.AliasesOf(ctx, free)
	if err != nil {
		return Erased{}, fmt.Errorf("finding somebody's aliases: %w", err)
	}
	for _, alias := range linked {
		if alias != w.Alias {
			aliases = append(aliases, alias)
		}
	}
	before := e.clock().Unix() + 1
	erasures := make([]registry.Erasure, len(aliases))
	for i, alias := range aliases {
		erasures[i] = registry.Erasure{Alias: alias, Before: before}
	}
	for _, person := range free {
		if err := e.ledger.Append(ctx, "system", "scans_erased", person.String(), w.By); err != nil {
			return Erased{}, err
		}
	}
	if err := e.store.Erase(ctx, erasures...); err != nil {
		return Erased{}, err
	}
	return done, e.store.DropDatedOf(ctx, free)
}
