package app

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// keyFile is the file of the signing keys, which `truyvet qr keys` changes while a server runs.
type keyFile struct {
	path string
	keys *qrgen.KeySet // always the same set, whose content follows the file

	mu   sync.Mutex
	seen time.Time // when the file was changed that was read last
	size int64
}

// openKeyFile reads the keys.
func openKeyFile(path string) (*keyFile, error) {
	f := &keyFile{path: path, keys: qrgen.NewKeySet()}
	_, err := f.refresh()
	return f, err
}

// refresh reads the keys again if the file has changed, so that a compromised key is trusted no longer, and reports whether it
// has.
func (f *keyFile) refresh() (changed bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		return false, fmt.Errorf("looking at the signing keys (`truyvet init` makes them): %w", err)
	}
	if info.ModTime().Equal(f.seen) && info.Size() == f.size {
		return false, nil
	}
	read, err := qrgen.ReadKeyFile(f.path)
	if err != nil {
		return false, fmt.Errorf("reading the signing keys: %w", err)
	}
	f.keys.Replace(read)
	f.seen, f.size = info.ModTime(), info.Size()
	return true, nil
}

// describe names the keys with their states and the first bytes of the SHA-256 of the public keys.
func (f *keyFile) describe() string {
	var keys []string
	for _, k := range f.keys.List() {
		keys = append(keys, fmt.Sprintf("%d %s %.4x", k.ID, k.State, sha256.Sum256(k.Public)))
	}
	return strings.Join(keys, ", ")
}

// keysChanged is the action of the entry that says which signing keys there are from then on.
const keysChanged = "keys_changed"

// enterKeys writes an audit entry where the signing keys are not those of the last such entry: the file is changed by commands
// that know of no audit log, perhaps while no server runs.
func (p *Parts) enterKeys(ctx context.Context) error {
	entry := p.Audit.Entry("system", keysChanged, "codes", p.keyFile.describe())
	last, err := p.Audit.Find(ctx, registry.AuditFilter{Action: keysChanged, Subject: entry.Subject}, 0, 1)
	if err != nil {
		return fmt.Errorf("looking for the last change of the signing keys: %w", err)
	}
	if len(last) > 0 && last[0].Detail == entry.Detail {
		return nil
	}
	return p.Audit.Append(ctx, entry.Actor, entry.Action, entry.Subject, entry.Detail)
}
