package qrgen_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/truyvet/truyvet/qrgen"
)

func states(ks *qrgen.KeySet) string {
	var b strings.Builder
	for _, k := range ks.List() {
		b.WriteString(string(k.State)[:1])
	}
	return b.String()
}

func TestKeyStates(t *testing.T) {
	ks := qrgen.NewKeySet()
	if _, err := ks.Sign(market()); !errors.Is(err, qrgen.ErrNoSigningKey) {
		t.Fatalf("signing without a key: %v", err)
	}
	var texts []string
	for id := uint16(1); id <= 3; id++ {
		key, err := ks.Create(noon)
		if err != nil || key.ID != id || key.State != qrgen.StateCurrent || !key.CreatedAt.Equal(noon) {
			t.Fatalf("creating key %d: %+v, %v", id, key, err)
		}
		texts = append(texts, sign(t, ks, market()))
	}
	if err := ks.Compromise(1); err != nil {
		t.Fatal(err)
	}
	if got := states(ks); got != "crc" { // compromised, retired, current
		t.Errorf("states %s", got)
	}
	for i, want := range []error{qrgen.ErrCompromisedKey, nil, nil} {
		token, err := ks.Verify(texts[i], noon, nil)
		if !errors.Is(err, want) || (err == nil) != (token.KeyID == uint16(i+1)) {
			t.Errorf("token of key %d: key id %d, %v", i+1, token.KeyID, err)
		}
	}
	if err := ks.Retire(1); !errors.Is(err, qrgen.ErrKeyCompromised) {
		t.Errorf("retiring a compromised key: %v", err)
	}
	for _, change := range []func(uint16) error{ks.Retire, ks.Compromise} {
		if err := change(9); !errors.Is(err, qrgen.ErrNoSuchKey) {
			t.Errorf("changing a key that is not there: %v", err)
		}
	}
	// Once more is no error.
	if err := errors.Join(ks.Retire(2), ks.Compromise(1)); err != nil {
		t.Error(err)
	}
	if err := ks.Retire(3); err != nil {
		t.Fatal(err)
	}
	if _, err := ks.Sign(market()); !errors.Is(err, qrgen.ErrNoSigningKey) {
		t.Errorf("signing with a retired key: %v", err)
	}
	if key, err := ks.Create(noon); err != nil || key.ID != 4 {
		t.Errorf("the key after: %+v, %v", key, err)
	}
}

func TestCompromisedCurrentKeyStopsSigning(t *testing.T) {
	ks := newKeys(t)
	if err := ks.Compromise(1); err != nil {
		t.Fatal(err)
	}
	if _, err := ks.Sign(market()); !errors.Is(err, qrgen.ErrNoSigningKey) {
		t.Errorf("still signs: %v", err)
	}
}

func TestKeysHandedOutAreCopies(t *testing.T) {
	ks := newKeys(t)
	text := sign(t, ks, market())
	clear(ks.List()[0].Public)
	key, _ := ks.Key(1)
	clear(key.Public)
	if _, err := ks.Verify(text, noon, nil); err != nil {
		t.Errorf("a caller could write into the set's key: %v", err)
	}
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	ks := newKeys(t)
	if err := ks.CreateFile(path); err != nil {
		t.Fatal(err)
	}
	if err := ks.CreateFile(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created over a key file: %v", err)
	}
	first := sign(t, ks, market())
	if _, err := ks.Create(noon); err != nil {
		t.Fatal(err)
	}
	if err := ks.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("permissions %v, %v", info.Mode(), err)
	}
	back, err := qrgen.ReadKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if sign(t, back, market()) != sign(t, ks, market()) {
		t.Error("the key read back signs otherwise")
	}
	if _, err := back.Verify(first, noon, nil); err != nil {
		t.Errorf("the retired key read back: %v", err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(data, []byte(`"private_key"`)); n != 1 {
		t.Errorf("%d private parts in the file, only the current key's may be there", n)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left beside the key file: %v, %v", entries, err)
	}
}

func TestPrivateKeyFileOpenToOthersIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := newKeys(t).CreateFile(path); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o601} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := qrgen.ReadKeyFile(path); !errors.Is(err, qrgen.ErrOpenToOthers) {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := qrgen.ReadKeyFile(path); err != nil {
		t.Errorf("mode 400: %v", err)
	}
}

func TestWriteFileLeavesTheOldOneWhenItCannot(t *testing.T) {
	dir := t.TempDir()
	// A directory in the file's place cannot be renamed over.
	path := filepath.Join(dir, "keys.json")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := newKeys(t).WriteFile(path); err == nil {
		t.Error("wrote over a directory")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("a private key was left behind: %v, %v", entries, err)
	}
}

