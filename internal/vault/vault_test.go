package vault_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/vault"
)

// shelf is a store in memory as the contract says, and the log that its openings are entered in.
type shelf struct {
	values   map[uuid.UUID]map[string]registry.Sealed
	openings []registry.Opening
	log      []registry.AuditEntry
	full     error // what the log fails with
	puts     int
}

func (s *shelf) SealedFields(_ context.Context, person uuid.UUID) ([]string, error) {
	return slices.Collect(maps.Keys(s.values[person])), nil
}

func (s *shelf) PutSealed(_ context.Context, values []registry.Sealed, replace bool) error {
	s.puts++
	for _, v := range values {
		if s.values[v.Person] == nil {
			s.values[v.Person] = make(map[string]registry.Sealed)
		}
		if _, there := s.values[v.Person][v.Field]; !there || replace {
			s.values[v.Person][v.Field] = v
		}
	}
	return nil
}

func (s *shelf) OpenSealed(_ context.Context, o registry.Opening, since int64, seal registry.AuditSeal,
	entries func([]registry.Opening) []registry.AuditEntry,
) ([]registry.Sealed, error) {
	var recent []registry.Opening
	for _, before := range s.openings {
		if before.Person == o.Person && before.At >= since {
			recent = append(recent, before)
		}
	}
	made := entries(append(recent, o))
	if s.full != nil {
		return nil, s.full
	}
	for _, e := range made {
		e.Seal = seal(nil, e)
		s.log = append(s.log, e)
	}
	s.openings = append(s.openings, o)
	return slices.Collect(maps.Values(s.values[o.Person])), nil
}

func (s *shelf) Entry(actor, action, subject, detail string) registry.AuditEntry {
	return registry.AuditEntry{Actor: actor, Action: action, Subject: subject, Detail: detail}
}

func (s *shelf) Seal([]byte, registry.AuditEntry) []byte { return []byte{1} }

type room struct {
	*vault.Vault
	*shelf
	now time.Time
}

func newRoom(t *testing.T) *room {
	r := &room{shelf: &shelf{values: make(map[uuid.UUID]map[string]registry.Sealed)}, now: time.Unix(1_637_600_000, 0)}
	r.Vault = vault.New(ring(t, key(1)), r.shelf, r.shelf, func() time.Time { return r.now })
	return r
}

