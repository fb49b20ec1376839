package account

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/crypto/argon2"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ratelimit"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore"
	"github.com/truyvet/truyvet/qrgen"
)

const password = "correct horse battery"

type bench struct {
	*Service
	store        *sqlstore.Store
	mu           sync.Mutex
	now          time.Time
	organisation uuid.UUID
	place        uuid.UUID
	entries      []string // of the audit log
}

// Append keeps what is entered in the audit log, as "actor action detail".
func (b *bench) Append(_ context.Context, actor, action, _, detail string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries = append(b.entries, strings.TrimSpace(actor+" "+action+" "+detail))
	return nil
}

// Entry is an entry as the audit log would make it.
func (b *bench) Entry(actor, action, subject, detail string) registry.AuditEntry {
	return registry.AuditEntry{Actor: actor, Action: action, Subject: subject, Detail: detail}
}

// Seal keeps an entry like Append, once a store adds it.
func (b *bench) Seal(_ []byte, e registry.AuditEntry) []byte {
	_ = b.Append(context.Background(), e.Actor, e.Action, e.Subject, e.Detail)
	return nil
}

// told returns what was entered in the audit log since it was last asked.
func (b *bench) told() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	told := b.entries
	b.entries = nil
	return told
}

// try logs in from an address that is not this machine's.
func (b *bench) try(ctx context.Context, login, password string) (registry.Account, error) {
	return b.LogIn(ctx, Attempt{Login: login, Password: password, Address: "203.0.113.7"})
}

