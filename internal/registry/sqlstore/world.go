package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// raisePlaces counts the transaction as one that changed places in what stays are derived with, if it did.
func raisePlaces(ctx context.Context, tx *sql.Tx, changed int) error {
	if changed == 0 {
		return nil
	}
	if err := raise(ctx, tx, raiseRevision, changed); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE places_changed SET revision = (SELECT count FROM revision)`)
	return err
}

// Revision returns the number of transactions that have changed what stays are derived with: links, erasures, and which
// places there are, what they lie in, where they are and what dwell holds for them. While it is the same, so is the stay of every scan.
func (s *Store) Revision(ctx context.Context) (int64, error) {
	revision, err := count(ctx, s.reader, readRevision)
	return revision, fault("reading the revision", err)
}

// selectShapes are what stays are derived with of places.
const selectShapes = `SELECT id, parent, kind, COALESCE(area, ''), dwell FROM places ORDER BY id`

func readShape(r row) (p registry.Place, err error) {
	err = r.Scan(&p.ID, &p.Parent, &p.Kind, &p.Area, &p.Dwell)
	return p, err
}

// World returns every place, in the order of the ids, every area, every link and every erasure, with the revision that they are of. It
// is the caller's.
func (s *Store) World(ctx context.Context) (w registry.World, err error) {
	err = s.sight(ctx, "reading places, links and erasures", func(tx *sql.Tx) error {
		if w.Revision, err = count(ctx, tx, readRevision); err != nil {
			return err
		}
		if w.Places, err = list(ctx, tx, ask(selectShapes), readShape); err != nil {
			return err
		}
		if w.Areas, err = list(ctx, tx, ask(selectAreas), readArea); err != nil {
			return err
		}
		if w.Links, err = linked(ctx, tx, ask(`SELECT alias, person FROM links`)); err != nil {
			return err
		}
		w.Erased, err = instants(ctx, tx, ask(`SELECT alias, received_before FROM erasures`))
		return err
	})
	if err != nil {
		return registry.World{}, err
	}
	return w, nil
}

// Changes returns what of the World of a revision is no longer so. Its cost goes by what has changed, but for places: there
// are few, and where one has changed in what stays are derived with all are read, in the order of the ids, and all areas. The error is
// registry.ErrRevision where the registry has never been at since, as after a backup was put back: read the World then.
func (s *Store) Changes(ctx context.Context, since int64) (d registry.Delta, err error) {
	err = s.sight(ctx, "reading what has changed of places, links and erasures", func(tx *sql.Tx) error {
		var places int64
		err := tx.QueryRowContext(ctx, `SELECT count, places_changed.revision FROM revision, places_changed`).Scan(&d.Revision, &places)
		if err != nil {
			return err
		}
		if since > d.Revision {
			return registry.ErrRevision.Because(fmt.Errorf("it is at %d, not yet at %d", d.Revision, since))
		}
		if places > since {
			if d.Places, err = list(ctx, tx, ask(selectShapes), readShape); err != nil {
				return err
			}
			if d.Areas, err = list(ctx, tx, ask(selectAreas), readArea); err != nil {
				return err
			}
		}
		// Of an alias that has changed more than once the last version holds.
		d.Links, err = linked(ctx, tx, ask(`SELECT alias, person FROM link_versions WHERE revision > ? ORDER BY revision`, since))
		if err != nil {
			return err
		}
		d.Erased, err = instants(ctx, tx, ask(`SELECT alias, received_before FROM erasures WHERE revision > ?`, since))
		return err
	})
	if err != nil {
		return registry.Delta{}, err
	}
	return d, nil
}

// linked reads rows of an alias and the person that it stands for, uuid.Nil for NULL; of an alias that comes twice the last
// holds.
func linked(ctx context.Context, from source, q query) (map[uuid.UUID]uuid.UUID, error) {
	found := make(map[uuid.UUID]uuid.UUID)
	err := each(ctx, from, q, func(r row) error {
		var alias, person uuid.UUID
		err := r.Scan(&alias, &person)
		found[alias] = person
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}
