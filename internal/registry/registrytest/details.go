package registrytest

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// Details are what is known of people, sealed, and who opened it.
type Details interface {
	SealedFields(ctx context.Context, person uuid.UUID) ([]string, error)
	KeepsDetail(ctx context.Context, alias uuid.UUID, field string) (bool, error)
	PutSealed(ctx context.Context, values []registry.Sealed, replace bool) error
	WalkSealed(ctx context.Context, after registry.Sealed, limit int) ([]registry.Sealed, error)
	CountPeopleWithout(ctx context.Context, fields ...string) (int64, error)
	CountSealed(ctx context.Context) (map[uint32]int64, error)
	Reseal(ctx context.Context, from, to []registry.Sealed) (int, error)
	DropSealed(ctx context.Context, people []uuid.UUID) (int64, error)
	OpenSealed(ctx context.Context, o registry.Opening, since int64, seal registry.AuditSeal,
		entries func(recent []registry.Opening) []registry.AuditEntry) ([]registry.Sealed, error)
	Openings(ctx context.Context, person uuid.UUID, since int64) ([]registry.Opening, error)
	PutApproval(ctx context.Context, a registry.Approval, seal registry.AuditSeal, entry registry.AuditEntry) error
	Approval(ctx context.Context, run uuid.UUID) (registry.Approval, error)
	PutDependant(ctx context.Context, d registry.Dependant, person registry.Person, link registry.Link) error
	Dependants(ctx context.Context, guardian uuid.UUID) ([]registry.Dependant, error)
	WalkDependants(ctx context.Context, after uuid.UUID, limit int) ([]registry.Dependant, error)
}

func sealed(person uuid.UUID, field string, key uint32, value ...byte) registry.Sealed {
	return registry.Sealed{Person: person, Field: field, Key: key, Value: value}
}

// testKeepsDetail asks by alias: of each of a person's, and of nobody's.
func testKeepsDetail(t *testing.T, s Store) {
	ctx := t.Context()
	a, b := id(0xd0, 1), id(0xd0, 2)
	must(t, s.PutPeople(ctx, []registry.Person{{ID: a}, {ID: b}}, []registry.Link{
		{Alias: id(0xe0, 1), Person: a, Kind: "phone"}, {Alias: id(0xe0, 3), Person: a, Kind: "id_card"}, {Alias: id(0xe0, 2), Person: b, Kind: "phone"},
	}))
	must(t, s.PutSealed(ctx, []registry.Sealed{sealed(a, "phone", 1, 2), sealed(b, "name", 1, 2)}, false))
	for alias, want := range map[uuid.UUID]bool{id(0xe0, 1): true, id(0xe0, 3): true, id(0xe0, 2): false, id(0xe0, 9): false, a: false} {
		wantValue(t, want)(s.KeepsDetail(ctx, alias, "phone"))
	}
	must(t, s.Forget(ctx, []uuid.UUID{a}))
	wantValue(t, false)(s.KeepsDetail(ctx, id(0xe0, 1), "phone"))
}

func testSealed(t *testing.T, s Store) {
	ctx := t.Context()
	a, b := id(0xd0, 1), id(0xd0, 2)
	must(t, s.PutPeople(ctx, []registry.Person{{ID: a}, {ID: b}}, nil))
	wantValue(t, []string{})(s.SealedFields(ctx, a))
	wantValue(t, []registry.Sealed{})(s.WalkSealed(ctx, registry.Sealed{}, 10))
	name, phone, other := sealed(a, "name", 1, 1, 0, 255), sealed(a, "phone", 1, 2), sealed(b, "phone", 2, 3)
	must(t, s.PutSealed(ctx, []registry.Sealed{phone, other, name}, false))
	wantValue(t, []string{"name", "phone"})(s.SealedFields(ctx, a))
	wantValue(t, []registry.Sealed{name, phone, other})(s.WalkSealed(ctx, registry.Sealed{}, 10))
	wantValue(t, []registry.Sealed{phone})(s.WalkSealed(ctx, name, 1))
	wantValue(t, []registry.Sealed{other})(s.WalkSealed(ctx, phone, 10))
	wantValue(t, []registry.Sealed{})(s.WalkSealed(ctx, other, 10))
	wantValue(t, map[uint32]int64{1: 2, 2: 1})(s.CountSealed(ctx))
	for _, c := range []struct {
		fields []string
		want   int64
	}{{[]string{"phone"}, 0}, {[]string{"name"}, 1}, {[]string{"name", "ward"}, 1}, {[]string{"ward"}, 2}, {nil, 2}} {
		wantValue(t, c.want)(s.CountPeopleWithout(ctx, c.fields...))
	}

	second := sealed(a, "phone", 3, 9)
	must(t, s.PutSealed(ctx, []registry.Sealed{second, sealed(a, "ward", 3, 8)}, false)) // what is there stays
	wantValue(t, []registry.Sealed{name, phone, sealed(a, "ward", 3, 8), other})(s.WalkSealed(ctx, registry.Sealed{}, 10))
	must(t, s.PutSealed(ctx, []registry.Sealed{second}, true))
	wantValue(t, []registry.Sealed{second})(s.WalkSealed(ctx, name, 1))
	wantError(t, s.PutSealed(ctx, []registry.Sealed{sealed(b, "name", 1, 1), sealed(id(0xd0, 9), "name", 1, 1)}, false), registry.ErrDangling)
	wantValue(t, []string{"phone"})(s.SealedFields(ctx, b)) // all or none

	// The phone number was replaced since it was read: it is not put back.
	anew := []registry.Sealed{sealed(a, "name", 4, 7), sealed(a, "phone", 4, 7)}
	wantValue(t, 1)(s.Reseal(ctx, []registry.Sealed{name, phone}, anew))
	wantValue(t, []registry.Sealed{anew[0], second})(s.WalkSealed(ctx, registry.Sealed{}, 2))

	wantValue(t, int64(3))(s.DropSealed(ctx, []uuid.UUID{a, id(0xd0, 9)}))
	wantValue(t, []registry.Sealed{other})(s.WalkSealed(ctx, registry.Sealed{}, 10))
	wantValue(t, int64(0))(s.DropSealed(ctx, nil))
}

