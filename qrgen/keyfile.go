package qrgen

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// ErrOpenToOthers means that a private key file could be read by other users of
// the machine. Its permissions must be 0600 or less.
var ErrOpenToOthers = errors.New("the private key file is open to other users; chmod 600 it")

// maxKeyFile is beyond what all 65,535 keys take.
const maxKeyFile = 16 << 20

// ReadKeyFile reads a key set from a file in either JSON form. The private form
// gives a set that signs, and is refused with [ErrOpenToOthers] if group or
// others have any permission on it (not checked on Windows, which keeps
// permissions elsewhere). The public form gives a set as [ParsePublicKeys] does.
func ReadKeyFile(path string) (*KeySet, error) {
	ks, err := readKeyFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	return ks, nil
}

func readKeyFile(path string) (*KeySet, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written to it
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, err
	}
	doc, err := readDocument(data)
	if err != nil {
		return nil, err
	}
	switch doc.Format {
	case publicFormat:
	case privateFormat:
		if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			return nil, ErrOpenToOthers
		}
	default:
		return nil, fmt.Errorf("unknown format %q", doc.Format)
	}
	return doc.keySet()
}

// CreateFile writes the set in its private form to a new file of permissions
// 0600. It never replaces a file: one that is there gives an error that
// errors.Is says to be fs.ErrExist.
func (ks *KeySet) CreateFile(path string) error {
	data, err := ks.privateJSON()
	if err != nil {
		return fmt.Errorf("creating the key file: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("creating the key file: %w", err)
	}
	if err := writeAndSync(f, data); err != nil {
		return fmt.Errorf("creating the key file: %w", errors.Join(err, os.Remove(path)))
	}
	return syncDir(filepath.Dir(path))
}

// WriteFile writes the set in its private form, replacing the file at once or
// not at all, with permissions 0600. Two processes that change one file at the
// same time are not kept apart: the later one wins.
func (ks *KeySet) WriteFile(path string) error {
	data, err := ks.privateJSON()
	if err != nil {
		return fmt.Errorf("writing the key file: %w", err)
	}
	// os.CreateTemp gives 0600; beside the target so that the rename cannot cross
	// file systems.
	f, err := os.CreateTemp(filepath.Dir(path), ".truyvet-keys-*")
	if err != nil {
		return fmt.Errorf("writing the key file: %w", err)
	}
	if err := writeAndSync(f, data); err != nil {
		return fmt.Errorf("writing the key file: %w", errors.Join(err, os.Remove(f.Name())))
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("writing the key file: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return syncDir(filepath.Dir(path))
}

func (ks *KeySet) privateJSON() ([]byte, error) {
	ks.mu.RLock()
	defer ks.mu.RUnlock()
	if ks.verifyOnly {
		return nil, ErrVerifyOnly
	}
	return ks.document(privateFormat)
}

func writeAndSync(f *os.File, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncDir makes a new name in a directory survive a power cut. Where the system
// cannot sync directories the name is as durable as that system makes it.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("syncing the key file's directory: %w", err)
	}
	err = dir.Sync()
	if errors.Is(err, errors.ErrUnsupported) || runtime.GOOS == "windows" {
		err = nil
	}
	if err := errors.Join(err, dir.Close()); err != nil {
		return fmt.Errorf("syncing the key file's directory: %w", err)
	}
	return nil
}
