package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/registrytest"
	"github.com/truyvet/truyvet/internal/registry/sqlstore/sqlstoretest"
	"github.com/truyvet/truyvet/qrgen"
)

var _ scs.CtxStore = (*Sessions)(nil)

func TestMain(m *testing.M) { os.Exit(sqlstoretest.Main(m)) }

// open opens the registry at a place and makes its tables.
func open(t testing.TB, place string) *Store {
	t.Helper()
	ctx := context.Background()
	s, err := Open(ctx, place)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

// fresh is an empty registry of an engine.
func fresh(t testing.TB, e *sqlstoretest.Engine) *Store {
	t.Helper()
	return open(t, e.Place(t))
}

func TestConformance(t *testing.T) {
	sqlstoretest.Each(t, func(t *testing.T, e *sqlstoretest.Engine) {
		registrytest.Run(t, func(t *testing.T) *Store { return fresh(t, e) },
			func(s *Store) registrytest.Sessions { return s.Sessions() })
	})
}

func TestOpenSetsWhatDurabilityStandsOn(t *testing.T) {
	lite, postgres := fresh(t, sqlstoretest.SQLite), fresh(t, sqlstoretest.Postgres)
	tests := []struct {
		from        *sql.DB
		query, want string
	}{
		{lite.writer, "PRAGMA journal_mode", "wal"},
		{lite.writer, "PRAGMA synchronous", "2"}, // FULL
		{lite.writer, "PRAGMA foreign_keys", "1"},
		{lite.writer, "PRAGMA busy_timeout", "5000"},
		{lite.reader, "PRAGMA journal_mode", "wal"},
		{lite.reader, "PRAGMA query_only", "1"},
		{postgres.writer, "SHOW lock_timeout", "5s"},
		{postgres.writer, "SHOW idle_in_transaction_session_timeout", "30s"},
		{postgres.writer, "SHOW transaction_isolation", "read committed"}, // each statement sees what was committed before it
		{postgres.reader, "SHOW transaction_read_only", "on"},
	}
	for _, test := range tests {
		var got string
		if err := test.from.QueryRow(test.query).Scan(&got); err != nil || got != test.want {
			t.Errorf("%s is %q, %v; want %q", test.query, got, err, test.want)
		}
	}
}

func TestOpenTakesAnyPathAndKeepsItPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sổ bộ #1?mode=memory%41.db")
	s := open(t, path)
	if err := s.PutOrganisation(t.Context(), registry.Organisation{ID: uuid.New(), Name: "x"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", filepath.Base(name), info.Mode())
		}
	}
	for _, bad := range []string{"", ":memory:", filepath.Join(t.TempDir(), "missing", "registry.db")} {
		if s, err := Open(t.Context(), bad); err == nil {
			_ = s.Close()
			t.Errorf("%q was opened", bad)
		}
	}
}

func TestMigrateIsRepeatableAndRefusesANewerRegistry(t *testing.T) {
	sqlstoretest.Each(t, func(t *testing.T, e *sqlstoretest.Engine) {
		path := e.Place(t)
		s := open(t, path)
		kept := registry.Organisation{ID: uuid.New(), Name: "kept", Created: 3}
		if err := s.PutOrganisation(t.Context(), kept); err != nil {
			t.Fatal(err)
		}
		// Each statement is idempotent by itself too: a registry whose version was lost can be migrated again.
		if _, err := s.writer.Exec(`DELETE FROM schema_version`); err != nil {
			t.Fatal(err)
		}
		again := open(t, path)
		if got, err := again.Organisations(t.Context()); err != nil || !slices.Equal(got, []registry.Organisation{kept}) {
			t.Errorf("after migrating again: %+v, %v", got, err)
		}
		if _, err := s.writer.Exec(`INSERT INTO schema_version (version) VALUES (9999)`); err != nil {
			t.Fatal(err)
		}
		if err := again.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "9999") {
			t.Errorf("a newer registry gives %v", err)
		}
	})
}

// TestLinksOfBeforeTheirVersions migrates a registry whose links were made before versions were kept.
func TestLinksOfBeforeTheirVersions(t *testing.T) {
	sqlstoretest.Each(t, func(t *testing.T, e *sqlstoretest.Engine) {
		s := fresh(t, e)
		link := registry.Link{Alias: uuid.New(), Person: uuid.New(), Kind: "phone", Linked: 7}
		if err := s.PutPeople(t.Context(), []registry.Person{{ID: link.Person}}, []registry.Link{link}); err != nil {
			t.Fatal(err)
		}
		before, err := s.Revision(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.writer.Exec(`DROP TABLE link_versions; DROP TABLE places_changed; DELETE FROM schema_version WHERE version >= 3`)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time nothing happens
			if err := s.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			d, err := s.Changes(t.Context(), before-1)
			if err != nil || len(d.Links) != 1 || d.Links[link.Alias] != link.Person || d.Places == nil {
				t.Errorf("what has changed is %+v, %v", d, err)
			}
			if d, err = s.Changes(t.Context(), before); err != nil || len(d.Links) > 0 || d.Places != nil {
				t.Errorf("what has changed since is %+v, %v", d, err)
			}
		}
	})
}

