package qrgen_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/qrgen"
)

type personalVectors struct {
	Accepted []struct {
		Name, Text string
		At         int64
		Fields     struct {
			KeyID     uint16    `json:"key_id"`
			Alias     uuid.UUID `json:"alias"`
			IssuedAt  int64     `json:"issued_at"`
			ExpiresAt int64     `json:"expires_at"`
		}
	}
	Refused []struct {
		Name, Text, Code string
		At               int64
	}
}

func readPersonalVectors(t testing.TB) personalVectors {
	t.Helper()
	v := readGolden[personalVectors](t, "personal.json")
	if len(v.Accepted) == 0 || len(v.Refused) == 0 {
		t.Fatal("the vectors are empty")
	}
	return v
}

func TestPersonalVectorsAccepted(t *testing.T) {
	private, public := privateKeys(t), publicKeys(t)
	for _, v := range readPersonalVectors(t).Accepted {
		want := qrgen.PersonalCode{
			KeyID: v.Fields.KeyID, Alias: v.Fields.Alias,
			IssuedAt: time.Unix(v.Fields.IssuedAt, 0).UTC(), ExpiresAt: time.Unix(v.Fields.ExpiresAt, 0).UTC(),
		}
		for _, text := range []string{v.Text, strings.ToLower(v.Text)} {
			if got, err := public.VerifyPersonal(text, time.Unix(v.At, 0)); err != nil || got != want {
				t.Errorf("%s: %+v, %v", v.Name, got, err)
			}
		}
		if want.KeyID != 3 { // the only key that still signs
			continue
		}
		if text, err := private.SignPersonal(want); err != nil || text != v.Text {
			t.Errorf("%s is signed as %s, %v", v.Name, text, err)
		}
	}
}

func TestPersonalVectorsRefused(t *testing.T) {
	public := publicKeys(t)
	for _, v := range readPersonalVectors(t).Refused {
		got, err := public.VerifyPersonal(v.Text, time.Unix(v.At, 0))
		if qrgen.CodeOf(err) != v.Code || got != (qrgen.PersonalCode{}) {
			t.Errorf("%s: %+v, %v; want %q", v.Name, got, err, v.Code)
		}
	}
}

// TestPersonalCodeIsNoPlace holds each kind of code against the other's reader.
func TestPersonalCodeIsNoPlace(t *testing.T) {
	public := publicKeys(t)
	for _, v := range readPersonalVectors(t).Accepted {
		if _, err := public.Verify(v.Text, time.Unix(v.At, 0), nil); qrgen.CodeOf(err) != "malformed" {
			t.Errorf("%s as the code of a place: %v", v.Name, err)
		}
	}
	for _, v := range readVectors(t).Accepted {
		if _, err := public.VerifyPersonal(v.Text, time.Unix(v.At, 0)); qrgen.CodeOf(err) != "malformed" {
			t.Errorf("%s as a personal code: %v", v.Name, err)
		}
	}
}

func TestPersonalCodesThatAreNotSigned(t *testing.T) {
	keys := privateKeys(t)
	now := time.Unix(1638316800, 0)
	for name, c := range map[string]qrgen.PersonalCode{
		"nobody's":     {IssuedAt: now, ExpiresAt: now.Add(time.Minute)},
		"for ever":     {Alias: uuid.UUID{1}, IssuedAt: now},
		"too long":     {Alias: uuid.UUID{1}, IssuedAt: now, ExpiresAt: now.Add(61 * time.Second)},
		"before 1970":  {Alias: uuid.UUID{1}, IssuedAt: time.Unix(-1, 0), ExpiresAt: time.Unix(20, 0)},
		"over at once": {Alias: uuid.UUID{1}, IssuedAt: now, ExpiresAt: now},
	} {
		if text, err := keys.SignPersonal(c); err == nil {
			t.Errorf("%s is signed: %s", name, text)
		}
	}
	good := qrgen.PersonalCode{Alias: uuid.UUID{1}, IssuedAt: now, ExpiresAt: now.Add(time.Minute)}
	if _, err := publicKeys(t).SignPersonal(good); err == nil {
		t.Error("public keys sign")
	}
}

func FuzzVerifyPersonal(f *testing.F) {
	public := publicKeys(f)
	known := make(map[string]bool)
	for _, v := range readPersonalVectors(f).Accepted {
		f.Add(v.Text)
		known[v.Text] = true
	}
	for _, v := range readPersonalVectors(f).Refused {
		f.Add(v.Text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := public.VerifyPersonal(text, time.Unix(1638316800, 0))
		if err == nil && !known[strings.ToUpper(text)] {
			t.Fatalf("%q is taken for %+v", text, c)
		}
		if err != nil && (qrgen.CodeOf(err) == "" || c != (qrgen.PersonalCode{})) {
			t.Fatalf("%q gives %+v, %v", text, c, err)
		}
	})
}
