package testenv_test

import (
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
)

// postgresDo runs statements on a connection of its own and returns the one number that the last of them gives.
func postgresDo(t *testing.T, addr, query string) (n int, err error) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), "postgres://postgres@"+addr+"/postgres?connect_timeout=5")
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(t.Context()) }()
	return n, conn.QueryRow(t.Context(), query).Scan(&n)
}

func TestPostgresKeepsItsDataAndPort(t *testing.T) {
	server := testserver.Postgres(t, testenv.PostgresOptions{Args: []string{"-c", "work_mem=7MB"}})
	addr := server.Addr
	if strings.HasSuffix(addr, ":5432") {
		t.Error("it took the default port")
	}
	// A client that stays must not keep the server from stopping.
	idle, err := pgx.Connect(t.Context(), "postgres://postgres@"+addr+"/postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = idle.Close(t.Context()) }()
	if _, err := idle.Exec(t.Context(), "CREATE TABLE kept AS SELECT 42 AS n"); err != nil {
		t.Fatal(err)
	}
	for name, end := range map[string]func() error{"killed": server.Kill, "stopped": server.Stop} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if _, err := postgresDo(t, addr, "SELECT 1"); err == nil {
			t.Fatalf("%s, it still answers", name)
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := postgresDo(t, addr, "SELECT n FROM kept"); err != nil || got != 42 {
			t.Errorf("%s and restarted, it answers %d, %v", name, got, err)
		}
	}
	if got, err := postgresDo(t, addr, "SELECT count(*) FROM pg_settings WHERE name = 'work_mem' AND setting = '7168'"); err != nil || got != 1 {
		t.Errorf("the argument did not reach it: %d, %v", got, err)
	}
}

func TestPostgresThatCannotStart(t *testing.T) {
	dir, err := os.MkdirTemp("", "truyvet-") // the folders above t.TempDir let nobody else pass
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	_, err = testenv.StartPostgres(t.Context(), dir, testenv.PostgresOptions{Args: []string{"-c", "no_such_option=1"}})
	if err == nil || !strings.Contains(err.Error(), "no_such_option") {
		t.Errorf("with a wrong option: %v", err)
	}
}
