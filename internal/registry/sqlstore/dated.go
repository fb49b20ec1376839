package sqlstore

import (
	"context"
	"database/sql"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// Dated returns a person's sealed details that are kept for as long as scans and were made since an instant, in the order of their
// fields.
func (s *Store) Dated(ctx context.Context, person uuid.UUID, since int64) ([]registry.Sealed, error) {
	values, err := list(ctx, s.reader,
		ask(selectSealed+` WHERE person = ? AND made > 0 AND made >= ? ORDER BY field`, blob(person), since), readSealed)
	return values, fault("reading dated details", err)
}

// DatedByAlias is Dated for the people of some aliases, by the alias. Who has none, or is nobody, is not in it; the map is the
// caller's.
func (s *Store) DatedByAlias(ctx context.Context, aliases []uuid.UUID, since int64) (map[uuid.UUID][]registry.Sealed, error) {
	found := make(map[uuid.UUID][]registry.Sealed)
	for some := range slices.Chunk(aliases, idsAtOnce) {
		q := query{`
			SELECT alias, sealed.person, field, key_id, value, made FROM links JOIN sealed ON sealed.person = links.person
			WHERE made > 0 AND made >= ? AND alias IN ` + idList(len(some)) + ` ORDER BY alias, field`, append([]any{since}, blobs(some)...)}
		err := each(ctx, s.reader, q, func(r row) error {
			var alias uuid.UUID
			var v registry.Sealed
			err := r.Scan(&alias, &v.Person, &v.Field, &v.Key, &v.Value, &v.Made)
			found[alias] = append(found[alias], v)
			return err
		})
		if err != nil {
			return nil, fault("reading dated details by alias", err)
		}
	}
	return found, nil
}

// DropDatedOf removes the dated details of some people. Whoever has none, or is nobody, is no error.
func (s *Store) DropDatedOf(ctx context.Context, people []uuid.UUID) error {
	return s.change(ctx, "dropping dated details", func(tx *sql.Tx) error {
		for _, person := range people {
			if _, err := tx.ExecContext(ctx, `DELETE FROM sealed WHERE person = ? AND made > 0`, blob(person)); err != nil {
				return err
			}
		}
		return nil
	})
}

// CountDatedBefore returns how many dated details were made before an instant.
func (s *Store) CountDatedBefore(ctx context.Context, before int64) (int64, error) {
	n, err := count(ctx, s.reader, `SELECT COUNT(*) FROM sealed WHERE made > 0 AND made < ?`, before)
	return n, fault("counting dated details", err)
}

// DropDatedBefore removes up to limit dated details that were made before an instant, and returns how many.
func (s *Store) DropDatedBefore(ctx context.Context, before int64, limit int) (dropped int64, err error) {
	err = s.change(ctx, "dropping old details", func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `
			DELETE FROM sealed WHERE (person, field) IN (SELECT person, field FROM sealed WHERE made > 0 AND made < ? LIMIT ?)`, before, limit)
		if err != nil {
			return err
		}
		dropped, err = result.RowsAffected()
		return err
	})
	return dropped, err
}

// PutForms keeps versions of forms, all or none; of one that is there nothing changes. The error is registry.ErrExists where one is
// there with another body.
func (s *Store) PutForms(ctx context.Context, forms []registry.Form) error {
	return s.change(ctx, "keeping forms", func(tx *sql.Tx) error {
		for _, f := range forms {
			result, err := tx.ExecContext(ctx, `
				INSERT INTO forms (name, version, body) VALUES (?, ?, ?)
				ON CONFLICT (name, version) DO UPDATE SET body = excluded.body WHERE forms.body = excluded.body`,
				f.Name, f.Version, bytesOrEmpty(f.Body))
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			if n == 0 {
				return registry.ErrExists
			}
		}
		return nil
	})
}

// Forms returns every version of every form, in the order of the names and then of the versions.
func (s *Store) Forms(ctx context.Context) ([]registry.Form, error) {
	forms, err := list(ctx, s.reader, ask(`SELECT name, version, body FROM forms ORDER BY name, version`), func(r row) (f registry.Form, err error) {
		err = r.Scan(&f.Name, &f.Version, &f.Body)
		return f, err
	})
	return forms, fault("reading forms", err)
}
