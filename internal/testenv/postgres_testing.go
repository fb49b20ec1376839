package testenv

import "testing"

// Postgres starts a PostgreSQL server for a test and ends it with the test. It fails the test when it cannot. A start
// takes a second or more: let tests share one, each with a database of its own.
func Postgres(t testing.TB, o PostgresOptions) *Server {
	t.Helper()
	server, err := StartPostgres(t.Context(), tempDir(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	return server
}
