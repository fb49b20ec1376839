package webui

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/tracing/stay"
)

func TestSealHolds(t *testing.T) {
	s := seal{key: bytes.Repeat([]byte{1}, 32)}
	rapid.Check(t, func(r *rapid.T) {
		whose := uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(r, "whose"))
		given := stamp{PlaceID: whose, Kind: stay.Out, At: rapid.Int64().Draw(r, "at")}
		text, err := s.close("stamp", whose, given)
		if err != nil {
			r.Fatal(err)
		}
		var got stamp
		if !s.open("stamp", whose, text, &got) || got != given {
			r.Fatalf("%+v came back as %+v", given, got)
		}
		other := whose
		other[rapid.IntRange(0, 15).Draw(r, "byte")] ^= 1
		for name, opened := range map[string]bool{
			"for another purpose": s.open("proof", whose, text, &got),
			"for another person":  s.open("stamp", other, text, &got),
			"with another key":    seal{key: bytes.Repeat([]byte{2}, 32)}.open("stamp", whose, text, &got),
		} {
			if opened {
				r.Fatalf("it opens %s", name)
			}
		}
		at := rapid.IntRange(0, len(text)-1).Draw(r, "character")
		changed := []byte(text)
		changed[at] ^= 1 << rapid.IntRange(0, 6).Draw(r, "bit")
		// The last character of base64 has bits that mean nothing.
		if at != len(text)-1 && s.open("stamp", whose, string(changed), &got) {
			r.Fatalf("it opens with character %d changed", at)
		}
	})
}

func FuzzSealOpen(f *testing.F) {
	s := seal{key: bytes.Repeat([]byte{1}, 32)}
	text, err := s.close("stamp", uuid.Max, stamp{At: 5})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{text, "", ".", "e30.", text + ".", "." + text} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, candidate string) {
		var got stamp
		if s.open("stamp", uuid.Max, candidate, &got) && got != (stamp{At: 5}) {
			t.Errorf("%q opens as %+v", candidate, got)
		}
	})
}

func TestScanIDs(t *testing.T) {
	s := seal{key: bytes.Repeat([]byte{1}, 32)}
	now := time.Date(2026, 11, 21, 0, 40, 0, 0, time.UTC)
	id := func(nonce, token string, kind stay.Kind, at time.Time) uuid.UUID {
		t.Helper()
		made, err := s.scanID(nonce, token, kind, at)
		if err != nil {
			t.Fatal(err)
		}
		if made.Version() != 7 || made.Variant() != uuid.RFC4122 {
			t.Errorf("%s is no UUIDv7", made)
		}
		return made
	}
	nonce, err := newNonce(now)
	if err != nil {
		t.Fatal(err)
	}
	first := id(nonce, "A", stay.In, now)
	if seconds, _ := first.Time().UnixTime(); seconds != now.Unix() {
		t.Errorf("the id tells the time %d, want %d", seconds, now.Unix())
	}
	if again := id(nonce, "A", stay.In, now.Add(9*time.Minute)); again != first {
		t.Error("the same form twice gives two ids")
	}
	for name, other := range map[string]uuid.UUID{
		"another code":      id(nonce, "B", stay.In, now),
		"another kind":      id(nonce, "A", stay.Out, now),
		"an old form":       id(nonce, "A", stay.In, now.Add(11*time.Minute)),
		"a form to come":    id(nonce, "A", stay.In, now.Add(-11*time.Minute)),
		"no nonce":          id("", "A", stay.In, now),
		"no UUID":           id("x", "A", stay.In, now),
		"another version":   id("6ba7b810-9dad-41d1-80b4-00c04fd430c8", "A", stay.In, now),
		"another signature": func() uuid.UUID { made, _ := seal{}.scanID(nonce, "A", stay.In, now); return made }(),
	} {
		if other == first {
			t.Errorf("%s gives the same id", name)
		}
	}
	if one, other := id("", "A", stay.In, now), id("", "A", stay.In, now); one == other {
		t.Error("two forms without a nonce give the same id")
	}
}
