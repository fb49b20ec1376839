package sqlstore

import (
	"context"
	"database/sql"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// PutAccount adds an account, together with the organisations that begin with it: both are there or neither. The errors:
// registry.ErrExists where a login or an id is taken, ErrDangling for an organisation, place or area that does not exist.
func (s *Store) PutAccount(ctx context.Context, a registry.Account, begun ...registry.Organisation) error {
	return s.change(ctx, "putting an account", func(tx *sql.Tx) error {
		if err := insert(ctx, tx, organisationRows, begun, organisationValues); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO accounts (id, login, role, organisation, place, area, password_hash, created, disabled)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			blob(a.ID), a.Login, a.Role, optional(a.Organisation), optional(a.Place), optionalText(a.Area), a.PasswordHash,
			a.Created, a.Disabled)
		return err
	})
}

const selectAccounts = `
	SELECT id, login, role, organisation, place, COALESCE(area, ''), password_hash, created, disabled FROM accounts`

func readAccount(r row) (a registry.Account, err error) {
	err = r.Scan(&a.ID, &a.Login, &a.Role, &a.Organisation, &a.Place, &a.Area, &a.PasswordHash, &a.Created, &a.Disabled)
	return a, err
}

// AccountByLogin returns the account with exactly that login.
func (s *Store) AccountByLogin(ctx context.Context, login string) (registry.Account, error) {
	return one("reading the account of a login", readAccount,
		s.reader.QueryRowContext(ctx, selectAccounts+` WHERE login = ?`, login))
}

// Account returns one account.
func (s *Store) Account(ctx context.Context, id uuid.UUID) (registry.Account, error) {
	return one("reading an account", readAccount, s.reader.QueryRowContext(ctx, selectAccounts+` WHERE id = ?`, blob(id)))
}

// Accounts returns every account in the order of the logins.
func (s *Store) Accounts(ctx context.Context) ([]registry.Account, error) {
	accounts, err := list(ctx, s.reader, ask(selectAccounts+` ORDER BY login`), readAccount)
	return accounts, fault("reading accounts", err)
}
