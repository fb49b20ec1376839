package sqlstore

import (
	"context"
	"database/sql"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// RevokeCredentials records that credentials of an alias issued before an instant are dead. An earlier instant than the
// one that holds changes nothing.
func (s *Store) RevokeCredentials(ctx context.Context, alias uuid.UUID, issuedBefore int64) error {
	return s.change(ctx, "revoking credentials", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO revoked_credentials (alias, issued_before) VALUES (?, ?)
			ON CONFLICT (alias) DO UPDATE SET issued_before = excluded.issued_before
			WHERE excluded.issued_before > revoked_credentials.issued_before`,
			blob(alias), issuedBefore)
		return err
	})
}

// RevokedCredentials returns, by alias, the instant before which its credentials are dead. The map is the caller's.
func (s *Store) RevokedCredentials(ctx context.Context) (map[uuid.UUID]int64, error) {
	return s.instants(ctx, "reading revoked credentials", `SELECT alias, issued_before FROM revoked_credentials`)
}

// PutChallenge adds a challenge; registry.ErrExists if there is one with its id.
func (s *Store) PutChallenge(ctx context.Context, c registry.Challenge) error {
	return s.change(ctx, "putting a challenge", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO challenges (id, alias, code_hash, created, expires, tries) VALUES (?, ?, ?, ?, ?, ?)`,
			blob(c.ID), blob(c.Alias), bytesOrEmpty(c.CodeHash), c.Created, c.Expires, c.Tries)
		return err
	})
}

// TryChallenge counts one more try at a challenge and returns it with the new count, in one step: of two tries at once
// each sees its own count. The error is registry.ErrNotFound where the challenge is gone or has expired at now.
func (s *Store) TryChallenge(ctx context.Context, id uuid.UUID, now int64) (registry.Challenge, error) {
	read := func(r row) (c registry.Challenge, err error) {
		err = r.Scan(&c.ID, &c.Alias, &c.CodeHash, &c.Created, &c.Expires, &c.Tries)
		return c, err
	}
	var tried registry.Challenge
	err := s.change(ctx, "trying a challenge", func(tx *sql.Tx) (err error) {
		tried, err = read(tx.QueryRowContext(ctx, `
			UPDATE challenges SET tries = tries + 1 WHERE id = ? AND expires > ?
			RETURNING id, alias, code_hash, created, expires, tries`, blob(id), now))
		return err
	})
	if err != nil {
		return registry.Challenge{}, err
	}
	return tried, nil
}

// DeleteChallenge removes a challenge. The error is registry.ErrNotFound where it is gone: of two calls at once one alone
// gets nil, which is what makes a code good for one use.
func (s *Store) DeleteChallenge(ctx context.Context, id uuid.UUID) error {
	return s.change(ctx, "deleting a challenge", func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM challenges WHERE id = ?`, blob(id))
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		if err != nil {
			return err
		}
		if rows == 0 {
			return registry.ErrNotFound
		}
		return nil
	})
}

// DropExpired removes the challenges and the sessions that have expired at now. It is called now and then: what has
// expired is never given out, dropped or not.
func (s *Store) DropExpired(ctx context.Context, now int64) error {
	return s.change(ctx, "dropping what has expired", func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM challenges WHERE expires <= ?`, now); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE expires <= ?`, now)
		return err
	})
}
