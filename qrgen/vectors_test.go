package qrgen_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/qrgen"
)

const goldens = "../testdata/codes"

type vectorFields struct {
	Kind      uint8     `json:"kind"`
	KeyID     uint16    `json:"key_id"`
	Place     uuid.UUID `json:"place"`
	IssuedAt  int64     `json:"issued_at"`
	ExpiresAt int64     `json:"expires_at"`
	Serial    uint32    `json:"serial"`
}

func (f vectorFields) token() qrgen.Token {
	t := qrgen.Token{
		Kind: qrgen.Kind(f.Kind), KeyID: f.KeyID, Place: f.Place,
		IssuedAt: time.Unix(f.IssuedAt, 0).UTC(), Serial: f.Serial,
	}
	if f.ExpiresAt != 0 {
		t.ExpiresAt = time.Unix(f.ExpiresAt, 0).UTC()
	}
	return t
}

type vectors struct {
	Accepted []struct {
		Name, Text string
		At         int64
		Fields     vectorFields
	}
	Refused []struct {
		Name, Text, Code string
		At               int64
		Fields           *vectorFields
		Revoked          []struct {
			Place  uuid.UUID
			Serial uint32
		}
	}
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	v := readGolden[vectors](t, "vectors.json")
	if len(v.Accepted) == 0 || len(v.Refused) == 0 {
		t.Fatal("the vectors are empty")
	}
	return v
}

// readGolden reads a JSON file of vectors.
func readGolden[V any](t testing.TB, name string) (v V) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(goldens, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// privateKeys reads the vectors' private key set from a copy of 0600, which a
// checkout cannot give it.
func privateKeys(t testing.TB) *qrgen.KeySet {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(goldens, "keys-private.json"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	ks, err := qrgen.ReadKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return ks
}

func publicKeys(t testing.TB) *qrgen.KeySet {
	t.Helper()
	ks, err := qrgen.ReadKeyFile(filepath.Join(goldens, "keys-public.json"))
	if err != nil {
		t.Fatal(err)
	}
	return ks
}

func TestVectorsAccepted(t *testing.T) {
	private, public := privateKeys(t), publicKeys(t)
	for _, v := range readVectors(t).Accepted {
		t.Run(v.Name, func(t *testing.T) {
			want := v.Fields.token()
			for _, text := range []string{v.Text, strings.ToLower(v.Text)} {
				got, err := public.Verify(text, time.Unix(v.At, 0), nil)
				if err != nil || got != want {
					t.Errorf("Verify gives %+v, %v", got, err)
				}
			}
			parsed, err := qrgen.Parse(v.Text)
			if err != nil || parsed.Token != want {
				t.Errorf("Parse gives %+v, %v", parsed.Token, err)
			}
			if want.KeyID != 3 { // the only key that still signs
				return
			}
			if text, err := private.Sign(want); err != nil || text != v.Text {
				t.Errorf("Sign gives %s, %v", text, err)
			}
		})
	}
}

func TestVectorsRefused(t *testing.T) {
	public := publicKeys(t)
	for _, v := range readVectors(t).Refused {
		t.Run(v.Name, func(t *testing.T) {
			revoked := func(place uuid.UUID, serial uint32) bool {
				for _, r := range v.Revoked {
					if r.Place == place && r.Serial == serial {
						return true
					}
				}
				return false
			}
			got, err := public.Verify(v.Text, time.Unix(v.At, 0), revoked)
			if qrgen.CodeOf(err) != v.Code {
				t.Errorf("refused with %q (%v), want %q", qrgen.CodeOf(err), err, v.Code)
			}
			var want qrgen.Token
			if v.Fields != nil {
				want = v.Fields.token()
			}
			if got != want {
				t.Errorf("the token beside the refusal is %+v, want %+v", got, want)
			}
			if err != nil && len(v.Text) > 20 && strings.Contains(err.Error(), v.Text[:20]) {
				t.Errorf("the error quotes the token: %v", err)
			}
		})
	}
}

func TestVectorKeysInBothForms(t *testing.T) {
	want, err := os.ReadFile(filepath.Join(goldens, "keys-public.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, ks := range map[string]*qrgen.KeySet{"private": privateKeys(t), "public": publicKeys(t)} {
		got, err := ks.PublicJSON()
		if err != nil || string(got) != string(want) {
			t.Errorf("from the %s form: %s, %v", name, got, err)
		}
	}
}
