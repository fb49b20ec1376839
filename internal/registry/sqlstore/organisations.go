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
		return insert(ctx, tx, organisationRows, []registry.Organisation{o}, organisationValues)
	})
}

var organisationRows = rows{`INSERT INTO organisations (id, name, created, revision) VALUES `, `(?, ?, ?, ?)`}

func organisationValues(o *registry.Organisation) []any {
	return []any{blob(o.ID), o.Name, o.Created, o.Revision}
}

const selectOrganisations = `SELECT id, name, created, revision FROM organisations`

func readOrganisation(r row) (o registry.Organisation, err error) {
	err = r.Scan(&o.ID, &o.Name, &o.Created, &o.Revision)
	return o, err
}

// UpdateOrganisation gives an organisation another name. o.Revision is the revision that was read; the stored one becomes the
// next. The errors: registry.ErrNotFound, and ErrChanged where the organisation was changed since.
func (s *Store) UpdateOrganisation(ctx context.Context, o registry.Organisation) error {
	return s.change(ctx, "updating an organisation", func(tx *sql.Tx) error {
		stored, err := readOrganisation(tx.QueryRowContext(ctx, selectOrganisations+` WHERE id = ?`, blob(o.ID)))
		if err != nil {
			return err
		}
		if stored.Revision != o.Revision {
			return registry.ErrChanged
		}
		_, err = tx.ExecContext(ctx, `UPDATE organisations SET name = ?, revision = revision + 1 WHERE id = ?`, o.Name, blob(o.ID))
		return err
	})
}

// Organisation returns one organisation.
func (s *Store) Organisation(ctx context.Context, id uuid.UUID) (registry.Organisation, error) {
	return one("reading an organisation", readOrganisation, s.reader.QueryRowContext(ctx, selectOrganisations+` WHERE id = ?`, blob(id)))
}

// Organisations returns every organisation in the order of the names.
func (s *Store) Organisations(ctx context.Context) ([]registry.Organisation, error) {
	organisations, err := list(ctx, s.reader, ask(selectOrganisations+` ORDER BY name, id`), readOrganisation)
	return organisations, fault("reading organisations", err)
}
