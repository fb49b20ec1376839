package testenv

import (
	"os"
	"testing"
)

// Redis starts a redis-server for a test and ends it with the test. It fails the test when it cannot.
func Redis(t testing.TB, o RedisOptions) *Server {
	t.Helper()
	server, err := StartRedis(t.Context(), tempDir(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	return server
}

// ClickHouse starts a clickhouse-server for a test and ends it with the test. It fails the test when it cannot. A start
// takes a second or more: let tests share one, each with a database of its own.
func ClickHouse(t testing.TB, o ClickHouseOptions) *Server {
	t.Helper()
	server, err := StartClickHouse(t.Context(), tempDir(t), o)
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
