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
		return insertAccount(ctx, tx, a)
	})
}

func insertAccount(ctx context.Context, tx *sql.Tx, a registry.Account) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO accounts (id, login, role, organisation, place, area, password_hash, created, disabled)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		blob(a.ID), a.Login, a.Role, optional(a.Organisation), optional(a.Place), optionalText(a.Area), a.PasswordHash,
		a.Created, a.Disabled)
	return err
}

const accountColumns = `
	accounts.id, accounts.login, accounts.role, accounts.organisation, accounts.place, COALESCE(accounts.area, ''),
	accounts.password_hash, accounts.created, accounts.disabled,
	EXISTS (SELECT 1 FROM second_factors WHERE second_factors.account = accounts.id)`

const selectAccounts = `SELECT ` + accountColumns + ` FROM accounts`

// accountFields are where the columns of an account are read into.
func accountFields(a *registry.Account) []any {
	return []any{
		&a.ID, &a.Login, &a.Role, &a.Organisation, &a.Place, &a.Area, &a.PasswordHash, &a.Created, &a.Disabled, &a.SecondFactor,
	}
}

func readAccount(r row) (a registry.Account, err error) {
	err = r.Scan(accountFields(&a)...)
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

// AccountOfKey returns the account of the device whose key has that hash.
func (s *Store) AccountOfKey(ctx context.Context, keyHash []byte) (registry.Account, error) {
	return one("reading the account of a device", readAccount, s.reader.QueryRowContext(ctx,
		selectAccounts+` JOIN device_keys ON device_keys.account = accounts.id WHERE device_keys.hash = ?`, keyHash))
}

// SetPassword gives an account the hash of another password, and ends its sign-ins but the one to spare; registry.ErrNotFound
// where there is no such account.
func (s *Store) SetPassword(ctx context.Context, account uuid.UUID, hash string, spare uuid.UUID) error {
	return s.change(ctx, "changing a password", func(tx *sql.Tx) error {
		if err := affect(tx.ExecContext(ctx, `UPDATE accounts SET password_hash = ? WHERE id = ?`, hash, blob(account))); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM sign_ins WHERE account = ? AND id <> ?`, blob(account), blob(spare))
		return err
	})
}

// SetDisabled disables or enables an account; registry.ErrNotFound where there is none. With one that is disabled go its
// sign-ins and the invitations that it proposed or confirmed.
func (s *Store) SetDisabled(ctx context.Context, account uuid.UUID, disabled bool) error {
	return s.change(ctx, "disabling an account", func(tx *sql.Tx) error {
		if err := affect(tx.ExecContext(ctx, `UPDATE accounts SET disabled = ? WHERE id = ?`, disabled, blob(account))); err != nil {
			return err
		}
		if !disabled {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM sign_ins WHERE account = ?`, blob(account)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM invitations WHERE proposed = ? OR confirmed = ?`, blob(account), blob(account))
		return err
	})
}

// affect is registry.ErrNotFound for a statement that changed nothing.
func affect(result sql.Result, err error) error {
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
}