func plainSeal([]byte, registry.AuditEntry) []byte { return []byte{1} }

func testOpenings(t *testing.T, s Store) {
	ctx := t.Context()
	a, b := id(0xd0, 1), id(0xd0, 2)
	must(t, s.PutPeople(ctx, []registry.Person{{ID: a}, {ID: b}}, nil))
	phone := sealed(a, "phone", 1, 2)
	must(t, s.PutSealed(ctx, []registry.Sealed{phone, sealed(b, "phone", 1, 3)}, false))
	var seen []registry.Opening
	open := func(o registry.Opening, since int64) ([]registry.Sealed, error) {
		return s.OpenSealed(ctx, o, since, plainSeal, func(recent []registry.Opening) []registry.AuditEntry {
			seen = recent
			return []registry.AuditEntry{{At: o.At, Action: "details_opened"}, {At: o.At, Action: "more"}}
		})
	}
	opening := func(person uuid.UUID, at int64) registry.Opening {
		return registry.Opening{Person: person, Run: id(0x91, 1), Account: officer.ID, Area: "01", Purpose: "inform", At: at}
	}
	numbered := func(o registry.Opening, seq int64) registry.Opening { o.Seq = seq; return o }
	wantValue(t, []registry.Opening{})(s.Openings(ctx, a, 0))
	first, second, third := opening(a, 100), opening(a, 200), opening(b, 300)
	wantValue(t, []registry.Sealed{phone})(open(first, 0))
	wantSame(t, []registry.Opening{first}, seen)
	wantValue(t, []registry.Sealed{phone})(open(second, 100))
	wantSame(t, []registry.Opening{numbered(first, 1), second}, seen)
	wantValue(t, []registry.Sealed{sealed(b, "phone", 1, 3)})(open(third, 0))
	wantSame(t, []registry.Opening{third}, seen)
	wantValue(t, []registry.Sealed{})(open(opening(id(0xd0, 9), 300), 0)) // of nobody nothing is known
	wantValue(t, []registry.Sealed{phone})(open(opening(a, 400), 201))
	wantSame(t, []registry.Opening{opening(a, 400)}, seen)
	wantValue(t, []registry.Opening{numbered(second, 3), numbered(opening(a, 400), 9)})(s.Openings(ctx, a, 200))
	entries, err := s.AuditEntries(ctx, 0, 100)
	must(t, err)
	if len(entries) != 10 || entries[9].Action != "details_opened" || entries[8].Action != "more" || entries[0].Seq != 10 {
		t.Errorf("the log has %d entries: %+v", len(entries), entries)
	}
}

