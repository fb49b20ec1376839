// Package sqlstoretest gives tests places for registries on the real engines that sqlstore is for. A package that uses it has
//
//	func TestMain(m *testing.M) { os.Exit(sqlstoretest.Main(m)) }
//
// and runs what it holds of both engines over Each. The tests of the process share one PostgreSQL server, which starts when it
// is first asked for; each place has a database of its own there.
package sqlstoretest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/truyvet/truyvet/internal/testenv"
)

// Engine is a kind of database.
type Engine struct {
	Name  string
	place func(t testing.TB) string
}

// The engines.
var (
	SQLite   = &Engine{"SQLite", func(t testing.TB) string { return filepath.Join(t.TempDir(), "registry.db") }}
	Postgres = &Engine{"PostgreSQL", newDatabase}
)

// Each runs a test on every engine.
func Each(t *testing.T, run func(t *testing.T, e *Engine)) {
	t.Helper()
	for _, e := range []*Engine{SQLite, Postgres} {
		t.Run(e.Name, func(t *testing.T) { run(t, e) })
	}
}

// Place returns the place of a registry with nothing in it, not even tables, as sqlstore.Open takes it. It is gone after the
// test.
func (e *Engine) Place(t testing.TB) string {
	t.Helper()
	return e.place(t)
}

// Reach opens the database at a place beside the registry, as whoever looks into it or tampers with it does. Values in its
// queries are written as the engine has them.
func Reach(t testing.TB, place string) *sql.DB {
	t.Helper()
	driver := "sqlite"
	if strings.HasPrefix(place, "postgres://") {
		driver = "pgx"
	}
	db, err := sql.Open(driver, place)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// shared is what the tests of the process share, between the begin and the end of Main.
var shared struct {
	mu     sync.Mutex
	dir    string
	server *testenv.Server
	admin  *sql.DB
	made   int
}

// Main runs the tests of a package, ends the server that they started, and returns the status to exit with.
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "truyvet-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	shared.dir = dir
	defer func() {
		if shared.server != nil {
			_ = shared.admin.Close()
			_ = shared.server.Kill()
		}
		_ = os.RemoveAll(dir)
	}()
	return m.Run()
}

// newDatabase makes a database on the shared server and returns its address.
func newDatabase(t testing.TB) string {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.dir == "" {
		t.Fatal("the package has no TestMain that calls sqlstoretest.Main")
	}
	if shared.server == nil {
		startServer(t)
	}
	shared.made++
	name := fmt.Sprintf("test%d", shared.made)
	if _, err := shared.admin.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := shared.admin.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return address(name)
}

// startServer starts the shared server. What is in it need not outlive a power cut.
func startServer(t testing.TB) {
	t.Helper()
	var err error
	shared.server, err = testenv.StartPostgres(context.Background(), shared.dir, testenv.PostgresOptions{
		Args: []string{"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_connections=300"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if shared.admin, err = sql.Open("pgx", address("postgres")); err != nil {
		t.Fatal(err)
	}
}

func address(database string) string {
	return "postgres://postgres@" + shared.server.Addr + "/" + database + "?sslmode=disable"
}
