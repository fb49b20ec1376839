package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// PutPlaces adds places in any order, a part before its site too, and all of them or none. The errors: registry.ErrExists
// for an id that is taken, ErrDangling for a parent, organisation or area that does not exist, ErrPlaces for places that
// lie in themselves.
func (s *Store) PutPlaces(ctx context.Context, places []registry.Place) error {
	const doing = "putting places"
	if err := registry.CheckPlaces(places); err != nil {
		return fault(doing, err)
	}
	return s.change(ctx, doing, func(tx *sql.Tx) error {
		err := insert(ctx, tx, `
			INSERT INTO places (id, parent, organisation, kind, name, address, area, dwell, code, serial, issued, created, revision)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			places, func(p *registry.Place) []any {
				return []any{
					blob(p.ID), optional(p.Parent), blob(p.Organisation), p.Kind, p.Name, p.Address, optionalText(p.Area),
					p.Dwell, p.Code, p.Serial, p.Issued, p.Created, p.Revision,
				}
			})
		if err != nil {
			return err
		}
		return raiseRevision(ctx, tx)
	})
}

// UpdatePlace writes what may change of a place: kind, name, address, area, dwell, and code with serial and time of issue.
// p.Revision is the revision that was read; the stored one becomes the next. The errors: registry.ErrNotFound, ErrChanged
// where the place was changed since, ErrPlaces where p has another parent or organisation, ErrDangling for an unknown area.
// When the place was created is not written.
func (s *Store) UpdatePlace(ctx context.Context, p registry.Place) error {
	return s.change(ctx, "updating a place", func(tx *sql.Tx) error {
		stored, err := readPlace(tx.QueryRowContext(ctx, selectPlaces+` WHERE id = ?`, blob(p.ID)))
		if err != nil {
			return err
		}
		if stored.Revision != p.Revision {
			return registry.ErrChanged
		}
		if stored.Parent != p.Parent || stored.Organisation != p.Organisation {
			return registry.ErrPlaces
		}
		_, err = tx.ExecContext(ctx, `
			UPDATE places SET kind = ?, name = ?, address = ?, area = ?, dwell = ?, code = ?, serial = ?, issued = ?,
				revision = revision + 1
			WHERE id = ?`,
			p.Kind, p.Name, p.Address, optionalText(p.Area), p.Dwell, p.Code, p.Serial, p.Issued, blob(p.ID))
		if err != nil {
			return err
		}
		return raiseRevision(ctx, tx)
	})
}

const selectPlaces = `
	SELECT id, parent, organisation, kind, name, address, COALESCE(area, ''), dwell, code, serial, issued, created, revision
	FROM places`

func readPlace(r row) (p registry.Place, err error) {
	err = r.Scan(&p.ID, &p.Parent, &p.Organisation, &p.Kind, &p.Name, &p.Address, &p.Area, &p.Dwell, &p.Code, &p.Serial,
		&p.Issued, &p.Created, &p.Revision)
	return p, err
}

// Place returns one place.
func (s *Store) Place(ctx context.Context, id uuid.UUID) (registry.Place, error) {
	return one("reading a place", readPlace, s.reader.QueryRowContext(ctx, selectPlaces+` WHERE id = ?`, blob(id)))
}

// PlacesOf returns the places of an organisation, parts too, in the order of the ids.
func (s *Store) PlacesOf(ctx context.Context, organisation uuid.UUID) ([]registry.Place, error) {
	return list(ctx, s, "reading an organisation's places", readPlace,
		selectPlaces+` WHERE organisation = ? ORDER BY id`, blob(organisation))
}

// PartsOf returns the places that lie directly in a place, in the order of the ids.
func (s *Store) PartsOf(ctx context.Context, parent uuid.UUID) ([]registry.Place, error) {
	return list(ctx, s, "reading the parts of a place", readPlace,
		selectPlaces+` WHERE parent = ? ORDER BY id`, blob(parent))
}

// AllPlaces returns every place in the order of the ids.
func (s *Store) AllPlaces(ctx context.Context) ([]registry.Place, error) {
	return list(ctx, s, "reading places", readPlace, selectPlaces+` ORDER BY id`)
}

// Revoke records that codes of a place up to a serial are dead. A revocation that reaches no further than the one that
// holds changes nothing. The error is registry.ErrDangling for an unknown place.
func (s *Store) Revoke(ctx context.Context, r registry.Revocation) error {
	return s.change(ctx, "revoking codes", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO revocations (place, serial, revoked) VALUES (?, ?, ?)
			ON CONFLICT (place) DO UPDATE SET serial = excluded.serial, revoked = excluded.revoked
			WHERE excluded.serial > revocations.serial`,
			blob(r.Place), r.Serial, r.At)
		return err
	})
}

// Revocations returns the revocation that holds for each place that has one, in the order of the places' ids.
func (s *Store) Revocations(ctx context.Context) ([]registry.Revocation, error) {
	read := func(r row) (v registry.Revocation, err error) {
		err = r.Scan(&v.Place, &v.Serial, &v.At)
		return v, err
	}
	return list(ctx, s, "reading revocations", read, `SELECT place, serial, revoked FROM revocations ORDER BY place`)
}

// Revision returns the number of transactions that have changed places or links. What was read between two calls that
// return the same belongs together.
func (s *Store) Revision(ctx context.Context) (int64, error) {
	read := func(r row) (count int64, err error) {
		err = r.Scan(&count)
		return count, err
	}
	return one("reading the revision", read, s.reader.QueryRowContext(ctx, `SELECT count FROM revision`))
}

func raiseRevision(ctx context.Context, tx *sql.Tx) error {
	result, err := tx.ExecContext(ctx, `UPDATE revision SET count = count + 1`)
	if err != nil {
		return err
	}
	if rows, err := result.RowsAffected(); err != nil || rows != 1 {
		return errors.Join(errors.New("raising the revision: its row is missing"), err)
	}
	return nil
}