func TestPublicFormHasNoPrivatePart(t *testing.T) {
	ks := newKeys(t)
	text := sign(t, ks, market())
	data, err := ks.PublicJSON()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("private")) {
		t.Errorf("%s", data)
	}
	public, err := qrgen.ParsePublicKeys(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := public.Verify(text, noon, nil); err != nil {
		t.Error(err)
	}
	if _, err := public.Sign(market()); !errors.Is(err, qrgen.ErrNoSigningKey) {
		t.Errorf("signing: %v", err)
	}
	_, createErr := public.Create(noon)
	path := filepath.Join(t.TempDir(), "keys.json")
	for what, err := range map[string]error{
		"create": createErr, "retire": public.Retire(1), "compromise": public.Compromise(1),
		"create file": public.CreateFile(path), "write file": public.WriteFile(path),
	} {
		if !errors.Is(err, qrgen.ErrVerifyOnly) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestDoubtfulKeyDocuments spoils one thing at a time in good documents.
func TestDoubtfulKeyDocuments(t *testing.T) {
	type document = map[string]any
	key := func(d document, i int) document { return d["keys"].([]any)[i].(document) }
	tests := []struct {
		name          string
		private, both bool
		spoil         func(document)
	}{
		{"another format", false, true, func(d document) { d["format"] = "truyvet-keys/2" }},
		{"another algorithm", false, true, func(d document) { d["algorithm"] = "RSA" }},
		{"another context", false, true, func(d document) { d["context"] = "truyvet/me/v1" }},
		{"key id 0", false, true, func(d document) { key(d, 0)["id"] = 0 }},
		{"key id too large", false, true, func(d document) { key(d, 0)["id"] = 65536 }},
		{"an id twice", false, true, func(d document) { key(d, 0)["id"] = 2 }},
		{"unknown state", false, true, func(d document) { key(d, 0)["state"] = "resting" }},
		{"two current keys", false, true, func(d document) { key(d, 1)["state"] = "current" }},
		{"a short public key", false, true, func(d document) { key(d, 0)["public_key"] = "AAAA" }},
		{"no base64", false, true, func(d document) { key(d, 0)["public_key"] = "*" }},
		{"a private part in public", false, false, func(d document) { key(d, 2)["private_key"] = key(d, 0)["public_key"] }},
		{"a retired key's private part", true, true, func(d document) { key(d, 1)["private_key"] = key(d, 0)["public_key"] }},
		{"no private part", true, false, func(d document) { delete(key(d, 2), "private_key") }},
		{"another key's private part", true, false, func(d document) { key(d, 2)["private_key"] = key(d, 0)["public_key"] }},
	}
	for _, tt := range tests {
		for file, private := range map[string]bool{"keys-public.json": false, "keys-private.json": true} {
			if !tt.both && private != tt.private {
				continue
			}
			t.Run(tt.name+" in "+file, func(t *testing.T) {
				data, err := os.ReadFile(filepath.Join(goldens, file))
				if err != nil {
					t.Fatal(err)
				}
				var d document
				if err := json.Unmarshal(data, &d); err != nil {
					t.Fatal(err)
				}
				tt.spoil(d)
				if data, err = json.Marshal(d); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(t.TempDir(), "keys.json")
				if err := os.WriteFile(path, data, 0o600); err != nil {
					t.Fatal(err)
				}
				if _, err := qrgen.ReadKeyFile(path); err == nil {
					t.Error("the file was taken")
				}
				if _, err := qrgen.ParsePublicKeys(data); err == nil {
					t.Error("the document was taken")
				}
			})
		}
	}
}

func TestPublicKeysAreNotReadFromThePrivateForm(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(goldens, "keys-private.json"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := qrgen.ParsePublicKeys(data); err == nil {
		t.Error("a private document passes for a public one")
	}
	for _, data := range []string{"", "[]", "{}", "{", "null"} {
		if _, err := qrgen.ParsePublicKeys([]byte(data)); err == nil {
			t.Errorf("%q passes for a key set", data)
		}
	}
}

func TestPublicDocumentMayHaveMore(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(goldens, "keys-public.json"))
	if err != nil {
		t.Fatal(err)
	}
	more := bytes.Replace(data, []byte("{"), []byte(`{"next_check": 3600,`), 1)
	if ks, err := qrgen.ParsePublicKeys(more); err != nil || len(ks.List()) != 3 {
		t.Errorf("a member added later: %v", err)
	}
}

func TestKeyIDsRunOut(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(goldens, "keys-private.json"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(path, bytes.Replace(data, []byte(`"id": 3`), []byte(`"id": 65535`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	ks, err := qrgen.ReadKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if key, err := ks.Create(noon); err == nil {
		t.Errorf("key %d after the last", key.ID)
	}
	if _, err := ks.Sign(market()); err != nil {
		t.Errorf("the last key was retired for nothing: %v", err)
	}
}
