package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// RevokeCredentials records that the credentials of every alias of a person that were issued before an instant are dead. An
// earlier instant than the one that holds changes nothing.
func (s *Store) RevokeCredentials(ctx context.Context, person uuid.UUID, issuedBefore int64) error {
	return s.change(ctx, "revoking credentials", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO revoked_credentials (alias, issued_before) SELECT alias, ? FROM links WHERE person = ?
			ON CONFLICT (alias) DO UPDATE SET issued_before = excluded.issued_before
			WHERE excluded.issued_before > revoked_credentials.issued_before`,
			issuedBefore, blob(person))
		return err
	})
}

// RevokedCredentials returns, by alias, the instant before which its credentials are dead. The map is the caller's.
func (s *Store) RevokedCredentials(ctx context.Context) (map[uuid.UUID]int64, error) {
	revoked, err := instants(ctx, s.reader, ask(`SELECT alias, issued_before FROM revoked_credentials`))
	return revoked, fault("reading revoked credentials", err)
}

// PutChallenge adds a challenge; registry.ErrExists if there is one with its id.
func (s *Store) PutChallenge(ctx context.Context, c registry.Challenge) error {
	return s.transact(ctx, "putting a challenge", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO challenges (id, alias, code_hash, phone, created, expires, tries) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			blob(c.ID), blob(c.Alias), bytesOrEmpty(c.CodeHash), bytesOrEmpty(c.Phone), c.Created, c.Expires, c.Tries)
		return err
	})
}

const challengeColumns = `id, alias, code_hash, phone, created, expires, tries`

func readChallenge(r row) (c registry.Challenge, err error) {
	err = r.Scan(&c.ID, &c.Alias, &c.CodeHash, &c.Phone, &c.Created, &c.Expires, &c.Tries)
	return c, err
}

// TryChallenge counts one more try at a challenge and returns it with the new count, in one step: of two tries at once
// neither gets the other's number. The errors: registry.ErrNotFound where there is none or it has expired at now, and
// registry.ErrSpent where it was tried limit times before. Neither costs a write, whoever asks and however often.
func (s *Store) TryChallenge(ctx context.Context, id uuid.UUID, now int64, limit int) (registry.Challenge, error) {
	const doing = "trying a challenge"
	if err := s.triable(ctx, id, now, limit); err != nil {
		return registry.Challenge{}, fault(doing, err)
	}
	var tried registry.Challenge
	err := s.transact(ctx, doing, func(tx *sql.Tx) (err error) {
		tried, err = readChallenge(tx.QueryRowContext(ctx, `
			UPDATE challenges SET tries = tries + 1 WHERE id = ? AND expires > ? AND tries < ? RETURNING `+challengeColumns,
			blob(id), now, limit))
		return err
	})
	if errors.Is(err, registry.ErrNotFound) { // it was used up, or used, since it was looked at
		if why := s.triable(ctx, id, now, limit); why != nil {
			err = fault(doing, why)
		}
	}
	if err != nil {
		return registry.Challenge{}, err
	}
	return tried, nil
}

// triable says why a challenge cannot be tried, nil where it can.
func (s *Store) triable(ctx context.Context, id uuid.UUID, now int64, limit int) error {
	var tries int
	err := s.reader.QueryRowContext(ctx, `SELECT tries FROM challenges WHERE id = ? AND expires > ?`, blob(id), now).Scan(&tries)
	if err == nil && tries >= limit {
		return registry.ErrSpent
	}
	return err
}

// DeleteChallenge removes a challenge. The error is registry.ErrNotFound where it is gone: of two calls at once one alone
// gets nil, which is what makes a code good for one use.
func (s *Store) DeleteChallenge(ctx context.Context, id uuid.UUID) error {
	return s.transact(ctx, "deleting a challenge", func(tx *sql.Tx) error {
		return affect(tx.ExecContext(ctx, `DELETE FROM challenges WHERE id = ?`, blob(id)))
	})
}

// DropExpired removes the challenges, sessions, sign-ins, invitations, applications and print orders that have expired at now. It is
// called now and then: what has expired is never given out, dropped or not.
func (s *Store) DropExpired(ctx context.Context, now int64) error {
	return s.change(ctx, "dropping what has expired", func(tx *sql.Tx) error {
		for _, expired := range []string{
			`DELETE FROM challenges WHERE expires <= ?`, `DELETE FROM sessions WHERE expires <= ?`,
			`DELETE FROM sign_ins WHERE expires <= ?`, `DELETE FROM invitations WHERE expires <= ?`,
			`DELETE FROM applications WHERE expires <= ?`, `DELETE FROM print_orders WHERE expires <= ?`,
		} {
			if _, err := tx.ExecContext(ctx, expired, now); err != nil {
				return err
			}
		}
		return nil
	})
}
