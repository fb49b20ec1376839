package account

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// from tries to log in from an address, in a browser that may be known.
func (b *bench) from(t *testing.T, address string, browser uuid.UUID, password string) error {
	t.Helper()
	_, err := b.LogIn(t.Context(), Attempt{Login: "admin", Password: password, Address: address, Browser: browser})
	return err
}

// TestAFloodKeepsNobodyOut has one address, and then a thousand, guess a password: the owner still gets in, from elsewhere
// while the flood is small, and from a browser that is known however large it is.
func TestAFloodKeepsNobodyOut(t *testing.T) {
	b := newBench(t)
	b.make(t, registry.Account{Login: "admin", Role: registry.RoleAdmin})
	known := uuid.New()
	for range 10 {
		if err := b.from(t, "198.51.100.1", uuid.Nil, "wrong"); err != ErrWrongLogin {
			t.Fatal(err)
		}
	}
	wantLimited(t, b.from(t, "198.51.100.1", uuid.Nil, password))
	if err := b.from(t, "203.0.113.7", uuid.Nil, password); err != nil {
		t.Errorf("from another address: %v", err)
	}
	for i := range 1000 {
		b.advance(50 * time.Millisecond)
		_ = b.from(t, fmt.Sprintf("10.%d.%d.1", i/250, i%250), uuid.Nil, "wrong")
	}
	wantLimited(t, b.from(t, "203.0.113.8", uuid.Nil, password))
	if err := b.from(t, "203.0.113.7", known, password); err != nil {
		t.Errorf("from a known browser: %v", err)
	}
	b.advance(triesPerLogin.Every)
	if err := b.from(t, "203.0.113.8", uuid.Nil, password); err != nil {
		t.Errorf("a stranger's browser, ten seconds after the flood: %v", err)
	}
}

// TestAKnownBrowserIsNoLicence has one guess.
func TestAKnownBrowserIsNoLicence(t *testing.T) {
	b := newBench(t)
	b.make(t, registry.Account{Login: "admin", Role: registry.RoleAdmin})
	stolen, other := uuid.New(), uuid.New()
	for range triesPerBrowser.Burst {
		if err := b.from(t, "198.51.100.1", stolen, "wrong"); err != ErrWrongLogin {
			t.Fatal(err)
		}
	}
	wantLimited(t, b.from(t, "203.0.113.9", stolen, password))
	for _, err := range []error{b.from(t, "198.51.100.1", uuid.Nil, password), b.from(t, "198.51.100.1", other, password)} {
		if err != nil {
			t.Errorf("another browser: %v", err)
		}
	}
}

// TestOneAddressTriesManyLogins is held to the address's limit, and nobody else with it.
func TestOneAddressTriesManyLogins(t *testing.T) {
	b := newBench(t)
	b.make(t, registry.Account{Login: "admin", Role: registry.RoleAdmin})
	try := func(i int) error {
		_, err := b.LogIn(t.Context(), Attempt{Login: fmt.Sprint("login", i), Password: "wrong", Address: fmt.Sprintf("2001:db8::%x", i)})
		return err
	}
	for i := range triesPerAddress.Burst {
		if err := try(i); err != ErrWrongLogin {
			t.Fatal(err)
		}
	}
	wantLimited(t, try(triesPerAddress.Burst)) // an IPv6 sender has 2^64 addresses and is one
	if err := b.from(t, "2001:db8:0:1::1", uuid.Nil, password); err != nil {
		t.Errorf("another network: %v", err)
	}
}

// TestTriesAreCountedOverAllProcesses has one guess at two processes in turn, a password, a code, and from within a session.
func TestTriesAreCountedOverAllProcesses(t *testing.T) {
	b := newBench(t)
	admin := b.make(t, registry.Account{Login: "admin", Role: registry.RoleAdmin})
	session := b.login(t, admin)
	secret, _ := b.enrolled(t, session)
	b.advance(time.Minute)
	processes := []*Service{b.Service, b.another(t)}
	for what, guess := range map[string]struct {
		burst int
		try   func(s *Service, right bool) error
		wrong error
	}{
		"a password from an address": {triesPerPair.Burst, func(s *Service, right bool) error {
			_, err := s.LogIn(t.Context(), Attempt{Login: "admin", Password: choose(right, password), Address: "198.51.100.1"})
			return err
		}, ErrWrongLogin},
		"a password in a known browser": {triesPerBrowser.Burst, func(s *Service, right bool) error {
			_, err := s.LogIn(t.Context(), Attempt{Login: "admin", Password: choose(right, password), Browser: uuid.Max})
			return err
		}, ErrWrongLogin},
		"a second factor": {triesPerCode.Burst, func(s *Service, right bool) error {
			_, err := s.ProveCode(t.Context(), CodeAttempt{Account: admin.ID, Code: choose(right, code(t, secret, b.time()))})
			return err
		}, ErrWrongCode},
		"a password asked for again": {triesPerProof.Burst, func(s *Service, right bool) error {
			return s.ChangePassword(t.Context(), session, choose(right, password), password)
		}, ErrWrongPassword},
	} {
		for i := range guess.burst {
			if err := guess.try(processes[i%2], false); !errors.Is(err, guess.wrong) {
				t.Errorf("%s, try %d: %v", what, i, err)
			}
		}
		for _, s := range processes {
			wantLimited(t, guess.try(s, true))
		}
		b.advance(time.Hour)
		if err := guess.try(processes[1], true); err != nil {
			t.Errorf("%s, an hour later: %v", what, err)
		}
		for i := range guess.burst { // who got in has all tries back
			if err := guess.try(processes[i%2], false); !errors.Is(err, guess.wrong) {
				t.Errorf("%s, try %d after getting in: %v", what, i, err)
			}
		}
		b.advance(time.Hour)
	}
}

func choose(right bool, what string) string {
	if right {
		return what
	}
	return "000000"
}

func TestNetworkOf(t *testing.T) {
	for address, want := range map[string]string{
		"203.0.113.7": "203.0.113.7", "::ffff:203.0.113.7": "203.0.113.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"fe80::1%eth0": "fe80::/64", "127.0.0.1": "", "::1": "", "::ffff:127.0.0.1": "", "": "", "nonsense": "",
	} {
		if got := networkOf(address); got != want {
			t.Errorf("%q stands for %q, want %q", address, got, want)
		}
	}
}
