package qrgen_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/qrgen"
)

func readRevokedVector(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(goldens, "revoked.json"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestRevokedVector reads and signs a list that another implementation signed.
func TestRevokedVector(t *testing.T) {
	vector := readRevokedVector(t)
	r, err := publicKeys(t).ReadRevoked(vector)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := privateKeys(t).SignRevoked(*r); err != nil || !bytes.Equal(again, vector) {
		t.Errorf("signed again it is %s, %v", again, err)
	}
	first, second := r.Steps[0].Place, r.Steps[3].Place
	for _, c := range []struct {
		place   uuid.UUID
		serial  uint32
		at      int64
		revoked bool
	}{
		{first, 0, 1638310000, true},
		{first, 2, 1638310000, true},
		{first, 2, 1638309999, false},
		{first, 3, 1738310000, false},
		{first, 4, 1638403199, false},
		{first, 4, 1638403200, true},
		{first, 5, 1738310000, false},
		{second, 4294967295, 1, true},
		{uuid.New(), 1, 1738310000, false},
	} {
		if got := r.At(time.Unix(c.at, 0))(c.place, c.serial); got != c.revoked {
			t.Errorf("serial %d of %s at %d is revoked: %v", c.serial, c.place, c.at, got)
		}
	}
}

// TestRevocation sees every step answer as a walk over all of them does.
func TestRevocation(t *testing.T) {
	keys := qrgen.NewKeySet()
	if _, err := keys.Create(noon); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		r := qrgen.Revoked{AsOf: noon}
		for place := range rapid.IntRange(0, 4).Draw(t, "places") {
			serial := uint32(0)
			for range rapid.IntRange(1, 5).Draw(t, "steps") {
				serial += rapid.Uint32Range(1, 3).Draw(t, "up to")
				step := qrgen.RevokedStep{Place: placeOf(place), Serial: serial}
				if from := rapid.IntRange(0, 4).Draw(t, "from"); from > 0 {
					step.From = noon.Add(time.Duration(from) * time.Minute)
				}
				r.Steps = append(r.Steps, step)
			}
		}
		data, err := keys.SignRevoked(r)
		if err != nil {
			t.Fatal(err)
		}
		read, err := keys.ReadRevoked(data)
		if err != nil {
			t.Fatal(err)
		}
		for place := range 5 {
			for serial := range uint32(18) {
				at := noon.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "at")) * time.Minute)
				if got, want := read.At(at)(placeOf(place), serial), revokedPlainly(r.Steps, placeOf(place), serial, at); got != want {
					t.Fatalf("serial %d of place %d at %v is revoked: %v, want %v", serial, place, at, got, want)
				}
			}
		}
	})
}

func placeOf(n int) (id uuid.UUID) {
	id[0], id[15] = 1, byte(n)
	return id
}

func revokedPlainly(steps []qrgen.RevokedStep, place uuid.UUID, serial uint32, at time.Time) bool {
	for _, s := range steps {
		if s.Place == place && serial <= s.Serial {
			return !s.From.IsZero() && !at.Before(s.From)
		}
	}
	return false
}

// TestRevokedForged changes each character of a list: it is refused, or says what it said.
func TestRevokedForged(t *testing.T) {
	keys, vector := publicKeys(t), readRevokedVector(t)
	want, err := keys.ReadRevoked(vector)
	if err != nil {
		t.Fatal(err)
	}
	for i := range vector {
		for _, flip := range []byte{1, 2, 0x20, 0x80} {
			forged := slices.Clone(vector)
			forged[i] ^= flip
			got, err := keys.ReadRevoked(forged)
			if err == nil && (!got.AsOf.Equal(want.AsOf) || !slices.Equal(got.Steps, want.Steps)) {
				t.Fatalf("byte %d changed: %+v", i, got)
			}
			if err != nil && qrgen.CodeOf(err) == "" {
				t.Fatalf("byte %d changed: %v is no refusal", i, err)
			}
		}
	}
	text := string(vector)
	for name, c := range map[string]struct {
		from, to string
		want     qrgen.Refusal
	}{
		"a step left out":   {`{"place":"0184a6f0-6f30-7c11-8a52-3d6f5b1e9c01","serial":3,"from":0},`, "", qrgen.ErrBadSignature},
		"an older time":     {"1638316800", "1638316799", qrgen.ErrBadSignature},
		"a compromised key": {`"key":3`, `"key":1`, qrgen.ErrCompromisedKey},
		"an unknown key":    {`"key":3`, `"key":4`, qrgen.ErrUnknownKey},
		"another format":    {"truyvet-revoked/1", "truyvet-revoked/2", qrgen.ErrMalformed},
		"cut off":           {"}\n", "", qrgen.ErrMalformed},
	} {
		if !strings.Contains(text, c.from) {
			t.Fatalf("%s: nothing to change", name)
		}
		if _, err := keys.ReadRevoked([]byte(strings.Replace(text, c.from, c.to, 1))); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRevokedRefusesToSign(t *testing.T) {
	keys := privateKeys(t)
	step := func(place int, serial uint32) qrgen.RevokedStep {
		return qrgen.RevokedStep{Place: placeOf(place), Serial: serial, From: noon}
	}
	many := make([]qrgen.RevokedStep, qrgen.MostRevoked+1)
	for i := range many {
		many[i] = step(1, uint32(i))
	}
	for name, r := range map[string]qrgen.Revoked{
		"no time": {}, "the same step twice": {AsOf: noon, Steps: []qrgen.RevokedStep{step(1, 1), step(1, 1)}},
		"places out of order": {AsOf: noon, Steps: []qrgen.RevokedStep{step(2, 1), step(1, 1)}},
		"no place":            {AsOf: noon, Steps: []qrgen.RevokedStep{{Serial: 1}}},
		"before 1970":         {AsOf: noon, Steps: []qrgen.RevokedStep{{Place: placeOf(1), From: time.Unix(-1, 0)}}},
		"too many":            {AsOf: noon, Steps: many},
	} {
		if _, err := keys.SignRevoked(r); err == nil {
			t.Errorf("%s: it is signed", name)
		}
	}
	if _, err := publicKeys(t).SignRevoked(qrgen.Revoked{AsOf: noon}); !errors.Is(err, qrgen.ErrNoSigningKey) {
		t.Errorf("with public keys alone: %v", err)
	}
}

func FuzzReadRevoked(f *testing.F) {
	keys := publicKeys(f)
	vector := readRevokedVector(f)
	f.Add(vector)
	f.Add(bytes.ReplaceAll(vector, []byte("163"), binary.BigEndian.AppendUint32(nil, 163)))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := keys.ReadRevoked(data)
		if err != nil {
			if qrgen.CodeOf(err) == "" {
				t.Errorf("%v is no refusal", err)
			}
			return
		}
		r.At(noon)(placeOf(1), 1)
	})
}
