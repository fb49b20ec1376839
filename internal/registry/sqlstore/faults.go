package sqlstore

import (
	"database/sql"
	"errors"
	"fmt"

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
	if !errors.As(err, &fromSQLite) {
		return nil
	}
	switch code := fromSQLite.Code(); {
	case code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, code == sqlite3.SQLITE_CONSTRAINT_UNIQUE:
		return registry.ErrExists
	case code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return registry.ErrDangling
	case code&0xff == sqlite3.SQLITE_BUSY: // the low byte of an extended code is its primary one
		return registry.ErrBusy
	}
	return nil
}
