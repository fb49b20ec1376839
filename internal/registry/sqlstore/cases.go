package sqlstore

import (
	"context"
	"database/sql"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// PutCase adds a case. The errors: registry.ErrExists where its id is taken, ErrLabRef where a case of somebody else has its
// laboratory reference, ErrDangling for a person, area or author who does not exist.
func (s *Store) PutCase(ctx context.Context, c registry.Case) error {
	return s.change(ctx, "putting a case", func(tx *sql.Tx) error {
		others, err := count(ctx, tx, `SELECT COUNT(*) FROM cases WHERE lab_ref = ? AND lab_ref <> '' AND person <> ?`, c.LabRef, blob(c.Person))
		if err != nil {
			return err
		}
		if others > 0 {
			return registry.ErrLabRef
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO cases (id, person, onset, sample, isolated, lab_ref, area, author, created)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			blob(c.ID), blob(c.Person), c.Onset, c.Sample, c.Isolated, c.LabRef, optionalText(c.Area), blob(c.Author), c.Created)
		return err
	})
}

const selectCases = `
	SELECT id, person, onset, sample, isolated, lab_ref, COALESCE(area, ''), author, created FROM cases`

func readCase(r row) (c registry.Case, err error) {
	err = r.Scan(&c.ID, &c.Person, &c.Onset, &c.Sample, &c.Isolated, &c.LabRef, &c.Area, &c.Author, &c.Created)
	return c, err
}

// Case returns one case.
func (s *Store) Case(ctx context.Context, id uuid.UUID) (registry.Case, error) {
	return one("reading a case", readCase, s.reader.QueryRowContext(ctx, selectCases+` WHERE id = ?`, blob(id)))
}

// Cases returns every case, the newest first.
func (s *Store) Cases(ctx context.Context) ([]registry.Case, error) {
	cases, err := list(ctx, s.reader, ask(selectCases+` ORDER BY created DESC, id DESC`), readCase)
	return cases, fault("reading cases", err)
}

// CasesOf returns how many cases of a person were recorded at an instant or later.
func (s *Store) CasesOf(ctx context.Context, person uuid.UUID, since int64) (int, error) {
	n, err := count(ctx, s.reader, `SELECT COUNT(*) FROM cases WHERE person = ? AND created >= ?`, blob(person), since)
	return int(n), fault("counting the cases of a person", err)
}

// PutIsolations adds records of isolations, all or none; registry.ErrDangling for an unknown person.
func (s *Store) PutIsolations(ctx context.Context, isolations []registry.Isolation) error {
	return s.change(ctx, "putting isolations", func(tx *sql.Tx) error {
		return insert(ctx, tx, rows{`INSERT INTO isolations (person, isolated, recorded) VALUES `, `(?, ?, ?)`},
			isolations, func(i *registry.Isolation) []any { return []any{blob(i.Person), i.At, i.Recorded} })
	})
}

// Isolations returns when each person was isolated, by the newest record of the person among those recorded at asOf or
// before; of records of the same second the last that was put is the newest. Somebody whose newest record says 0 is not in
// it. The map is the caller's.
func (s *Store) Isolations(ctx context.Context, asOf int64) (map[uuid.UUID]int64, error) {
	isolated, err := instants(ctx, s.reader,
		ask(`SELECT person, isolated FROM isolations WHERE recorded <= ? ORDER BY recorded, seq`, asOf))
	if err != nil {
		return nil, fault("reading isolations", err)
	}
	for person, at := range isolated {
		if at == 0 {
			delete(isolated, person)
		}
	}
	return isolated, nil
}
