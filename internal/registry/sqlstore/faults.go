package sqlstore

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
)

// fault wraps err with what was being done, and puts the registry's error in front of the database's. It is nil where
// err is.
func fault(doing string, err error) error {
	if err == nil {
		return nil
	}
	if known := meaning(err); known != nil {
		err = known.Because(err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// meaning returns what the registry calls an error of the database, nil where it has no word for it.
func meaning(err error) *errs.Error {
	var named *errs.Error
	if errors.As(err, &named) {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return registry.ErrNotFound
	}
	var fromSQLite *sqlite.Error
	if errors.As(err, &fromSQLite) {
		return meaningInSQLite(fromSQLite.Code())
	}
	var fromPostgres *pgconn.PgError
	if errors.As(err, &fromPostgres) {
		return meaningInPostgres(fromPostgres.Code)
	}
	var away *pgconn.ConnectError
	if errors.As(err, &away) {
		return registry.ErrBusy
	}
	return nil
}

func meaningInSQLite(code int) *errs.Error {
	switch {
	case code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, code == sqlite3.SQLITE_CONSTRAINT_UNIQUE:
		return registry.ErrExists
	case code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return registry.ErrDangling
	case code&0xff == sqlite3.SQLITE_BUSY: // the low byte of an extended code is its primary one
		return registry.ErrBusy
	}
	return nil
}

// meaningInPostgres goes by SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html.
func meaningInPostgres(code string) *errs.Error {
	switch code {
	case "23505": // unique_violation
		return registry.ErrExists
	case "23503": // foreign_key_violation
		return registry.ErrDangling
	case "22021", "22P05": // character_not_in_repertoire, untranslatable_character
		return registry.ErrText
	case "55P03", "40001", "40P01", // lock_not_available, serialization_failure, deadlock_detected
		"25P03", "25006", // idle_in_transaction_session_timeout; a standby, as after a failover, is read-only
		"53000", "53100", "53200", "53300", // resources: disk, memory, connections
		"57P01", "57P02", "57P03": // shutting down, crashed, starting
		return registry.ErrBusy
	}
	return nil
}
