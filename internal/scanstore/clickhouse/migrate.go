package clickhouse

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// migrations are run in the order of their names, forward only. A statement ends with a semicolon at the end of a line,
// and running it again does nothing.
//
//go:embed migrations/*.sql
var migrations embed.FS

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Migrate makes the database and brings its tables to what this program needs. It may be run at any time and any number
// of times, by one process at a time.
func (s *Store) Migrate(ctx context.Context) error {
	if !plainName.MatchString(s.database) {
		return errors.New("the name of the database holds other than letters, digits and underscores")
	}
	if err := s.createDatabase(ctx); err != nil {
		return err
	}
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		return fmt.Errorf("listing migrations: %w", err)
	}
	for _, file := range files {
		text, err := migrations.ReadFile("migrations/" + file.Name())
		if err != nil {
			return fmt.Errorf("reading migration %s: %w", file.Name(), err)
		}
		for _, statement := range strings.SplitAfter(string(text), ";\n") {
			statement = strings.TrimSuffix(strings.TrimSpace(statement), ";")
			if statement == "" {
				continue
			}
			if err := s.conn.Exec(ctx, statement); err != nil {
				return fmt.Errorf("migration %s: %w", file.Name(), err)
			}
		}
	}
	return nil
}

// createDatabase uses a connection of its own, since one to a database that does not exist is refused.
func (s *Store) createDatabase(ctx context.Context) error {
	o := s.options
	o.Auth.Database = "default"
	conn, err := clickhouse.Open(&o)
	if err != nil {
		return fmt.Errorf("opening ClickHouse: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+s.database); err != nil {
		return fmt.Errorf("creating the database: %w", err)
	}
	return nil
}
