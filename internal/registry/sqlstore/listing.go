package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// listing is records in the order of a column, and of their ids where that is the same.
type listing[T any] struct {
	table      string
	selects    string // the statement up to its conditions
	order      string // the column
	descending bool
	where      conditions
	read       func(row) (T, error)
}

// conditions are what a record has to meet, all of it.
type conditions struct {
	texts []string
	args  []any
}

func (c *conditions) add(text string, args ...any) {
	c.texts = append(c.texts, text)
	c.args = append(c.args, args...)
}

// text writes the conditions after a WHERE.
func (c *conditions) text() string {
	return strings.Join(append([]string{"true"}, c.texts...), " AND ")
}

// part reads a part of a listing. The error is registry.ErrNotFound where the cursor names no record of the table.
func part[T any](ctx context.Context, from source, l listing[T], at registry.Cursor) (p registry.Part[T], err error) {
	if at.Limit < 1 || at.After != uuid.Nil && at.Before != uuid.Nil {
		return p, errors.New("a part has room for one record or more, and begins or ends at one")
	}
	backwards := at.Before != uuid.Nil
	l.where.texts, l.where.args = slices.Clone(l.where.texts), slices.Clone(l.where.args)
	forth, direction := ">", "ASC"
	if l.descending != backwards {
		forth, direction = "<", "DESC"
	}
	if mark := at.After; mark != uuid.Nil || backwards {
		if backwards {
			mark = at.Before
		}
		var key any
		if err := from.QueryRowContext(ctx, `SELECT `+l.order+` FROM `+l.table+` WHERE id = ?`, blob(mark)).Scan(&key); err != nil {
			return p, err
		}
		l.where.add(fmt.Sprintf("(%s.%s, %s.id) %s (?, ?)", l.table, l.order, l.table, forth), key, blob(mark))
	}
	text := fmt.Sprintf("%s WHERE %s ORDER BY %s.%s %s, %s.id %s LIMIT ?", l.selects, l.where.text(), l.table, l.order, direction, l.table, direction)
	p.Records, err = list(ctx, from, query{text, append(l.where.args, at.Limit+1)}, l.read)
	if err != nil {
		return registry.Part[T]{}, err
	}
	more := len(p.Records) > at.Limit
	p.Records = p.Records[:min(len(p.Records), at.Limit)]
	if backwards {
		slices.Reverse(p.Records)
		p.Previous, p.Next = more, true
		return p, nil
	}
	p.Previous, p.Next = at.After != uuid.Nil, more
	return p, nil
}

// areasWithin are an area and those that lie in it.
const areasWithin = `(
	WITH RECURSIVE inner_areas (code) AS (
		SELECT code FROM areas WHERE code = ? UNION SELECT areas.code FROM areas JOIN inner_areas ON areas.parent = inner_areas.code
	) SELECT code FROM inner_areas)`

// within picks the records whose area is the given one or lies in it.
const within = `area IN ` + areasWithin

// around picks the records whose area is the given one or has it in it.
const around = `area IN (
	WITH RECURSIVE outer_areas (code, parent) AS (
		SELECT code, parent FROM areas WHERE code = ? UNION
		SELECT areas.code, areas.parent FROM areas JOIN outer_areas ON areas.code = outer_areas.parent
	) SELECT code FROM outer_areas)`

func caseConditions(f registry.CaseFilter) (c conditions) {
	c.add(within, f.Within)
	if f.IDs != nil {
		c.add(`id IN `+idList(len(f.IDs)), blobs(f.IDs)...)
	}
	if f.OpenAt != 0 {
		c.add(`(isolated = 0 OR isolated > ?)`, f.OpenAt)
	}
	if f.Sample != "" {
		c.add(`(sample = ? OR sample = '' AND created >= ? AND created < ?)`, f.Sample, f.From, f.To)
	}
	return c
}

// CasesPart returns a part of the cases that a filter picks, the newest first. The error is registry.ErrNotFound where the cursor
// names no case.
func (s *Store) CasesPart(ctx context.Context, f registry.CaseFilter, at registry.Cursor) (p registry.Part[registry.Case], err error) {
	err = s.sight(ctx, "listing cases", func(tx *sql.Tx) error {
		p, err = part(ctx, tx, listing[registry.Case]{
			table: "cases", selects: selectCases, order: "created", descending: true, where: caseConditions(f), read: readCase,
		}, at)
		return err
	})
	return p, err
}

