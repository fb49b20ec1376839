package app

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/qrgen"
)

// TestKeyFileIsFollowed sees a key that is compromised in the file trusted no longer, without a restart, and a damaged file
// change nothing.
func TestKeyFileIsFollowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	keys := qrgen.NewKeySet()
	now := time.Now()
	if _, err := keys.Create(now); err != nil {
		t.Fatal(err)
	}
	if err := keys.CreateFile(path); err != nil {
		t.Fatal(err)
	}
	file, err := openKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	served := file.keys
	code, err := served.Sign(qrgen.Token{Kind: qrgen.KindShop, Place: uuid.New(), IssuedAt: now, Serial: 1})
	if err != nil {
		t.Fatal(err)
	}

	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := file.refresh(); err == nil {
		t.Error("a damaged file was read")
	}
	if _, err := served.Verify(code, now, nil); err != nil {
		t.Errorf("after a damaged file: %v", err)
	}
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}

	if err := keys.Compromise(1); err != nil {
		t.Fatal(err)
	}
	if err := keys.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	if _, err := file.refresh(); err != nil {
		t.Fatal(err)
	}
	if _, err := served.Verify(code, now, nil); !errors.Is(err, qrgen.ErrCompromisedKey) {
		t.Errorf("after the key was compromised: %v", err)
	}
}
