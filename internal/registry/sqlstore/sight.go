package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/truyvet/truyvet/internal/registry"
)

// Two tables of one row count the transactions which changed something: of what stays are derived with, and of places, areas
// and codes.
const (
	readRevision   = `SELECT count FROM revision`
	raiseRevision  = `UPDATE revision SET count = count + 1`
	raiseGazetteer = `UPDATE gazetteer_change SET count = count + 1`
)

// raise counts the transaction, with one of the statements above, if it changed anything.
func raise(ctx context.Context, tx *sql.Tx, statement string, changed int) error {
	if changed == 0 {
		return nil
	}
	result, err := tx.ExecContext(ctx, statement)
	if err != nil {
		return err
	}
	if rows, err := result.RowsAffected(); err != nil || rows != 1 {
		return errors.Join(errors.New("counting a change: the row that counts is missing"), err)
	}
	return nil
}

// count returns how far a counter is.
func count(ctx context.Context, from source, statement string, args ...any) (count int64, err error) {
	err = from.QueryRowContext(ctx, statement, args...).Scan(&count)
	return count, err
}

// Gazetteer returns the places, areas and lives of codes that have changed since the count of their changes was known, or all,
// where it never was that: in the orders of the ids, of the areas' codes, and of the places' ids and the serials. Where the count is still the known one
// nothing is read, and the rest is nil.
func (s *Store) Gazetteer(ctx context.Context, known int64) (g registry.Gazetteer, err error) {
	err = s.sight(ctx, "reading places, areas and codes", func(tx *sql.Tx) error {
		var areas int64
		err := tx.QueryRowContext(ctx, `SELECT count, areas FROM gazetteer_change`).Scan(&g.Changes, &areas)
		if err != nil || g.Changes == known {
			return err
		}
		places, codes := ask(selectPlaces+` WHERE changed > ? ORDER BY id`, known), ask(selectCodes+` WHERE changed > ? ORDER BY place, serial`, known)
		if g.Whole = known < 0 || known > g.Changes; g.Whole {
			places, codes = ask(selectPlaces+` ORDER BY id`), ask(selectCodes+` ORDER BY place, serial`)
		}
		if g.Places, err = list(ctx, tx, places, readPlace); err != nil {
			return err
		}
		if g.Whole || areas > known {
			if g.Areas, err = list(ctx, tx, ask(selectAreas), readArea); err != nil {
				return err
			}
		}
		g.Codes, err = list(ctx, tx, codes, readCode)
		return err
	})
	if err != nil {
		return registry.Gazetteer{}, err
	}
	return g, nil
}
