// Package sqlstore keeps the records of the registry in one SQLite file.
//
// Every change is one transaction that has reached the disk when the call returns (write-ahead log, synchronous=FULL).
// All writes go through one connection, reads through several others, so readers never wait for a writer. A [Store] is safe
// for concurrent use, and other processes may have the same file open.
//
// Errors wrap those of package registry: ErrNotFound, ErrExists for a key that is taken, ErrDangling for a reference to
// nothing, ErrBusy when another process held the file for too long. Their texts never hold the values of a record.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/google/uuid"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// readers is how many reads run at once. Reads are short; what is read often is kept in memory by those who need it.
const readers = 4

// Store is a registry in an SQLite file. Make one with [Open].
type Store struct {
	writer *sql.DB
	reader *sql.DB
}

// Open opens the registry in the file at path and makes the file, readable by its owner alone, where there is none. It
// makes no tables: see [Store.Migrate]. The registry must be closed with [Store.Close].
func Open(ctx context.Context, path string) (*Store, error) {
	if path == "" || strings.Contains(path, ":memory:") {
		return nil, errors.New("opening the registry: it needs the path of a file")
	}
	// The write-ahead log and its index take over the permissions of the file.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the registry: %w", err)
	}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("opening the registry: %w", err)
	}

	writer, err := connect(ctx, path, 1, url.Values{
		"_txlock": {"immediate"}, // a transaction that will write takes the lock at its start and cannot fail half-way
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"},
	})
	if err != nil {
		return nil, fmt.Errorf("opening the registry: %w", err)
	}
	reader, err := connect(ctx, path, readers, url.Values{
		"_pragma": {"busy_timeout(5000)", "query_only(1)"},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the registry: %w", err), writer.Close())
	}
	return &Store{writer: writer, reader: reader}, nil
}

// connect opens a pool of connections and tries one.
func connect(ctx context.Context, path string, connections int, options url.Values) (*sql.DB, error) {
	name := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + options.Encode()
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Close waits for calls that are under way and closes the file. The store is of no use afterwards.
func (s *Store) Close() error {
	if err := errors.Join(s.reader.Close(), s.writer.Close()); err != nil {
		return fmt.Errorf("closing the registry: %w", err)
	}
	return nil
}

// change runs work in one transaction on the writer and commits it. Doing names the operation in errors.
func (s *Store) change(ctx context.Context, doing string, work func(*sql.Tx) error) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return fault(doing, err)
	}
	if err := work(tx); err != nil {
		// A rollback fails only where the connection or the context is gone, and then nothing was committed either.
		_ = tx.Rollback()
		return fault(doing, err)
	}
	return fault(doing, tx.Commit())
}

// row is one row of an answer: *sql.Row or *sql.Rows.
type row interface{ Scan(dest ...any) error }

// one reads the one row of an answer; where there is none the error is registry.ErrNotFound.
func one[T any](doing string, read func(row) (T, error), from *sql.Row) (T, error) {
	record, err := read(from)
	if err != nil {
		var none T
		return none, fault(doing, err)
	}
	return record, nil
}

// query is a question to the database.
type query struct {
	text string
	args []any
}

func ask(text string, args ...any) query { return query{text, args} }

// source is what answers queries: a pool of connections, or a transaction.
type source interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row
}

// list returns every row of an answer. Without an error the records are never nil, so that none is written as an empty
// list.
func list[T any](ctx context.Context, from source, q query, read func(row) (T, error)) ([]T, error) {
	records := []T{}
	err := each(ctx, from, q, func(r row) error {
		record, err := read(r)
		records = append(records, record)
		return err
	})
	if err != nil {
		return nil, err
	}
	return records, nil
}

// each calls visit for every row of an answer.
func each(ctx context.Context, from source, q query, visit func(row) error) error {
	rows, err := from.QueryContext(ctx, q.text, q.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := visit(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// instants reads rows of an id and an instant; of an id that comes twice the last holds.
func instants(ctx context.Context, from source, q query) (map[uuid.UUID]int64, error) {
	found := make(map[uuid.UUID]int64)
	err := each(ctx, from, q, func(r row) error {
		var id uuid.UUID
		var at int64
		err := r.Scan(&id, &at)
		found[id] = at
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// sight runs read in one transaction of a reader: all that it reads is of one moment.
func (s *Store) sight(ctx context.Context, doing string, read func(*sql.Tx) error) error {
	tx, err := s.reader.BeginTx(ctx, nil)
	if err != nil {
		return fault(doing, err)
	}
	// It has changed nothing: how it ends makes no difference.
	defer func() { _ = tx.Rollback() }()
	return fault(doing, read(tx))
}

// insert executes a prepared statement for each record.
func insert[T any](ctx context.Context, tx *sql.Tx, query string, records []T, values func(*T) []any) error {
	statement, err := tx.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	defer statement.Close()
	for i := range records {
		if _, err := statement.ExecContext(ctx, values(&records[i])...); err != nil {
			return err
		}
	}
	return nil
}
