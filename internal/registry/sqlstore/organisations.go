package sqlstore

import (
	"context"
	"database/sql"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// PutOrganisation adds an organisation; registry.ErrExists if there is one with its id.
func (s *Store) PutOrganisation(ctx context.Context, o registry.Organisation) error {
	return s.change(ctx, "putting an organisation", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO organisations (id, name, created) VALUES (?, ?, ?)`,
			blob(o.ID), o.Name, o.Created)
		return err
	})
}

const selectOrganisations = `SELECT id, name, created FROM organisations`

func readOrganisation(r row) (o registry.Organisation, err error) {
	err = r.Scan(&o.ID, &o.Name, &o.Created)
	return o, err
}

// Organisation returns one organisation.
func (s *Store) Organisation(ctx context.Context, id uuid.UUID) (registry.Organisation, error) {
	return one("reading an organisation", readOrganisation,
		s.reader.QueryRowContext(ctx, selectOrganisations+` WHERE id = ?`, blob(id)))
}

// Organisations returns every organisation in the order of the names.
func (s *Store) Organisations(ctx context.Context) ([]registry.Organisation, error) {
	return list(ctx, s, "reading organisations", readOrganisation, selectOrganisations+` ORDER BY name, id`)
}
