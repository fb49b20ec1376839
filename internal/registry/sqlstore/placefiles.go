package sqlstore

import (
	"context"
	"database/sql"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// PutPlaceFile keeps what became of a file, and of the organisation's files before it no more than the newest, so that there are at
// most so many. The errors: registry.ErrExists for an id that is taken, ErrDangling for an unknown organisation.
func (s *Store) PutPlaceFile(ctx context.Context, f registry.PlaceFile, most int) error {
	return s.change(ctx, "keeping what became of a file", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO place_files (id, organisation, taken, added, refused, faults) VALUES (?, ?, ?, ?, ?, ?)`,
			blob(f.ID), blob(f.Organisation), f.Taken, f.Added, f.Refused, f.Faults)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			DELETE FROM place_files WHERE organisation = ? AND id NOT IN (
				SELECT id FROM place_files WHERE organisation = ? ORDER BY taken DESC, id DESC LIMIT ?)`,
			blob(f.Organisation), blob(f.Organisation), most)
		return err
	})
}

// PlaceFile returns what became of a file of an organisation; registry.ErrNotFound for that of another too.
func (s *Store) PlaceFile(ctx context.Context, organisation, id uuid.UUID) (registry.PlaceFile, error) {
	read := func(r row) (f registry.PlaceFile, err error) {
		err = r.Scan(&f.ID, &f.Organisation, &f.Taken, &f.Added, &f.Refused, &f.Faults)
		return f, err
	}
	return one("reading what became of a file", read, s.reader.QueryRowContext(ctx,
		`SELECT id, organisation, taken, added, refused, faults FROM place_files WHERE id = ? AND organisation = ?`,
		blob(id), blob(organisation)))
}
