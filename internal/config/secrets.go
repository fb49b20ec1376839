package config

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
)

// secretSize is the length of every key, in bytes.
const secretSize = 32

// Secrets are the keys that are in no database. Losing the pseudonym key means that no known person can be found again by
// phone or ID number, losing those of the vault that nobody can be called, losing those of boxes what gates have not delivered
// yet; losing the others ends credentials and the proof of the audit log.
type Secrets struct {
	Version    int    `json:"version"`        // of the file: secretsVersion
	Pseudonym  []byte `json:"pseudonym_key"`  // makes aliases from identifiers
	Credential []byte `json:"credential_key"` // signs what the citizen's browser holds
	Audit      []byte `json:"audit_key"`      // seals the audit log
	Page       []byte `json:"page_key"`       // signs what a page keeps in the browser for the next one, and seals second factors

	Vault []NumberedKey `json:"vault_keys"` // seal who people are; the last is the current one, the others still open
	Boxes []NumberedKey `json:"box_keys"`   // open what gates keep while they have no network; the last is the current one

	// PseudonymNext is there while aliases are made under it and before it takes the place of Pseudonym; PseudonymBefore from
	// then on, until the last alias that a server made under it has its successor.
	PseudonymNext   []byte `json:"pseudonym_key_next,omitempty"`
	PseudonymBefore []byte `json:"pseudonym_key_before,omitempty"`
}

// NumberedKey is one of several keys for one use. Ids begin at 1 and are never given out twice.
type NumberedKey struct {
	ID  uint32 `json:"id"`
	Key []byte `json:"key"`
}

// secretsVersion is the version of the file that this release writes. A file without one is of before the vault, one of version
// 2 of before boxes; see UpgradeSecrets.
const (
	secretsVersion = 3
	vaultVersion   = 2
)

// String, GoString and LogValue keep the keys out of every text that a Secrets is printed into.
func (Secrets) String() string { return "secrets" }

// GoString is String, for %#v.
func (Secrets) GoString() string { return "secrets" }

// LogValue is String, for slog, which would write the JSON form.
func (Secrets) LogValue() slog.Value { return slog.StringValue("secrets") }

// fields returns the keys by their names in the file.
func (s *Secrets) fields() []secretField {
	fields := []secretField{
		{"pseudonym_key", s.Pseudonym}, {"credential_key", s.Credential}, {"audit_key", s.Audit}, {"page_key", s.Page},
	}
	for _, key := range s.Vault {
		fields = append(fields, secretField{fmt.Sprintf("vault key %d", key.ID), key.Key})
	}
	for _, key := range s.Boxes {
		fields = append(fields, secretField{fmt.Sprintf("box key %d", key.ID), key.Key})
	}
	for _, field := range []secretField{{"pseudonym_key_next", s.PseudonymNext}, {"pseudonym_key_before", s.PseudonymBefore}} {
		if field.key != nil {
			fields = append(fields, field)
		}
	}
	return fields
}

type secretField struct {
	name string
	key  []byte
}

// NewSecrets makes random keys.
func NewSecrets() Secrets {
	return Secrets{
		Version: secretsVersion, Pseudonym: NewSecret(), Credential: NewSecret(), Audit: NewSecret(), Page: NewSecret(),
		Vault: firstKey(), Boxes: firstKey(),
	}
}

// firstKey makes the first key for a use.
func firstKey() []NumberedKey { return []NumberedKey{{ID: 1, Key: NewSecret()}} }

// NextKey returns the keys with a new one behind them, which is the current one from then on.
func NextKey(keys []NumberedKey) []NumberedKey {
	return append(keys, NumberedKey{ID: keys[len(keys)-1].ID + 1, Key: NewSecret()})
}

// NewSecret makes a random key.
func NewSecret() []byte {
	b := make([]byte, secretSize)
	rand.Read(b) // never fails: see crypto/rand
	return b
}

// WriteSecrets writes a new file that only its owner can read. It never overwrites one: the error is then fs.ErrExist. A file
// that could not be written whole is removed again.
func WriteSecrets(path string, s Secrets) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("creating the secrets file: %w", err)
	}
	if err := writeSecrets(f, s); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// ReplaceSecrets writes the file in place of the one that is there, at once or not at all.
