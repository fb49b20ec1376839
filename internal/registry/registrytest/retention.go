package registrytest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scanlog"
)

func testFindAudit(t *testing.T, s Store) {
	ctx := t.Context()
	for n, of := range [][3]string{{"an", "run", "a"}, {"an", "login", "b"}, {"bo", "run", "a"}, {"an", "run", "c"}, {"an", "run", "a"}} {
		_, err := s.AppendAudit(ctx, chain, registry.AuditEntry{At: 100 + int64(n), Actor: of[0], Action: of[1], Subject: of[2]})
		must(t, err)
	}
	for _, test := range []struct {
		filter registry.AuditFilter
		before int64
		limit  int
		want   string
	}{
		{registry.AuditFilter{}, 0, 10, "[5 4 3 2 1]"},
		{registry.AuditFilter{Actor: "an"}, 0, 2, "[5 4]"},
		{registry.AuditFilter{Actor: "an"}, 4, 2, "[2 1]"},
		{registry.AuditFilter{Action: "run", Subject: "a"}, 0, 10, "[5 3 1]"},
		{registry.AuditFilter{Actor: "an", Action: "run", Subject: "a", From: 101, To: 105}, 0, 10, "[5]"},
		{registry.AuditFilter{From: 101, To: 103}, 0, 10, "[3 2]"},
		{registry.AuditFilter{Actor: "AN"}, 0, 10, "[]"},
		{registry.AuditFilter{Subject: "'"}, 0, -1, "[]"},
	} {
		entries, err := s.FindAudit(ctx, test.filter, test.before, test.limit)
		must(t, err)
		seqs := []int64{}
		for _, e := range entries {
			seqs = append(seqs, e.Seq)
		}
		if got := fmt.Sprint(seqs); got != test.want {
			t.Errorf("%+v before %d finds %s, want %s", test.filter, test.before, got, test.want)
		}
	}
}

func testTurns(t *testing.T, s Store) {
	ctx := t.Context()
	mine := registry.Turn{Name: "purge", Holder: id(0x70, 1), Until: 200}
	yours := registry.Turn{Name: "purge", Holder: id(0x70, 2), Until: 260}
	wantValue(t, true)(s.TakeTurn(ctx, mine, 100, 50))
	wantValue(t, false)(s.TakeTurn(ctx, yours, 199, 50))
	wantValue(t, true)(s.TakeTurn(ctx, registry.Turn{Name: "other", Holder: id(0x70, 2), Until: 300}, 199, 50))
	wantValue(t, true)(s.TakeTurn(ctx, yours, 200, 50)) // it has ended by itself
	must(t, s.EndTurn(ctx, mine, 201))                  // it is not theirs any more
	wantValue(t, false)(s.TakeTurn(ctx, mine, 201, 50))
	must(t, s.EndTurn(ctx, yours, 0))
	wantValue(t, true)(s.TakeTurn(ctx, mine, 202, 50)) // it was not done
	must(t, s.EndTurn(ctx, mine, 203))
	wantValue(t, false)(s.TakeTurn(ctx, yours, 204, 203)) // it was
	wantValue(t, true)(s.TakeTurn(ctx, yours, 204, 204))
	must(t, s.EndTurn(ctx, yours, 0))
	wantValue(t, false)(s.TakeTurn(ctx, mine, 300, 203)) // that it failed since does not make it undone
}

