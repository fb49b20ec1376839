package citizen

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/shown"
	"github.com/truyvet/truyvet/internal/vault"
)

// mostDependants is how many people may be under one phone.
const mostDependants = 10

// The errors of dependants. Compare with errors.Is.
var (
	ErrDependantName  = errs.New(errs.Invalid, "dependant_name", "Give the name of the person, of at most 100 characters.")
	ErrManyDependants = errs.New(errs.Conflict, "too_many_dependants", "There are already 10 people under this phone.")
)

// DependantStore keeps dependants. The registry's adapters satisfy it, and it gives their errors.
type DependantStore interface {
	PersonByAlias(ctx context.Context, alias uuid.UUID) (registry.Person, error)
	PutDependant(ctx context.Context, d registry.Dependant, person registry.Person, link registry.Link) error
	Dependants(ctx context.Context, guardian uuid.UUID) ([]registry.Dependant, error)
}

// Dependants are the people without a phone of their own, children and the old, who go under that of somebody else. Each is a
// person by themselves, with an alias, scans and stays of their own; they are reached by the guardian's phone, and reside where
// the guardian did when they were added. It is safe for concurrent use.
type Dependants struct {
	store      DependantStore
	pseudonyms *Pseudonyms
	vault      Details
	clock      func() time.Time
}

// NewDependants returns the dependants in a store, whose names go into the vault.
func NewDependants(store DependantStore, pseudonyms *Pseudonyms, keeper Details, clock func() time.Time) *Dependants {
	return &Dependants{store: store, pseudonyms: pseudonyms, vault: keeper, clock: clock}
}

// Add adds somebody under the phone whose alias is given, and returns the alias that their scans carry. The errors:
// ErrDependantName, ErrManyDependants, registry.ErrExists where another was added at this moment, and registry.ErrNotFound for
// an alias of nobody.
func (d *Dependants) Add(ctx context.Context, guardian uuid.UUID, name string) (uuid.UUID, error) {
	name, readable := shown.CleanText(name, shown.LongestName)
	if name == "" || !readable {
		return uuid.Nil, ErrDependantName
	}
	answers, err := d.store.PersonByAlias(ctx, guardian)
	if err != nil {
		return uuid.Nil, fmt.Errorf("finding who answers for a dependant: %w", err)
	}
	there, err := d.store.Dependants(ctx, answers.ID)
	if err != nil {
		return uuid.Nil, err
	}
	if len(there) >= mostDependants {
		return uuid.Nil, ErrManyDependants
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return uuid.Nil, fmt.Errorf("making an id: %w", err)
	}
	dependant := registry.Dependant{Person: id, Guardian: answers.ID, Number: len(there) + 1}
	person := registry.Person{ID: id, Area: answers.Area, Created: d.clock().Unix()}
	alias := d.pseudonyms.dependant(answers.ID, dependant.Number)
	link := registry.Link{Alias: alias, Person: id, Kind: KindDependant, Linked: person.Created}
	if err := d.store.PutDependant(ctx, dependant, person, link); err != nil {
		return uuid.Nil, err
	}
	err = d.vault.Put(ctx, id, vault.Details{vault.Name: name, vault.Dependant: strconv.Itoa(dependant.Number)})
	if err != nil {
		return uuid.Nil, fmt.Errorf("keeping the name of a dependant: %w", err)
	}
	return alias, nil
}

// Aliases returns the aliases of those under a phone, in the order in which they were added; nil where there is nobody.
func (d *Dependants) Aliases(ctx context.Context, guardian uuid.UUID) ([]uuid.UUID, error) {
	answers, err := d.store.PersonByAlias(ctx, guardian)
	if errors.Is(err, registry.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("finding who answers for dependants: %w", err)
	}
	there, err := d.store.Dependants(ctx, answers.ID)
	var aliases []uuid.UUID
	for _, dependant := range there {
		aliases = append(aliases, d.pseudonyms.dependant(answers.ID, dependant.Number))
	}
	return aliases, err
}

// dependant returns the alias of the somebody under the phone of a guardian.
func (p *Pseudonyms) dependant(guardian uuid.UUID, number int) uuid.UUID {
	return p.alias(KindDependant, guardian.String()+"/"+strconv.Itoa(number))
}
