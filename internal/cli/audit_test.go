package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/audit"
	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/registry/sqlstore/sqlstoretest"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanstore/sqlite"
	"github.com/truyvet/truyvet/tracing/stay"
)

// exitOf returns the code that the program exits with.
func exitOf(err error) int {
	var exit *ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.Code
	default:
		return ExitFailure
	}
}

func TestAuditVerify(t *testing.T) {
	b := newBureau(t)
	verify := func(code int, says string, args ...string) {
		t.Helper()
		out, err := b.run(newAuditCmd, append([]string{"verify"}, args...)...)
		if exitOf(err) != code || !strings.Contains(out, says) {
			t.Errorf("verify %q exits with %d, %v: %s", args, exitOf(err), err, out)
		}
	}
	verify(0, "0 entries")
	if _, err := b.run(newAuditCmd, "head"); !errors.Is(err, audit.ErrEmpty) {
		t.Errorf("the head of an empty log: %v", err)
	}
	secrets, err := config.ReadSecrets(filepath.Join(b.data, "secrets.json"))
	if err != nil {
		t.Fatal(err)
	}
	log, err := audit.New(b.store(), secrets.Audit, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := log.Append(t.Context(), "an", "login", "", ""); err != nil {
			t.Fatal(err)
		}
	}
	verify(0, "no head shows whether it was cut off")
	head := filepath.Join(t.TempDir(), "head.json")
	if out := b.must(newAuditCmd, "head", "--out", head); !strings.Contains(out, "entry 3 ") {
		t.Errorf("the head is told as %s", out)
	}
	if _, err := b.run(newAuditCmd, "head", "--out", head); err == nil {
		t.Error("a head was written over another")
	}
	text, err := os.ReadFile(head)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := audit.ParseHead([]byte(b.must(newAuditCmd, "head"))); err != nil {
		t.Errorf("the printed head: %v", err)
	}
	verify(0, "1 heads agree", "--head", head)
	verify(ExitFailure, "", "--head", head+".none")

	raw := sqlstoretest.Reach(t, filepath.Join(b.data, "registry.db"))
	for _, statement := range []string{`DROP TRIGGER audit_is_never_edited`, `DROP TRIGGER audit_is_never_shortened`, `DELETE FROM audit WHERE seq = 3`} {
		if _, err := raw.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	verify(0, "2 entries")
	verify(ExitRefused, "entry 3 is cut off", "--head", head)
	kept := filepath.Join(b.data, "audit-heads")
	if err := os.MkdirAll(kept, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(kept, "audit-head-2026-11-22.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	verify(ExitRefused, "entry 3 is cut off") // heads that a server kept are found
	if _, err := raw.Exec(`UPDATE audit SET actor = 'x' WHERE seq = 1`); err != nil {
		t.Fatal(err)
	}
	verify(ExitRefused, "entry 1 is not what was written")
	if err := os.WriteFile(filepath.Join(kept, "audit-head-2026-11-23.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	verify(ExitRefused, "audit-head-2026-11-23.json: it is no head")
}

func TestRetentionRun(t *testing.T) {
	b := newBureau(t)
	if out := b.must(newRetentionCmd, "run", "--dry-run"); !strings.Contains(out, "0 days, 0 lists") {
		t.Errorf("of a new folder would go %s", out)
	}
	old := time.Now().Add(-30 * 24 * time.Hour).Unix()
	store, err := sqlite.Open(t.Context(), filepath.Join(b.data, "scans"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{old, old + 1, time.Now().Unix()} {
		sc := scan.Scan{ID: uuid.New(), Alias: uuid.New(), Place: uuid.New(), At: at, ReceivedAt: at, Kind: stay.In, How: scan.Phone}
		if outcomes, err := store.Append(t.Context(), []scan.Scan{sc}); err != nil {
			t.Fatal(outcomes, err)
		}
	}
	day := scan.DayOf(old).String()
	// A server holds the folder: what would go can be seen, and nothing be dropped.
	out := b.must(newRetentionCmd, "run", "--dry-run")
	if !strings.Contains(out, day) || !strings.Contains(out, "2 scans") && !strings.Contains(out, "1 scans") || !strings.Contains(out, "would go") {
		t.Errorf("would go %s", out)
	}
	if _, err := b.run(newRetentionCmd, "run"); err == nil {
		t.Error("it ran beside a server")
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if out := b.must(newRetentionCmd, "run"); !strings.Contains(out, day) || !strings.Contains(out, "gone") {
		t.Errorf("gone is %s", out)
	}
	if out := b.must(newRetentionCmd, "run", "--dry-run"); !strings.Contains(out, "0 days, 0 lists") {
		t.Errorf("afterwards would go %s", out)
	}
	entries, err := b.store().AuditEntries(t.Context(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, e := range entries {
		if e.Action == "purge" && e.Subject == "scans/"+day {
			told++
		}
	}
	if told != 1 {
		t.Errorf("the audit log has %+v", entries)
	}
}
