package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/truyvet/truyvet/internal/app"
	"github.com/truyvet/truyvet/internal/config"
)

func TestBackupAndRestore(t *testing.T) {
	b := newBureau(t)
	b.must(newAccountCmd, "create", "--login", "ben", "--role", "owner", "--organisation", "Chợ Bến")
	dir := t.TempDir()
	full, bare := filepath.Join(dir, "full"), filepath.Join(dir, "bare")
	if out := b.must(newBackupCmd, "--out", full); !strings.Contains(out, "Destroy it on 2") {
		t.Errorf("it says %q", out)
	}
	b.must(newBackupCmd, "--out", bare, "--without-keys")
	if info, err := os.Stat(full); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup is %v, %v", info, err)
	}
	if _, err := b.run(newBackupCmd, "--out", full); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file that is there: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.registry")); err != nil || len(left) > 0 {
		t.Errorf("left over are %v, %v", left, err)
	}

	other := &bureau{t: t, data: filepath.Join(dir, "other")}
	other.must(newRestoreCmd, "--from", full)
	for _, name := range []string{"keys.json", "secrets.json"} {
		want, errWant := os.ReadFile(filepath.Join(b.data, name))
		got, errGot := os.ReadFile(filepath.Join(other.data, name))
		if errors.Join(errWant, errGot) != nil || string(got) != string(want) {
			t.Errorf("%s differs: %v, %v", name, errWant, errGot)
		}
	}
	if a, err := other.store().AccountByLogin(t.Context(), "ben"); err != nil || a.PasswordHash == "" {
		t.Errorf("the account is %+v, %v", a, err)
	}
	entries, err := other.store().AuditEntries(t.Context(), 0, 10)
	if err != nil || len(entries) != 3 || entries[0].Action != "backup_restored" || entries[1].Action != "backup_made" {
		t.Errorf("the audit log has %+v, %v", entries, err)
	}
	if _, err := other.run(newRestoreCmd, "--from", full); err == nil {
		t.Error("it was restored over records")
	}

	// Other keys stay; without keys there must be some.
	third := newBureau(t)
	if _, err := third.run(newRestoreCmd, "--from", full); err == nil || !strings.Contains(err.Error(), "other keys") {
		t.Errorf("over other keys: %v", err)
	}
	third.must(newRestoreCmd, "--from", bare)
	if _, err := third.store().AccountByLogin(t.Context(), "ben"); err != nil {
		t.Error(err)
	}

	later := func() time.Time { return time.Now().Add(22 * 24 * time.Hour) }
	cfg, err := config.Load(t.Context(), []string{"TRUYVET_DATA=" + filepath.Join(dir, "late")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.Restore(t.Context(), cfg, full, later, false); !errors.Is(err, app.ErrExpired) {
		t.Errorf("after its time: %v", err)
	}
	if _, err := app.Restore(t.Context(), cfg, full, later, true); err != nil {
		t.Errorf("after its time, as it is asked for: %v", err)
	}
}

func TestDamagedBackups(t *testing.T) {
	b := newBureau(t)
	path := filepath.Join(t.TempDir(), "backup")
	b.must(newBackupCmd, "--out", path)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	spoilt := append([]byte(nil), whole...)
	spoilt[len(spoilt)/2] ^= 0x40
	for name, text := range map[string][]byte{"cut off": whole[:len(whole)/2], "changed": spoilt, "empty": nil, "no backup": []byte("PK\x05\x06" + strings.Repeat("\x00", 18))} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		to := &bureau{t: t, data: filepath.Join(t.TempDir(), "to")}
		if _, err := to.run(newRestoreCmd, "--from", path); err == nil {
			t.Errorf("%s: it was restored", name)
		}
	}
}