func (b *bench) time() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func newBench(t *testing.T) *bench {
	t.Helper()
	ctx := t.Context()
	store, err := sqlstore.Open(ctx, filepath.Join(t.TempDir(), "registry.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	b := &bench{store: store, now: time.Unix(1_637_600_000, 0), organisation: uuid.New(), place: uuid.New()}
	b.Service = b.another(t)
	for _, err := range []error{
		store.Migrate(ctx),
		store.PutAreas(ctx, []registry.Area{
			{Code: "01", Level: registry.Province, Name: "Hà Nội"},
			{Code: "001", Level: registry.District, Parent: "01", Name: "Ba Đình"},
			{Code: "00001", Level: registry.Ward, Parent: "001", Name: "Phúc Xá"},
		}),
		store.PutOrganisation(ctx, registry.Organisation{ID: b.organisation, Name: "Chợ"}),
		store.PutPlaces(ctx, []registry.Place{{ID: b.place, Organisation: b.organisation, Kind: qrgen.KindMarket, Name: "Chợ"}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// another is the service as another process has it, over the same registry.
func (b *bench) another(t *testing.T) *Service {
	t.Helper()
	s, err := newService(Deps{
		Store: b.store, Audit: b, Clock: b.time, Key: make([]byte, KeySize), NeedFactor: []registry.Role{registry.RoleCity},
		Tries: ratelimit.SharedDeps{Buckets: b.store, Key: make([]byte, KeySize), Clock: b.time},
	}, cheap)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (b *bench) make(t *testing.T, a registry.Account) registry.Account {
	t.Helper()
	made, err := b.Create(t.Context(), a, password)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestCreateAndLogIn(t *testing.T) {
	b := newBench(t)
	for _, a := range []registry.Account{
		{Login: " Owner@Cho ", Role: registry.RoleOwner, Organisation: b.organisation},
		{Login: "gate-1", Role: registry.RoleGate, Place: b.place},
		{Login: "ward", Role: registry.RoleWard, Area: "00001"},
		{Login: "district", Role: registry.RoleDistrict, Area: "001"},
		{Login: "city", Role: registry.RoleCity, Area: "01"},
		{Login: "admin", Role: registry.RoleAdmin},
		{Login: "auditor", Role: registry.RoleAuditor, Disabled: true, PasswordHash: "mine", Created: 7, ID: b.place},
	} {
		made := b.make(t, a)
		want := a
		want.Login = strings.ToLower(strings.TrimSpace(a.Login))
		want.ID, want.Created, want.PasswordHash, want.Disabled = made.ID, b.time().Unix(), "", false
		if diff := cmp.Diff(want, made); diff != "" || made.ID == uuid.Nil || made.ID == a.ID {
			t.Errorf("the account made is %+v:\n%s", made, diff)
		}
		stored, err := b.store.AccountByLogin(t.Context(), want.Login)
		if err != nil || !strings.HasPrefix(stored.PasswordHash, "$argon2id$") {
			t.Errorf("the hash is %q, %v", stored.PasswordHash, err)
		}
		in, err := b.try(t.Context(), strings.ToUpper(want.Login)+" ", password)
		if err != nil || in != made {
			t.Errorf("logging in gives %+v, %v", in, err)
		}
		if got, err := b.Account(t.Context(), made.ID); err != nil || got != made {
			t.Errorf("the account is %+v, %v", got, err)
		}
	}
}

func TestCreateOwner(t *testing.T) {
	b := newBench(t)
	b.make(t, registry.Account{Login: "taken", Role: registry.RoleAdmin})
	for _, c := range []struct {
		login, organisation, password string
		want                          error
	}{
		{"owner", " ", password, ErrOrganisation},
		{"owner", strings.Repeat("ợ", 201), password, ErrOrganisation},
		{"owner", "\xff", password, ErrOrganisation},
		{"o", "Bến xe", password, ErrLogin},
		{"owner", "Bến xe", "short", ErrPassword},
		{"Taken", "Bến xe", password, ErrLoginTaken},
	} {
		if a, err := b.CreateOwner(t.Context(), c.login, c.organisation, c.password); !errors.Is(err, c.want) || a != (registry.Account{}) {
			t.Errorf("%+v gives %v", c, err)
		}
	}
	made, err := b.CreateOwner(t.Context(), " Owner ", " Bến xe ", password)
	if err != nil || made.Login != "owner" || made.Role != registry.RoleOwner || made.PasswordHash != "" {
		t.Errorf("%+v, %v", made, err)
	}
	if in, err := b.try(t.Context(), "owner", password); err != nil || in != made {
		t.Errorf("logging in gives %+v, %v", in, err)
	}
	want := []registry.Organisation{
		{ID: made.Organisation, Name: "Bến xe", Created: b.time().Unix()}, {ID: b.organisation, Name: "Chợ"},
	}
	got, err := b.store.Organisations(t.Context())
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("the organisations are not what was made, %v:\n%s", err, diff)
	}
}

func TestCreateRefuses(t *testing.T) {
	b := newBench(t)
	b.make(t, registry.Account{Login: "admin", Role: registry.RoleAdmin})
	admin := func(login string) registry.Account { return registry.Account{Login: login, Role: registry.RoleAdmin} }
	tests := []struct {
		name     string
		account  registry.Account
		password string
		want     error
	}{
		{"no login", admin(""), password, ErrLogin},
		{"a login of one letter", admin("a"), password, ErrLogin},
		{"a login with a space", admin("a b"), password, ErrLogin},
		{"a login in Vietnamese", admin("quản-trị"), password, ErrLogin},
		{"a login that begins with a dot", admin(".admin"), password, ErrLogin},
		{"a long login", admin(strings.Repeat("a", 65)), password, ErrLogin},
		{"a short password", admin("admin2"), "elevenchars", ErrPassword},
		{"a login that is taken", admin("ADMIN"), password, ErrLoginTaken},
		{"no role", registry.Account{Login: "x1"}, password, ErrRole},
		{"an unknown role", registry.Account{Login: "x1", Role: "root"}, password, ErrRole},
		{"an owner of nothing", registry.Account{Login: "x1", Role: registry.RoleOwner}, password, ErrRole},
		{"an owner of a place", registry.Account{Login: "x1", Role: registry.RoleOwner, Place: b.place}, password, ErrRole},
		{"an owner with an area too", registry.Account{Login: "x1", Role: registry.RoleOwner, Organisation: b.organisation, Area: "01"}, password, ErrRole},
		{"a gate nowhere", registry.Account{Login: "x1", Role: registry.RoleGate}, password, ErrRole},
		{"a gate with an organisation too", registry.Account{Login: "x1", Role: registry.RoleGate, Place: b.place, Organisation: b.organisation}, password, ErrRole},
		{"a ward without an area", registry.Account{Login: "x1", Role: registry.RoleWard}, password, ErrRole},
		{"a ward with a district", registry.Account{Login: "x1", Role: registry.RoleWard, Area: "001"}, password, ErrRole},
		{"a district with a ward", registry.Account{Login: "x1", Role: registry.RoleDistrict, Area: "00001"}, password, ErrRole},
		{"a city with a district", registry.Account{Login: "x1", Role: registry.RoleCity, Area: "001"}, password, ErrRole},
		{"an unknown area", registry.Account{Login: "x1", Role: registry.RoleWard, Area: "99999"}, password, ErrRole},
		{"an administrator of an area", registry.Account{Login: "x1", Role: registry.RoleAdmin, Area: "01"}, password, ErrRole},
		{"an auditor of a place", registry.Account{Login: "x1", Role: registry.RoleAuditor, Place: b.place}, password, ErrRole},
		{"an unknown organisation", registry.Account{Login: "x1", Role: registry.RoleOwner, Organisation: uuid.New()}, password, registry.ErrDangling},
		{"an unknown place", registry.Account{Login: "x1", Role: registry.RoleGate, Place: uuid.New()}, password, registry.ErrDangling},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			made, err := b.Create(t.Context(), test.account, test.password)
			if !errors.Is(err, test.want) || made != (registry.Account{}) {
				t.Errorf("it gives %+v, %v; want %v", made, err, test.want)
			}
			if strings.Contains(fmt.Sprint(err), test.password) {
				t.Error("the password is in the error")
			}
		})
	}
	if all, err := b.store.Accounts(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("there are %d accounts, %v", len(all), err)
	}
}

func TestEveryFailureToLogInLooksTheSame(t *testing.T) {
	b := newBench(t)
	b.make(t, registry.Account{Login: "admin", Role: registry.RoleAdmin})
	hash, err := b.hasher.hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	gone := registry.Account{ID: uuid.New(), Login: "gone", Role: registry.RoleAdmin, PasswordHash: hash, Disabled: true}
	if err := b.store.PutAccount(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	for _, attempt := range []struct{ login, password string }{
		{"admin", "correct horse batterz"},
		{"admin", ""},
		{"admin", strings.Repeat("x", 5000)},
		{"nobody", password},
		{"gone", password},
		{"", password},
		{"", ""},
		{"admin' --", password},
		{strings.Repeat("a", 10_000), password},
	} {
		a, err := b.try(t.Context(), attempt.login, attempt.password)
		if err != ErrWrongLogin || a != (registry.Account{}) {
			t.Errorf("logging in as %.20q gives %+v, %v", attempt.login, a, err)
		}
	}
	if _, err := b.Account(t.Context(), gone.ID); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("a disabled account gives %v", err)
	}
	if _, err := b.Account(t.Context(), uuid.New()); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("no account gives %v", err)
	}
}

// TestUnknownLoginsCostAHash: with every slot taken, an attempt for nobody waits like one for somebody.
func TestUnknownLoginsCostAHash(t *testing.T) {
	b := newBench(t)
	b.make(t, registry.Account{Login: "admin", Role: registry.RoleAdmin})
	decoy, err := parsePHC(b.decoy)
	if err != nil || decoy.cost != cheap {
		t.Errorf("the decoy costs %+v, %v", decoy.cost, err)
	}
	for range hashesAtOnce {
		b.hasher.slots <- struct{}{}
	}
	for _, login := range []string{"admin", "nobody", "not a login"} {
		ctx, cancel := context.WithCancel(t.Context())
		b.Service.store = leaving{Store: b.store, leave: cancel}
		_, err := b.try(ctx, login, password)
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "waiting to hash") {
			t.Errorf("logging in as %q gives %v", login, err)
		}
	}
}

// TestUnknownLoginsAskAsMuch counts what a wrong log-in asks of the registry and of the processor: it is the same whoever it is
// for, so that neither an answer nor the time until it tells which logins there are.
func TestUnknownLoginsAskAsMuch(t *testing.T) {
	b := newBench(t)
	b.make(t, registry.Account{Login: "admin", Role: registry.RoleAdmin})
	gone := b.make(t, registry.Account{Login: "gone", Role: registry.RoleAdmin})
	if err := b.store.SetDisabled(t.Context(), gone.ID, true); err != nil {
		t.Fatal(err)
	}
	device := registry.Account{ID: uuid.New(), Login: "gate-1", Role: registry.RoleGate, Place: b.place}
	if err := b.store.PutAccount(t.Context(), device); err != nil {
		t.Fatal(err)
	}
	for _, login := range []string{"admin", "nobody", "gone", "gate-1", "not a login"} {
		asked := &counting{Store: b.store}
		b.Service.store = asked
		var work []cost
		b.hasher.derive = func(password, salt []byte, time, memory uint32, threads uint8, size uint32) []byte {
			work = append(work, cost{memory, time, threads})
			return argon2.IDKey(password, salt, time, memory, threads, size)
		}
		if _, err := b.try(t.Context(), login, "wrong"); err != ErrWrongLogin {
			t.Errorf("logging in as %q: %v", login, err)
		}
		if asked.byLogin != 1 || !slices.Equal(work, []cost{cheap}) {
			t.Errorf("logging in as %q asks the registry %d times and hashes at %v", login, asked.byLogin, work)
		}
	}
}

// counting is a store that counts what it is asked.
type counting struct {
	Store
	byLogin int
}

func (c *counting) AccountByLogin(ctx context.Context, login string) (registry.Account, error) {
	c.byLogin++
	return c.Store.AccountByLogin(ctx, login)
}

// leaving is a store after whose answer the caller has gone.
type leaving struct {
	Store
	leave func()
}

func (l leaving) AccountByLogin(ctx context.Context, login string) (registry.Account, error) {
	a, err := l.Store.AccountByLogin(ctx, login)
	l.leave()
	return a, err
}

func wantLimited(t *testing.T, err error) {
	t.Helper()
	if face := errs.Of(err); !errors.Is(err, ErrTooManyLogins) || face.Kind != errs.TooMany || face.RetryAfter < time.Second {
		t.Errorf("the limit answers %v", err)
	}
}

func TestLimitPerLogin(t *testing.T) {
	b := newBench(t)
	b.make(t, registry.Account{Login: "admin", Role: registry.RoleAdmin})
	try := func(login, password string) error {
		_, err := b.try(t.Context(), login, password)
		return err
	}
	for range 10 {
		if err := try("admin", "wrong"); err != ErrWrongLogin {
			t.Fatal(err)
		}
	}
	err := try(" ADMIN", password)
	wantLimited(t, err)
	if after := errs.Of(err).RetryAfter; after > 10*time.Second {
		t.Errorf("the owner has to wait %v", after)
	}
	for i := range 40 { // others come and go, and the flood is not forgotten
		if err := try(fmt.Sprint("other", i), "wrong"); err != ErrWrongLogin {
			t.Fatalf("another login: %v", err)
		}
	}
	wantLimited(t, try("admin", password))
	b.advance(10 * time.Second)
	if err := try("admin", password); err != nil {
		t.Errorf("ten seconds later: %v", err)
	}
	for range 9 { // who got in has all attempts back
		if err := try("admin", "wrong"); err != ErrWrongLogin {
			t.Fatal(err)
		}
	}
	if err := try("admin", password); err != nil {
		t.Error(err)
	}
}

func TestLimitInTotal(t *testing.T) {
	b := newBench(t)
	try := func(i int) error {
		_, err := b.LogIn(t.Context(), Attempt{Login: fmt.Sprint("login", i), Password: "wrong", Address: fmt.Sprintf("10.0.%d.1", i)})
		return err
	}
	for i := range 100 {
		if err := try(i); err != ErrWrongLogin {
			t.Fatal(err)
		}
	}
	wantLimited(t, try(100))
	b.advance(50 * time.Millisecond)
	if err := try(100); err != ErrWrongLogin {
		t.Errorf("a moment later: %v", err)
	}
}

func TestADamagedHashIsOurFault(t *testing.T) {
	b := newBench(t)
	broken := registry.Account{ID: uuid.New(), Login: "broken", Role: registry.RoleAdmin, PasswordHash: "secret-looking"}
	if err := b.store.PutAccount(t.Context(), broken); err != nil {
		t.Fatal(err)
	}
	_, err := b.try(t.Context(), "broken", password)
	if errs.Of(err).Kind != errs.Internal || strings.Contains(fmt.Sprint(err), "secret-looking") {
		t.Errorf("it gives %v", err)
	}
}
