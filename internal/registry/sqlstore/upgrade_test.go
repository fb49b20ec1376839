package sqlstore

import (
	"database/sql"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore/sqlstoretest"
	"github.com/truyvet/truyvet/tracing"
)

// migrateTo makes the tables of an older program.
func migrateTo(t *testing.T, s *Store, version int) {
	t.Helper()
	steps, err := fs.Glob(migrations, "migrations/"+s.engine.name+"/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	err = s.change(t.Context(), "making older tables", func(tx *sql.Tx) error {
		if _, err := tx.Exec(`CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY)`); err != nil {
			return err
		}
		for i, step := range steps[:version] {
			statements, err := migrations.ReadFile(step)
			if err != nil {
				return err
			}
			if err := s.step(t.Context(), tx, i+1, string(statements)); err != nil {
				return fmt.Errorf("%s: %w", step, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestUpgradeFromSix has a program that keeps who is listed meet a registry whose runs name them in their reports alone: every one
// of them is held, who is in no list is not, and all the rest is as it was.
func TestUpgradeFromSix(t *testing.T) {
	sqlstoretest.Each(t, func(t *testing.T, e *sqlstoretest.Engine) {
		ctx := t.Context()
		s, err := Open(ctx, e.Place(t))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		migrateTo(t, s, 6)
		const people = 60
		person := func(i int) uuid.UUID { return uuid.UUID{0: 0xd0, 14: byte(i >> 8), 15: byte(i)} }
		account, kase, alias := uuid.UUID{0: 0xb0}, uuid.UUID{0: 0x90}, uuid.UUID{0: 0xe0}
		long, empty := uuid.UUID{0: 0x80}, uuid.UUID{0: 0x81}
		var contacts []tracing.Contact
		for i := range people - 10 { // the last ten are in no list, and the one before them is the case
			contacts = append(contacts, tracing.Contact{
				Person: person(i), Generation: 1 + i%2, FirstExposure: 5, LastExposure: 6, Encounters: 1, Overlap: 1,
			})
		}
		report := func(contacts []tracing.Contact) []byte {
			text, err := (&tracing.Report{Contacts: contacts}).MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		tx, err := s.writer.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		insert := func(statement string, args ...any) {
			t.Helper()
			if _, err := tx.Exec(statement, args...); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		insert(`INSERT INTO areas (code, level, parent, name) VALUES ('01', 'province', NULL, 'Hà Nội')`)
		insert(`INSERT INTO accounts (id, login, role, area, password_hash, created, disabled) VALUES (?, 'city', 'city', '01', '$x', 7, ?)`,
			blob(account), false)
		for i := range people {
			insert(`INSERT INTO people (id, area, created) VALUES (?, NULL, 100)`, blob(person(i)))
			insert(`INSERT INTO sealed (person, field, key_id, value) VALUES (?, 'phone', 1, ?)`, blob(person(i)), []byte{byte(i), 0, 255})
		}
		insert(`INSERT INTO links (alias, person, kind, linked) VALUES (?, ?, 'phone', 8)`, blob(alias), blob(person(1)))
		insert(`INSERT INTO cases (id, person, onset, sample, isolated, lab_ref, area, author, created)
			VALUES (?, ?, '2021-12-01', '', 0, 'XN-1', '01', ?, 9)`,
			blob(kase), blob(person(people-10)), blob(account))
		for id, text := range map[uuid.UUID][]byte{long: report(contacts), empty: report(nil)} {
			insert(`INSERT INTO runs (id, profile, rules, as_of, watermark, revision, hash, f1, f2, area, author, created, report)
				VALUES (?, 'who', ?, 10, '{}', 1, 'h', 2, 1, '01', ?, 400, ?)`, blob(id), []byte(`{}`), blob(account), text)
			insert(`INSERT INTO run_inputs (run, inputs) VALUES (?, ?)`, blob(id), []byte("inputs"))
			insert(`INSERT INTO run_cases (run, position, case_id) VALUES (?, 1, ?)`, blob(id), blob(kase))
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}

		for range 2 { // the second time there is nothing to do
			if err := s.Migrate(ctx); err != nil {
				t.Fatal(err)
			}
		}
		var free []uuid.UUID
		for i := people - 9; i < people; i++ {
			free = append(free, person(i))
		}
		if unheld, err := s.Unheld(ctx, 500, 500, uuid.Nil, people); err != nil || !slices.Equal(unheld, free) {
			t.Errorf("%d people are not held, want the %d who are in no list; %v", len(unheld), len(free), err)
		}
		for i, want := range map[int]int64{0: 400, 30: 400, people - 11: 400, people - 10: 400, people - 9: 0} {
			if created, err := s.NewestListOf(ctx, person(i)); err != nil || created != want {
				t.Errorf("the newest list of person %d is of %d, %v; want %d", i, created, err, want)
			}
		}
		if run, err := s.Run(ctx, long); err != nil || string(run.Report) != string(report(contacts)) || !slices.Equal(run.Cases, []uuid.UUID{kase}) {
			t.Errorf("the run is not what it was: %v", err)
		}
		if found, err := s.PersonByAlias(ctx, alias); err != nil || found != (registry.Person{ID: person(1), Created: 100}) {
			t.Errorf("an alias stands for %+v, %v", found, err)
		}
		if counts, err := s.CountSealed(ctx); err != nil || counts[1] != people {
			t.Errorf("sealed are %v, %v", counts, err)
		}
		if n, err := s.CountDatedBefore(ctx, 1<<40); err != nil || n != 0 {
			t.Errorf("%d details of before are taken for declarations, %v", n, err)
		}
		for _, id := range []uuid.UUID{long, empty} {
			if err := s.DropRun(ctx, id); err != nil {
				t.Error(err)
			}
		}
		if unheld, err := s.Unheld(ctx, 500, 500, uuid.Nil, people+1); err != nil || len(unheld) != people {
			t.Errorf("once the lists are dropped %d people are not held, %v", len(unheld), err)
		}
	})
}
