package sqlstore

import (
	"context"
	"database/sql"

	"github.com/truyvet/truyvet/internal/registry"
)

// PutAreas adds areas, and gives those that are there the new name, level and parent. Either all are put or none: the
// areas must form a tree afterwards, else the error is registry.ErrAreas or, for a parent that is nowhere, ErrDangling.
func (s *Store) PutAreas(ctx context.Context, areas []registry.Area) error {
	return s.change(ctx, "putting areas", func(tx *sql.Tx) error {
		before, err := list(ctx, tx, ask(selectAreas), readArea)
		if err != nil {
			return err
		}
		for _, a := range areas { // one by one, since a list may name an area twice
			_, err := tx.ExecContext(ctx, `
				INSERT INTO areas (code, level, parent, name) VALUES (?, ?, ?, ?)
				ON CONFLICT (code) DO UPDATE SET level = excluded.level, parent = excluded.parent, name = excluded.name`,
				a.Code, a.Level, optionalText(a.Parent), a.Name)
			if err != nil {
				return err
			}
		}
		all, err := list(ctx, tx, ask(selectAreas), readArea)
		if err != nil {
			return err
		}
		if err := registry.CheckAreas(all); err != nil {
			return err
		}
		if err := raisePlaces(ctx, tx, moved(before, all)); err != nil {
			return err
		}
		if err := raise(ctx, tx, raiseGazetteer, len(areas)); err != nil || len(areas) == 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE gazetteer_change SET areas = count`)
		return err
	})
}

// moved returns how many areas of before lie elsewhere now. No place is in one that is new.
func moved(before, now []registry.Area) (n int) {
	is := make(map[string]registry.Area, len(now))
	for _, a := range now {
		is[a.Code] = a
	}
	for _, a := range before {
		if b := is[a.Code]; a.Level != b.Level || a.Parent != b.Parent {
			n++
		}
	}
	return n
}

const selectAreas = `SELECT code, level, COALESCE(parent, ''), name FROM areas ORDER BY code`

func readArea(r row) (a registry.Area, err error) {
	err = r.Scan(&a.Code, &a.Level, &a.Parent, &a.Name)
	return a, err
}

// Areas returns every area in the order of the codes.
func (s *Store) Areas(ctx context.Context) ([]registry.Area, error) {
	areas, err := list(ctx, s.reader, ask(selectAreas), readArea)
	return areas, fault("reading areas", err)
}
