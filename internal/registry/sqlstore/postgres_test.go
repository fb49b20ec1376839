package sqlstore

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore/sqlstoretest"
)

func TestNumbered(t *testing.T) {
	for query, want := range map[string]string{
		`SELECT 1`:              `SELECT 1`,
		`VALUES (?, ?)`:         `VALUES ($1, $2)`,
		`? '?' ? 'it''s ?' ?`:   `$1 '?' $2 'it''s ?' $3`,
		strings.Repeat(`?`, 11): `$1$2$3$4$5$6$7$8$9$10$11`,
		`SELECT 'Phường ?' WHERE name = ? -- đ`: `SELECT 'Phường ?' WHERE name = $1 -- đ`,
	} {
		if got := numbered(query); got != want {
			t.Errorf("%s becomes %s", query, got)
		}
	}
}

// TestBothEnginesHaveTheSameSteps holds the migrations to one another, and afterwards the tables.
func TestBothEnginesHaveTheSameSteps(t *testing.T) {
	lite, err := fs.Glob(migrations, "migrations/sqlite/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	postgres, err := fs.Glob(migrations, "migrations/postgres/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	numbers := make(map[string]string)
	for i, name := range lite {
		number, _, _ := strings.Cut(path.Base(name), "_")
		if other, taken := numbers[number]; taken {
			t.Errorf("%s has the number of %s: one of them would never be made", name, other)
		}
		numbers[number], lite[i] = name, strings.Replace(name, "/sqlite/", "/postgres/", 1)
	}
	if !slices.Equal(lite, postgres) {
		t.Errorf("SQLite has %v, PostgreSQL %v", lite, postgres)
	}
	columns := func(e *sqlstoretest.Engine, query string) []string {
		all, err := list(t.Context(), fresh(t, e).reader, ask(query), func(r row) (name string, err error) {
			err = r.Scan(&name)
			return name, err
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(all)
		return all
	}
	ofLite := columns(sqlstoretest.SQLite, `
		SELECT m.name || '.' || c.name || CASE WHEN c."notnull" THEN '' ELSE ' or NULL' END
		FROM sqlite_master AS m, pragma_table_info(m.name) AS c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND c.pk = 0`)
	ofPostgres := columns(sqlstoretest.Postgres, `
		SELECT c.table_name || '.' || c.column_name || CASE c.is_nullable WHEN 'NO' THEN '' ELSE ' or NULL' END
		FROM information_schema.columns AS c
		WHERE c.table_schema = 'public' AND NOT EXISTS (
			SELECT 1 FROM information_schema.key_column_usage AS k JOIN information_schema.table_constraints AS p USING (constraint_schema, constraint_name)
			WHERE p.constraint_type = 'PRIMARY KEY' AND k.table_name = c.table_name AND k.column_name = c.column_name)`)
	if !slices.Equal(ofLite, ofPostgres) {
		t.Errorf("SQLite has\n%v\nPostgreSQL\n%v", ofLite, ofPostgres)
	}
}

func TestAddressesThatLeadNowhere(t *testing.T) {
	const secret = "s3cret-w0rd"
	for address, want := range map[string]error{
		"postgres://u:" + secret + "@127.0.0.1:1/x":     registry.ErrBusy, // nobody listens there
		"postgres://u:" + secret + "@127.0.0.1:port/x":  nil,
		"postgresql://u:" + secret + "@[::1/x?sslmode=": nil,
	} {
		s, err := Open(t.Context(), address)
		if err == nil {
			_ = s.Close()
			t.Fatal("it was opened")
		}
		if strings.Contains(err.Error(), secret) || want != nil && !errors.Is(err, want) {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestWhatIsNoTextIsRefused(t *testing.T) {
	s := fresh(t, sqlstoretest.Postgres)
	for _, text := range []string{"a\x00b", "\xff"} {
		if _, err := s.AccountByLogin(t.Context(), text); !errors.Is(err, registry.ErrText) {
			t.Errorf("%q gives %v", text, err)
		}
	}
}
