package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/truyvet/truyvet/internal/registry"
)

// FullAt returns when the bucket of a key is full again; 0 for one that nothing was taken from.
func (s *Store) FullAt(ctx context.Context, key []byte) (full int64, err error) {
	err = s.reader.QueryRowContext(ctx, `SELECT full_at FROM buckets WHERE key = ?`, key).Scan(&full)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return full, fault("reading a bucket", err)
}

// TakeFrom takes one from a bucket at now, and reports whether there was one. Of several calls at once for the last one alone
// takes it.
func (s *Store) TakeFrom(ctx context.Context, b registry.Bucket, now int64) (taken bool, err error) {
	err = s.transact(ctx, "taking from a bucket", func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `
			INSERT INTO buckets (key, full_at) VALUES (?, ?)
			ON CONFLICT (key) DO UPDATE SET full_at = CASE WHEN buckets.full_at > ? THEN buckets.full_at ELSE ? END + ?
			WHERE buckets.full_at <= ?`,
			b.Key, now+b.Every, now, now, b.Every, b.LatestFull(now))
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		taken = rows > 0
		return err
	})
	return taken && err == nil, err
}

// Refill makes the bucket of a key full.
func (s *Store) Refill(ctx context.Context, key []byte) error {
	return s.transact(ctx, "filling a bucket", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM buckets WHERE key = ?`, key)
		return err
	})
}

// DropFull removes the buckets that are full at now: they say the same as those that are not there.
func (s *Store) DropFull(ctx context.Context, now int64) error {
	return s.change(ctx, "dropping full buckets", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM buckets WHERE full_at <= ?`, now)
		return err
	})
}
