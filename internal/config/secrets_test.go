package config_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/truyvet/truyvet/internal/config"
)

func TestSecretsComeBackAsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets.json")
	written := config.NewSecrets()
	if err := config.WriteSecrets(path, written); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	read, err := config.ReadSecrets(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(written, read); d != "" {
		t.Error(d)
	}
	keys := [][]byte{read.Pseudonym, read.Credential, read.Audit, read.Page, config.NewSecrets().Pseudonym}
	for i, key := range keys {
		if len(key) != 32 {
			t.Errorf("key %d has %d bytes", i, len(key))
		}
		for _, other := range keys[:i] {
			if bytes.Equal(key, other) {
				t.Error("two keys are the same")
			}
		}
	}
	if err := config.WriteSecrets(path, config.NewSecrets()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("written over: %v", err)
	}
	if again, err := config.ReadSecrets(path); err != nil || !cmp.Equal(again, written) {
		t.Errorf("the first are gone: %v", err)
	}
}

func TestSecretsFileThatOthersMayRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets.json")
	if err := config.WriteSecrets(path, config.NewSecrets()); err != nil {
		t.Fatal(err)
	}
	for mode, good := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: false, 0o604: false, 0o660: false, 0o601: false, 0o777: false} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		secrets, err := config.ReadSecrets(path)
		if (err == nil) != good || (secrets.Audit != nil) != good {
			t.Errorf("%v: %v", mode, err)
		}
		if err != nil && !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("%v: %v", mode, err)
		}
	}
}

func TestDamagedSecrets(t *testing.T) {
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("geheim-!"), 4))
	short := base64.StdEncoding.EncodeToString([]byte("geheim"))
	older := fmt.Sprintf(`{"pseudonym_key": %q, "credential_key": %q, "audit_key": %q, "page_key": %q}`, key, key, key, key)
	both := func(vault, boxes string) string {
		return strings.TrimSuffix(older, "}") + `, "version": 3, "vault_keys": [` + vault + `], "box_keys": [` + boxes + `]}`
	}
	numbered := func(id int, key string) string { return fmt.Sprintf(`{"id": %d, "key": %q}`, id, key) }
	with := func(vault string) string { return both(vault, numbered(1, key)) }
	whole := with(numbered(1, key))
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"empty":            {"", []string{"damaged"}},
		"cut short":        {whole[:len(whole)-30], []string{"damaged"}},
		"something behind": {whole + "x", []string{"damaged"}},
		"not base64":       {strings.Replace(whole, key, "geheim!", 1), []string{"damaged"}},
		"a number":         {strings.Replace(whole, `"`+key+`"`, "123456", 1), []string{"damaged"}},
		"too large":        {whole + strings.Repeat(" ", 1<<16) + "x", nil},
		"a short key":      {strings.Replace(whole, key, short, 1), []string{"pseudonym_key has 6 bytes"}},
		"before the vault": {older, []string{"truyvet migrate"}},
		"no vault key":     {with(""), []string{"no vault_keys"}},
		"a short one":      {with(numbered(1, key) + "," + numbered(2, short)), []string{"vault key 2 has 6 bytes"}},
		"one id twice":     {with(numbered(1, key) + "," + numbered(1, key)), []string{"do not grow"}},
		"id 0":             {with(numbered(0, key)), []string{"do not grow"}},
		"before boxes":     {strings.Replace(whole, `"version": 3`, `"version": 2`, 1), []string{"truyvet migrate"}},
		"no box key":       {both(numbered(1, key), ""), []string{"no box_keys"}},
		"a short box key":  {both(numbered(1, key), numbered(1, short)), []string{"box key 1 has 6 bytes"}},
		"a box key twice":  {both(numbered(1, key), numbered(1, key)+","+numbered(1, key)), []string{"do not grow"}},
		"of tomorrow":      {strings.Replace(whole, `"version": 3`, `"version": 4`, 1), []string{"later release"}},
		"a short next key": {strings.Replace(whole, `{`, `{"pseudonym_key_next": "`+short+`", `, 1), []string{"pseudonym_key_next has 6 bytes"}},
		"no keys":          {"{}", []string{"pseudonym_key has 0", "credential_key has 0", "audit_key has 0", "page_key has 0"}},
	} {
		path := filepath.Join(t.TempDir(), "secrets.json")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		secrets, err := config.ReadSecrets(path)
		if c.want == nil { // what lies behind the bound is not read
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !cmp.Equal(secrets, config.Secrets{}) {
			t.Errorf("%s is taken", name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v lacks %q", name, err, want)
			}
		}
		for _, secret := range []string{"geheim", key[:12], short, "123456"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error tells a key: %v", name, err)
			}
		}
	}
	if _, err := config.ReadSecrets(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "truyvet init") {
		t.Errorf("no file: %v", err)
	}
	if _, err := config.ReadSecrets(t.TempDir()); err == nil {
		t.Error("a folder is taken")
	}
	if err := config.WriteSecrets(filepath.Join(t.TempDir(), "no", "folder"), config.NewSecrets()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("written where there is no folder: %v", err)
	}
}

