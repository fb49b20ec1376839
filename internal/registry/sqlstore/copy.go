package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/truyvet/truyvet/internal/registry"
)

// Export writes everything, of one moment, to a new SQLite file that its owner alone can read. What is there for hours only,
// who is logged in, one-time codes and how often something was tried, is left out. Others go on reading and changing meanwhile.
// The error is os.ErrExist where the file is there already.
func (s *Store) Export(ctx context.Context, path string) (err error) {
	const doing = "exporting the registry"
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // SQLite would make it readable for others
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if !isSQLite(s) {
		return s.exportTo(ctx, doing, path)
	}
	if _, err := s.writer.ExecContext(ctx, `VACUUM INTO ?`, path); err != nil {
		return fault(doing, err)
	}
	made, err := Open(ctx, path)
	if err != nil {
		return err
	}
	err = made.change(ctx, doing, func(tx *sql.Tx) error {
		tables, err := tablesOf(ctx, tx)
		for _, table := range tables {
			if err == nil && slices.Contains(passing, table) {
				_, err = tx.ExecContext(ctx, `DELETE FROM `+table) //nolint:gosec // a name of the schema
			}
		}
		return err
	})
	return errors.Join(err, made.Close())
}

func isSQLite(s *Store) bool { return s.engine.name == sqliteEngine.name }

// exportTo copies a registry that is in no file.
func (s *Store) exportTo(ctx context.Context, doing, path string) error {
	made, err := Open(ctx, path)
	if err != nil {
		return err
	}
	err = made.Migrate(ctx)
	if err == nil {
		err = s.sight(ctx, doing, func(from *sql.Tx) error {
			return made.change(ctx, doing, func(to *sql.Tx) error { return transfer{from, to, to, nil}.all(ctx) })
		})
	}
	return errors.Join(err, made.Close())
}

// passing are the tables of what is there for minutes or hours only.
var passing = []string{"sessions", "sign_ins", "challenges", "buckets"}

// Import takes over everything from an exported file, in one transaction, and brings the file up to this program's version first.
// The error is registry.ErrExists where there are records here already. The registry must have its tables: see Migrate.
func (s *Store) Import(ctx context.Context, path string) error {
	const doing = "importing a registry"
	exported, err := Open(ctx, path)
	if err != nil {
		return err
	}
	err = exported.Migrate(ctx)
	if err == nil {
		err = exported.sight(ctx, doing, func(from *sql.Tx) error {
			return s.change(ctx, doing, func(to *sql.Tx) error { return s.takeOver(ctx, from, to) })
		})
	}
	return errors.Join(err, exported.Close())
}

// takeOver copies every table into an empty registry.
func (s *Store) takeOver(ctx context.Context, from, to *sql.Tx) error {
	for _, table := range []string{"areas", "organisations", "accounts", "people", "audit"} { // every record needs one of these
		if held, err := hasRows(ctx, to, table); err != nil || held {
			return errors.Join(err, exists(held))
		}
	}
	if isSQLite(s) {
		return transfer{from, to, from, nil}.all(ctx)
	}
	booleans, err := list(ctx, to, ask(`
		SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = current_schema AND data_type = 'boolean'`), readText)
	if err != nil {
		return err
	}
	if err := (transfer{from, to, from, booleans}).all(ctx); err != nil {
		return err
	}
	return countOn(ctx, to)
}

func exists(held bool) error {
	if held {
		return registry.ErrExists
	}
	return nil
}

