// Package testserver starts the servers of testenv for a test, and ends them with it. It is apart from them because the
// trial cluster starts the same ones and is no test.
package testserver

import (
	"os"
	"testing"

	"github.com/truyvet/truyvet/internal/testenv"
)

// Redis starts a redis-server for a test and ends it with the test. It fails the test when it cannot.
func Redis(t testing.TB, o testenv.RedisOptions) *testenv.Server {
	t.Helper()
	server, err := testenv.StartRedis(t.Context(), tempDir(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	return server
}

// ClickHouse starts a clickhouse-server for a test and ends it with the test. It fails the test when it cannot. A start
// takes a second or more: let tests share one, each with a database of its own.
func ClickHouse(t testing.TB, o testenv.ClickHouseOptions) *testenv.Server {
	t.Helper()
	server, err := testenv.StartClickHouse(t.Context(), tempDir(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	return server
}

// ClickHouseCluster starts clickhouse-servers that are the shards of testenv.ClickHouseCluster for a test and ends them with
// the test. It fails the test when it cannot.
func ClickHouseCluster(t testing.TB, shards int, o testenv.ClickHouseOptions) []*testenv.Server {
	t.Helper()
	servers, err := testenv.StartClickHouseCluster(t.Context(), tempDir(t), shards, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, server := range servers {
			_ = server.Kill()
		}
	})
	return servers
}

// Postgres starts a PostgreSQL server for a test and ends it with the test. It fails the test when it cannot. A start
// takes a second or more: let tests share one, each with a database of its own.
func Postgres(t testing.TB, o testenv.PostgresOptions) *testenv.Server {
	t.Helper()
	server, err := testenv.StartPostgres(t.Context(), tempDir(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	return server
}

// tempDir is t.TempDir with a short name, and removed only after the server's own cleanup.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "truyvet-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