// TestSecretsAreNotPrinted prints them in every way that a slip would.
func TestSecretsAreNotPrinted(t *testing.T) {
	key := bytes.Repeat([]byte("geheim-!"), 4)
	s := config.Secrets{Pseudonym: key, Credential: key, Audit: key, Page: key}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secrets", s)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secrets", s)
	text := fmt.Sprintf("%v %+v %#v %s %q %v", s, s, s, s, s, struct{ S config.Secrets }{s}) + log.String()
	for _, form := range []string{"geheim", fmt.Sprint(key[:8])[1:20], base64.StdEncoding.EncodeToString(key)[:12], "0x67"} {
		if strings.Contains(text, form) {
			t.Errorf("%s is in %s", form, text)
		}
	}
}

// TestOlderSecretsAreUpgraded: what is there stays, and a second time changes nothing.
func TestOlderSecretsAreUpgraded(t *testing.T) {
	whole := config.NewSecrets()
	beforeBoxes, beforeVault := whole, whole
	beforeBoxes.Version, beforeBoxes.Boxes = 2, nil
	beforeVault.Version, beforeVault.Vault, beforeVault.Boxes = 0, nil, nil
	upgraded := upgrade(t, beforeBoxes, whole)
	if !cmp.Equal(upgraded.Vault, whole.Vault) {
		t.Error("the key of the vault is another one")
	}
	upgrade(t, beforeVault, whole)
}

// upgrade upgrades older secrets, which were whole but for their numbered keys.
func upgrade(t *testing.T, older, whole config.Secrets) config.Secrets {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secrets.json")
	if err := config.WriteSecrets(path, older); err != nil {
		t.Fatal(err)
	}
	if err := config.UpgradeSecrets(path); err != nil {
		t.Fatal(err)
	}
	upgraded, err := config.ReadSecrets(path)
	if err != nil || len(upgraded.Vault) != 1 || upgraded.Vault[0].ID != 1 || len(upgraded.Boxes) != 1 || upgraded.Boxes[0].ID != 1 {
		t.Fatalf("%d keys of the vault, %d of boxes, %v", len(upgraded.Vault), len(upgraded.Boxes), err)
	}
	whole.Vault, whole.Boxes = upgraded.Vault, upgraded.Boxes
	if d := cmp.Diff(whole, upgraded); d != "" {
		t.Error(d)
	}
	if err := config.UpgradeSecrets(path); err != nil {
		t.Fatal(err)
	}
	if again, err := config.ReadSecrets(path); err != nil || !cmp.Equal(again, upgraded) {
		t.Errorf("upgraded twice: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	if err := config.UpgradeSecrets(path + "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	return upgraded
}

// TestSecretsOfTheEnvironment come before the file, and are printed nowhere.
func TestSecretsOfTheEnvironment(t *testing.T) {
	want := config.NewSecrets()
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(t.Context(), []string{"TRUYVET_SECRETS=" + string(text)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Secrets(); err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v", err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if printed := fmt.Sprintf(verb, *c); strings.Contains(printed, "pseudonym_key") {
			t.Errorf("%s prints them: %s", verb, printed)
		}
	}
	c.SecretsText = `{"pseudonym_key": "geheim"}`
	if _, err := c.Secrets(); err == nil || strings.Contains(err.Error(), "geheim") || !strings.Contains(err.Error(), "TRUYVET_SECRETS") {
		t.Errorf("damaged: %v", err)
	}
}
