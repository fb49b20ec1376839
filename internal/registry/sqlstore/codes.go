package sqlstore

import (
	"context"
	"database/sql"

	"github.com/truyvet/truyvet/internal/registry"
)

// PutCode records the life of a code. Of one that is recorded the earlier end holds: none is ever good for longer than it was
// said to be. The error is registry.ErrDangling for an unknown place.
func (s *Store) PutCode(ctx context.Context, c registry.Code) error {
	return s.change(ctx, "recording a code", func(tx *sql.Tx) error {
		changed, err := putCode(ctx, tx, c)
		if err != nil {
			return err
		}
		return raise(ctx, tx, raiseGazetteer, int(changed))
	})
}

// Succeed gives a place its next code: it is UpdatePlace, and records the code of before with it. Where that one ends, no older
// one is good for longer.
func (s *Store) Succeed(ctx context.Context, p registry.Place, before registry.Code) error {
	return s.change(ctx, "giving a place its next code", func(tx *sql.Tx) error {
		if err := updatePlace(ctx, tx, p); err != nil {
			return err
		}
		if _, err := putCode(ctx, tx, before); err != nil {
			return err
		}
		if before.Ends != 0 {
			_, err := tx.ExecContext(ctx, `
				UPDATE codes SET ends = ?, changed = (SELECT count + 1 FROM gazetteer_change)
				WHERE place = ? AND serial < ? AND (ends = 0 OR ends > ?)`,
				before.Ends, blob(before.Place), before.Serial, before.Ends)
			if err != nil {
				return err
			}
		}
		return raise(ctx, tx, raiseGazetteer, 1)
	})
}

// putCode returns how many rows have changed. It comes before the count of changes is raised.
func putCode(ctx context.Context, tx *sql.Tx, c registry.Code) (changed int64, err error) {
	result, err := tx.ExecContext(ctx, `
		INSERT INTO codes (place, serial, issued, ends, revoked, changed)
		VALUES (?, ?, ?, ?, ?, (SELECT count + 1 FROM gazetteer_change))
		ON CONFLICT (place, serial) DO UPDATE SET ends = excluded.ends, revoked = excluded.revoked, changed = excluded.changed
		WHERE excluded.ends <> 0 AND (codes.ends = 0 OR excluded.ends < codes.ends)`,
		blob(c.Place), c.Serial, c.Issued, c.Ends, c.Revoked)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

const selectCodes = `SELECT place, serial, issued, ends, revoked FROM codes`

func readCode(r row) (c registry.Code, err error) {
	err = r.Scan(&c.Place, &c.Serial, &c.Issued, &c.Ends, &c.Revoked)
	return c, err
}
