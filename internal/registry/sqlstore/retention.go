package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// RunsBefore returns up to limit trace runs that were made before an instant, oldest first, without their inputs, reports and
// cases.
func (s *Store) RunsBefore(ctx context.Context, created int64, limit int) ([]registry.Run, error) {
	runs, err := list(ctx, s.reader, ask(`SELECT `+runColumns+` FROM runs WHERE created < ? ORDER BY created, id LIMIT ?`, created, limit),
		func(r row) (registry.Run, error) { return readRun(r) })
	return runs, fault("looking for old trace runs", err)
}

// DropRun removes a trace run with its list and all that hangs on it; that it is gone is no error. Whoever has it in memory
// already goes on with it.
func (s *Store) DropRun(ctx context.Context, id uuid.UUID) error {
	return s.change(ctx, "dropping a trace run", func(tx *sql.Tx) error {
		for _, statement := range []string{
			`DELETE FROM run_people WHERE run = ?`,
			`DELETE FROM run_inputs WHERE run = ?`,
			`DELETE FROM run_cases WHERE run = ?`,
			`DELETE FROM runs WHERE id = ?`,
		} {
			if _, err := tx.ExecContext(ctx, statement, blob(id)); err != nil {
				return err
			}
		}
		return nil
	})
}

// NewestListOf returns when the newest trace run was made whose list, or among whose cases, a person is; 0 where none is kept.
func (s *Store) NewestListOf(ctx context.Context, person uuid.UUID) (created int64, err error) {
	created, err = count(ctx, s.reader, `
		SELECT COALESCE(MAX(created), 0) FROM runs WHERE id IN (
			SELECT run FROM run_people WHERE person = ?
			UNION SELECT run FROM run_cases JOIN cases ON cases.id = run_cases.case_id WHERE cases.person = ?)`, blob(person), blob(person))
	return created, fault("looking for lists with somebody", err)
}

// CountExpired returns how many challenges, sessions, sign-ins, invitations, applications and print orders DropExpired would remove at
// now.
func (s *Store) CountExpired(ctx context.Context, now int64) (int64, error) {
	n, err := count(ctx, s.reader, `
		SELECT (SELECT COUNT(*) FROM challenges WHERE expires <= ?) + (SELECT COUNT(*) FROM sessions WHERE expires <= ?)
			+ (SELECT COUNT(*) FROM sign_ins WHERE expires <= ?) + (SELECT COUNT(*) FROM invitations WHERE expires <= ?)
			+ (SELECT COUNT(*) FROM applications WHERE expires <= ?) + (SELECT COUNT(*) FROM print_orders WHERE expires <= ?)`,
		now, now, now, now, now, now)
	return n, fault("counting what has expired", err)
}

// AcceptNotice records that whoever has an alias has accepted a version of the notice. Of one version the first time counts, and
// a newer version stands in place of an older one.
func (s *Store) AcceptNotice(ctx context.Context, alias uuid.UUID, version int, at int64) error {
	return s.transact(ctx, "recording that the notice was accepted", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO notices (alias, version, accepted) VALUES (?, ?, ?)
			ON CONFLICT (alias) DO UPDATE SET version = excluded.version, accepted = excluded.accepted
			WHERE excluded.version > notices.version`, blob(alias), version, at)
		return err
	})
}

// AcceptedNotice returns which version of the notice whoever has an alias has accepted, and when; 0 for none.
func (s *Store) AcceptedNotice(ctx context.Context, alias uuid.UUID) (version int, at int64, err error) {
	err = s.reader.QueryRowContext(ctx, `SELECT version, accepted FROM notices WHERE alias = ?`, blob(alias)).Scan(&version, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, nil
	}
	return version, at, fault("reading which notice was accepted", err)
}

// Unheld returns up to limit people behind one, in the order of their ids, who have details, became known before an instant, have no
// dated detail since, and stand neither in a kept list, nor among the cases of one, nor in a case that was taken in since another
// instant.
func (s *Store) Unheld(ctx context.Context, known, cases int64, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	people, err := list(ctx, s.reader, ask(`
		SELECT id FROM people WHERE id > ? AND created < ?
			AND EXISTS (SELECT 1 FROM sealed WHERE sealed.person = people.id)
			AND NOT EXISTS (SELECT 1 FROM sealed WHERE sealed.person = people.id AND sealed.made >= ?)
			AND NOT EXISTS (SELECT 1 FROM run_people WHERE run_people.person = people.id)
			AND NOT EXISTS (
				SELECT 1 FROM cases WHERE cases.person = people.id
					AND (cases.created >= ? OR EXISTS (SELECT 1 FROM run_cases WHERE run_cases.case_id = cases.id)))
		ORDER BY id LIMIT ?`, blob(after), known, max(known, 1), cases, limit),
		func(r row) (id uuid.UUID, err error) {
			err = r.Scan(&id)
			return id, err
		})
	return people, fault("looking for details that nothing holds", err)
}

// Forget removes the details of people. Of whom there are none, that is no error.
func (s *Store) Forget(ctx context.Context, people []uuid.UUID) error {
	return s.change(ctx, "forgetting details", func(tx *sql.Tx) error {
		for _, person := range people {
			if _, err := tx.ExecContext(ctx, `DELETE FROM sealed WHERE person = ?`, blob(person)); err != nil {
				return err
			}
		}
		return nil
	})
}