// hasRows says whether a table has a row.
func hasRows(ctx context.Context, from source, table string) (held bool, err error) {
	err = from.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM `+table+`)`).Scan(&held)
	return held, err
}

// countOn has PostgreSQL number new rows after those that came with their numbers.
func countOn(ctx context.Context, tx *sql.Tx) error {
	counted, err := list(ctx, tx, ask(`
		SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = current_schema AND is_identity = 'YES'`), readText)
	if err != nil {
		return err
	}
	for _, one := range counted {
		table, column, _ := strings.Cut(one, ".")
		_, err := tx.ExecContext(ctx,
			`SELECT setval(pg_get_serial_sequence('`+table+`', '`+column+`'), COALESCE(MAX(`+column+`), 0) + 1, false) FROM `+table) //nolint:gosec // names of the schema
		if err != nil {
			return err
		}
	}
	return nil
}

// transfer copies the rows of all tables from one registry to another that has the same tables. One of the two is SQLite, which is
// asked what tables there are.
type transfer struct {
	from, to, lite *sql.Tx
	booleans       []string // of the columns that are booleans there and numbers in SQLite
}

func readText(r row) (text string, err error) {
	err = r.Scan(&text)
	return text, err
}

// tablesOf returns the tables of records in SQLite.
func tablesOf(ctx context.Context, lite source) ([]string, error) {
	return list(ctx, lite, ask(`
		SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'schema_version' ORDER BY name`), readText)
}

// all copies every table but those that are passing, in an order in which no row refers to one that is to come.
func (t transfer) all(ctx context.Context) error {
	tables, err := tablesOf(ctx, t.lite)
	if err != nil {
		return err
	}
	refers := make(map[string][]string)
	for _, table := range tables {
		refers[table], err = list(ctx, t.lite, ask(`SELECT "table" FROM pragma_foreign_key_list(?) WHERE "table" <> ?`, table, table), readText)
		if err != nil {
			return err
		}
	}
	done := make(map[string]bool)
	for len(done) < len(tables) {
		before := len(done)
		for _, table := range tables {
			if done[table] || slices.ContainsFunc(refers[table], func(to string) bool { return !done[to] }) {
				continue
			}
			if !slices.Contains(passing, table) {
				if err := t.table(ctx, table); err != nil {
					return fmt.Errorf("copying %s: %w", table, err)
				}
			}
			done[table] = true
		}
		if len(done) == before {
			return errors.New("tables refer to one another in a ring")
		}
	}
	return nil
}

// transferAtOnce is how many bytes of rows are in memory at once, about.
const transferAtOnce = 4 << 20

// table copies a table. What the making of the tables has put there gives way.
func (t transfer) table(ctx context.Context, table string) error {
	if held, err := hasRows(ctx, t.to, table); err != nil {
		return err
	} else if held {
		if _, err := t.to.ExecContext(ctx, `DELETE FROM `+table); err != nil { //nolint:gosec // a name of the schema
			return err
		}
	}
	columns, err := list(ctx, t.lite, ask(`SELECT name FROM pragma_table_info(?)`, table), readText)
	if err != nil {
		return err
	}
	names := strings.Join(columns, ", ")
	into := rows{`INSERT INTO ` + table + ` (` + names + `) VALUES `, idList(len(columns))}
	var waiting [][]any
	size := 0
	flush := func() error {
		err := insert(ctx, t.to, into, waiting, func(values *[]any) []any { return *values })
		waiting, size = waiting[:0], 0
		return err
	}
	err = each(ctx, t.from, ask(`SELECT `+names+` FROM `+table), func(r row) error {
		values, bytes, err := t.values(r, table, columns)
		if err != nil {
			return err
		}
		waiting = append(waiting, values)
		if size += bytes; size < transferAtOnce {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// values reads a row as it is to be written, and says how large it is.
func (t transfer) values(r row, table string, columns []string) (values []any, size int, err error) {
	values = make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	if err := r.Scan(into...); err != nil {
		return nil, 0, err
	}
	for i, value := range values {
		size += 16
		switch value := value.(type) {
		case []byte:
			size += len(value)
		case string:
			size += len(value)
		case int64:
			if slices.Contains(t.booleans, table+"."+columns[i]) {
				values[i] = value != 0
			}
		}
	}
	return values, size, nil
}
