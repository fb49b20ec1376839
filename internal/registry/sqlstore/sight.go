package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"

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

// Revision returns the number of transactions that have changed what stays are derived with: links, and which places there
// are, what they lie in and what dwell holds for them. While it is the same, so is the stay of every scan.
func (s *Store) Revision(ctx context.Context) (int64, error) {
	revision, err := count(ctx, s.reader, readRevision)
	return revision, fault("reading the revision", err)
}

// World returns every place, in the order of the ids, and every link with the revision that they are of. It is the
// caller's.
func (s *Store) World(ctx context.Context) (w registry.World, err error) {
	err = s.sight(ctx, "reading places and links", func(tx *sql.Tx) error {
		if w.Revision, err = count(ctx, tx, readRevision); err != nil {
			return err
		}
		if w.Places, err = list(ctx, tx, ask(selectPlaces+` ORDER BY id`), readPlace); err != nil {
			return err
		}
		w.Links = make(map[uuid.UUID]uuid.UUID)
		return each(ctx, tx, ask(`SELECT alias, person FROM links`), func(r row) error {
			var alias, person uuid.UUID
			err := r.Scan(&alias, &person)
			w.Links[alias] = person
			return err
		})
	})
	if err != nil {
		return registry.World{}, err
	}
	return w, nil
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
