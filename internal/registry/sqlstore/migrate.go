package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// migrations are named NNNN_what.sql and numbered from 1 without gaps. Each engine has a file for every step, and after the
// same step both have the same tables with the same columns. One that was released never changes.
//
//go:embed migrations/*/*.sql
var migrations embed.FS

// Migrate brings the tables up to this program's version. Each step is one transaction together with the note that it
// was done, so a step that fails leaves nothing behind; repeating is safe, and so are two processes at once. A registry
// that a newer program has migrated is refused: steps go forward only. What SQL cannot work out of the rows that were there
// the program writes afterwards.
func (s *Store) Migrate(ctx context.Context) error {
	const doing = "migrating the registry"
	folder := "migrations/" + s.engine.name
	steps, err := migrations.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	err = s.change(ctx, doing, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL PRIMARY KEY)`)
		return err
	})
	if err != nil {
		return err
	}
	newest, err := versionOf(steps[len(steps)-1])
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	for _, step := range steps {
		version, err := versionOf(step)
		if err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		statements, err := migrations.ReadFile(folder + "/" + step.Name())
		if err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		err = s.change(ctx, fmt.Sprintf("%s to version %d", doing, version), func(tx *sql.Tx) error {
			reached, err := schemaOf(ctx, tx)
			switch {
			case err != nil:
				return err
			case reached > newest:
				return fmt.Errorf("it has version %d and this program knows %d: use the newer program", reached, newest)
			case reached >= version:
				return nil
			}
			return s.step(ctx, tx, version, string(statements))
		})
		if err != nil {
			return err
		}
	}
	return s.spell(ctx)
}

// versionOf returns the number that the name of a step begins with.
func versionOf(step fs.DirEntry) (int, error) {
	number, _, _ := strings.Cut(step.Name(), "_")
	version, err := strconv.Atoi(number)
	if err != nil {
		return 0, fmt.Errorf("%s has no number: %w", step.Name(), err)
	}
	return version, nil
}

// schemaOf returns the version of the tables.
func schemaOf(ctx context.Context, from source) (version int, err error) {
	err = from.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM schema_version`).Scan(&version)
	return version, err
}

// step makes the step to version and notes that it was made.
func (s *Store) step(ctx context.Context, tx *sql.Tx, version int, statements string) error {
	if s.engine.addColumns != nil {
		var err error
		if statements, err = s.engine.addColumns(ctx, tx, statements); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, statements); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO schema_version (version) VALUES (?)`, version)
	return err
}
