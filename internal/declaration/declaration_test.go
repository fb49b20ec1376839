package declaration_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/declaration"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore"
	"github.com/truyvet/truyvet/internal/vault"
)

var hanoi = time.FixedZone("ICT", 7*3600)

// house is the service over a registry and a vault, with a citizen, a child under their phone, and places that ask for forms.
type house struct {
	*declaration.Service
	store  *sqlstore.Store
	ring   *vault.Ring
	now    time.Time
	forms  map[uuid.UUID]string // by place
	log    []string
	closed bool         // the log
	told   bytes.Buffer // the operator
}

var (
	parent, child   = uuid.UUID{15: 1}, uuid.UUID{15: 2} // people
	phone, underIt  = uuid.UUID{14: 1, 15: 1}, uuid.UUID{14: 1, 15: 2}
	clinic, bus     = uuid.UUID{1}, uuid.UUID{2}
	errLog          = errors.New("the log is full")
	nothing, travel = declaration.Answers{"case": {"no"}, "sick": {"no"}, "outbreak": {"no"}}, declaration.Answers{
		"from": {"Hà Nội"}, "to": {"Vinh"}, "vehicle": {"29B-12345"}, "seat": {"A3"}, "case": {"no"}, "sick": {"no"}, "outbreak": {"no"},
	}
)

func (h *house) FormOf(place uuid.UUID) string { return h.forms[place] }

func (h *house) Append(_ context.Context, actor, action, subject, detail string) error {
	if h.closed {
		return errLog
	}
	h.log = append(h.log, strings.Join([]string{actor, action, subject, detail}, " "))
	return nil
}

func (h *house) Entry(string, string, string, string) registry.AuditEntry {
	return registry.AuditEntry{}
}
func (h *house) Seal([]byte, registry.AuditEntry) []byte { return []byte{1} }
func (h *house) clock() time.Time                        { return h.now }
func (h *house) keys(t *testing.T, ids ...byte) []vault.Key {
	t.Helper()
	var keys []vault.Key
	for _, id := range ids {
		key := make([]byte, vault.KeySize)
		key[0] = id
		keys = append(keys, vault.Key{ID: uint32(id), Key: key})
	}
	return keys
}

func newHouse(t *testing.T) *house {
	t.Helper()
	ctx := t.Context()
	store, err := sqlstore.Open(ctx, filepath.Join(t.TempDir(), "registry.db"))
	must(t, err)
	t.Cleanup(func() { must(t, store.Close()) })
	must(t, store.Migrate(ctx))
	must(t, store.PutPeople(ctx, []registry.Person{{ID: parent}}, []registry.Link{{Alias: phone, Person: parent, Kind: "phone"}}))
	must(t, store.PutDependant(ctx, registry.Dependant{Person: child, Guardian: parent, Number: 1}, registry.Person{ID: child},
		registry.Link{Alias: underIt, Person: child, Kind: "dependant"}))
	h := &house{store: store, now: time.Date(2021, 12, 3, 23, 30, 0, 0, hanoi), forms: map[uuid.UUID]string{clinic: "general", bus: "transport"}}
	h.ring, err = vault.NewRing(h.keys(t, 1), nil)
	must(t, err)
	h.Service, err = declaration.New(ctx, h.deps(t))
	must(t, err)
	return h
}

