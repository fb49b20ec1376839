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
	"github.com/truyvet/truyvet/qrgen"
)

var _ scs.CtxStore = (*Sessions)(nil)

func open(t testing.TB, path string) *Store {
	t.Helper()
	ctx := context.Background()
	s, err := Open(ctx, path)
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

func fresh(t testing.TB) *Store { return open(t, filepath.Join(t.TempDir(), "registry.db")) }

func TestConformance(t *testing.T) {
	registrytest.Run(t, func(t *testing.T) *Store { return fresh(t) },
		func(s *Store) registrytest.Sessions { return s.Sessions() })
}

func TestOpenSetsWhatDurabilityStandsOn(t *testing.T) {
	s := fresh(t)
	tests := []struct {
		from         *sql.DB
		pragma, want string
	}{
		{s.writer, "journal_mode", "wal"},
		{s.writer, "synchronous", "2"}, // FULL
		{s.writer, "foreign_keys", "1"},
		{s.writer, "busy_timeout", "5000"},
		{s.reader, "journal_mode", "wal"},
		{s.reader, "query_only", "1"},
	}
	for _, test := range tests {
		var got string
		if err := test.from.QueryRow("PRAGMA " + test.pragma).Scan(&got); err != nil || got != test.want {
			t.Errorf("%s is %q, %v; want %q", test.pragma, got, err, test.want)
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
	path := filepath.Join(t.TempDir(), "registry.db")
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
}

// TestLinksOfBeforeTheirVersions migrates a registry whose links were made before versions were kept.
func TestLinksOfBeforeTheirVersions(t *testing.T) {
	s := fresh(t)
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
}

// TestVersionsOfALinkAreKept reads the table: nothing else of the program looks back yet.
func TestVersionsOfALinkAreKept(t *testing.T) {
	s, ctx := fresh(t), t.Context()
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
}

func TestMigrateTwiceAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
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
}

// TestBusy holds the write lock from another process's view for longer than a call may wait.
func TestBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	s, other := open(t, path), open(t, path)
	if _, err := s.writer.Exec(`PRAGMA busy_timeout = 1`); err != nil {
		t.Fatal(err)
	}
	tx, err := other.writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	o := registry.Organisation{ID: uuid.New(), Name: "x"}
	if err := s.PutOrganisation(t.Context(), o); !errors.Is(err, registry.ErrBusy) {
		t.Errorf("while the file is locked: %v", err)
	}
	if _, err := s.Organisations(t.Context()); err != nil {
		t.Errorf("reading while the file is locked: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := s.PutOrganisation(t.Context(), o); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

// TestTriesThatAreRefusedCostNoWrite has the write lock held elsewhere: who would write fails.
func TestTriesThatAreRefusedCostNoWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	s, other := open(t, path), open(t, path)
	c := registry.Challenge{ID: uuid.New(), Alias: uuid.New(), Expires: 100, Tries: 5}
	if err := s.PutChallenge(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if _, err := s.writer.Exec(`PRAGMA busy_timeout = 1`); err != nil {
		t.Fatal(err)
	}
	tx, err := other.writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	for _, test := range []struct {
		id    uuid.UUID
		limit int
		want  error
	}{{c.ID, 5, registry.ErrSpent}, {uuid.New(), 5, registry.ErrNotFound}, {c.ID, 6, registry.ErrBusy}} {
		if _, err := s.TryChallenge(t.Context(), test.id, 1, test.limit); !errors.Is(err, test.want) {
			t.Errorf("limit %d: %v, want %v", test.limit, err, test.want)
		}
	}
}

func TestSecretsAreStoredHashed(t *testing.T) {
	s := fresh(t)
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
}

func TestUUIDsAreSixteenBytes(t *testing.T) {
	s := fresh(t)
	if _, err := s.EnsurePerson(t.Context(), registry.Link{Alias: uuid.New(), Kind: "phone"}, ""); err != nil {
		t.Fatal(err)
	}
	var kinds string
	err := s.reader.QueryRow(`SELECT typeof(alias) || length(alias) || typeof(person) || length(person) FROM links`).Scan(&kinds)
	if err != nil || kinds != "blob16blob16" {
		t.Errorf("ids are stored as %s, %v", kinds, err)
	}
}

func TestAuditTableIsAppendOnly(t *testing.T) {
	s := fresh(t)
	seal := func([]byte, registry.AuditEntry) []byte { return []byte{1} }
	if _, err := s.AppendAudit(t.Context(), seal, registry.AuditEntry{Action: "login"}); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{`UPDATE audit SET actor = 'x'`, `DELETE FROM audit`} {
		if _, err := s.writer.Exec(statement); err == nil {
			t.Errorf("%s went through", statement)
		}
	}
}

func TestErrorsHoldNoValues(t *testing.T) {
	s := fresh(t)
	alias := uuid.New()
	people := []registry.Person{{ID: uuid.New()}}
	links := []registry.Link{{Alias: alias, Person: people[0].ID, Kind: "phone"}, {Alias: alias, Person: people[0].ID, Kind: "phone"}}
	err := s.PutPeople(t.Context(), people, links)
	if !errors.Is(err, registry.ErrExists) || strings.Contains(err.Error(), alias.String()) {
		t.Errorf("the error is %v", err)
	}
}

func BenchmarkPutPeople100k(b *testing.B) {
	for b.Loop() {
		s := fresh(b)
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
}

func BenchmarkPutPlaces10k(b *testing.B) {
	for b.Loop() {
		s := fresh(b)
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
}
