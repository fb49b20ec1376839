package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// PutRun adds a trace run with its inputs and its report, and who is listed in it. The errors: registry.ErrExists where its id is
// taken, ErrDangling for a case, area or author that does not exist.
func (s *Store) PutRun(ctx context.Context, r registry.Run, listed ...uuid.UUID) error {
	const doing = "putting a trace run"
	watermark, err := json.Marshal(r.Watermark)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return s.change(ctx, doing, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO runs (id, profile, rules, as_of, watermark, revision, hash, f1, f2, area, author, created, report)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			blob(r.ID), r.Profile, bytesOrEmpty(r.Rules), r.AsOf, string(watermark), r.Revision, r.Hash, r.F1, r.F2,
			optionalText(r.Area), blob(r.Author), r.Created, bytesOrEmpty(r.Report))
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO run_inputs (run, inputs) VALUES (?, ?)`, blob(r.ID), bytesOrEmpty(r.Inputs)); err != nil {
			return err
		}
		err = insert(ctx, tx, rows{`INSERT INTO run_people (person, run) VALUES `, `(?, ?)`}, listed,
			func(person *uuid.UUID) []any { return []any{blob(*person), blob(r.ID)} })
		if err != nil {
			return err
		}
		position := 0
		return insert(ctx, tx, rows{`INSERT INTO run_cases (run, position, case_id) VALUES `, `(?, ?, ?)`},
			r.Cases, func(id *uuid.UUID) []any {
				position++
				return []any{blob(r.ID), position, blob(*id)}
			})
	})
}

const runColumns = `id, profile, rules, as_of, watermark, revision, hash, f1, f2, COALESCE(area, ''), author, created`

// readRun reads the columns of a run and those that follow them.
func readRun(r row, more ...any) (registry.Run, error) {
	var run registry.Run
	var watermark []byte
	columns := []any{
		&run.ID, &run.Profile, &run.Rules, &run.AsOf, &watermark, &run.Revision, &run.Hash, &run.F1, &run.F2, &run.Area,
		&run.Author, &run.Created,
	}
	if err := r.Scan(append(columns, more...)...); err != nil {
		return registry.Run{}, err
	}
	if err := json.Unmarshal(watermark, &run.Watermark); err != nil {
		return registry.Run{}, fmt.Errorf("reading a watermark: %w", err)
	}
	return run, nil
}

// Run returns one trace run with its inputs and its report.
func (s *Store) Run(ctx context.Context, id uuid.UUID) (registry.Run, error) {
	var run registry.Run
	err := s.sight(ctx, "reading a trace run", func(tx *sql.Tx) (err error) {
		var inputs, report []byte
		run, err = readRun(tx.QueryRowContext(ctx,
			`SELECT `+runColumns+`, inputs, report FROM runs LEFT JOIN run_inputs ON run = id WHERE id = ?`, blob(id)), &inputs, &report)
		if err != nil {
			return err
		}
		run.Inputs, run.Report = inputs, report
		cases, err := casesOfRuns(ctx, tx, `WHERE run = ?`, blob(id))
		run.Cases = cases[id]
		return err
	})
	if err != nil {
		return registry.Run{}, err
	}
	return run, nil
}

// Runs returns every trace run without its inputs and its report, the newest first.
func (s *Store) Runs(ctx context.Context) ([]registry.Run, error) {
	var runs []registry.Run
	err := s.sight(ctx, "reading trace runs", func(tx *sql.Tx) (err error) {
		runs, err = list(ctx, tx, ask(`SELECT `+runColumns+` FROM runs ORDER BY created DESC, id DESC`),
			func(r row) (registry.Run, error) { return readRun(r) })
		if err != nil {
			return err
		}
		cases, err := casesOfRuns(ctx, tx, ``)
		for i := range runs {
			runs[i].Cases = cases[runs[i].ID]
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return runs, nil
}

// casesOfRuns returns the cases of each run that condition picks, in their order.
func casesOfRuns(ctx context.Context, from source, condition string, args ...any) (map[uuid.UUID][]uuid.UUID, error) {
	cases := make(map[uuid.UUID][]uuid.UUID)
	q := ask(`SELECT run, case_id FROM run_cases `+condition+` ORDER BY run, position`, args...)
	err := each(ctx, from, q, func(r row) error {
		var run, id uuid.UUID
		err := r.Scan(&run, &id)
		cases[run] = append(cases[run], id)
		return err
	})
	return cases, err
}
