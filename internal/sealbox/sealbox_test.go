package sealbox

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

var (
	firstKey  = Key{ID: 1, Key: bytes.Repeat([]byte{7}, KeySize)}
	secondKey = Key{ID: 2, Key: bytes.Repeat([]byte{9}, KeySize)}
	bound     = Bound{Place: uuid.MustParse("018c0a3e-0000-7000-8000-000000000001"), Scan: uuid.MustParse("018c0a3e-0000-7000-8000-000000000002")}
)

const golden = "001099012345|012345678|Nguyễn Thị Ánh|01021990|Nữ|12 Lê Lợi, Đà Nẵng|15032021"

func ring(t testing.TB, keys ...Key) (*Ring, Public) {
	t.Helper()
	r, err := NewRing(keys)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParsePublic(r.PublicJSON())
	if err != nil {
		t.Fatal(err)
	}
	return r, p
}

func seal(t testing.TB, p Public, text string) []byte {
	t.Helper()
	box, err := p.Seal(bound, text)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func TestBoxes(t *testing.T) {
	r, p := ring(t, firstKey)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(-1, -1, LongestText).Draw(t, "text")
		box, err := p.Seal(bound, text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.Open(bound, box); err != nil || got != text {
			t.Fatalf("%q comes out as %q, %v", text, got, err)
		}
		if len(box) > LongestBox || (len(box)-headSize-overhead)%padTo != 0 {
			t.Fatalf("the box has %d bytes", len(box))
		}
	})
	if _, err := p.Seal(bound, strings.Repeat("x", LongestText+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("too long a text: %v", err)
	}
	if bytes.Equal(seal(t, p, "a"), seal(t, p, "a")) {
		t.Error("two boxes of one text are the same")
	}
}

// TestGolden opens a box that an earlier release closed.
func TestGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/box-v1.hex")
	if err != nil {
		t.Fatal(err)
	}
	box, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	r, _ := ring(t, firstKey)
	if got, err := r.Open(bound, box); err != nil || got != golden {
		t.Errorf("it opens as %q, %v", got, err)
	}
}

// TestNoOtherBoxOpens changes every byte of a box, cuts it, and opens it for others.
func TestNoOtherBoxOpens(t *testing.T) {
	r, p := ring(t, firstKey)
	box := seal(t, p, golden)
	for i := range box {
		changed := bytes.Clone(box)
		changed[i] ^= 1
		if _, err := r.Open(bound, changed); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrUnknownKey) {
			t.Errorf("with byte %d changed: %v", i, err)
		}
		if _, err := r.Open(bound, box[:i]); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut after %d bytes: %v", i, err)
		}
	}
	for _, other := range []Bound{{bound.Place, bound.Place}, {bound.Scan, bound.Scan}, {bound.Scan, bound.Place}, {}} {
		if _, err := r.Open(other, box); !errors.Is(err, ErrDamaged) {
			t.Errorf("for %v: %v", other, err)
		}
	}
	if _, err := r.Open(bound, append(box, 0)); !errors.Is(err, ErrDamaged) {
		t.Errorf("with a byte more: %v", err)
	}
	stranger, _ := ring(t, Key{ID: 1, Key: secondKey.Key})
	if _, err := stranger.Open(bound, box); !errors.Is(err, ErrDamaged) {
		t.Errorf("with another key of that id: %v", err)
	}
}

// TestRotation: what was closed before opens after, and a device that reads the keys again closes with the new one.
func TestRotation(t *testing.T) {
	r, before := ring(t, firstKey)
	old := seal(t, before, "a")
	if err := r.Replace([]Key{firstKey, secondKey}); err != nil {
		t.Fatal(err)
	}
	after, err := ParsePublic(r.PublicJSON())
	if err != nil {
		t.Fatal(err)
	}
	for _, box := range [][]byte{old, seal(t, before, "a"), seal(t, after, "a")} {
		if got, err := r.Open(bound, box); err != nil || got != "a" {
			t.Errorf("it opens as %q, %v", got, err)
		}
	}
	gone, _ := ring(t, secondKey)
	if _, err := gone.Open(bound, old); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("after the first key is gone: %v", err)
	}
	for _, keys := range [][]Key{nil, {firstKey, firstKey}, {{ID: 0, Key: firstKey.Key}}, {{ID: 1, Key: []byte("short")}}} {
		if err := r.Replace(keys); err == nil {
			t.Errorf("%d bad keys are taken", len(keys))
		}
	}
	if _, err := r.Open(bound, old); err != nil {
		t.Errorf("after a rotation that failed: %v", err)
	}
}

func TestPublicDocument(t *testing.T) {
	r, _ := ring(t, firstKey)
	whole := string(r.PublicJSON())
	if strings.Contains(whole, "BwcHBwcH") {
		t.Error("the private key is served")
	}
	for name, text := range map[string]string{
		"empty": "", "of another format": strings.Replace(whole, "box-key", "keys", 1), "without an id": strings.Replace(whole, `"id":1`, `"id":0`, 1),
		"cut": whole[:len(whole)-6], "with a short key": strings.Replace(whole, `"public_key":"`, `"public_key":"AAAA","x":"`, 1),
	} {
		if _, err := ParsePublic([]byte(text)); err == nil {
			t.Errorf("one that is %s is taken", name)
		}
	}
}

func FuzzOpen(f *testing.F) {
	r, p := ring(f, firstKey, secondKey)
	f.Add(seal(f, p, golden))
	f.Add(seal(f, p, ""))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, box []byte) {
		text, err := r.Open(bound, box)
		if err == nil && len(text) > LongestText || err != nil && text != "" {
			t.Fatalf("%d bytes, %v", len(text), err)
		}
	})
}