func testTurnRace(t *testing.T, s Store) {
	const n = 10
	taken := make([]bool, n)
	for _, err := range atOnce(n, func(i int) (err error) {
		taken[i], err = s.TakeTurn(t.Context(), registry.Turn{Name: "purge", Holder: id(0x70, byte(i)), Until: 200}, 100, 50)
		return err
	}) {
		must(t, err)
	}
	count := 0
	for _, is := range taken {
		if is {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d have the turn", count)
	}
}

func testDropRun(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	people := []registry.Person{{ID: id(0xd0, 1)}, {ID: id(0xd0, 2)}, {ID: id(0xd0, 3)}, {ID: id(0xd0, 4)}}
	must(t, s.PutPeople(ctx, people, nil))
	ill, listed, twice, nobody := people[0].ID, people[1].ID, people[2].ID, people[3].ID
	must(t, s.PutCase(ctx, sampleCase(1, ill, 1)))
	run := func(n byte, created int64) registry.Run {
		return registry.Run{
			ID: id(0x80, n), Cases: []uuid.UUID{id(0x90, 1)}, Profile: "who", Rules: []byte(`{}`), Watermark: scanlog.Watermark{},
			Inputs: []byte(`{}`), Report: []byte(`{"contacts":[]}`), Area: "01", Author: officer.ID, Created: created,
		}
	}
	newest := func(want ...int64) {
		t.Helper()
		for i, person := range []uuid.UUID{ill, listed, twice, nobody} {
			wantValue(t, want[i])(s.NewestListOf(ctx, person))
		}
	}
	newest(0, 0, 0, 0)
	older, newer := run(2, 1000), run(1, 2000)
	must(t, s.PutRun(ctx, older, listed, twice))
	must(t, s.PutRun(ctx, newer, twice))
	newest(2000, 1000, 2000, 0)

	bare := func(runs ...registry.Run) []registry.Run {
		list := []registry.Run{}
		for _, r := range runs {
			r.Inputs, r.Report, r.Cases = nil, nil, nil
			list = append(list, r)
		}
		return list
	}
	wantValue(t, bare())(s.RunsBefore(ctx, 1000, 10))
	wantValue(t, bare(older))(s.RunsBefore(ctx, 1001, 10))
	wantValue(t, bare(older, newer))(s.RunsBefore(ctx, 3000, 10))
	wantValue(t, bare(older))(s.RunsBefore(ctx, 3000, 1))

	must(t, s.DropRun(ctx, older.ID))
	must(t, s.DropRun(ctx, older.ID))
	_, err := s.Run(ctx, older.ID)
	wantError(t, err, registry.ErrNotFound)
	wantValue(t, newer)(s.Run(ctx, newer.ID))
	newest(2000, 0, 2000, 0)
	must(t, s.DropRun(ctx, newer.ID))
	newest(0, 0, 0, 0)
	wantValue(t, []registry.Run{})(s.Runs(ctx))
	must(t, s.PutRun(ctx, older, listed)) // nothing of it was left
}

func testCountExpired(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	for n := range byte(3) {
		must(t, s.PutChallenge(ctx, registry.Challenge{ID: id(0x60, n), CodeHash: []byte{1}, Expires: 100 * int64(n+1)}))
	}
	for now, want := range map[int64]int64{99: 0, 100: 1, 250: 2, time.Now().Unix(): 3} {
		wantValue(t, want)(s.CountExpired(ctx, now))
	}
	must(t, s.DropExpired(ctx, 200))
	wantValue(t, int64(1))(s.CountExpired(ctx, 1000))

	kept := application(1, 300) // until 400
	must(t, s.PutApplication(ctx, kept, 1, plainSeal, applied))
	must(t, s.PutPrintOrder(ctx, registry.PrintOrder{ID: id(0x40, 1), Organisation: organisation.ID, Created: 300, Expires: 350}))
	for now, want := range map[int64]int64{299: 0, 300: 1, 350: 2, 400: 3} {
		wantValue(t, want)(s.CountExpired(ctx, now))
	}
	must(t, s.DropExpired(ctx, 350))
	wantValue(t, int64(1))(s.CountExpired(ctx, 1000))
	wantValue(t, kept)(s.Application(ctx, kept.ID, 399))
	must(t, s.DropExpired(ctx, 400))
	wantError(t, s.DropApplication(ctx, kept.ID), registry.ErrNotFound)
}

func testNotices(t *testing.T, s Store) {
	ctx := t.Context()
	alias := id(0x50, 1)
	accepted := func(wantVersion int, wantAt int64) {
		t.Helper()
		version, at, err := s.AcceptedNotice(ctx, alias)
		must(t, err)
		if version != wantVersion || at != wantAt {
			t.Errorf("version %d was accepted at %d, want %d at %d", version, at, wantVersion, wantAt)
		}
	}
	accepted(0, 0)
	must(t, s.AcceptNotice(ctx, alias, 1, 100))
	must(t, s.AcceptNotice(ctx, alias, 1, 200))
	accepted(1, 100) // the first time counts
	must(t, s.AcceptNotice(ctx, alias, 2, 300))
	must(t, s.AcceptNotice(ctx, alias, 1, 400))
	accepted(2, 300)
}

func testUnheld(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	var people []registry.Person
	var values []registry.Sealed
	for n := range byte(6) {
		p := registry.Person{ID: id(0xd0, n), Created: 100}
		people = append(people, p)
		if n > 0 { // of the first nothing is kept
			values = append(values, registry.Sealed{Person: p.ID, Field: "phone", Key: 1, Value: []byte{n}}, registry.Sealed{Person: p.ID, Field: "name", Key: 1, Value: []byte{n}})
		}
	}
	people[5].Created = 500
	must(t, s.PutPeople(ctx, people, nil))
	must(t, s.PutSealed(ctx, values, false))
	must(t, s.PutCase(ctx, sampleCase(1, people[1].ID, 300)))
	must(t, s.PutCase(ctx, sampleCase(2, people[2].ID, 30)))
	run := registry.Run{
		ID: id(0x80, 1), Cases: []uuid.UUID{id(0x90, 2)}, Profile: "who", Rules: []byte(`{}`), Watermark: scanlog.Watermark{},
		Report: []byte(`{}`), Author: officer.ID, Created: 400,
	}
	must(t, s.PutRun(ctx, run, people[3].ID))
	wantValue(t, []uuid.UUID{people[4].ID})(s.Unheld(ctx, 500, 300, uuid.Nil, 10))
	wantValue(t, []uuid.UUID{people[1].ID, people[4].ID, people[5].ID})(s.Unheld(ctx, 501, 301, uuid.Nil, 10))
	must(t, s.DropRun(ctx, run.ID))
	wantValue(t, []uuid.UUID{people[2].ID, people[3].ID})(s.Unheld(ctx, 500, 300, people[1].ID, 2))
	must(t, s.Forget(ctx, []uuid.UUID{people[2].ID, people[4].ID, id(0xd0, 9)}))
	wantValue(t, []uuid.UUID{people[3].ID})(s.Unheld(ctx, 500, 300, uuid.Nil, 10))
	must(t, s.PutSealed(ctx, []registry.Sealed{dated(people[3].ID, "x/1", 499)}, true))
	wantValue(t, []uuid.UUID{people[3].ID})(s.Unheld(ctx, 500, 300, uuid.Nil, 10))
	must(t, s.PutSealed(ctx, []registry.Sealed{dated(people[3].ID, "x/2", 500)}, true))
	wantValue(t, []uuid.UUID{})(s.Unheld(ctx, 500, 300, uuid.Nil, 10))
}
