package vault

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// Declare keeps what some people declare at an instant, all or none, in place of what they declared in the same field. The field is
// one of DeclarationField. The errors: ErrTooLong, and those of the store.
func (v *Vault) Declare(ctx context.Context, people []uuid.UUID, field Field, text string, at int64) error {
	values := make([]registry.Sealed, len(people))
	for i, person := range people {
		value, key, err := v.ring.Seal(person, field, text)
		if err != nil {
			return fmt.Errorf("sealing a declaration: %w", err)
		}
		values[i] = registry.Sealed{Person: person, Field: string(field), Key: key, Value: value, Made: at}
	}
	if err := v.store.PutSealed(ctx, values, true); err != nil {
		return fmt.Errorf("keeping a declaration: %w", err)
	}
	return nil
}

// Declared returns what somebody has declared since an instant, and nothing else of them, without an entry in the audit log: it is for
// themselves. A tracing team reads it by Open.
func (v *Vault) Declared(ctx context.Context, person uuid.UUID, since int64) (Details, error) {
	values, err := v.store.Dated(ctx, person, since)
	if err != nil {
		return nil, fmt.Errorf("reading what somebody declared: %w", err)
	}
	return v.declaredIn(values), nil
}

// DeclaredBy is Declared for the people of some aliases: for a door, which learns of it no more than whether it was done. Who has
// declared nothing is not in it.
func (v *Vault) DeclaredBy(ctx context.Context, aliases []uuid.UUID, since int64) (map[uuid.UUID]Details, error) {
	values, err := v.store.DatedByAlias(ctx, aliases, since)
	if err != nil {
		return nil, fmt.Errorf("reading what people declared: %w", err)
	}
	declared := make(map[uuid.UUID]Details, len(values))
	for alias, of := range values {
		declared[alias] = v.declaredIn(of)
	}
	return declared, nil
}

// declaredIn opens the declarations among values.
func (v *Vault) declaredIn(values []registry.Sealed) Details {
	declared := make(Details, len(values))
	for _, value := range values {
		field := Field(value.Field)
		if _, _, is := field.Declaration(); is {
			declared[field], _ = v.ring.Open(value.Person, field, value.Value) // without a text where it cannot be opened: see Details
		}
	}
	return declared
}