// CountCases returns how many cases a filter picks.
func (s *Store) CountCases(ctx context.Context, f registry.CaseFilter) (int, error) {
	c := caseConditions(f)
	n, err := count(ctx, s.reader, `SELECT COUNT(*) FROM cases WHERE `+c.text(), c.args...)
	return int(n), fault("counting cases", err)
}

// quarter is a quarter of an hour in seconds: days begin at one in every zone.
const quarter = 15 * 60

// TallyCases counts the cases of an area at an instant.
func (s *Store) TallyCases(ctx context.Context, area string, now int64) (registry.CaseTally, error) {
	tally := registry.CaseTally{BySample: make(map[string]int), ByEntry: make(map[int64]int)}
	q := ask(`
		SELECT sample, CASE sample WHEN '' THEN created / 900 ELSE 0 END AS entered, COUNT(*),
			SUM(CASE WHEN isolated = 0 OR isolated > ? THEN 1 ELSE 0 END)
		FROM cases WHERE `+within+` GROUP BY sample, entered`, now, area)
	err := each(ctx, s.reader, q, func(r row) error {
		var sample string
		var entered int64
		var all, open int
		if err := r.Scan(&sample, &entered, &all, &open); err != nil {
			return err
		}
		tally.All, tally.Open = tally.All+all, tally.Open+open
		if sample == "" {
			tally.ByEntry[entered*quarter] += all
		} else {
			tally.BySample[sample] += all
		}
		return nil
	})
	return tally, fault("counting the cases of an area", err)
}

// RunsPart returns a part of the trace runs that a filter picks, without their inputs and their reports, the newest first. The error
// is registry.ErrNotFound where the cursor names no run.
func (s *Store) RunsPart(ctx context.Context, f registry.RunFilter, at registry.Cursor) (p registry.Part[registry.Run], err error) {
	var c conditions
	c.add(`(`+within+` OR `+around+`)`, f.Around, f.Around)
	if f.Case != uuid.Nil {
		c.add(`id IN (SELECT run FROM run_cases WHERE case_id = ?)`, blob(f.Case))
	}
	err = s.sight(ctx, "listing trace runs", func(tx *sql.Tx) error {
		p, err = part(ctx, tx, listing[registry.Run]{
			table: "runs", selects: `SELECT ` + runColumns + ` FROM runs`, order: "created", descending: true, where: c,
			read: func(r row) (registry.Run, error) { return readRun(r) },
		}, at)
		if err != nil || len(p.Records) == 0 {
			return err
		}
		ids := make([]uuid.UUID, len(p.Records))
		for i := range p.Records {
			ids[i] = p.Records[i].ID
		}
		cases, err := casesOfRuns(ctx, tx, `WHERE run IN `+idList(len(ids)), blobs(ids)...)
		for i := range p.Records {
			p.Records[i].Cases = cases[p.Records[i].ID]
		}
		return err
	})
	return p, err
}

// AccountsPart returns a part of the accounts that a filter picks, in the order of the logins. The error is registry.ErrNotFound
// where the cursor names no account.
func (s *Store) AccountsPart(ctx context.Context, f registry.AccountFilter, at registry.Cursor) (p registry.Part[registry.Account], err error) {
	var c conditions
	if f.Organisation != uuid.Nil {
		c.add(`(accounts.organisation = ? OR accounts.place IN (SELECT id FROM places WHERE organisation = ?))`,
			blob(f.Organisation), blob(f.Organisation))
	}
	if f.Within != "" {
		c.add(`accounts.`+within, f.Within)
	}
	if f.Roles != nil {
		roles := make([]any, len(f.Roles))
		for i, role := range f.Roles {
			roles[i] = role
		}
		c.add(`accounts.role IN `+idList(len(roles)), roles...)
	}
	err = s.sight(ctx, "listing accounts", func(tx *sql.Tx) error {
		p, err = part(ctx, tx, listing[registry.Account]{
			table: "accounts", selects: selectAccounts, order: "login", where: c, read: readAccount,
		}, at)
		return err
	})
	return p, err
}

// OrganisationsPart returns a part of the organisations, in the order of the names. The error is registry.ErrNotFound where the
// cursor names no organisation.
func (s *Store) OrganisationsPart(ctx context.Context, at registry.Cursor) (p registry.Part[registry.Organisation], err error) {
	err = s.sight(ctx, "listing organisations", func(tx *sql.Tx) error {
		p, err = part(ctx, tx, listing[registry.Organisation]{
			table: "organisations", selects: selectOrganisations, order: "name", read: readOrganisation,
		}, at)
		return err
	})
	return p, err
}
