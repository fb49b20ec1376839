package registrytest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scanlog"
)

func putSomebody(t *testing.T, s Store) registry.Person {
	t.Helper()
	p := registry.Person{ID: id(0xd0, 1), Area: "00001", Created: 1}
	must(t, s.PutPeople(t.Context(), []registry.Person{p}, nil))
	return p
}

func sampleCase(n byte, person uuid.UUID, created int64) registry.Case {
	return registry.Case{
		ID: id(0x90, n), Person: person, Onset: "2021-11-20", Sample: "2021-11-22", Isolated: 1637600000, LabRef: "XN-Đ/" + person.String(),
		Area: "01", Author: officer.ID, Created: created,
	}
}

func testCases(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	person := putSomebody(t, s)
	wantValue(t, []registry.Case{})(s.Cases(ctx))
	older, newer, bare := sampleCase(2, person.ID, 100), sampleCase(1, person.ID, 200), sampleCase(3, person.ID, 150)
	bare.Onset, bare.Isolated, bare.LabRef, bare.Area = "", 0, "", ""
	for _, c := range []registry.Case{older, newer, bare} {
		must(t, s.PutCase(ctx, c))
	}
	wantValue(t, older)(s.Case(ctx, older.ID))
	wantValue(t, []registry.Case{newer, bare, older})(s.Cases(ctx))
	_, err := s.Case(ctx, id(0x90, 9))
	wantError(t, err, registry.ErrNotFound)

	wantError(t, s.PutCase(ctx, older), registry.ErrExists)
	wantError(t, s.PutCase(ctx, sampleCase(9, id(0xd0, 9), 1)), registry.ErrDangling)
}

func testIsolations(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	people := []registry.Person{{ID: id(0xd0, 1)}, {ID: id(0xd0, 2)}, {ID: id(0xd0, 3)}}
	must(t, s.PutPeople(ctx, people, nil))
	a, b, c := people[0].ID, people[1].ID, people[2].ID
	isolations := func() (map[uuid.UUID]int64, error) { return s.Isolations(ctx, 100) }
	wantValue(t, map[uuid.UUID]int64{})(isolations())
	must(t, s.PutIsolations(ctx, []registry.Isolation{{Person: a, At: 500, Recorded: 20}, {Person: b, At: 600, Recorded: 20}}))
	must(t, s.PutIsolations(ctx, []registry.Isolation{
		{Person: a, At: 400, Recorded: 10},                                  // came later, was recorded earlier
		{Person: b, At: 650, Recorded: 20},                                  // the same second: the last holds
		{Person: c, At: 700, Recorded: 5}, {Person: c, At: 0, Recorded: 30}, // taken back
	}))
	want := map[uuid.UUID]int64{a: 500, b: 650}
	wantValue(t, want)(isolations())
	// As it was known before: c was isolated, and of the rest nothing; then a's older record came.
	wantValue(t, map[uuid.UUID]int64{c: 700})(s.Isolations(ctx, 9))
	wantValue(t, map[uuid.UUID]int64{a: 400, c: 700})(s.Isolations(ctx, 10))
	wantValue(t, map[uuid.UUID]int64{a: 500, b: 650, c: 700})(s.Isolations(ctx, 29))
	wantError(t, s.PutIsolations(ctx, []registry.Isolation{
		{Person: a, At: 1, Recorded: 90}, {Person: id(0xd0, 9), At: 1, Recorded: 90},
	}), registry.ErrDangling)
	wantValue(t, want)(isolations())
}

