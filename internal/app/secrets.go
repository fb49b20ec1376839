package app

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/sealbox"
	"github.com/truyvet/truyvet/internal/vault"
)

// secretsFile is the file of the secrets, of which `truyvet keys rotate` changes the pseudonym key and those of the vault and of
// boxes while servers run. Where the secrets come from the environment it stays as it is.
type secretsFile struct {
	path string // empty for the environment

	pseudonyms *citizen.Pseudonyms // always the same, whose key follows the file
	ring       *vault.Ring         // and its keys
	boxes      *sealbox.Ring       // and its keys

	mu   sync.Mutex
	seen time.Time // when the file was changed that was read last
	size int64
}

// followSecrets makes what works with the secrets that were read.
func followSecrets(cfg *config.Config, secrets config.Secrets) (*secretsFile, error) {
	f := new(secretsFile)
	if cfg.SecretsText == "" {
		f.path = cfg.SecretsFile
	}
	var err error
	if f.pseudonyms, err = citizen.NewPseudonyms(secrets.Pseudonym); err != nil {
		return nil, err
	}
	if f.ring, err = vault.NewRing(vaultKeys(secrets), f.refresh); err != nil {
		return nil, err
	}
	if f.boxes, err = sealbox.NewRing(boxKeys(secrets)); err != nil {
		return nil, err
	}
	return f, nil
}

// vaultKeys returns the keys of the vault as it takes them.
func vaultKeys(secrets config.Secrets) []vault.Key {
	keys := make([]vault.Key, len(secrets.Vault))
	for i, key := range secrets.Vault {
		keys[i] = vault.Key(key)
	}
	return keys
}

// boxKeys returns the keys of boxes as their ring takes them.
func boxKeys(secrets config.Secrets) []sealbox.Key {
	keys := make([]sealbox.Key, len(secrets.Boxes))
	for i, key := range secrets.Boxes {
		keys[i] = sealbox.Key(key)
	}
	return keys
}

// refresh reads the secrets again if the file has changed.
func (f *secretsFile) refresh() error {
	if f.path == "" {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		return fmt.Errorf("looking at the secrets: %w", err)
	}
	if info.ModTime().Equal(f.seen) && info.Size() == f.size {
		return nil
	}
	secrets, err := config.ReadSecrets(f.path)
	if err != nil {
		return err
	}
	if err := f.ring.Replace(vaultKeys(secrets)); err != nil {
		return err
	}
	if err := f.boxes.Replace(boxKeys(secrets)); err != nil {
		return err
	}
	if err := f.pseudonyms.Replace(secrets.Pseudonym); err != nil {
		return err
	}
	f.seen, f.size = info.ModTime(), info.Size()
	return nil
}
