package app

import (
	"fmt"
	"os"
	"sync"
	"time"

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
	return f, f.refresh()
}

// refresh reads the keys again if the file has changed, so that a compromised key is trusted no longer.
func (f *keyFile) refresh() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		return fmt.Errorf("looking at the signing keys (`truyvet init` makes them): %w", err)
	}
	if info.ModTime().Equal(f.seen) && info.Size() == f.size {
		return nil
	}
	read, err := qrgen.ReadKeyFile(f.path)
	if err != nil {
		return fmt.Errorf("reading the signing keys: %w", err)
	}
	f.keys.Replace(read)
	f.seen, f.size = info.ModTime(), info.Size()
	return nil
}
