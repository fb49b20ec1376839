package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// PutInvitation adds an invitation. The errors: registry.ErrExists for an id or a token that is there, ErrDangling for what it
// names and is not there.
func (s *Store) PutInvitation(ctx context.Context, i registry.Invitation) error {
	return s.change(ctx, "putting an invitation", func(tx *sql.Tx) error { return insertInvitation(ctx, tx, i) })
}

func insertInvitation(ctx context.Context, tx *sql.Tx, i registry.Invitation) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO invitations
			(id, token, role, organisation, place, area, renews, note, proposed, confirmed, created, expires)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		blob(i.ID), i.TokenHash, i.Role, optional(i.Organisation), optional(i.Place), optionalText(i.Area), optional(i.Renews),
		i.Note, blob(i.Proposed), optional(i.Confirmed), i.Created, i.Expires)
	return err
}

const selectInvitations = `
	SELECT id, token, role, organisation, place, COALESCE(area, ''), renews, note, proposed, confirmed, created, expires
	FROM invitations WHERE expires > ?`

func readInvitation(r row) (i registry.Invitation, err error) {
	err = r.Scan(&i.ID, &i.TokenHash, &i.Role, &i.Organisation, &i.Place, &i.Area, &i.Renews, &i.Note, &i.Proposed, &i.Confirmed,
		&i.Created, &i.Expires)
	return i, err
}

// Invitation returns an invitation that has not expired at now.
func (s *Store) Invitation(ctx context.Context, id uuid.UUID, now int64) (registry.Invitation, error) {
	return one("reading an invitation", readInvitation,
		s.reader.QueryRowContext(ctx, selectInvitations+` AND id = ?`, now, blob(id)))
}

// InvitationOf returns the invitation whose token has that hash and which has not expired at now.
func (s *Store) InvitationOf(ctx context.Context, tokenHash []byte, now int64) (registry.Invitation, error) {
	return one("reading the invitation of a token", readInvitation,
		s.reader.QueryRowContext(ctx, selectInvitations+` AND token = ?`, now, tokenHash))
}

// Invitations returns those that have not expired at now, the newest first.
func (s *Store) Invitations(ctx context.Context, now int64) ([]registry.Invitation, error) {
	found, err := list(ctx, s.reader, ask(selectInvitations+` ORDER BY created DESC, id`, now), readInvitation)
	return found, fault("reading invitations", err)
}

// Confirm keeps who confirmed an invitation, and the hash of its token. It is registry.ErrChanged where somebody has before, or
// it is gone.
func (s *Store) Confirm(ctx context.Context, id, by uuid.UUID, tokenHash []byte) error {
	return s.change(ctx, "confirming an invitation", func(tx *sql.Tx) error {
		err := affect(tx.ExecContext(ctx, `UPDATE invitations SET confirmed = ?, token = ? WHERE id = ? AND confirmed IS NULL`,
			blob(by), tokenHash, blob(id)))
		if errors.Is(err, registry.ErrNotFound) {
			return registry.ErrChanged
		}
		return err
	})
}

// DropInvitation removes an invitation; registry.ErrNotFound where it is gone.
func (s *Store) DropInvitation(ctx context.Context, id uuid.UUID) error {
	return s.change(ctx, "dropping an invitation", func(tx *sql.Tx) error {
		return affect(tx.ExecContext(ctx, `DELETE FROM invitations WHERE id = ?`, blob(id)))
	})
}

// Accept removes an invitation and adds its account, with the hash of a device's key where there is one. If the account is that
// which the invitation renews, it is given the new password instead, is disabled no more, and has neither second factor nor
// sign-ins. The errors: registry.ErrNotFound where the invitation is gone, so of two calls one alone gets nil; ErrExists for
// a login that is taken. After an error the invitation is still there.
func (s *Store) Accept(ctx context.Context, id uuid.UUID, a registry.Account, keyHash []byte) error {
	return s.change(ctx, "accepting an invitation", func(tx *sql.Tx) error {
		var renews uuid.UUID
		err := tx.QueryRowContext(ctx, `DELETE FROM invitations WHERE id = ? RETURNING renews`, blob(id)).Scan(&renews)
		if err != nil {
			return err
		}
		if renews == a.ID {
			return renew(ctx, tx, a)
		}
		if err := insertAccount(ctx, tx, a); err != nil || keyHash == nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO device_keys (hash, account) VALUES (?, ?)`, keyHash, blob(a.ID))
		return err
	})
}

// renew lets somebody log in to an account anew, with a password alone.
func renew(ctx context.Context, tx *sql.Tx, a registry.Account) error {
	err := affect(tx.ExecContext(ctx, `UPDATE accounts SET password_hash = ?, disabled = ? WHERE id = ?`, a.PasswordHash, false, blob(a.ID)))
	if err != nil {
		return err
	}
	if err := dropFactor(ctx, tx, a.ID); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM sign_ins WHERE account = ?`, blob(a.ID))
	return err
}
