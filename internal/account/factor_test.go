package account

import (
	"bytes"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp/totp"

	"github.com/truyvet/truyvet/internal/registry"
)

// code is what an authenticator shows for a secret at an instant.
func code(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	text, err := totp.GenerateCode(secret, at)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// enrolled sets up a second factor and returns its secret and the recovery codes.
func (b *bench) enrolled(t *testing.T, session Session) (secret string, recovery []string) {
	t.Helper()
	e, err := b.Enrol(session.Account)
	if err != nil {
		t.Fatal(err)
	}
	recovery, err = b.SetFactor(t.Context(), session, NewFactor{Password: password, Secret: e.Secret, Code: code(t, e.Secret, b.time())})
	if err != nil {
		t.Fatal(err)
	}
	return e.Secret, recovery
}

func (b *bench) prove(t *testing.T, a registry.Account, typed string) error {
	t.Helper()
	got, err := b.ProveCode(t.Context(), CodeAttempt{Account: a.ID, Code: typed})
	if err == nil && (got.ID != a.ID || got.PasswordHash != "") {
		t.Errorf("the account is %+v", got)
	}
	return err
}

func TestSecondFactor(t *testing.T) {
	b := newBench(t)
	owner := b.make(t, registry.Account{Login: "owner", Role: registry.RoleOwner, Organisation: b.organisation})
	here, elsewhere := b.login(t, owner), b.login(t, owner)
	b.told()
	e, err := b.Enrol(owner)
	if err != nil {
		t.Fatal(err)
	}
	if u, err := url.Parse(e.URL); err != nil || u.Scheme != "otpauth" || u.Query().Get("secret") != e.Secret || u.Path != "/truyvet:owner" {
		t.Errorf("the address is %s, %v", e.URL, err)
	}
	right := code(t, e.Secret, b.time())
	for name, in := range map[string]NewFactor{
		"no password":        {Secret: e.Secret, Code: right},
		"a wrong code":       {Password: password, Secret: e.Secret, Code: "000000"},
		"the code of before": {Password: password, Secret: e.Secret, Code: code(t, e.Secret, b.time().Add(-2*time.Minute))},
		"a short secret":     {Password: password, Secret: "ABCDEFGH", Code: right},
		"no secret":          {Password: password, Secret: "", Code: right},
	} {
		if _, err := b.SetFactor(t.Context(), here, in); !errors.Is(err, ErrWrongCode) && !errors.Is(err, ErrWrongPassword) {
			t.Errorf("%s: %v", name, err)
		}
	}
	secret, recovery := b.enrolled(t, here)
	b.wantGoingOn(t, here)
	b.wantEnded(t, elsewhere)
	if session, err := b.Resume(t.Context(), here.ID); err != nil || !session.Account.SecondFactor {
		t.Errorf("the session is %+v, %v", session, err)
	}
	if a, err := b.try(t.Context(), "owner", password); err != nil || !a.SecondFactor {
		t.Errorf("the password gives %+v, %v", a, err)
	}

	if err := b.prove(t, owner, code(t, secret, b.time())); !errors.Is(err, ErrWrongCode) {
		t.Errorf("the code that set it up is good again: %v", err)
	}
	b.advance(30 * time.Second)
	shown := code(t, secret, b.time())
	if err := b.prove(t, owner, " "+shown[:3]+" "+shown[3:]); err != nil {
		t.Errorf("the code of now: %v", err)
	}
	for _, replayed := range []string{shown, code(t, secret, b.time().Add(-30*time.Second))} {
		if err := b.prove(t, owner, replayed); !errors.Is(err, ErrWrongCode) {
			t.Errorf("a replayed code: %v", err)
		}
	}
	if err := b.prove(t, owner, code(t, secret, b.time().Add(30*time.Second))); err != nil {
		t.Errorf("a phone that is half a minute ahead: %v", err)
	}
	b.advance(10 * time.Minute)
	for _, wrong := range []string{code(t, secret, b.time().Add(time.Minute)), code(t, secret, b.time().Add(-time.Minute)), "", "12345", "abcdef"} {
		if err := b.prove(t, owner, wrong); !errors.Is(err, ErrWrongCode) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	b.advance(time.Hour)
	if err := b.prove(t, owner, strings.ToUpper(recovery[3])); err != nil {
		t.Errorf("a recovery code: %v", err)
	}
	if err := b.prove(t, owner, recovery[3]); !errors.Is(err, ErrWrongCode) {
		t.Errorf("the same again: %v", err)
	}
	state, err := b.FactorOf(t.Context(), owner)
	if err != nil || !state.Set || state.Recovery != recoveryCodes-1 || state.Needed {
		t.Errorf("it stands at %+v, %v", state, err)
	}
	told := b.told()
	if n := len(slices.DeleteFunc(slices.Clone(told), func(s string) bool { return s != "owner second_factor_failed" })); n != 9 {
		t.Errorf("%d failures are entered: %q", n, told)
	}
	for _, want := range []string{"owner second_factor_set", "owner recovery_code_used 9 left"} {
		if !slices.Contains(told, want) {
			t.Errorf("%q is not entered: %q", want, told)
		}
	}

	if err := b.DropFactor(t.Context(), here, "wrong"); !errors.Is(err, ErrWrongPassword) {
		t.Error(err)
	}
	if err := b.DropFactor(t.Context(), here, password); err != nil {
		t.Fatal(err)
	}
	if err := b.prove(t, owner, recovery[0]); !errors.Is(err, ErrWrongCode) {
		t.Errorf("a recovery code of what is gone: %v", err)
	}
	if a, err := b.try(t.Context(), "owner", password); err != nil || a.SecondFactor {
		t.Errorf("the password gives %+v, %v", a, err)
	}
}

// TestACodeIsGoodOnceAtOnce sends one code many times at the same moment.
func TestACodeIsGoodOnceAtOnce(t *testing.T) {
	b := newBench(t)
	owner := b.make(t, registry.Account{Login: "owner", Role: registry.RoleOwner, Organisation: b.organisation})
	secret, recovery := b.enrolled(t, b.login(t, owner))
	b.advance(time.Minute)
	for _, typed := range []string{code(t, secret, b.time()), recovery[0]} {
		var group sync.WaitGroup
		results := make([]error, 5)
		for i := range results {
			group.Go(func() {
				_, results[i] = b.ProveCode(t.Context(), CodeAttempt{Account: owner.ID, Code: typed, Browser: uuid.New()})
			})
		}
		group.Wait()
		good := 0
		for _, err := range results {
			if err == nil {
				good++
			} else if !errors.Is(err, ErrWrongCode) {
				t.Error(err)
			}
		}
		if good != 1 {
			t.Errorf("%d of 5 were let in with one code", good)
		}
	}
}

func TestGuessedCodesAreLimited(t *testing.T) {
	b := newBench(t)
	owner := b.make(t, registry.Account{Login: "owner", Role: registry.RoleOwner, Organisation: b.organisation})
	secret, _ := b.enrolled(t, b.login(t, owner))
	b.advance(time.Minute)
	for range triesPerCode.Burst {
		if err := b.prove(t, owner, "000000"); !errors.Is(err, ErrWrongCode) {
			t.Error(err)
		}
	}
	wantLimited(t, b.prove(t, owner, code(t, secret, b.time())))
	known := CodeAttempt{Account: owner.ID, Code: code(t, secret, b.time()), Browser: uuid.New()}
	if _, err := b.ProveCode(t.Context(), known); err != nil {
		t.Errorf("a known browser: %v", err)
	}
}

func TestRolesThatNeedASecondFactor(t *testing.T) {
	b := newBench(t)
	city := b.make(t, registry.Account{Login: "city", Role: registry.RoleCity, Area: "01"})
	session := b.login(t, city)
	if !session.Incomplete {
		t.Error("a city without a second factor may do everything")
	}
	b.enrolled(t, session)
	session, err := b.Resume(t.Context(), session.ID)
	if err != nil || session.Incomplete {
		t.Errorf("with it: %+v, %v", session, err)
	}
	if err := b.DropFactor(t.Context(), session, password); !errors.Is(err, ErrFactorNeeded) {
		t.Errorf("it was given up: %v", err)
	}
}

// TestSealedSecrets holds that a secret in the registry is no secret of anybody else's, nor readable.
func TestSealedSecrets(t *testing.T) {
	b := newBench(t)
	one := b.make(t, registry.Account{Login: "one", Role: registry.RoleAdmin})
	two := b.make(t, registry.Account{Login: "two", Role: registry.RoleAdmin})
	secret, _ := b.enrolled(t, b.login(t, one))
	b.enrolled(t, b.login(t, two))
	f, _, err := b.store.Factor(t.Context(), one.ID)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := secretText.DecodeString(secret)
	if err != nil || bytes.Contains(f.Secret, plain) || bytes.Contains(f.Secret, []byte(secret)) {
		t.Errorf("the secret can be read in the registry, %v", err)
	}
	f.Account = two.ID
	if err := b.store.PutFactor(t.Context(), f, nil); err != nil {
		t.Fatal(err)
	}
	b.advance(time.Minute)
	if err := b.prove(t, two, code(t, secret, b.time())); err == nil || errors.Is(err, ErrWrongCode) {
		t.Errorf("a secret that was moved gives %v", err)
	}
	if _, err := New(Deps{Store: b.store, Audit: b, Clock: b.time, Key: make([]byte, 16)}); err == nil {
		t.Error("a short key was taken")
	}
}
