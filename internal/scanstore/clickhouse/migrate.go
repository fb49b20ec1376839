package clickhouse

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// migrations are run in the order of their names, forward only, on every server. A statement ends with a semicolon at the
// end of a line, and running it again does nothing. It is ClickHouse's SQL and three words more:
//
//   - {t} is what a server holds itself of table t: t on one server, t_local on those of a cluster.
//   - CREATE TABLE IF NOT EXISTS {t} (...) ENGINE = ... SHARDED BY expression; On a cluster each server gets t_local so,
//     and t that is Distributed over them. Rows that are inserted into t go to the server that the expression, a whole
//     number, decides; what views write into {t} stays on their server, so the expression says where it is then.
//   - INSERT ... ONCE FOR EACH DAY OF {t}; It is run for each day of {t} that there is, once in the life of the tables,
//     with {day} for its partition, a number. Cut off in the middle it may come again for a day.
//
//go:embed migrations/*.sql
var migrations embed.FS

var (
	plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	held      = regexp.MustCompile(`\{([a-z_]+)\}`)
	sharded   = regexp.MustCompile(`(?s)^(CREATE TABLE IF NOT EXISTS \{([a-z_]+)\} .*)\sSHARDED BY (.+)$`)
	eachDay   = regexp.MustCompile(`(?s)^(INSERT .*)\sONCE FOR EACH DAY OF \{([a-z_]+)\}$`)
)

// Migrate makes the database and brings its tables to what this program needs, on every server. It may be run at any time
// and any number of times, by one process at a time.
func (s *Store) Migrate(ctx context.Context) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return fmt.Errorf("listing migrations: %w", err)
	}
	return s.migrate(ctx, files)
}

func (s *Store) migrate(ctx context.Context, files []string) error {
	if err := s.createDatabase(ctx); err != nil {
		return err
	}
	all, err := s.servers(ctx, s.options.Auth.Database)
	if err != nil {
		return err
	}
	defer all.close()
	for _, server := range all {
		if err := s.checkKind(ctx, server); err != nil {
			return err
		}
	}
	for _, file := range files {
		text, err := migrations.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading a migration: %w", err)
		}
		for _, server := range all {
			if err := s.run(ctx, server, path.Base(file), string(text)); err != nil {
				return fmt.Errorf("migration %s: %w", path.Base(file), err)
			}
		}
	}
	return nil
}

// createDatabase uses connections of its own, since one to a database that does not exist is refused.
func (s *Store) createDatabase(ctx context.Context) error {
	all, err := s.servers(ctx, "default")
	if err != nil {
		return err
	}
	defer all.close()
	for _, server := range all {
		if err := server.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+s.options.Auth.Database); err != nil {
			return fmt.Errorf("creating the database: %w", err)
		}
	}
	return nil
}

// checkKind fails where the tables of a server are not of the kind that the store takes them for, alone or of a cluster:
// then it would see a part of the scans only.
func (s *Store) checkKind(ctx context.Context, server driver.Conn) error {
	var tables, distributed uint64
	row := server.QueryRow(ctx, "SELECT count(), countIf(engine = 'Distributed') FROM system.tables"+
		" WHERE database = currentDatabase() AND name = 'scans'")
	if err := row.Scan(&tables, &distributed); err != nil {
		return fmt.Errorf("looking at the tables: %w", err)
	}
	switch {
	case tables == 0, (distributed > 0) == (s.cluster != ""):
		return nil
	case s.cluster != "":
		return errors.New("the tables are those of one server, and a cluster is set")
	}
	return errors.New("the tables are those of a cluster, and none is set")
}

// run runs the statements of a migration on a server.
func (s *Store) run(ctx context.Context, server driver.Conn, file, text string) error {
	for number, statement := range strings.SplitAfter(text, ";\n") {
		statement = strings.TrimSuffix(strings.TrimSpace(statement), ";")
		for strings.HasPrefix(statement, "--") {
			_, statement, _ = strings.Cut(statement, "\n")
		}
		if statement == "" {
			continue
		}
		if of := eachDay.FindStringSubmatch(statement); of != nil {
			if err := s.carry(ctx, server, fmt.Sprintf("%s %d", file, number+1), of[1], of[2]); err != nil {
				return err
			}
			continue
		}
		for _, meant := range s.expand(statement) {
			if err := server.Exec(ctx, meant); err != nil {
				return err
			}
		}
	}
	return nil
}

// expand returns the statements of ClickHouse that a statement of a migration means.
func (s *Store) expand(statement string) []string {
	var distributed []string
	if of := sharded.FindStringSubmatch(statement); of != nil {
		statement = of[1]
		if s.cluster != "" {
			distributed = append(distributed, fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s AS %s ENGINE = Distributed(%s, %s, %s, %s)",
				of[2], s.local(of[2]), s.cluster, s.options.Auth.Database, s.local(of[2]), of[3]))
		}
	}
	local := held.ReplaceAllStringFunc(statement, func(name string) string { return s.local(strings.Trim(name, "{}")) })
	return append([]string{local}, distributed...)
}

// carry runs a statement for each day of a table, unless a step of this name was finished before.
func (s *Store) carry(ctx context.Context, server driver.Conn, step, statement, table string) error {
	if err := server.Exec(ctx, "CREATE TABLE IF NOT EXISTS migrated (step String) ENGINE = MergeTree ORDER BY step"); err != nil {
		return err
	}
	done, err := finished(ctx, server)
	if err != nil || slices.Contains(done, step) {
		return err
	}
	days, err := s.partitions(ctx, server, table)
	if err != nil {
		return err
	}
	for _, day := range days {
		part := step + " " + day.id
		if slices.Contains(done, part) {
			continue
		}
		if err := server.Exec(ctx, s.expand(strings.ReplaceAll(statement, "{day}", day.id))[0]); err != nil {
			return fmt.Errorf("carrying over %s: %w", day.day, err)
		}
		if err := finish(ctx, server, part); err != nil {
			return err
		}
	}
	return finish(ctx, server, step)
}

// finished lists the steps that a server has behind it.
func finished(ctx context.Context, server driver.Conn) ([]string, error) {
	var steps []string
	rows, err := server.Query(ctx, "SELECT step FROM migrated")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var step string
		if err := rows.Scan(&step); err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return steps, rows.Err()
}

func finish(ctx context.Context, server driver.Conn, step string) error {
	return server.Exec(ctx, "INSERT INTO migrated (step) SELECT '"+step+"'")
}
