package account

import (
	"context"
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"testing"
)

// cheap makes hashes that cost next to nothing.
var cheap = cost{memory: 8, time: 1, threads: 1}

func TestHashIsStandardArgon2id(t *testing.T) {
	h := newHasher(standardCost, 1)
	hash, err := h.hash(t.Context(), "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`).MatchString(hash) {
		t.Errorf("the hash is %s", hash)
	}
	again, err := h.hash(t.Context(), "correct horse battery")
	if err != nil || again == hash {
		t.Errorf("two hashes of one password are equal, %v", err)
	}
	for password, want := range map[string]bool{
		"correct horse battery": true, "correct horse batterz": false, "": false, "Correct horse battery": false,
	} {
		if got, err := h.matches(t.Context(), hash, password); got != want || err != nil {
			t.Errorf("%q matches: %v, %v", password, got, err)
		}
	}
}

// TestKnownHash reads what another implementation of argon2id has written (the reference one's command-line tool:
// printf password | argon2 somesalt -id -t 2 -k 65536 -p 1 -l 32 -e).
func TestKnownHash(t *testing.T) {
	h := newHasher(standardCost, 1)
	const known = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if ok, err := h.matches(t.Context(), known, "password"); !ok || err != nil {
		t.Errorf("it matches: %v, %v", ok, err)
	}
}

func TestPasswordsAreComparedAsTheyLook(t *testing.T) {
	h := newHasher(cheap, 1)
	composed, decomposed := "Tr\u01b0\u1eddng h\u1ecdc s\u1ed1 9", "Tru\u031bo\u031b\u0300ng ho\u0323c so\u0302\u0301 9"
	hash, err := h.hash(t.Context(), composed)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := h.matches(t.Context(), hash, decomposed); !ok || err != nil {
		t.Errorf("it matches: %v, %v", ok, err)
	}
}

func TestDamagedHashesAreRefused(t *testing.T) {
	h := newHasher(cheap, 1)
	good, err := h.hash(t.Context(), "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parsePHC(good); err != nil {
		t.Fatal(err)
	}
	short := base64.RawStdEncoding.EncodeToString(make([]byte, 16))
	prefix, digest := good[:strings.LastIndex(good, "$")], good[strings.LastIndex(good, "$"):]
	for _, bad := range []string{
		"", "$", "$$$$$", "plain", good + "$", good + "A", good[1:], "x" + good, good + "\n",
		strings.Replace(good, "argon2id", "argon2i", 1),
		strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=8", "m=4294967295", 1),
		strings.Replace(good, "m=8", "m=7", 1),
		strings.Replace(good, "m=8", "m=08", 1),
		strings.Replace(good, "m=8", "m=-8", 1),
		strings.Replace(good, "t=1", "t=0", 1),
		strings.Replace(good, "t=1", "t=4000000000", 1),
		strings.Replace(good, "p=1", "p=0", 1),
		strings.Replace(good, "p=1", "p=256", 1),
		strings.Replace(good, "p=1", "p=1,x=2", 1),
		prefix + "$" + short,
		prefix[:strings.LastIndex(prefix, "$")] + "$AAAA" + digest,
	} {
		if ok, err := h.matches(t.Context(), bad, "correct horse battery"); ok || !errors.Is(err, errPHC) {
			t.Errorf("%q: %v, %v", bad, ok, err)
		}
	}
}

func TestHashingWaitsForASlotNoLongerThanItsContext(t *testing.T) {
	h := newHasher(cheap, 1)
	h.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.hash(ctx, "correct horse battery"); !errors.Is(err, context.Canceled) {
		t.Errorf("with no slot free: %v", err)
	}
	<-h.slots
	if _, err := h.hash(t.Context(), "correct horse battery"); err != nil {
		t.Error(err)
	}
	if len(h.slots) != 0 {
		t.Error("the slot was not given back")
	}
}

func TestCheckPassword(t *testing.T) {
	tests := []struct {
		password string
		good     bool
	}{
		{"", false},
		{"elevenchars", false},
		{"twelve chars", true},
		{"mười hai ký ", true}, // 12 characters, more bytes
		{"mười một ký", false}, // 11 characters, more than 12 bytes
		{strings.Repeat("x", 1024), true},
		{strings.Repeat("x", 1025), false},
		{"not valid \xff utf-8", false},
	}
	for _, test := range tests {
		if err := checkPassword(test.password); (err == nil) != test.good || err != nil && !errors.Is(err, ErrPassword) {
			t.Errorf("%q: %v", test.password, err)
		}
	}
}

func TestNewPassword(t *testing.T) {
	form := regexp.MustCompile(`^[a-z2-7]{5}(-[a-z2-7]{5}){3}$`)
	seen := make(map[string]bool)
	letters := make(map[rune]bool)
	for range 500 {
		password := NewPassword()
		if !form.MatchString(password) || checkPassword(password) != nil {
			t.Fatalf("the password is %q", password)
		}
		if seen[password] {
			t.Fatal("a password came twice")
		}
		seen[password] = true
		for _, letter := range password {
			letters[letter] = true
		}
	}
	if len(letters) != 33 { // 32 letters and digits, and the hyphen
		t.Errorf("%d different characters came", len(letters))
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=8,t=1,p=1$$")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePHC(text)
		if err == nil && (p.String() != text || !p.cost.within()) {
			t.Fatalf("%q was read as %+v", text, p)
		}
	})
}

func BenchmarkHash(b *testing.B) {
	h := newHasher(standardCost, 1)
	for b.Loop() {
		if _, err := h.hash(b.Context(), "correct horse battery"); err != nil {
			b.Fatal(err)
		}
	}
}
