// Package sqlstore keeps the records of the registry in one SQLite file, or in a PostgreSQL database that several servers
// share. The queries are the same ones: they are written with ? for a value, in what both understand, and ids are 16 bytes,
// instants and other numbers 64-bit integers on both. Tables are made by migrations/sqlite and migrations/postgres, one
// folder for each engine, with files of the same names.
//
// Every change is one transaction that has reached the disk when the call returns (SQLite: write-ahead log,
// synchronous=FULL). Changes run one at a time, over all processes, so a change may read and then write what it read; only
// those that are one statement, and count nothing, go beside others. Reads have connections of their own and never wait for
// a change. A [Store] is safe for concurrent use, and other processes may have the same file or database open.
//
// Errors wrap those of package registry: ErrNotFound, ErrExists for a key that is taken, ErrDangling for a reference to
// nothing, ErrText for what is no text, ErrBusy when others held the lock for too long or the server is away. Their texts
// never hold the values of a record.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// readers is how many reads run at once. Reads are short; what is read often is kept in memory by those who need it.
const readers = 4

// Store is a registry in an SQLite file or a PostgreSQL database. Make one with [Open].
type Store struct {
	engine engine
	writer *sql.DB
	reader *sql.DB
}

// engine is in what the databases differ.
type engine struct {
	name     string         // the folder of its migrations
	alone    string         // the statement that makes a transaction the only one that changes anything; empty where each is
	moment   *sql.TxOptions // of a transaction whose reads are all of one moment
	survey   string         // the statement that counts anew what queries are planned by; empty where they are planned by the tables alone
	position string         // the function that says where in a text another one begins, from 1; 0 if nowhere
	// addColumns takes out of statements what adds a column that is there, where the database cannot; nil where it can.
	addColumns func(ctx context.Context, tx *sql.Tx, statements string) (string, error)
}

// Open opens the registry at a place: the path of an SQLite file, which is made, readable by its owner alone, where there is
// none; or the address of a PostgreSQL database, postgres://USER@HOST/DATABASE, whose password may be in it or where libpq
// looks for it (PGPASSWORD, PGPASSFILE). It makes no tables: see [Store.Migrate]. The registry must be closed with
// [Store.Close]. No error holds the address.
func Open(ctx context.Context, where string) (*Store, error) {
	open := openSQLite
	if isPostgres(where) {
		open = openPostgres
	}
	s, err := open(ctx, where)
	return s, fault("opening the registry", err)
}

// tried bounds a pool of connections and tries one.
func tried(ctx context.Context, db *sql.DB, connections int) (*sql.DB, error) {
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Close waits for calls that are under way and closes the connections. The store is of no use afterwards.
func (s *Store) Close() error {
	if err := errors.Join(s.reader.Close(), s.writer.Close()); err != nil {
		return fmt.Errorf("closing the registry: %w", err)
	}
	return nil
}

// change runs work in one transaction on the writer and commits it. No other runs meanwhile: what work reads is so until it
// is committed. Doing names the operation in errors.
func (s *Store) change(ctx context.Context, doing string, work func(*sql.Tx) error) error {
	return s.transact(ctx, doing, func(tx *sql.Tx) error {
		if s.engine.alone != "" {
			if _, err := tx.ExecContext(ctx, s.engine.alone); err != nil {
				return err
			}
		}
		return work(tx)
	})
}

// transact is change for what may run beside others: a statement that decides by itself, on rows that no counter counts.
func (s *Store) transact(ctx context.Context, doing string, work func(*sql.Tx) error) error {
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
	tx, err := s.reader.BeginTx(ctx, s.engine.moment)
	if err != nil {
		return fault(doing, err)
	}
	// It has changed nothing: how it ends makes no difference.
	defer func() { _ = tx.Rollback() }()
	return fault(doing, read(tx))
}

// rows is a statement that inserts several rows: head, then row as often as there are rows, separated by commas.
type rows struct{ head, row string }

// valuesAtOnce is how many values one statement has at most. PostgreSQL would like more of them; what SQLite's driver does for
// each grows with their number.
const valuesAtOnce = 400

// insert inserts a row for each record, with the values that stand for the ? of a row.
func insert[T any](ctx context.Context, tx *sql.Tx, into rows, records []T, values func(*T) []any) error {
	atOnce := valuesAtOnce / max(1, strings.Count(into.row, "?"))
	full, err := prepared(ctx, tx, into, min(atOnce, len(records)))
	if err != nil || full == nil {
		return err
	}
	defer full.Close()
	for some := range slices.Chunk(records, atOnce) {
		statement := full
		if len(some) < min(atOnce, len(records)) {
			if statement, err = prepared(ctx, tx, into, len(some)); err != nil {
				return err
			}
			defer statement.Close()
		}
		var args []any
		for i := range some {
			args = append(args, values(&some[i])...)
		}
		if _, err := statement.ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// prepared returns the statement for n rows, nil for none.
func prepared(ctx context.Context, tx *sql.Tx, into rows, n int) (*sql.Stmt, error) {
	if n == 0 {
		return nil, nil
	}
	return tx.PrepareContext(ctx, into.head+into.row+strings.Repeat(", "+into.row, n-1))
}