func (h *house) deps(t *testing.T) declaration.Deps {
	t.Helper()
	offered, err := declaration.Offered(nil)
	must(t, err)
	return declaration.Deps{
		Offered: offered, Store: h.store, Vault: vault.New(h.ring, h.store, h, h.clock), People: h.store, Places: h, Ledger: h, Clock: h.clock, Location: hanoi,
		Logger: slog.New(slog.NewTextHandler(&h.told, nil)),
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) wantState(t *testing.T, place, alias uuid.UUID, want declaration.State) {
	t.Helper()
	if got, err := h.AtDoor(t.Context(), place, uuid.UUID{9}, alias); err != nil || len(got) != 2 || got[1] != want {
		t.Errorf("at the door it is %q, %v; want %q", got, err, want)
	}
}

func TestAtDoor(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	h.wantState(t, uuid.UUID{9}, phone, declaration.NotAsked)
	h.wantState(t, clinic, phone, declaration.Missing)
	h.wantState(t, clinic, uuid.UUID{15: 77}, declaration.Missing) // who came with a card and was never here
	must(t, h.Declare(ctx, []uuid.UUID{phone}, "general", nothing))
	h.wantState(t, clinic, phone, declaration.Done)
	h.wantState(t, clinic, underIt, declaration.Missing)
	h.wantState(t, bus, phone, declaration.Missing) // another form

	must(t, h.Declare(ctx, []uuid.UUID{phone, underIt}, "transport", travel))
	h.wantState(t, bus, phone, declaration.Done)
	h.wantState(t, bus, underIt, declaration.Done)
	h.wantState(t, clinic, phone, declaration.Done)
	ill := declaration.Answers{"symptoms": {"cough"}, "case": {"no"}, "sick": {"no"}, "outbreak": {"no"}}
	must(t, h.Declare(ctx, []uuid.UUID{underIt}, "general", ill))
	h.wantState(t, bus, underIt, declaration.Attention) // whatever form it was said with
	h.wantState(t, bus, phone, declaration.Done)
	must(t, h.Declare(ctx, []uuid.UUID{underIt}, "general", nothing)) // it was a mistake
	h.wantState(t, bus, underIt, declaration.Done)

	h.now = h.now.Add(30 * time.Minute) // midnight, while the day of UTC goes on
	h.wantState(t, clinic, phone, declaration.Missing)
	h.forms[clinic] = "gone"
	h.wantState(t, clinic, phone, declaration.NotAsked)
	if _, asked := h.AskedAt(clinic); asked {
		t.Error("a place asks for a form that is not offered")
	}
}

func TestDeclareRefuses(t *testing.T) {
	h := newHouse(t)
	for name, test := range map[string]struct {
		aliases []uuid.UUID
		form    string
		answers declaration.Answers
		want    error
	}{
		"no such form": {[]uuid.UUID{phone}, "school", nothing, declaration.ErrForm},
		"nobody":       {nil, "general", nothing, declaration.ErrNobody},
		"no answers":   {[]uuid.UUID{phone}, "general", nil, declaration.ErrAnswers},
		"a stranger":   {[]uuid.UUID{phone, {15: 99}}, "general", nothing, registry.ErrNotFound},
	} {
		if err := h.Declare(t.Context(), test.aliases, test.form, test.answers); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.wantState(t, clinic, phone, declaration.Missing) // all or none
	var last error
	for range 12 {
		last = errors.Join(last, h.Declare(t.Context(), []uuid.UUID{underIt}, "general", nothing))
	}
	if e := errs.Of(last); e.Kind != errs.TooMany || e.RetryAfter < time.Second {
		t.Errorf("a dozen at once: %v", last)
	}
	must(t, h.Declare(t.Context(), []uuid.UUID{phone}, "transport", travel)) // others go on
}

func TestOwn(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	must(t, h.Declare(ctx, []uuid.UUID{phone}, "general", nothing))
	h.now = h.now.Add(time.Hour)
	must(t, h.Declare(ctx, []uuid.UUID{underIt}, "transport", travel))
	own, err := h.Own(ctx, phone)
	if err != nil || len(own) != 2 {
		t.Fatalf("%d declarations, %v", len(own), err)
	}
	if o := own[0]; o.Under != 1 || o.Form != "transport" || o.Day != "2021-12-04" || o.Title.En == "" || len(o.Lines) != 7 || o.Lines[3].Answers[0].Vi != "A3" {
		t.Errorf("the newest is %+v", o)
	}
	if o := own[1]; o.Under != 0 || o.Form != "general" || o.Day != "2021-12-03" || o.At != h.now.Unix()-3600 || len(o.Lines) != 3 {
		t.Errorf("the other is %+v", o)
	}
	if len(h.log) != 1 || h.log[0] != "system own_declarations_read "+phone.String()+" " {
		t.Errorf("the log has %q", h.log)
	}
	if own, err := h.Own(ctx, underIt); err != nil || len(own) != 1 || own[0].Under != 0 {
		t.Errorf("the child's are %+v, %v", own, err)
	}
	h.closed = true
	if own, err := h.Own(ctx, phone); !errors.Is(err, errLog) || own != nil {
		t.Errorf("without an entry: %d, %v", len(own), err)
	}
}

// TestVersions: an answer is read with the words of the version that it was given to, also by a server that began before that.
func TestVersions(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	form := func(version int, word string) declaration.Form {
		return declaration.Form{Name: "school", Version: version, Title: declaration.Text{Vi: word, En: word}, Questions: []declaration.Question{
			{ID: "class", Kind: declaration.ShortText, Text: declaration.Text{Vi: word, En: word}},
		}}
	}
	serve := func(f declaration.Form) (*declaration.Service, error) {
		deps := h.deps(t)
		deps.Offered = append(slices.Clone(deps.Offered), f)
		return declaration.New(ctx, deps)
	}
	first, err := serve(form(1, "one"))
	must(t, err)
	must(t, first.Declare(ctx, []uuid.UUID{phone}, "school", declaration.Answers{"class": {"5A"}}))
	second, err := serve(form(2, "two"))
	must(t, err)
	h.now = h.now.Add(time.Hour)
	must(t, second.Declare(ctx, []uuid.UUID{phone}, "school", declaration.Answers{"class": {"5B"}}))
	for name, s := range map[string]*declaration.Service{"the first": first, "the second": second, "one without it": h.Service} {
		own, err := s.Own(ctx, phone)
		if err != nil || len(own) != 2 || own[0].Lines[0].Question.En != "two" || own[1].Title.En != "one" {
			t.Errorf("%s reads %+v, %v", name, own, err)
		}
	}
	if _, err := serve(form(2, "three")); err == nil || !strings.Contains(err.Error(), "version 2 of the form school") {
		t.Errorf("a version with other words: %v", err)
	}
}

// TestOneThatCannotBeRead keeps from none of the others: one whose sealed value is damaged, and one whose form is kept no longer.
func TestOneThatCannotBeRead(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	must(t, h.Declare(ctx, []uuid.UUID{phone}, "transport", travel))
	h.now = h.now.Add(time.Hour)
	must(t, h.Declare(ctx, []uuid.UUID{phone, underIt}, "general", nothing))
	field := string(vault.DeclarationField("2021-12-04", "general"))
	must(t, h.store.PutSealed(ctx, []registry.Sealed{{Person: parent, Field: field, Key: 1, Value: []byte{1}, Made: h.now.Unix()}}, true))
	gone := vault.DeclarationField("2021-12-03", "old")
	must(t, vault.New(h.ring, h.store, h, h.clock).Declare(ctx, []uuid.UUID{child}, gone, `{"version":1,"at":5,"answers":{"class":["5A"]}}`, 5))

	own, err := h.Own(ctx, phone)
	if err != nil || len(own) != 4 {
		t.Fatalf("%d declarations, %v", len(own), err)
	}
	var got []string
	for _, o := range own {
		got = append(got, fmt.Sprintf("%d %s %q %d %t", o.Under, o.Form, o.Title.En, len(o.Lines), o.Unreadable))
	}
	want := []string{
		`1 general "Health declaration" 3 false`, `0 general "Health declaration" 0 true`, `0 transport "Health declaration for travel" 7 false`, `1 old "old" 0 true`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("they are %q, want %q", got, want)
	}
	if told := h.told.String(); strings.Count(told, "cannot be read") != 2 || !strings.Contains(told, "form=old") || strings.Contains(told, "5A") {
		t.Errorf("the operator reads %s", told)
	}
	h.wantState(t, clinic, phone, declaration.Missing) // and may be declared anew
	h.wantState(t, clinic, underIt, declaration.Done)
	must(t, h.Declare(ctx, []uuid.UUID{phone}, "general", nothing))
	h.wantState(t, clinic, phone, declaration.Done)
}

// TestTheVaultsKeyTurns: declarations are sealed anew with the rest, and read before, while and after.
func TestTheVaultsKeyTurns(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	must(t, h.Declare(ctx, []uuid.UUID{phone, underIt}, "general", nothing))
	must(t, h.ring.Replace(h.keys(t, 1, 2)))
	h.wantState(t, clinic, phone, declaration.Done)
	must(t, h.Declare(ctx, []uuid.UUID{phone}, "transport", travel))
	must(t, h.ring.Rotate(ctx, h.store, func(int, int) {}))
	if counts, err := h.store.CountSealed(ctx); err != nil || counts[1] != 0 || counts[2] != 3 {
		t.Errorf("by key there are %v, %v", counts, err)
	}
	must(t, h.ring.Replace(h.keys(t, 2)))
	h.wantState(t, clinic, underIt, declaration.Done)
	h.wantState(t, bus, phone, declaration.Done)
	if n, err := h.store.CountDatedBefore(ctx, h.now.Unix()+1); err != nil || n != 3 {
		t.Errorf("%d go with their day, %v", n, err)
	}
}