// TestVersionsOfALinkAreKept reads the table: nothing else of the program looks back yet.
func TestVersionsOfALinkAreKept(t *testing.T) {
	sqlstoretest.Each(t, func(t *testing.T, e *sqlstoretest.Engine) {
		s, ctx := fresh(t, e), t.Context()
		a, b := registry.Person{ID: uuid.New()}, registry.Person{ID: uuid.New()}
		first := registry.Link{Alias: uuid.New(), Person: a.ID, Kind: "phone", Linked: 7}
		second := registry.Link{Alias: first.Alias, Person: b.ID, Kind: "id_card", Linked: 8}
		for _, err := range []error{
			s.PutPeople(ctx, []registry.Person{a, b}, []registry.Link{first}), s.Relink(ctx, second), s.Unlink(ctx, first.Alias, 9),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		versions, err := list(ctx, s.reader, ask(`SELECT alias, person, kind, changed FROM link_versions ORDER BY revision`),
			func(r row) (l registry.Link, err error) {
				err = r.Scan(&l.Alias, &l.Person, &l.Kind, &l.Linked)
				return l, err
			})
		want := []registry.Link{first, second, {Alias: first.Alias, Kind: "id_card", Linked: 9}}
		if err != nil || !slices.Equal(versions, want) {
			t.Errorf("the versions are %+v, %v", versions, err)
		}
	})
}

func TestMigrateTwiceAtOnce(t *testing.T) {
	sqlstoretest.Each(t, func(t *testing.T, e *sqlstoretest.Engine) {
		path := e.Place(t)
		outcomes := make(chan error, 2)
		for range cap(outcomes) {
			s, err := Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			go func() { outcomes <- s.Migrate(t.Context()) }()
		}
		for range cap(outcomes) {
			if err := <-outcomes; err != nil {
				t.Error(err)
			}
		}
	})
}

// hold locks the rows of a registry from another process's view until the test ends or release is called, and has whoever
// writes through s give up at once.
func hold(t *testing.T, e *sqlstoretest.Engine, s, other *Store) (release func()) {
	t.Helper()
	impatient, lock := `PRAGMA busy_timeout = 1`, `SELECT 1`
	if e == sqlstoretest.Postgres {
		impatient, lock = `SET lock_timeout = 1`, `LOCK TABLE organisations, challenges IN EXCLUSIVE MODE`
		s.writer.SetMaxOpenConns(1) // the one that is impatient
	}
	if _, err := s.writer.Exec(impatient); err != nil {
		t.Fatal(err)
	}
	tx, err := other.writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(lock); err != nil {
		t.Fatal(err)
	}
	release = func() { _ = tx.Rollback() }
	t.Cleanup(release)
	return release
}

// TestBusy has others hold the lock for longer than a call may wait.
func TestBusy(t *testing.T) {
	sqlstoretest.Each(t, func(t *testing.T, e *sqlstoretest.Engine) {
		place := e.Place(t)
		s, other := open(t, place), open(t, place)
		release := hold(t, e, s, other)
		o := registry.Organisation{ID: uuid.New(), Name: "x"}
		if err := s.PutOrganisation(t.Context(), o); !errors.Is(err, registry.ErrBusy) {
			t.Errorf("while it is locked: %v", err)
		}
		if _, err := s.Organisations(t.Context()); err != nil {
			t.Errorf("reading while it is locked: %v", err)
		}
		release()
		if err := s.PutOrganisation(t.Context(), o); err != nil {
			t.Errorf("after the lock: %v", err)
		}
	})
}

// TestTriesThatAreRefusedCostNoWrite has the rows locked elsewhere: who would write fails.
func TestTriesThatAreRefusedCostNoWrite(t *testing.T) {
	sqlstoretest.Each(t, func(t *testing.T, e *sqlstoretest.Engine) {
		place := e.Place(t)
		s, other := open(t, place), open(t, place)
		c := registry.Challenge{ID: uuid.New(), Alias: uuid.New(), Expires: 100, Tries: 5}
		if err := s.PutChallenge(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		hold(t, e, s, other)
		for _, test := range []struct {
			id    uuid.UUID
			limit int
			want  error
		}{{c.ID, 5, registry.ErrSpent}, {uuid.New(), 5, registry.ErrNotFound}, {c.ID, 6, registry.ErrBusy}} {
			if _, err := s.TryChallenge(t.Context(), test.id, 1, test.limit); !errors.Is(err, test.want) {
				t.Errorf("limit %d: %v, want %v", test.limit, err, test.want)
			}
		}
	})
}

func TestSecretsAreStoredHashed(t *testing.T) {
	sqlstoretest.Each(t, func(t *testing.T, e *sqlstoretest.Engine) {
		s := fresh(t, e)
		const token = "a-session-token-of-some-length"
		if err := s.Sessions().Commit(token, []byte("data"), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		var stored []byte
		if err := s.reader.QueryRow(`SELECT token FROM sessions`).Scan(&stored); err != nil {
			t.Fatal(err)
		}
		if len(stored) != 32 || strings.Contains(string(stored), token) {
			t.Errorf("the token is stored as %q", stored)
		}
	})
}

func TestUUIDsAreSixteenBytes(t *testing.T) {
	sqlstoretest.Each(t, func(t *testing.T, e *sqlstoretest.Engine) {
		s := fresh(t, e)
		if _, err := s.EnsurePerson(t.Context(), registry.Link{Alias: uuid.New(), Kind: "phone"}, ""); err != nil {
			t.Fatal(err)
		}
		query := `SELECT typeof(alias) || length(alias) || typeof(person) || length(person) FROM links`
		if e == sqlstoretest.Postgres {
			query = strings.NewReplacer(`typeof(alias)`, `'blob'`, `typeof(person)`, `'blob'`).Replace(query)
		}
		var kinds string
		if err := s.reader.QueryRow(query).Scan(&kinds); err != nil || kinds != "blob16blob16" {
			t.Errorf("ids are stored as %s, %v", kinds, err)
		}
	})
}

func TestAuditTableIsAppendOnly(t *testing.T) {
	sqlstoretest.Each(t, func(t *testing.T, e *sqlstoretest.Engine) {
		s := fresh(t, e)
		seal := func([]byte, registry.AuditEntry) []byte { return []byte{1} }
		if _, err := s.AppendAudit(t.Context(), seal, registry.AuditEntry{Action: "login"}); err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{`UPDATE audit SET actor = 'x'`, `DELETE FROM audit`, `TRUNCATE audit`} { // SQLite knows no TRUNCATE
			if _, err := s.writer.Exec(statement); err == nil {
				t.Errorf("%s went through", statement)
			}
		}
	})
}

func TestErrorsHoldNoValues(t *testing.T) {
	sqlstoretest.Each(t, func(t *testing.T, e *sqlstoretest.Engine) {
		s := fresh(t, e)
		alias := uuid.New()
		people := []registry.Person{{ID: uuid.New()}}
		links := []registry.Link{{Alias: alias, Person: people[0].ID, Kind: "phone"}, {Alias: alias, Person: people[0].ID, Kind: "phone"}}
		err := s.PutPeople(t.Context(), people, links)
		if !errors.Is(err, registry.ErrExists) || strings.Contains(err.Error(), alias.String()) {
			t.Errorf("the error is %v", err)
		}
	})
}

func BenchmarkPutPeople100k(b *testing.B) {
	for _, e := range []*sqlstoretest.Engine{sqlstoretest.SQLite, sqlstoretest.Postgres} {
		b.Run(e.Name, func(b *testing.B) {
			for b.Loop() {
				s := fresh(b, e)
				people := make([]registry.Person, 100_000)
				links := make([]registry.Link, len(people))
				for i := range people {
					people[i] = registry.Person{ID: uuid.New(), Created: 1}
					links[i] = registry.Link{Alias: uuid.New(), Person: people[i].ID, Kind: "phone", Linked: 1}
				}
				if err := s.PutPeople(b.Context(), people, links); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPutPlaces10k(b *testing.B) {
	for _, e := range []*sqlstoretest.Engine{sqlstoretest.SQLite, sqlstoretest.Postgres} {
		b.Run(e.Name, func(b *testing.B) {
			for b.Loop() {
				s := fresh(b, e)
				o := registry.Organisation{ID: uuid.New(), Name: "x"}
				if err := s.PutOrganisation(b.Context(), o); err != nil {
					b.Fatal(err)
				}
				places := make([]registry.Place, 10_000)
				for i := range places {
					places[i] = registry.Place{ID: uuid.New(), Organisation: o.ID, Kind: qrgen.KindShop, Name: "Cửa hàng", Code: strings.Repeat("A", 154)}
				}
				if err := s.PutPlaces(b.Context(), places); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