func ReplaceSecrets(path string, s Secrets) error {
	// os.CreateTemp gives 0600; beside the file, so that it can take its place.
	f, err := os.CreateTemp(filepath.Dir(path), ".truyvet-secrets-*")
	if err != nil {
		return fmt.Errorf("replacing the secrets file: %w", err)
	}
	if err := writeSecrets(f, s); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("replacing the secrets file: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return syncFolder(filepath.Dir(path))
}

// writeSecrets writes to a new file and closes it.
func writeSecrets(f *os.File, s Secrets) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding secrets: %w", errors.Join(err, f.Close()))
	}
	_, err = f.Write(append(text, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing the secrets file: %w", err)
	}
	return nil
}

// syncFolder makes a new name in a folder survive a power cut, where the system can do that.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("syncing the secrets file's folder: %w", err)
	}
	err = folder.Sync()
	if errors.Is(err, errors.ErrUnsupported) || runtime.GOOS == "windows" {
		err = nil
	}
	if err := errors.Join(err, folder.Close()); err != nil {
		return fmt.Errorf("syncing the secrets file's folder: %w", err)
	}
	return nil
}

// UpgradeSecrets gives a file of an earlier version the keys that this one adds. Those that are there stay.
func UpgradeSecrets(path string) error {
	s, err := readSecrets(path)
	if err != nil || s.Version >= secretsVersion {
		return err
	}
	if s.Version < vaultVersion {
		s.Vault = firstKey()
	}
	s.Version, s.Boxes = secretsVersion, firstKey()
	return ReplaceSecrets(path, s)
}

// maxSecretsFile is far beyond what the keys take, in bytes.
const maxSecretsFile = 1 << 16

// ReadSecrets reads the file, and refuses one that group or others may read (not checked on Windows, which keeps permissions
// elsewhere) or that lacks a key, as one of an earlier version does. No error holds any part of it.
func ReadSecrets(path string) (Secrets, error) {
	s, err := readSecrets(path)
	if err == nil && s.Version < secretsVersion {
		err = fmt.Errorf("the secrets file %s is of an earlier version: `truyvet migrate` adds the keys that are new", path)
	}
	if err != nil {
		return Secrets{}, err
	}
	return s, nil
}

// ParseSecrets reads what a secrets file holds, from where it came.
func ParseSecrets(text []byte, from string) (Secrets, error) {
	s, err := parseSecrets(text, from)
	if err == nil && s.Version < secretsVersion {
		err = fmt.Errorf("%s is of an earlier version: it lacks keys that are new since, which `truyvet migrate` adds to a file", from)
	}
	if err != nil {
		return Secrets{}, err
	}
	return s, nil
}

// readSecrets reads a file of any version.
func readSecrets(path string) (Secrets, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Secrets{}, fmt.Errorf("there is no secrets file (make one with `truyvet init`): %w", err)
	}
	if err != nil {
		return Secrets{}, fmt.Errorf("opening the secrets file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Secrets{}, fmt.Errorf("looking at the secrets file: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return Secrets{}, fmt.Errorf("the secrets file %s is open to other users: chmod 600 it", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSecretsFile))
	if err != nil {
		return Secrets{}, fmt.Errorf("reading the secrets file: %w", err)
	}
	return parseSecrets(text, "the secrets file "+path)
}

// parseSecrets reads the text of a file of any version.
func parseSecrets(text []byte, from string) (Secrets, error) {
	var s Secrets
	if err := json.Unmarshal(text, &s); err != nil {
		return Secrets{}, fmt.Errorf("%s is damaged: it is not what was written", from) // the cause might quote a key
	}
	var faults []error
	for _, field := range s.fields() {
		if len(field.key) != secretSize {
			faults = append(faults, fmt.Errorf("%s is damaged: its %s has %d bytes, not %d", from, field.name, len(field.key), secretSize))
		}
	}
	switch {
	case s.Version > secretsVersion:
		faults = append(faults, fmt.Errorf("%s was written by a later release", from))
	case s.Version >= vaultVersion && len(s.Vault) == 0:
		faults = append(faults, fmt.Errorf("%s is damaged: it has no vault_keys", from))
	case s.Version == secretsVersion && len(s.Boxes) == 0:
		faults = append(faults, fmt.Errorf("%s is damaged: it has no box_keys", from))
	}
	for name, keys := range map[string][]NumberedKey{"vault_keys": s.Vault, "box_keys": s.Boxes} {
		last := uint32(0)
		for _, key := range keys {
			if key.ID <= last {
				faults = append(faults, fmt.Errorf("%s is damaged: the ids of its %s do not grow", from, name))
			}
			last = key.ID
		}
	}
	if len(faults) > 0 {
		return Secrets{}, errors.Join(faults...)
	}
	return s, nil
}
