package sqlstore

import (
	"context"
	"database/sql"

	"github.com/truyvet/truyvet/internal/registry"
)

// PutOrganisation adds an organisation; registry.ErrExists if there is one with its id.
func (s *Store) PutOrganisation(ctx context.Context, o registry.Organisation) error {
	return s.change(ctx, "putting an organisation", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, insertOrganisation, organisationValues(&o)...)
		return err
	})
}

const insertOrganisation = `INSERT INTO organisations (id, name, created) VALUES (?, ?, ?)`

func organisationValues(o *registry.Organisation) []any { return []any{blob(o.ID), o.Name, o.Created} }

func readOrganisation(r row) (o registry.Organisation, err error) {
	err = r.Scan(&o.ID, &o.Name, &o.Created)
	return o, err
}

// Organisations returns every organisation in the order of the names.
func (s *Store) Organisations(ctx context.Context) ([]registry.Organisation, error) {
	organisations, err := list(ctx, s.reader, ask(`SELECT id, name, created FROM organisations ORDER BY name, id`), readOrganisation)
	return organisations, fault("reading organisations", err)
}
