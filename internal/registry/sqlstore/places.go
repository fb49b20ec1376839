package sqlstore

import (
	"context"
	"database/sql"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

const countPlaces = `SELECT COUNT(*) FROM places WHERE organisation = ?`

// CountPlaces returns how many places an organisation has.
func (s *Store) CountPlaces(ctx context.Context, organisation uuid.UUID) (int, error) {
	n, err := count(ctx, s.reader, countPlaces, blob(organisation))
	return int(n), fault("counting places", err)
}

// PutPlaces adds places in any order, a part before its site too, and all of them or none. The errors: registry.ErrExists
// for an id, or a key of the organisation, that is taken, ErrDangling for a parent, organisation or area that does not exist,
// ErrPlaces for places that lie in themselves.
func (s *Store) PutPlaces(ctx context.Context, places []registry.Place) error {
	return s.PutPlacesWithin(ctx, places, 0)
}

// PutPlacesWithin is PutPlaces for places of one organisation, which may have most; 0 is no limit. Where it would have more, the error
// is registry.ErrFull.
func (s *Store) PutPlacesWithin(ctx context.Context, places []registry.Place, most int) error {
	const doing = "putting places"
	if err := registry.CheckPlaces(places); err != nil {
		return fault(doing, err)
	}
	words := wordsOf(places)
	return s.change(ctx, doing, func(tx *sql.Tx) error {
		if err := fits(ctx, tx, places, most); err != nil {
			return err
		}
		changes, err := count(ctx, tx, `SELECT count FROM gazetteer_change`)
		if err != nil {
			return err
		}
		values := func(p *registry.Place) []any { return placeValues(p, changes+1) }
		if err := insert(ctx, tx, placeRows, places, values); err != nil {
			return err
		}
		if err := insert(ctx, tx, wordRows, words, wordValues); err != nil {
			return err
		}
		if err := raisePlaces(ctx, tx, len(places)); err != nil {
			return err
		}
		return raise(ctx, tx, raiseGazetteer, len(places))
	})
}

// fits says whether the organisation of places may have them too.
func fits(ctx context.Context, tx *sql.Tx, places []registry.Place, most int) error {
	if most == 0 || len(places) == 0 {
		return nil
	}
	there, err := count(ctx, tx, countPlaces, blob(places[0].Organisation))
	if err == nil && there+int64(len(places)) > int64(most) {
		return registry.ErrFull
	}
	return err
}

var placeRows = rows{`
	INSERT INTO places (id, parent, organisation, file_key, kind, name, address, area, dwell, hours, form, code, serial, issued, created,
		revision, search, changed)
	VALUES `, `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`}

func placeValues(p *registry.Place, changes int64) []any {
	return []any{
		blob(p.ID), optional(p.Parent), blob(p.Organisation), optionalText(p.Key), p.Kind, p.Name, p.Address, optionalText(p.Area),
		p.Dwell, p.Hours, p.Form, p.Code, p.Serial, p.Issued, p.Created, p.Revision, registry.SearchText(p.Name), changes,
	}
}

// Survey has the database count what there is, by which it plans its queries. It is for after much was put at once: by itself a
// database notices only later.
func (s *Store) Survey(ctx context.Context) error {
	if s.engine.survey == "" {
		return nil
	}
	_, err := s.writer.ExecContext(ctx, s.engine.survey)
	return fault("counting what there is", err)
}

// UpdatePlace writes what may change of a place: kind, name, address, area, dwell, hours, form, and code with serial and time of issue.
// p.Revision is the revision that was read; the stored one becomes the next. The errors: registry.ErrNotFound, ErrChanged
// where the place was changed since, ErrPlaces where p has another parent or organisation, ErrDangling for an unknown area.
// When the place was created, and what files call it, is not written.
func (s *Store) UpdatePlace(ctx context.Context, p registry.Place) error {
	return s.change(ctx, "updating a place", func(tx *sql.Tx) error {
		if err := updatePlace(ctx, tx, p); err != nil {
			return err
		}
		return raise(ctx, tx, raiseGazetteer, 1)
	})
}

// updatePlace is UpdatePlace but for counting that places have changed.
func updatePlace(ctx context.Context, tx *sql.Tx, p registry.Place) error {
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
		UPDATE places SET kind = ?, name = ?, address = ?, area = ?, dwell = ?, hours = ?, form = ?, code = ?, serial = ?, issued = ?,
			revision = revision + 1, search = ?, changed = (SELECT count + 1 FROM gazetteer_change)
		WHERE id = ?`,
		p.Kind, p.Name, p.Address, optionalText(p.Area), p.Dwell, p.Hours, p.Form, p.Code, p.Serial, p.Issued,
		registry.SearchText(p.Name), blob(p.ID))
	if err != nil {
		return err
	}
	if stored.Name != p.Name {
		if err := respell(ctx, tx, stored, p); err != nil {
			return err
		}
	}
	if stored.DwellSeconds() == p.DwellSeconds() && stored.Kind == p.Kind && stored.Area == p.Area { // nothing else counts for stays
		return nil
	}
	return raisePlaces(ctx, tx, 1)
}

const selectPlaces = `
	SELECT id, parent, organisation, COALESCE(file_key, ''), kind, name, address, COALESCE(area, ''), dwell, hours, form, code, serial, issued, created, revision
	FROM places`

func readPlace(r row) (p registry.Place, err error) {
	err = r.Scan(&p.ID, &p.Parent, &p.Organisation, &p.Key, &p.Kind, &p.Name, &p.Address, &p.Area, &p.Dwell, &p.Hours, &p.Form,
		&p.Code, &p.Serial, &p.Issued, &p.Created, &p.Revision)
	return p, err
}

// Place returns one place.
func (s *Store) Place(ctx context.Context, id uuid.UUID) (registry.Place, error) {
	return one("reading a place", readPlace, s.reader.QueryRowContext(ctx, selectPlaces+` WHERE id = ?`, blob(id)))
}

// Keyed returns which places of an organisation files call by the keys. Keys that none is called by are not in it. The map is the
// caller's.
func (s *Store) Keyed(ctx context.Context, organisation uuid.UUID, keys []string) (map[string]uuid.UUID, error) {
	ids := make(map[string]uuid.UUID, len(keys))
	for some := range slices.Chunk(keys, idsAtOnce) {
		args := []any{blob(organisation)}
		for _, key := range some {
			args = append(args, key)
		}
		q := query{`SELECT file_key, id FROM places WHERE organisation = ? AND file_key IN ` + idList(len(some)), args}
		err := each(ctx, s.reader, q, func(r row) error {
			var key string
			var id uuid.UUID
			err := r.Scan(&key, &id)
			ids[key] = id
			return err
		})
		if err != nil {
			return nil, fault("reading which places have keys", err)
		}
	}
	return ids, nil
}

// Lying returns how places of an organisation lie. Who is not of the organisation is not in it. The map is the caller's.
func (s *Store) Lying(ctx context.Context, organisation uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]registry.Lying, error) {
	found := make(map[uuid.UUID]registry.Lying, len(ids))
	for some := range slices.Chunk(ids, idsAtOnce) {
		q := query{`
			WITH RECURSIVE up (id, owner, area, above, level) AS (
				SELECT id, organisation, area, parent, 1 FROM places WHERE id IN ` + idList(len(some)) + `
				UNION ALL SELECT up.id, up.owner, up.area, places.parent, up.level + 1 FROM up JOIN places ON places.id = up.above
			) SELECT id, COALESCE(MAX(area), ''), MAX(level) FROM up WHERE owner = ? GROUP BY id`, append(blobs(some), blob(organisation))}
		err := each(ctx, s.reader, q, func(r row) error {
			var id uuid.UUID
			var l registry.Lying
			err := r.Scan(&id, &l.Area, &l.Level)
			found[id] = l
			return err
		})
		if err != nil {
			return nil, fault("reading how places lie", err)
		}
	}
	return found, nil
}
