package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/truyvet/truyvet/internal/registry"
)

// Two tables of one row count the transactions which changed something: of what stays are derived with, and of places, areas
// and revocations.
const (
	readRevision   = `SELECT count FROM revision`
	raiseRevision  = `UPDATE revision SET count = count + 1`
	readGazetteer  = `SELECT count FROM gazetteer_change`
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
func count(ctx context.Context, from source, statement string) (count int64, err error) {
	err = from.QueryRowContext(ctx, statement).Scan(&count)
	return count, err
}

// Gazetteer returns every place, area and revocation, in the orders of the ids, the codes and the places' ids, with the
// count of their changes. Where that count is still the known one nothing is read, and the rest is nil.
func (s *Store) Gazetteer(ctx context.Context, known int64) (g registry.Gazetteer, err error) {
	err = s.sight(ctx, "reading places, areas and revocations", func(tx *sql.Tx) error {
		if g.Changes, err = count(ctx, tx, readGazetteer); err != nil || g.Changes == known {
			return err
		}
		if g.Places, err = list(ctx, tx, ask(selectPlaces+` ORDER BY id`), readPlace); err != nil {
			return err
		}
		if g.Areas, err = list(ctx, tx, ask(selectAreas), readArea); err != nil {
			return err
		}
		g.Revocations, err = list(ctx, tx, ask(`SELECT place, serial, revoked FROM revocations ORDER BY place`), readRevocation)
		return err
	})
	if err != nil {
		return registry.Gazetteer{}, err
	}
	return g, nil
}

func readRevocation(r row) (v registry.Revocation, err error) {
	err = r.Scan(&v.Place, &v.Serial, &v.At)
	return v, err
}
