package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"time"

	"github.com/truyvet/truyvet/internal/registry"
)

// Sessions keeps the sessions of a session manager: it has the methods of scs.CtxStore. Tokens are stored as their
// SHA-256, which is enough for tokens that are random; therefore sessions cannot be listed. Whether one has expired is
// judged by the system's clock. It is safe for concurrent use.
type Sessions struct{ store *Store }

// Sessions returns the sessions in this registry.
func (s *Store) Sessions() *Sessions { return &Sessions{store: s} }

func hashed(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// CommitCtx stores a session, in place of the one with the same token if there is one. It ends at expiry, to the second.
func (s *Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	return s.store.transact(ctx, "storing a session", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO sessions (token, data, expires) VALUES (?, ?, ?)
			ON CONFLICT (token) DO UPDATE SET data = excluded.data, expires = excluded.expires`,
			hashed(token), bytesOrEmpty(data), expiry.Unix())
		return err
	})
}

// FindCtx returns a session's data. Found is false, without an error, where there is none or it has expired.
func (s *Sessions) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	read := func(r row) (data []byte, err error) {
		err = r.Scan(&data)
		return data, err
	}
	data, err = one("reading a session", read, s.store.reader.QueryRowContext(ctx,
		`SELECT data FROM sessions WHERE token = ? AND expires > ?`, hashed(token), time.Now().Unix()))
	if errors.Is(err, registry.ErrNotFound) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// DeleteCtx removes a session; that there is none is no error.
func (s *Sessions) DeleteCtx(ctx context.Context, token string) error {
	return s.store.transact(ctx, "deleting a session", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE token = ?`, hashed(token))
		return err
	})
}

// Commit is CommitCtx without a context.
func (s *Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Find is FindCtx without a context.
func (s *Sessions) Find(token string) (data []byte, found bool, err error) {
	return s.FindCtx(context.Background(), token)
}

// Delete is DeleteCtx without a context.
func (s *Sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }
