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
	"runtime"
)

// secretSize is the length of every key, in bytes.
const secretSize = 32

// Secrets are the keys that are in no database. Losing the pseudonym key means that no known person can be found again by
// phone or ID number; losing the others ends credentials and the proof of the audit log.
type Secrets struct {
	Pseudonym  []byte `json:"pseudonym_key"`  // makes aliases from identifiers
	Credential []byte `json:"credential_key"` // signs what the citizen's browser holds
	Audit      []byte `json:"audit_key"`      // seals the audit log
	Page       []byte `json:"page_key"`       // signs what a page keeps in the browser for the next one, and seals second factors
}

// String, GoString and LogValue keep the keys out of every text that a Secrets is printed into.
func (Secrets) String() string { return "secrets" }

// GoString is String, for %#v.
func (Secrets) GoString() string { return "secrets" }

// LogValue is String, for slog, which would write the JSON form.
func (Secrets) LogValue() slog.Value { return slog.StringValue("secrets") }

// fields returns the keys by their names in the file.
func (s *Secrets) fields() []secretField {
	return []secretField{
		{"pseudonym_key", s.Pseudonym}, {"credential_key", s.Credential}, {"audit_key", s.Audit}, {"page_key", s.Page},
	}
}

type secretField struct {
	name string
	key  []byte
}

// NewSecrets makes random keys.
func NewSecrets() Secrets {
	key := func() []byte {
		b := make([]byte, secretSize)
		rand.Read(b) // never fails: see crypto/rand
		return b
	}
	return Secrets{Pseudonym: key(), Credential: key(), Audit: key(), Page: key()}
}

// WriteSecrets writes a new file that only its owner can read. It never overwrites one: the error is then fs.ErrExist. A file
// that could not be written whole is removed again.
func WriteSecrets(path string, s Secrets) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding secrets: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("creating the secrets file: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing the secrets file: %w", errors.Join(err, os.Remove(path)))
	}
	return nil
}

// maxSecretsFile is far beyond what the keys take, in bytes.
const maxSecretsFile = 1 << 16

// ReadSecrets reads the file, and refuses one that group or others may read (not checked on Windows, which keeps permissions
// elsewhere) or that lacks a key. No error holds any part of it.
func ReadSecrets(path string) (Secrets, error) {
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
	var s Secrets
	if err := json.Unmarshal(text, &s); err != nil {
		return Secrets{}, fmt.Errorf("the secrets file %s is damaged: it is not what was written", path) // the cause might quote a key
	}
	var faults []error
	for _, field := range s.fields() {
		if len(field.key) != secretSize {
			faults = append(faults, fmt.Errorf("the secrets file %s is damaged: its %s has %d bytes, not %d", path, field.name, len(field.key), secretSize))
		}
	}
	if len(faults) > 0 {
		return Secrets{}, errors.Join(faults...)
	}
	return s, nil
}
