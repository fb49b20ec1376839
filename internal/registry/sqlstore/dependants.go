package sqlstore

import (
	"context"
	"database/sql"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// PutDependant adds somebody without a phone of their own, with the link of their alias, under the phone of somebody who is
// there. The errors: registry.ErrExists where the person, the alias or the number under that phone is taken, ErrDangling for an
// unknown guardian or area.
func (s *Store) PutDependant(ctx context.Context, d registry.Dependant, person registry.Person, link registry.Link) error {
	return s.change(ctx, "putting a dependant", func(tx *sql.Tx) error {
		if err := insert(ctx, tx, personRows, []registry.Person{person}, personValues); err != nil {
			return err
		}
		if err := putLinks(ctx, tx, []registry.Link{link}); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO dependants (person, guardian, number) VALUES (?, ?, ?)`,
			blob(person.ID), blob(d.Guardian), d.Number)
		return err
	})
}

// Dependants returns those under the phone of a person, in the order of their numbers.
func (s *Store) Dependants(ctx context.Context, guardian uuid.UUID) ([]registry.Dependant, error) {
	found, err := list(ctx, s.reader, ask(selectDependants+` WHERE guardian = ? ORDER BY number`, blob(guardian)), readDependant)
	return found, fault("reading dependants", err)
}

// WalkDependants returns up to limit dependants in the order of their ids, those behind the one given.
func (s *Store) WalkDependants(ctx context.Context, after uuid.UUID, limit int) ([]registry.Dependant, error) {
	found, err := list(ctx, s.reader, ask(selectDependants+` WHERE person > ? ORDER BY person LIMIT ?`, blob(after), limit), readDependant)
	return found, fault("walking dependants", err)
}

const selectDependants = `SELECT person, guardian, number FROM dependants`

func readDependant(r row) (d registry.Dependant, err error) {
	err = r.Scan(&d.Person, &d.Guardian, &d.Number)
	return d, err
}
