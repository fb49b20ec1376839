package page

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/tracing/stay"
)

// payload is what these tests seal.
type payload struct {
	Place uuid.UUID
	Kind  stay.Kind
	At    int64
}

func TestSealHolds(t *testing.T) {
	s := Seal{key: bytes.Repeat([]byte{1}, 32)}
	rapid.Check(t, func(r *rapid.T) {
		whose := uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(r, "whose"))
		given := payload{Place: whose, Kind: stay.Out, At: rapid.Int64().Draw(r, "at")}
		text, err := s.Close("stamp", whose, given)
		if err != nil {
			r.Fatal(err)
		}
		var got payload
		if !s.Open("stamp", whose, text, &got) || got != given {
			r.Fatalf("%+v came back as %+v", given, got)
		}
		other := whose
		other[rapid.IntRange(0, 15).Draw(r, "byte")] ^= 1
		for name, opened := range map[string]bool{
			"for another purpose": s.Open("proof", whose, text, &got),
			"for another person":  s.Open("stamp", other, text, &got),
			"with another key":    Seal{key: bytes.Repeat([]byte{2}, 32)}.Open("stamp", whose, text, &got),
		} {
			if opened {
				r.Fatalf("it opens %s", name)
			}
		}
		at := rapid.IntRange(0, len(text)-1).Draw(r, "character")
		changed := []byte(text)
		changed[at] ^= 1 << rapid.IntRange(0, 6).Draw(r, "bit")
		// The last character of base64 has bits that mean nothing.
		if at != len(text)-1 && s.Open("stamp", whose, string(changed), &got) {
			r.Fatalf("it opens with character %d changed", at)
		}
	})
}

func FuzzSealOpen(f *testing.F) {
	s := Seal{key: bytes.Repeat([]byte{1}, 32)}
	text, err := s.Close("stamp", uuid.Max, payload{At: 5})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{text, "", ".", "e30.", text + ".", "." + text} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, candidate string) {
		var got payload
		if s.Open("stamp", uuid.Max, candidate, &got) && got != (payload{At: 5}) {
			t.Errorf("%q opens as %+v", candidate, got)
		}
	})
}

func TestScanIDs(t *testing.T) {
	s := Seal{key: bytes.Repeat([]byte{1}, 32)}
	now := time.Date(2026, 11, 21, 0, 40, 3, 0, time.UTC)
	an, binh := uuid.New(), uuid.New()
	first := s.ScanID("nonce", an, "A", stay.In, now)
	if first.Version() != 7 || first.Variant() != uuid.RFC4122 {
		t.Errorf("%s is no UUIDv7", first)
	}
	if seconds, _ := first.Time().UnixTime(); seconds > now.Unix() || seconds < now.Add(-doubleTap).Unix() {
		t.Errorf("the id tells the time %d, want about %d", seconds, now.Unix())
	}
	if again := s.ScanID("nonce", an, "A", stay.In, now.Add(2*time.Second)); again != first {
		t.Error("a double tap gives two ids")
	}
	for name, other := range map[string]uuid.UUID{
		"another form":      s.ScanID("other", an, "A", stay.In, now),
		"another person":    s.ScanID("nonce", binh, "A", stay.In, now),
		"another code":      s.ScanID("nonce", an, "B", stay.In, now),
		"another kind":      s.ScanID("nonce", an, "A", stay.Out, now),
		"the form later":    s.ScanID("nonce", an, "A", stay.In, now.Add(doubleTap)),
		"another signature": Seal{key: []byte{2}}.ScanID("nonce", an, "A", stay.In, now),
	} {
		if other == first {
			t.Errorf("%s gives the same id", name)
		}
	}
}