var (
	ward1 = registry.Account{ID: uuid.UUID{1}, Login: "ward1", Role: registry.RoleWard, Area: "w1"}
	run1  = uuid.UUID{15: 1}
	call  = vault.Purpose{Code: "inform"}
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (r *room) opened(t *testing.T) map[vault.Field]string {
	t.Helper()
	d, err := r.Open(t.Context(), vault.Order{Person: somebody, Run: run1, Account: ward1, Purpose: call})
	must(t, err)
	return d
}

func TestKeepAndPut(t *testing.T) {
	r := newRoom(t)
	want := func(d vault.Details) {
		t.Helper()
		if got := r.opened(t); !maps.Equal(got, d) {
			t.Errorf("%d details, want %d: %q", len(got), len(d), got)
		}
	}
	want(vault.Details{})
	must(t, r.Keep(t.Context(), map[uuid.UUID]vault.Details{somebody: {vault.Phone: "0912345678", vault.Name: "", "shoe_size": "44"}}))
	want(vault.Details{vault.Phone: "0912345678"})
	must(t, r.Keep(t.Context(), map[uuid.UUID]vault.Details{somebody: {vault.Phone: "0999999999", vault.Name: "Ánh"}}))
	want(vault.Details{vault.Phone: "0912345678", vault.Name: "Ánh"})
	puts := r.puts
	must(t, r.Keep(t.Context(), map[uuid.UUID]vault.Details{somebody: {vault.Phone: "0999999999", vault.Name: "Ánh"}}))
	if r.puts != puts {
		t.Error("what is there was written again")
	}
	must(t, r.Put(t.Context(), somebody, vault.Details{vault.Phone: "0911111111", vault.Name: ""}))
	want(vault.Details{vault.Phone: "0911111111", vault.Name: "Ánh"})
	for field, v := range r.values[somebody] {
		if v.Key != 1 || v.Field != field || strings.Contains(string(v.Value), "09") {
			t.Errorf("%+v", v)
		}
	}
}

func TestOpeningIsEntered(t *testing.T) {
	r := newRoom(t)
	must(t, r.Put(t.Context(), somebody, vault.Details{vault.Phone: "0912345678"}))
	purpose := vault.Purpose{Code: "other", Text: "  Nghị định 13,\n điều 17 "}
	_, err := r.Open(t.Context(), vault.Order{Person: somebody, Run: run1, Account: ward1, Purpose: purpose})
	must(t, err)
	want := registry.AuditEntry{
		Actor: "ward1", Action: "details_opened", Subject: somebody.String(), Seal: []byte{1},
		Detail: "area=w1;purpose=other;run=" + run1.String() + ";text=Nghị định 13, điều 17",
	}
	if len(r.log) != 1 || fmt.Sprint(r.log[0]) != fmt.Sprint(want) {
		t.Errorf("entered is %+v", r.log)
	}
	opening := registry.Opening{Person: somebody, Run: run1, Account: ward1.ID, Area: "w1", Purpose: "other", At: r.now.Unix()}
	if len(r.openings) != 1 || r.openings[0] != opening {
		t.Errorf("recorded is %+v", r.openings)
	}
	r.full = errors.New("the disk is full")
	d, err := r.Open(t.Context(), vault.Order{Person: somebody, Run: run1, Account: ward1, Purpose: call})
	if !errors.Is(err, r.full) || d != nil {
		t.Errorf("without an entry: %d details, %v", len(d), err)
	}
}

// TestMovedValueDoesNotOpen moves a value in the store to somebody else, and to another field.
func TestMovedValueDoesNotOpen(t *testing.T) {
	r := newRoom(t)
	must(t, r.Put(t.Context(), another, vault.Details{vault.Phone: "0912345678"}))
	moved := r.values[another]["phone"]
	moved.Person = somebody
	r.values[somebody] = map[string]registry.Sealed{"phone": moved}
	order := vault.Order{Person: somebody, Run: run1, Account: ward1, Purpose: call}
	if d, err := r.Open(t.Context(), order); !errors.Is(err, vault.ErrDamaged) || d != nil || strings.Contains(err.Error(), "0912") {
		t.Errorf("moved to another person: %d details, %v", len(d), err)
	}
	moved = r.values[another]["phone"]
	moved.Field = "name"
	r.values[another] = map[string]registry.Sealed{"name": moved}
	order.Person = another
	if d, err := r.Open(t.Context(), order); !errors.Is(err, vault.ErrDamaged) || d != nil {
		t.Errorf("moved to another field: %d details, %v", len(d), err)
	}
}

// TestWhoHasNoPhone is reached by that of who answers for them, and nothing else of that person is opened.
func TestWhoHasNoPhone(t *testing.T) {
	r := newRoom(t)
	guardian := vault.Details{vault.Phone: "0912345678", vault.Name: "Mai"}
	must(t, r.Put(t.Context(), another, guardian))
	must(t, r.Put(t.Context(), somebody, vault.Details{vault.Name: "Bé An"}))
	for _, v := range r.values[another] {
		r.values[somebody]["of the guardian: "+v.Field] = v
	}
	if got := r.opened(t); !maps.Equal(got, vault.Details{vault.Phone: "0912345678", vault.Name: "Bé An"}) {
		t.Errorf("%q", got)
	}
}

func TestPurposes(t *testing.T) {
	r := newRoom(t)
	for purpose, good := range map[vault.Purpose]bool{
		{Code: "inform"}: true, {Code: "isolate"}: true, {Code: "test", Text: "at the school"}: true, {Code: "identity"}: true,
		{Code: "other", Text: "Điều 7"}: true, {Code: "other", Text: strings.Repeat("ộ", 200)}: true,
		{}: false, {Code: "curiosity"}: false, {Code: "other"}: false, {Code: "other", Text: " \n"}: false,
		{Code: "other", Text: strings.Repeat("ộ", 201)}: false, {Code: "inform", Text: "call 0912 345 678"}: false,
		{Code: "inform", Text: "\xff"}: false,
	} {
		_, err := r.Open(t.Context(), vault.Order{Person: somebody, Run: run1, Account: ward1, Purpose: purpose})
		if good != (err == nil) || !good && !errors.Is(err, vault.ErrPurpose) {
			t.Errorf("%+v: %v", purpose, err)
		}
	}
	if len(r.log) != 6 {
		t.Errorf("%d entries", len(r.log))
	}
}

func TestRepeatedLookups(t *testing.T) {
	at := func(run, account byte) registry.Opening {
		return registry.Opening{Person: somebody, Run: uuid.UUID{run}, Account: uuid.UUID{account}}
	}
	same := func(n int) (list []registry.Opening) {
		for range n {
			list = append(list, at(1, 1))
		}
		return list
	}
	for name, c := range map[string]struct {
		list []registry.Opening
		want string
	}{
		"none":                {nil, ""},
		"ten":                 {same(10), ""},
		"eleven":              {same(11), "openings=11;runs=1;accounts=1;days=7"},
		"twelve, told before": {same(12), ""},
		"three runs":          {[]registry.Opening{at(1, 1), at(2, 1), at(3, 1), at(3, 1)}, ""},
		"four runs":           {[]registry.Opening{at(1, 1), at(2, 1), at(3, 1), at(4, 1)}, "openings=4;runs=4;accounts=1;days=7"},
		"four readers":        {[]registry.Opening{at(1, 1), at(1, 2), at(1, 3), at(1, 4)}, "openings=4;runs=1;accounts=4;days=7"},
		"the fourth again":    {[]registry.Opening{at(1, 1), at(1, 2), at(1, 3), at(1, 4), at(1, 4)}, ""},
	} {
		why, repeated := vault.Repeated(c.list)
		if why != c.want || repeated != (c.want != "") {
			t.Errorf("%s: %q, %v; want %q", name, why, repeated, c.want)
		}
	}
	r := newRoom(t)
	for range 11 {
		r.opened(t)
	}
	if last := r.log[len(r.log)-1]; len(r.log) != 12 || last.Action != vault.RepeatedLookups || last.Actor != "system" || last.Subject != somebody.String() {
		t.Errorf("%d entries, the last is %+v", len(r.log), last)
	}
	r.now = r.now.Add(vault.LookupPeriod + time.Second)
	for range 11 {
		r.opened(t)
	}
	if len(r.log) != 24 {
		t.Errorf("a week later there are %d entries, want 24", len(r.log))
	}
}
