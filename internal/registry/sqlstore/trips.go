package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

const (
	selectTrips = `SELECT id, vehicle, route, began, ended FROM trips`
	raiseTrips  = `UPDATE trip_change SET count = count + 1`
)

// tripRows come before the count of changes is raised.
var tripRows = rows{
	`INSERT INTO trips (id, vehicle, route, began, ended, changed) VALUES `, `(?, ?, ?, ?, ?, (SELECT count + 1 FROM trip_change))`,
}

func tripValues(t *registry.Trip) []any {
	return []any{blob(t.ID), blob(t.Vehicle), t.Route, t.Began, t.Ended}
}

func readTrip(r row) (t registry.Trip, err error) {
	err = r.Scan(&t.ID, &t.Vehicle, &t.Route, &t.Began, &t.Ended)
	return t, err
}

// BeginTrip records that a vehicle set out. The trip before is over then, unless it was before; one that began before others that
// are recorded, as when it is told of late, is over when the next of them began. It returns the trip as it is kept: where it is
// recorded already that is the one of before, which stays. The errors: registry.ErrExists for the id of another vehicle's trip, and
// ErrDangling for an unknown vehicle.
func (s *Store) BeginTrip(ctx context.Context, t registry.Trip) (kept registry.Trip, err error) {
	err = s.change(ctx, "beginning a trip", func(tx *sql.Tx) error {
		kept, err = readTrip(tx.QueryRowContext(ctx, selectTrips+` WHERE id = ?`, blob(t.ID)))
		switch {
		case err == nil:
			return exists(kept.Vehicle != t.Vehicle)
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		kept, kept.Ended = t, 0
		next, err := readTrip(tx.QueryRowContext(ctx, selectTrips+` WHERE vehicle = ? AND began > ? ORDER BY began, id LIMIT 1`, blob(t.Vehicle), t.Began))
		switch {
		case err == nil:
			kept.Ended = min(next.Began, kept.Over())
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		underWay, err := list(ctx, tx, ask(selectTrips+` WHERE vehicle = ? AND began <= ? AND (ended = 0 OR ended > ?)`,
			blob(t.Vehicle), t.Began, t.Began), readTrip)
		if err != nil {
			return err
		}
		for _, before := range underWay {
			if err := endTrip(ctx, tx, before, t.Began); err != nil {
				return err
			}
		}
		if err := insert(ctx, tx, tripRows, []registry.Trip{kept}, tripValues); err != nil {
			return err
		}
		return raise(ctx, tx, raiseTrips, 1)
	})
	if err != nil {
		return registry.Trip{}, err
	}
	return kept, nil
}

// PutTrips adds trips as they are, all or none. The errors: registry.ErrExists, and ErrDangling for an unknown vehicle.
func (s *Store) PutTrips(ctx context.Context, trips []registry.Trip) error {
	return s.change(ctx, "putting trips", func(tx *sql.Tx) error {
		if err := insert(ctx, tx, tripRows, trips, tripValues); err != nil {
			return err
		}
		return raise(ctx, tx, raiseTrips, len(trips))
	})
}

// EndTrip records that a trip of a vehicle was over at an instant, and returns it as it is kept. Of two ends the earlier holds, and
// none is before it began. The error is registry.ErrNotFound for what is no trip of the vehicle.
func (s *Store) EndTrip(ctx context.Context, vehicle, id uuid.UUID, at int64) (kept registry.Trip, err error) {
	err = s.change(ctx, "ending a trip", func(tx *sql.Tx) error {
		kept, err = readTrip(tx.QueryRowContext(ctx, selectTrips+` WHERE id = ? AND vehicle = ?`, blob(id), blob(vehicle)))
		if err != nil {
			return err
		}
		at = max(at, kept.Began)
		if at >= kept.Over() && kept.Ended != 0 {
			return nil
		}
		if err := endTrip(ctx, tx, kept, at); err != nil {
			return err
		}
		kept.Ended = min(at, kept.Over())
		return raise(ctx, tx, raiseTrips, 1)
	})
	if err != nil {
		return registry.Trip{}, err
	}
	return kept, nil
}

// endTrip ends a trip at an instant, unless it was over before. It comes before the count of changes is raised.
func endTrip(ctx context.Context, tx *sql.Tx, t registry.Trip, at int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE trips SET ended = ?, changed = (SELECT count + 1 FROM trip_change) WHERE id = ?`,
		min(at, t.Over()), blob(t.ID))
	return err
}

// TripChanges returns the trips that have changed since the count of their changes was known, or, where it never was that, all that
// began since an instant; in the order of their vehicles and beginnings. Where the count is still the known one nothing is read.
func (s *Store) TripChanges(ctx context.Context, known, since int64) (c registry.TripChanges, err error) {
	err = s.sight(ctx, "reading trips", func(tx *sql.Tx) error {
		if c.Changes, err = count(ctx, tx, `SELECT count FROM trip_change`); err != nil || c.Changes == known {
			return err
		}
		q := ask(selectTrips+` WHERE changed > ? ORDER BY vehicle, began, id`, known)
		if c.Whole = known < 0 || known > c.Changes; c.Whole {
			q = ask(selectTrips+` WHERE began >= ? ORDER BY vehicle, began, id`, since)
		}
		c.Trips, err = list(ctx, tx, q, readTrip)
		return err
	})
	if err != nil {
		return registry.TripChanges{}, err
	}
	return c, nil
}

// TripsOf returns up to limit trips of a vehicle that began since an instant, the latest first.
func (s *Store) TripsOf(ctx context.Context, vehicle uuid.UUID, since int64, limit int) ([]registry.Trip, error) {
	trips, err := list(ctx, s.reader,
		ask(selectTrips+` WHERE vehicle = ? AND began >= ? ORDER BY began DESC, id DESC LIMIT ?`, blob(vehicle), since, limit), readTrip)
	return trips, fault("reading the trips of a vehicle", err)
}

// Trips returns trips by their ids, those that are kept.
func (s *Store) Trips(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]registry.Trip, error) {
	found := make(map[uuid.UUID]registry.Trip)
	for some := range slices.Chunk(ids, idsAtOnce) {
		err := each(ctx, s.reader, ask(selectTrips+` WHERE id IN `+idList(len(some)), blobs(some)...), func(r row) error {
			t, err := readTrip(r)
			found[t.ID] = t
			return err
		})
		if err != nil {
			return nil, fault("reading trips", err)
		}
	}
	return found, nil
}

// CountTripsBefore returns how many trips DropTripsBefore would remove.
func (s *Store) CountTripsBefore(ctx context.Context, began int64) (int64, error) {
	n, err := count(ctx, s.reader, `SELECT COUNT(*) FROM trips WHERE began < ?`, began)
	return n, fault("counting old trips", err)
}

// DropTripsBefore removes the trips that began before an instant. Whoever has them in memory goes on with them.
func (s *Store) DropTripsBefore(ctx context.Context, began int64) error {
	return s.transact(ctx, "dropping old trips", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM trips WHERE began < ?`, began)
		return err
	})
}
