package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"regexp"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// sqliteEngine needs nothing beside SQLite itself: one connection writes, and a transaction that will write takes the file's
// lock at its start.
var sqliteEngine = engine{name: "sqlite", position: "instr", addColumns: missingColumns}

// addColumn is a statement as PostgreSQL understands it and SQLite does not.
var addColumn = regexp.MustCompile(`(?m)^ALTER TABLE (\w+) ADD COLUMN IF NOT EXISTS (\w+) [^;]*;`)

// missingColumns makes statements for SQLite of those that add a column if it is not there.
func missingColumns(ctx context.Context, tx *sql.Tx, statements string) (string, error) {
	var fault error
	plain := addColumn.ReplaceAllStringFunc(statements, func(statement string) string {
		parts := addColumn.FindStringSubmatch(statement)
		var there bool
		err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pragma_table_info(?) WHERE name = ?)`, parts[1], parts[2]).Scan(&there)
		fault = errors.Join(fault, err)
		if there {
			return ""
		}
		return strings.Replace(statement, "IF NOT EXISTS ", "", 1)
	})
	return plain, fault
}

// openSQLite opens the file at path, and makes it, readable by its owner alone, where there is none.
func openSQLite(ctx context.Context, path string) (*Store, error) {
	if path == "" || strings.Contains(path, ":memory:") {
		return nil, errors.New("it needs the path of a file")
	}
	// The write-ahead log and its index take over the permissions of the file.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	writer, err := connectSQLite(ctx, path, 1, url.Values{
		"_txlock": {"immediate"}, // a transaction that will write takes the lock at its start and cannot fail half-way
		"_pragma": {
			"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
			"cache_size(-65536)", "wal_autocheckpoint(16000)", // an import writes all over the file: 64 MB of it are at hand
		},
	})
	if err != nil {
		return nil, err
	}
	reader, err := connectSQLite(ctx, path, readers, url.Values{
		"_pragma": {"busy_timeout(5000)", "query_only(1)"},
	})
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	return &Store{engine: sqliteEngine, writer: writer, reader: reader}, nil
}

// connectSQLite opens a pool of connections and tries one.
func connectSQLite(ctx context.Context, path string, connections int, options url.Values) (*sql.DB, error) {
	name := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + options.Encode()
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	return tried(ctx, db, connections)
}
