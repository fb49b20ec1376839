package config

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// secretSize is the length of every key, in bytes.
const secretSize = 32

// Secrets are the keys that are in no database. Losing the pseudonym key means that no known person can be found again by
// phone or ID number; losing the others ends credentials and the proof of the audit log.
type Secrets struct {
	Pseudonym  []byte `json:"pseudonym_key"`  // makes aliases from identifiers
	Credential []byte `json:"credential_key"` // signs what the citizen's browser holds
	Audit      []byte `json:"audit_key"`      // seals the audit log
	Page       []byte `json:"page_key"`       // signs what a page keeps in the browser for the next one
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

// WriteSecrets writes a new file that only its owner can read. It never overwrites one.
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
	return errors.Join(err, f.Sync(), f.Close())
}

// ReadSecrets reads the file, and refuses one that others may read or that lacks a key.
func ReadSecrets(path string) (Secrets, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Secrets{}, fmt.Errorf("there is no secrets file %s: make one with `truyvet init`", path)
	}
	if err != nil {
		return Secrets{}, fmt.Errorf("looking at the secrets file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Secrets{}, fmt.Errorf("the secrets file %s may be read by others: chmod 600 it", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Secrets{}, fmt.Errorf("reading the secrets file: %w", err)
	}
	var s Secrets
	if err := json.Unmarshal(text, &s); err != nil {
		return Secrets{}, fmt.Errorf("the secrets file %s is damaged", path) // the cause might quote a key
	}
	for name, key := range map[string][]byte{
		"pseudonym_key": s.Pseudonym, "credential_key": s.Credential, "audit_key": s.Audit, "page_key": s.Page,
	} {
		if len(key) != secretSize {
			return Secrets{}, fmt.Errorf("the secrets file %s: %s is not %d bytes", path, name, secretSize)
		}
	}
	return s, nil
}
