package sqlstore

import (
	"context"
	"database/sql"

	"github.com/truyvet/truyvet/internal/registry"
)

// TakeTurn gives t.Holder the turn of a name until t.Until, and reports whether it has: it does where at now nobody holds the
// turn, and it was last done before doneBefore. Of several calls at once one alone takes it.
func (s *Store) TakeTurn(ctx context.Context, t registry.Turn, now, doneBefore int64) (taken bool, err error) {
	err = s.transact(ctx, "taking a turn", func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `
			INSERT INTO turns (name, holder, held_until, done) VALUES (?, ?, ?, 0)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
			WHERE turns.held_until <= ? AND turns.done < ?`,
			t.Name, blob(t.Holder), t.Until, now, doneBefore)
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		taken = rows > 0
		return err
	})
	return taken && err == nil, err
}

// EndTurn gives the turn back, as done at an instant, or with 0 as not done. Who does not hold it any more changes nothing.
func (s *Store) EndTurn(ctx context.Context, t registry.Turn, done int64) error {
	return s.transact(ctx, "ending a turn", func(tx *sql.Tx) error {
		if done > 0 {
			_, err := tx.ExecContext(ctx, `UPDATE turns SET done = ? WHERE name = ? AND holder = ?`, done, t.Name, blob(t.Holder))
			if err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `UPDATE turns SET held_until = 0 WHERE name = ? AND holder = ?`, t.Name, blob(t.Holder))
		return err
	})
}