func testRuns(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	person := putSomebody(t, s)
	chosen := []uuid.UUID{id(0x90, 3), id(0x90, 1), id(0x90, 2)} // an order of its own
	for n := byte(1); n <= 3; n++ {
		must(t, s.PutCase(ctx, sampleCase(n, person.ID, int64(n))))
	}
	wantValue(t, []registry.Run{})(s.Runs(ctx))
	older := registry.Run{
		ID: id(0x80, 2), Cases: chosen, Profile: "vn-2021-12", Rules: []byte(`{"depth":2}`), AsOf: 1000,
		Watermark: scanlog.Watermark{0: 7, math.MaxUint32: math.MaxUint64}, Revision: 12, Hash: "ab12",
		Inputs: []byte(`{"cases":[]}`), Report: []byte(`{"people":[]}`), F1: 3, F2: 4, Area: "01", Author: officer.ID, Created: 1001,
	}
	newer := older
	newer.ID, newer.Created, newer.Cases = id(0x80, 1), 1002, chosen[:1]
	must(t, s.PutRun(ctx, older))
	must(t, s.PutRun(ctx, newer))
	wantValue(t, older)(s.Run(ctx, older.ID))
	wantValue(t, newer)(s.Run(ctx, newer.ID))

	listed := []registry.Run{newer, older}
	for i := range listed {
		listed[i].Inputs, listed[i].Report = nil, nil
	}
	wantValue(t, listed)(s.Runs(ctx))

	_, err := s.Run(ctx, id(0x80, 9))
	wantError(t, err, registry.ErrNotFound)
	wantError(t, s.PutRun(ctx, older), registry.ErrExists)
	astray := older
	astray.ID, astray.Cases = id(0x80, 5), []uuid.UUID{chosen[0], id(0x90, 9)}
	wantError(t, s.PutRun(ctx, astray), registry.ErrDangling)
	wantValue(t, listed)(s.Runs(ctx))
}

// chain is a seal that shows what it was made from.
func chain(prev []byte, e registry.AuditEntry) []byte {
	return fmt.Appendf(nil, "%d after %q", e.Seq, prev)
}

func testAudit(t *testing.T, s Store) {
	ctx := t.Context()
	wantValue(t, []registry.AuditEntry{})(s.AuditEntries(ctx, 0, 10))
	var stored []registry.AuditEntry
	for n := range int64(5) {
		e := registry.AuditEntry{At: 100 + n, Actor: "city", Action: "run", Subject: "x", Detail: "đ"}
		got, err := s.AppendAudit(ctx, chain, e)
		must(t, err)
		var before []byte
		if n > 0 {
			before = stored[n-1].Seal
		}
		e.Seq = n + 1
		e.Seal = chain(before, e)
		wantValue(t, e)(got, nil)
		stored = append(stored, got)
	}
	newest := slices.Clone(stored)
	slices.Reverse(newest)
	wantValue(t, newest)(s.AuditEntries(ctx, 0, 10))
	wantValue(t, newest[:2])(s.AuditEntries(ctx, 0, 2))
	wantValue(t, newest[2:4])(s.AuditEntries(ctx, 4, 2))
	wantValue(t, []registry.AuditEntry{})(s.AuditEntries(ctx, 1, 2))
	wantValue(t, stored)(walked(s, t, 0))

	wantValue(t, stored[2:])(walked(s, t, 3))
	wantValue(t, []registry.AuditEntry(nil))(walked(s, t, 6))

	stop, calls := errors.New("enough"), 0
	err := s.WalkAudit(ctx, 0, func(registry.AuditEntry) error { calls++; return stop })
	if err != stop || calls != 1 {
		t.Errorf("a walk that is stopped gives %v after %d entries", err, calls)
	}
}

func walked(s Store, t *testing.T, from int64) (entries []registry.AuditEntry, err error) {
	err = s.WalkAudit(t.Context(), from, func(e registry.AuditEntry) error {
		entries = append(entries, e)
		return nil
	})
	return entries, err
}

func testAuditRace(t *testing.T, s Store) {
	const n = 20
	for _, err := range atOnce(n, func(int) error {
		_, err := s.AppendAudit(t.Context(), chain, registry.AuditEntry{Actor: "a", Action: "b"})
		return err
	}) {
		must(t, err)
	}
	entries, err := walked(s, t, 0)
	must(t, err)
	var before []byte
	for i, e := range entries {
		if e.Seq != int64(i)+1 || string(e.Seal) != string(chain(before, e)) {
			t.Fatalf("entry %d has seq %d and seal %q", i, e.Seq, e.Seal)
		}
		before = e.Seal
	}
	if len(entries) != n {
		t.Errorf("%d entries, want %d", len(entries), n)
	}
}
