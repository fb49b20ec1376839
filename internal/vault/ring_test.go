package vault_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/vault"
)

var (
	somebody = uuid.MustParse("0f1e2d3c-4b5a-4697-8889-9a9b9c9d9e9f")
	another  = uuid.MustParse("0f1e2d3c-4b5a-4697-8889-9a9b9c9d9e9e")
)

func key(id uint32) vault.Key {
	return vault.Key{ID: id, Key: bytes.Repeat([]byte{byte(id)}, vault.KeySize)}
}

func ring(t testing.TB, keys ...vault.Key) *vault.Ring {
	t.Helper()
	r, err := vault.NewRing(keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func seal(t testing.TB, r *vault.Ring, field vault.Field, text string) []byte {
	t.Helper()
	value, id, err := r.Seal(somebody, field, text)
	if err != nil {
		t.Fatal(err)
	}
	if named, err := vault.KeyOf(value); err != nil || named != id || id != r.Current() {
		t.Fatalf("the value names key %d (%v), sealed with %d", named, err, id)
	}
	return value
}

func TestWhatIsSealedOpens(t *testing.T) {
	r := ring(t, key(1), key(7))
	for _, text := range []string{"", "0912345678", "Nguyễn Thị Ánh", strings.Repeat("x", vault.LongestText)} {
		for _, field := range vault.Fields() {
			value := seal(t, r, field, text)
			if got, err := r.Open(somebody, field, value); err != nil || got != text {
				t.Errorf("%s: %d bytes came back, %v", field, len(got), err)
			}
			if len(text) > 4 && bytes.Contains(value, []byte(text)) {
				t.Error("the text can be read")
			}
		}
	}
	if bytes.Equal(seal(t, r, vault.Name, "x"), seal(t, r, vault.Name, "x")) {
		t.Error("two values of one text are the same")
	}
	if _, _, err := r.Seal(somebody, vault.Name, strings.Repeat("x", vault.LongestText+1)); !errors.Is(err, vault.ErrTooLong) {
		t.Errorf("1025 bytes: %v", err)
	}
}

// TestValuesStayWhereTheyAre moves a value to every other person and field, and bends each of its bits.
func TestValuesStayWhereTheyAre(t *testing.T) {
	r := ring(t, key(1))
	value := seal(t, r, vault.Phone, "0912345678")
	refused := func(what string, person uuid.UUID, field vault.Field, value []byte) {
		t.Helper()
		text, err := r.Open(person, field, value)
		if text != "" || !errors.Is(err, vault.ErrDamaged) && !errors.Is(err, vault.ErrUnknownKey) {
			t.Errorf("%s: %q, %v", what, text, err)
		}
		if err != nil && strings.Contains(err.Error(), "0912") {
			t.Errorf("%s: the error tells the number", what)
		}
	}
	refused("another person", another, vault.Phone, value)
	for _, field := range append(vault.Fields(), "", "phone ", "phon") {
		if field != vault.Phone {
			refused("field "+string(field), somebody, field, value)
		}
	}
	for bit := range len(value) * 8 {
		bent := bytes.Clone(value)
		bent[bit/8] ^= 1 << (bit % 8)
		refused("a bent bit", somebody, vault.Phone, bent)
	}
	for length := range value {
		refused("cut short", somebody, vault.Phone, value[:length])
	}
	refused("something behind", somebody, vault.Phone, append(bytes.Clone(value), 0))
	refused("nothing", somebody, vault.Phone, nil)
}

func TestOlderKeysOpen(t *testing.T) {
	old := ring(t, key(1))
	value := seal(t, old, vault.Name, "Ánh")
	both := ring(t, key(1), key(2))
	if got, err := both.Open(somebody, vault.Name, value); err != nil || got != "Ánh" || both.Current() != 2 {
		t.Errorf("%q, %v, current %d", got, err, both.Current())
	}
	if _, err := ring(t, key(2)).Open(somebody, vault.Name, value); !errors.Is(err, vault.ErrUnknownKey) {
		t.Errorf("without its key: %v", err)
	}
	swapped := vault.Key{ID: 1, Key: key(2).Key}
	if _, err := ring(t, swapped).Open(somebody, vault.Name, value); !errors.Is(err, vault.ErrDamaged) {
		t.Errorf("under another key of the same id: %v", err)
	}
}

// TestUnknownKeyIsLookedForOnce has the keys change while a process runs.
func TestUnknownKeyIsLookedForOnce(t *testing.T) {
	value := seal(t, ring(t, key(2)), vault.Name, "Ánh")
	reloads := 0
	var r *vault.Ring
	r, err := vault.NewRing([]vault.Key{key(1)}, func() error {
		reloads++
		return r.Replace([]vault.Key{key(1), key(2)})
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := r.Open(somebody, vault.Name, value); err != nil || got != "Ánh" {
			t.Errorf("%q, %v", got, err)
		}
	}
	if reloads != 1 {
		t.Errorf("the keys were read again %d times", reloads)
	}
	broken := errors.New("no file")
	r, err = vault.NewRing([]vault.Key{key(1)}, func() error { return broken })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open(somebody, vault.Name, value); !errors.Is(err, vault.ErrUnknownKey) || !errors.Is(err, broken) {
		t.Errorf("without a file: %v", err)
	}
}

func TestRingsThatAreNone(t *testing.T) {
	for name, keys := range map[string][]vault.Key{
		"no key": nil, "no id": {{Key: key(1).Key}}, "short": {{ID: 1, Key: make([]byte, 16)}}, "one id twice": {key(1), key(1)},
	} {
		if _, err := vault.NewRing(keys, nil); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	r := ring(t, key(1))
	if err := r.Replace(nil); err == nil || r.Current() != 1 {
		t.Errorf("replaced by nothing: %v, current %d", err, r.Current())
	}
}

// golden is a value that was sealed by version 1: it must open for as long as vaults have such values.
const golden = "testdata/sealed-v1.hex"

func goldenValue(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	value, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestSealedFormatIsFrozen(t *testing.T) {
	value := goldenValue(t)
	if got, err := ring(t, key(258)).Open(somebody, vault.Name, value); err != nil || got != "Nguyễn Thị Ánh" {
		t.Errorf("%q, %v", got, err)
	}
	if value[0] != 1 || binary.BigEndian.Uint32(value[1:]) != 258 || len(value) != 1+4+12+len("Nguyễn Thị Ánh")+16 {
		t.Errorf("the value is laid out otherwise: %x", value)
	}
}

func FuzzOpen(f *testing.F) {
	// The golden value, for one that is sealed anew would be another in each process that fuzzes.
	r, good := ring(f, key(258)), goldenValue(f)
	f.Add(good)
	f.Add([]byte{})
	f.Add(good[:20])
	f.Fuzz(func(t *testing.T, value []byte) {
		text, err := r.Open(somebody, vault.Name, value)
		if (err == nil) != bytes.Equal(value, good) || err != nil && text != "" {
			t.Fatalf("%x opens as %q, %v", value, text, err)
		}
	})
}
