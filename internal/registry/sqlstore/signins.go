package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// PutSignIn adds a sign-in; registry.ErrExists if there is one with its id, ErrDangling for an account that does not exist.
func (s *Store) PutSignIn(ctx context.Context, in registry.SignIn) error {
	return s.transact(ctx, "putting a sign-in", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO sign_ins (id, account, began, seen, expires, browser) VALUES (?, ?, ?, ?, ?, ?)`,
			blob(in.ID), blob(in.Account), in.Began, in.Seen, in.Expires, in.Browser)
		return err
	})
}

const signInColumns = `sign_ins.id, sign_ins.account, sign_ins.began, sign_ins.seen, sign_ins.expires, sign_ins.browser`

func signInFields(in *registry.SignIn) []any {
	return []any{&in.ID, &in.Account, &in.Began, &in.Seen, &in.Expires, &in.Browser}
}

// SignIn returns a sign-in that has not expired at now, with its account.
func (s *Store) SignIn(ctx context.Context, id uuid.UUID, now int64) (registry.SignIn, registry.Account, error) {
	var in registry.SignIn
	var a registry.Account
	err := s.reader.QueryRowContext(ctx, `SELECT `+signInColumns+`,`+accountColumns+`
		FROM sign_ins JOIN accounts ON accounts.id = sign_ins.account WHERE sign_ins.id = ? AND sign_ins.expires > ?`,
		blob(id), now).Scan(append(signInFields(&in), accountFields(&a)...)...)
	if err != nil {
		return registry.SignIn{}, registry.Account{}, fault("reading a sign-in", err)
	}
	return in, a, nil
}

// SeeSignIn keeps that a sign-in was used. That it has ended is no error.
func (s *Store) SeeSignIn(ctx context.Context, id uuid.UUID, at int64) error {
	return s.transact(ctx, "seeing a sign-in", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE sign_ins SET seen = ? WHERE id = ? AND seen < ?`, at, blob(id), at)
		return err
	})
}

// SignIns returns the sign-ins of an account that have not expired at now, the newest first.
func (s *Store) SignIns(ctx context.Context, account uuid.UUID, now int64) ([]registry.SignIn, error) {
	q := ask(`SELECT `+signInColumns+` FROM sign_ins WHERE account = ? AND expires > ? ORDER BY began DESC, id`, blob(account), now)
	found, err := list(ctx, s.reader, q, func(r row) (in registry.SignIn, err error) {
		err = r.Scan(signInFields(&in)...)
		return in, err
	})
	return found, fault("reading sign-ins", err)
}

// EndSignIn removes a sign-in of an account; registry.ErrNotFound where it has none with that id.
func (s *Store) EndSignIn(ctx context.Context, account, id uuid.UUID) error {
	return s.transact(ctx, "ending a sign-in", func(tx *sql.Tx) error {
		return affect(tx.ExecContext(ctx, `DELETE FROM sign_ins WHERE id = ? AND account = ?`, blob(id), blob(account)))
	})
}

// EndSignIns removes the sign-ins of an account but the one to spare, and returns how many there were.
func (s *Store) EndSignIns(ctx context.Context, account, spare uuid.UUID) (ended int, err error) {
	err = s.transact(ctx, "ending sign-ins", func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM sign_ins WHERE account = ? AND id <> ?`, blob(account), blob(spare))
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		ended = int(rows)
		return err
	})
	return ended, err
}

// PutFactor gives an account a second factor with the hashes of its recovery codes, in place of those that it had.
func (s *Store) PutFactor(ctx context.Context, f registry.SecondFactor, recovery [][]byte) error {
	return s.change(ctx, "putting a second factor", func(tx *sql.Tx) error {
		if err := dropFactor(ctx, tx, f.Account); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO second_factors (account, secret, step, since) VALUES (?, ?, ?, ?)`,
			blob(f.Account), bytesOrEmpty(f.Secret), f.Step, f.Since)
		if err != nil {
			return err
		}
		return insert(ctx, tx, rows{`INSERT INTO recovery_codes (account, hash) VALUES `, `(?, ?)`}, recovery,
			func(hash *[]byte) []any { return []any{blob(f.Account), *hash} })
	})
}

// Factor returns the second factor of an account and how many recovery codes are left.
func (s *Store) Factor(ctx context.Context, account uuid.UUID) (f registry.SecondFactor, recovery int, err error) {
	err = s.reader.QueryRowContext(ctx, `
		SELECT account, secret, step, since, (SELECT COUNT(*) FROM recovery_codes WHERE recovery_codes.account = second_factors.account)
		FROM second_factors WHERE account = ?`, blob(account)).Scan(&f.Account, &f.Secret, &f.Step, &f.Since, &recovery)
	if err != nil {
		return registry.SecondFactor{}, 0, fault("reading a second factor", err)
	}
	return f, recovery, nil
}

// UseStep keeps that the code of a time step was used. It is registry.ErrSpent where that step or a later one was used before:
// of two calls with one step one alone gets nil.
func (s *Store) UseStep(ctx context.Context, account uuid.UUID, step int64) error {
	return s.transact(ctx, "using a second factor", func(tx *sql.Tx) error {
		err := affect(tx.ExecContext(ctx, `UPDATE second_factors SET step = ? WHERE account = ? AND step < ?`, step, blob(account), step))
		if errors.Is(err, registry.ErrNotFound) {
			return registry.ErrSpent
		}
		return err
	})
}

// UseRecovery removes a recovery code and returns how many are left; registry.ErrNotFound where there is none with that hash.
func (s *Store) UseRecovery(ctx context.Context, account uuid.UUID, hash []byte) (left int, err error) {
	err = s.change(ctx, "using a recovery code", func(tx *sql.Tx) error {
		if err := affect(tx.ExecContext(ctx, `DELETE FROM recovery_codes WHERE account = ? AND hash = ?`, blob(account), hash)); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM recovery_codes WHERE account = ?`, blob(account)).Scan(&left)
	})
	return left, err
}

// DropFactor removes the second factor of an account and its recovery codes. That it has none is no error.
func (s *Store) DropFactor(ctx context.Context, account uuid.UUID) error {
	return s.change(ctx, "dropping a second factor", func(tx *sql.Tx) error { return dropFactor(ctx, tx, account) })
}

func dropFactor(ctx context.Context, tx *sql.Tx, account uuid.UUID) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM recovery_codes WHERE account = ?`, blob(account)); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM second_factors WHERE account = ?`, blob(account))
	return err
}