// testNoEntryNoOpening has the audit log fail in every way in which it can.
func testNoEntryNoOpening(t *testing.T, s Store) {
	a := id(0xd0, 1)
	must(t, s.PutPeople(t.Context(), []registry.Person{{ID: a}}, nil))
	must(t, s.PutSealed(t.Context(), []registry.Sealed{sealed(a, "phone", 1, 2)}, false))
	opening := registry.Opening{Person: a, Run: id(0x91, 1), Account: officer.ID, At: 100}
	one := func([]registry.Opening) []registry.AuditEntry {
		return []registry.AuditEntry{{Action: "details_opened"}}
	}
	two := func([]registry.Opening) []registry.AuditEntry {
		return []registry.AuditEntry{{Action: "details_opened"}, {Action: "second"}}
	}
	for name, c := range map[string]struct {
		entries func([]registry.Opening) []registry.AuditEntry
		cancel  string // at the sealing of which entry the caller goes away
	}{
		"no entry":                 {func([]registry.Opening) []registry.AuditEntry { return nil }, ""},
		"the entry is not written": {one, "details_opened"},
		"the alert is not written": {two, "second"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		values, err := s.OpenSealed(ctx, opening, 0, func(_ []byte, e registry.AuditEntry) []byte {
			if e.Action == c.cancel {
				cancel()
			}
			return []byte{1}
		}, c.entries)
		cancel()
		if err == nil || values != nil {
			t.Errorf("%s: %d details, %v", name, len(values), err)
		}
		wantValue(t, []registry.Opening{})(s.Openings(t.Context(), a, 0))
		wantValue(t, []registry.AuditEntry{})(s.AuditEntries(t.Context(), 0, 10))
	}
}

// testOpeningsAtOnce: each of many openings at once sees those before it.
func testOpeningsAtOnce(t *testing.T, s Store) {
	a := id(0xd0, 1)
	must(t, s.PutPeople(t.Context(), []registry.Person{{ID: a}}, nil))
	const n = 8
	counts := make([]int, n)
	for _, err := range atOnce(n, func(i int) error {
		_, err := s.OpenSealed(t.Context(), registry.Opening{Person: a, At: 1}, 0, plainSeal, func(recent []registry.Opening) []registry.AuditEntry {
			counts[i] = len(recent)
			return []registry.AuditEntry{{Action: "details_opened"}}
		})
		return err
	}) {
		must(t, err)
	}
	seen := make(map[int]bool)
	for _, c := range counts {
		seen[c] = true
	}
	if len(seen) != n || !seen[1] || !seen[n] {
		t.Errorf("the openings saw %v before them and with them", counts)
	}
}

func testApprovals(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	run := sampleRun(t, s)
	_, err := s.Approval(ctx, run)
	wantError(t, err, registry.ErrNotFound)
	entry := registry.AuditEntry{At: 5, Action: "run_approved"}
	approval := registry.Approval{Run: run, Account: officer.ID, At: 5}
	must(t, s.PutApproval(ctx, approval, plainSeal, entry))
	wantValue(t, approval)(s.Approval(ctx, run))
	wantError(t, s.PutApproval(ctx, approval, plainSeal, entry), registry.ErrExists)
	wantError(t, s.PutApproval(ctx, registry.Approval{Run: id(0x91, 9), Account: officer.ID}, plainSeal, entry), registry.ErrDangling)
	entries, err := s.AuditEntries(ctx, 0, 10)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
	other := sampleRun(t, s)
	ending, cancel := context.WithCancel(ctx)
	err = s.PutApproval(ending, registry.Approval{Run: other, Account: officer.ID}, func([]byte, registry.AuditEntry) []byte {
		cancel()
		return nil
	}, entry)
	if err == nil {
		t.Error("approved without an entry")
	}
	_, err = s.Approval(ctx, other)
	wantError(t, err, registry.ErrNotFound)
}

// sampleRun puts a run of one case and returns its id.
func sampleRun(t *testing.T, s Store) uuid.UUID {
	t.Helper()
	person := registry.Person{ID: uuid.New()}
	must(t, s.PutPeople(t.Context(), []registry.Person{person}, nil))
	c := sampleCase(1, person.ID, 100)
	c.ID, c.LabRef = uuid.New(), uuid.NewString()
	must(t, s.PutCase(t.Context(), c))
	run := registry.Run{ID: uuid.New(), Cases: []uuid.UUID{c.ID}, Area: "01", Author: officer.ID}
	must(t, s.PutRun(t.Context(), run))
	return run.ID
}

func testDependants(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	guardian := id(0xd0, 1)
	must(t, s.PutPeople(ctx, []registry.Person{{ID: guardian}}, nil))
	put := func(person byte, number int) error {
		p := registry.Person{ID: id(0xd0, person), Area: "00001", Created: 7}
		link := registry.Link{Alias: id(0xe0, person), Person: p.ID, Kind: "dependant", Linked: 7}
		return s.PutDependant(ctx, registry.Dependant{Person: p.ID, Guardian: guardian, Number: number}, p, link)
	}
	must(t, put(3, 1))
	must(t, put(2, 2))
	wantError(t, put(4, 2), registry.ErrExists)
	_, err := s.PersonByAlias(ctx, id(0xe0, 4))
	wantError(t, err, registry.ErrNotFound) // all or none
	child, old := registry.Dependant{Person: id(0xd0, 3), Guardian: guardian, Number: 1}, registry.Dependant{Person: id(0xd0, 2), Guardian: guardian, Number: 2}
	wantValue(t, []registry.Dependant{child, old})(s.Dependants(ctx, guardian))
	wantValue(t, []registry.Dependant{})(s.Dependants(ctx, child.Person))
	wantValue(t, []registry.Dependant{old})(s.WalkDependants(ctx, uuid.Nil, 1))
	wantValue(t, []registry.Dependant{child})(s.WalkDependants(ctx, old.Person, 9))
	wantValue(t, registry.Person{ID: child.Person, Area: "00001", Created: 7})(s.PersonByAlias(ctx, id(0xe0, 3)))

	// They are reached by the phone of who answers for them, which opens as that person's.
	phone, name := sealed(guardian, "phone", 1, 1), sealed(child.Person, "name", 1, 2)
	must(t, s.PutSealed(ctx, []registry.Sealed{phone, sealed(guardian, "name", 1, 3), name}, false))
	entry := func([]registry.Opening) []registry.AuditEntry {
		return []registry.AuditEntry{{Action: "details_opened"}}
	}
	wantValue(t, []registry.Sealed{phone, name})(s.OpenSealed(ctx, registry.Opening{Person: child.Person}, 0, plainSeal, entry))
}

func testAddLinks(t *testing.T, s Store) {
	ctx := t.Context()
	a, b := id(0xd0, 1), id(0xd0, 2)
	must(t, s.PutPeople(ctx, []registry.Person{{ID: a}, {ID: b}}, []registry.Link{{Alias: id(0xe0, 1), Person: a, Kind: "phone"}}))
	before, err := s.Revision(ctx)
	must(t, err)
	more := []registry.Link{{Alias: id(0xe0, 1), Person: b, Kind: "phone"}, {Alias: id(0xe0, 2), Person: b, Kind: "id_card", Linked: 4}}
	wantValue(t, 1)(s.AddLinks(ctx, more))
	wantValue(t, map[uuid.UUID]uuid.UUID{id(0xe0, 1): a, id(0xe0, 2): b})(links(t, s))
	delta, err := s.Changes(ctx, before)
	must(t, err)
	wantSame(t, map[uuid.UUID]uuid.UUID{id(0xe0, 2): b}, delta.Links)
	wantValue(t, 0)(s.AddLinks(ctx, more))
	wantValue(t, delta.Revision)(s.Revision(ctx)) // nothing has changed
	_, err = s.AddLinks(ctx, []registry.Link{{Alias: id(0xe0, 3), Person: a}, {Alias: id(0xe0, 4), Person: id(0xd0, 9)}})
	wantError(t, err, registry.ErrDangling)
	wantValue(t, map[uuid.UUID]uuid.UUID{id(0xe0, 1): a, id(0xe0, 2): b})(links(t, s))
}

func testMovePerson(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	a := putSomebody(t, s).ID
	must(t, s.MovePerson(ctx, a, "001"))
	wantValue(t, map[uuid.UUID]string{a: "001"})(s.AreasOf(ctx, []uuid.UUID{a}))
	must(t, s.MovePerson(ctx, a, ""))
	wantValue(t, map[uuid.UUID]string{a: ""})(s.AreasOf(ctx, []uuid.UUID{a}))
	wantError(t, s.MovePerson(ctx, a, "99999"), registry.ErrDangling)
	wantError(t, s.MovePerson(ctx, id(0xd0, 9), "001"), registry.ErrNotFound)
}

func testLabRefs(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	must(t, s.PutPeople(ctx, []registry.Person{{ID: id(0xd0, 1)}, {ID: id(0xd0, 2)}}, nil))
	one, again, others, bare := sampleCase(1, id(0xd0, 1), 100), sampleCase(2, id(0xd0, 1), 200), sampleCase(3, id(0xd0, 2), 300), sampleCase(4, id(0xd0, 2), 300)
	must(t, s.PutCase(ctx, one))
	must(t, s.PutCase(ctx, again)) // of the same person, as when the isolation is known
	others.LabRef = one.LabRef
	if err := s.PutCase(ctx, others); !errors.Is(err, registry.ErrLabRef) {
		t.Errorf("of somebody else: %v", err)
	}
	bare.LabRef = ""
	must(t, s.PutCase(ctx, bare))
	for since, want := range map[int64]int{0: 2, 100: 2, 101: 1, 201: 0} {
		wantValue(t, want)(s.CasesOf(ctx, id(0xd0, 1), since))
	}
	wantValue(t, 0)(s.CasesOf(ctx, id(0xd0, 9), 0))
}
