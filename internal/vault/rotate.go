package vault

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// walkAtOnce is how many details are read, and written, at a time.
const walkAtOnce = 500

// Shelf is what a rotation needs of a store. The registry's adapters satisfy it.
type Shelf interface {
	// WalkSealed returns the next details behind one, in a fixed order; none at the end.
	WalkSealed(ctx context.Context, after registry.Sealed, limit int) ([]registry.Sealed, error)
	// Reseal puts details in the place of those that they were made from, unless those have changed.
	Reseal(ctx context.Context, from, to []registry.Sealed) (int, error)
}

// Rotate seals every detail anew that is sealed with another key than the current one. It may be ended at any time and begun
// again: what is done stays done, and before, while and after it everything opens with the keys of the ring. Seen is told, now
// and then, how many details were looked at and how many of them were sealed anew.
func (r *Ring) Rotate(ctx context.Context, shelf Shelf, seen func(looked, resealed int)) error {
	current, looked, resealed := r.Current(), 0, 0
	return walk(ctx, shelf, func(values []registry.Sealed) error {
		var from, to []registry.Sealed
		for _, v := range values {
			if v.Key == current {
				continue
			}
			text, err := r.Open(v.Person, Field(v.Field), v.Value)
			if err != nil {
				return fmt.Errorf("opening the %s of %s, key %d: %w", v.Field, v.Person, v.Key, err)
			}
			anew := v
			if anew.Value, anew.Key, err = r.Seal(v.Person, Field(v.Field), text); err != nil {
				return fmt.Errorf("sealing a detail: %w", err)
			}
			from, to = append(from, v), append(to, anew)
		}
		if len(to) > 0 {
			n, err := shelf.Reseal(ctx, from, to)
			if err != nil {
				return fmt.Errorf("keeping what was sealed anew: %w", err)
			}
			resealed += n
		}
		looked += len(values)
		seen(looked, resealed)
		return nil
	})
}

// Identifier is what an alias is made from, and whose it is.
type Identifier struct {
	Person uuid.UUID
	Field  Field // Phone or IDCard
	Text   string
}

// Identifiers opens every phone number and card number in the vault, for the one purpose of making aliases from them under
// another key. Yield gets some at a time; seen is told how many details were looked at.
func (r *Ring) Identifiers(ctx context.Context, shelf Shelf, yield func([]Identifier) error, seen func(looked int)) error {
	looked := 0
	return walk(ctx, shelf, func(values []registry.Sealed) error {
		var found []Identifier
		for _, v := range values {
			field := Field(v.Field)
			if field != Phone && field != IDCard {
				continue
			}
			text, err := r.Open(v.Person, field, v.Value)
			if err != nil {
				return fmt.Errorf("opening the %s of %s, key %d: %w", v.Field, v.Person, v.Key, err)
			}
			found = append(found, Identifier{v.Person, field, text})
		}
		if err := yield(found); err != nil {
			return err
		}
		looked += len(values)
		seen(looked)
		return nil
	})
}

// walk visits every detail, some at a time.
func walk(ctx context.Context, shelf Shelf, visit func([]registry.Sealed) error) error {
	var last registry.Sealed
	for {
		values, err := shelf.WalkSealed(ctx, last, walkAtOnce)
		if err != nil {
			return fmt.Errorf("reading details: %w", err)
		}
		if len(values) == 0 {
			return nil
		}
		if err := visit(values); err != nil {
			return err
		}
		last = values[len(values)-1]
	}
}
