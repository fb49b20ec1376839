package audit_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/truyvet/truyvet/internal/audit"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore"
)

var key = bytes.Repeat([]byte{3}, audit.KeySize)

func clock() time.Time { return time.Unix(1_637_600_000, 0) }

func open(t testing.TB, store audit.Store, key []byte) *audit.Log {
	t.Helper()
	log, err := audit.New(store, key, clock)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// database is a real registry, with a way in for whoever tampers with it.
func database(t testing.TB) (*sqlstore.Store, *sql.DB) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "registry.db")
	store, err := sqlstore.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	return store, raw
}

func write(t testing.TB, log *audit.Log, n int) {
	t.Helper()
	for i := range n {
		if err := log.Append(t.Context(), "city", "run", fmt.Sprint("run ", i), ""); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLog(t *testing.T) {
	store, _ := database(t)
	log := open(t, store, key)
	if n, err := log.Verify(t.Context()); n != 0 || err != nil {
		t.Errorf("an empty log verifies as %d, %v", n, err)
	}
	if head, err := log.Head(t.Context()); err != nil || head.Seq != 0 || head.Seal != nil {
		t.Errorf("an empty log ends at %+v, %v", head, err)
	}
	if err := log.Append(t.Context(), "city", "case_recorded", "id 1", "Đã ghi"); err != nil {
		t.Fatal(err)
	}
	write(t, log, 2)
	entries, err := log.Entries(t.Context(), 0, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		if len(entries[i].Seal) != 32 {
			t.Errorf("the seal of entry %d has %d bytes", entries[i].Seq, len(entries[i].Seal))
		}
		entries[i].Seal = nil
	}
	at := clock().Unix()
	want := []registry.AuditEntry{
		{Seq: 3, At: at, Actor: "city", Action: "run", Subject: "run 1"},
		{Seq: 2, At: at, Actor: "city", Action: "run", Subject: "run 0"},
		{Seq: 1, At: at, Actor: "city", Action: "case_recorded", Subject: "id 1", Detail: "Đã ghi"},
	}
	if diff := cmp.Diff(want, entries); diff != "" {
		t.Error(diff)
	}
	if n, err := log.Verify(t.Context()); n != 3 || err != nil {
		t.Errorf("the log verifies as %d, %v", n, err)
	}
}

func TestVerifyFindsWhatIsDoneToTheTable(t *testing.T) {
	tests := []struct {
		name       string
		statements []string
		good       int64
	}{
		{"a changed actor", []string{`UPDATE audit SET actor = 'ward' WHERE seq = 4`}, 3},
		{"a changed action", []string{`UPDATE audit SET action = 'login' WHERE seq = 1`}, 0},
		{"a changed subject", []string{`UPDATE audit SET subject = '' WHERE seq = 7`}, 6},
		{"a changed detail", []string{`UPDATE audit SET detail = 'x' WHERE seq = 2`}, 1},
		{"a changed time", []string{`UPDATE audit SET entered = entered + 1 WHERE seq = 2`}, 1},
		{"a letter moved to the next field", []string{`UPDATE audit SET actor = 'cit', action = 'yrun' WHERE seq = 2`}, 1},
		{"a changed seal", []string{`UPDATE audit SET seal = zeroblob(32) WHERE seq = 5`}, 4},
		{"an empty seal", []string{`UPDATE audit SET seal = x'' WHERE seq = 5`}, 4},
		{"the last one changed", []string{`UPDATE audit SET detail = 'x' WHERE seq = 8`}, 7},
		{"the first one missing", []string{`DELETE FROM audit WHERE seq = 1`}, 0},
		{"one missing", []string{`DELETE FROM audit WHERE seq = 4`}, 3},
		{"one missing and the gap closed", []string{
			`DELETE FROM audit WHERE seq = 4`,
			`UPDATE audit SET seq = seq + 1000 WHERE seq > 4`, `UPDATE audit SET seq = seq - 1001 WHERE seq > 1000`,
		}, 3},
		{"the first one missing and the gap closed", []string{
			`DELETE FROM audit WHERE seq = 1`,
			`UPDATE audit SET seq = seq + 1000`, `UPDATE audit SET seq = seq - 1001`,
		}, 0},
		{"two in each other's place", []string{
			`UPDATE audit SET seq = 1000 WHERE seq = 3`, `UPDATE audit SET seq = 3 WHERE seq = 4`, `UPDATE audit SET seq = 4 WHERE seq = 1000`,
		}, 2},
		{"one inserted at the end", []string{`INSERT INTO audit SELECT 9, entered, actor, action, subject, detail, seal FROM audit WHERE seq = 8`}, 8},
		{"one inserted in the middle", []string{
			`UPDATE audit SET seq = seq + 1000 WHERE seq > 4`, `UPDATE audit SET seq = seq - 999 WHERE seq > 1000`,
			`INSERT INTO audit SELECT 5, entered, actor, action, subject, detail, seal FROM audit WHERE seq = 4`,
		}, 4},
		{"one long before the first", []string{`INSERT INTO audit SELECT -7, entered, actor, action, subject, detail, seal FROM audit WHERE seq = 1`}, 0},
		{"one before the first", []string{`INSERT INTO audit SELECT 0, entered, actor, action, subject, detail, seal FROM audit WHERE seq = 1`}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			store, raw := database(t)
			log := open(t, store, key)
			write(t, log, 8)
			// Whoever can write to the database can drop what guards the table.
			statements := append([]string{
				`DROP TRIGGER audit_is_never_edited`, `DROP TRIGGER audit_is_never_shortened`,
			}, test.statements...)
			for _, statement := range statements {
				if _, err := raw.Exec(statement); err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
			}
			for name, verify := range map[string]func(context.Context) (int64, error){"Verify": log.Verify, "Check": log.Check} {
				if good, err := verify(t.Context()); !errors.Is(err, audit.ErrTampered) || good != test.good {
					t.Errorf("%s: the log verifies as %d, %v; want %d", name, good, err, test.good)
				}
			}
		})
	}
}

// counting counts the entries that are walked over.
type counting struct {
	*sqlstore.Store
	walked int
}

func (c *counting) WalkAudit(ctx context.Context, from int64, yield func(registry.AuditEntry) error) error {
	return c.Store.WalkAudit(ctx, from, func(e registry.AuditEntry) error {
		c.walked++
		return yield(e)
	})
}

// TestCheckGoesOnFromWhatWasGood looks again and again at a log that grows, and wants an entry verified once in an hour.
func TestCheckGoesOnFromWhatWasGood(t *testing.T) {
	store, raw := database(t)
	counted := &counting{Store: store}
	now := clock()
	log, err := audit.New(counted, key, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	check := func(entries int64, walked int) {
		t.Helper()
		counted.walked = 0
		if n, err := log.Check(t.Context()); n != entries || err != nil || counted.walked != walked {
			t.Errorf("checked as %d with %d walked, %v; want %d with %d", n, counted.walked, err, entries, walked)
		}
	}
	check(0, 0)
	write(t, log, 6)
	check(6, 6)
	check(6, 1)
	write(t, log, 2)
	now = now.Add(time.Hour - 1)
	check(8, 3)
	now = now.Add(1)
	check(8, 8)
	check(8, 1)

	tamper := func(statements ...string) {
		t.Helper()
		for _, statement := range statements {
			if _, err := raw.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
	}
	refused := func(good int64) {
		t.Helper()
		if n, err := log.Check(t.Context()); n != good || !errors.Is(err, audit.ErrTampered) {
			t.Errorf("checked as %d, %v; want %d", n, err, good)
		}
	}
	tamper(`DROP TRIGGER audit_is_never_edited`, `DROP TRIGGER audit_is_never_shortened`, `UPDATE audit SET detail = 'x' WHERE seq = 2`)
	check(8, 1)
	now = now.Add(time.Hour)
	refused(1)
	tamper(`UPDATE audit SET detail = '' WHERE seq = 2`)
	check(8, 8)
	write(t, log, 1)
	tamper(`UPDATE audit SET detail = 'x' WHERE seq = 9`)
	refused(8)
	tamper(`DELETE FROM audit WHERE seq >= 8`) // Verify does not find that
	refused(7)
}

// TestHeadShowsACut: what Verify cannot find, and the head can.
func TestHeadShowsACut(t *testing.T) {
	store, raw := database(t)
	log := open(t, store, key)
	write(t, log, 5)
	kept, err := log.Head(t.Context())
	if err != nil || kept.Seq != 5 {
		t.Fatalf("the head is %+v, %v", kept, err)
	}
	for _, statement := range []string{`DROP TRIGGER audit_is_never_shortened`, `DELETE FROM audit WHERE seq > 3`} {
		if _, err := raw.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := log.Verify(t.Context()); n != 3 || err != nil {
		t.Errorf("the log that was cut verifies as %d, %v", n, err)
	}
	write(t, log, 3) // it has grown past where it was cut
	head, err := log.Head(t.Context())
	if err != nil || head.Seq != 6 {
		t.Fatalf("the head is %+v, %v", head, err)
	}
	entries, err := log.Entries(t.Context(), kept.Seq+1, 1)
	if err != nil || len(entries) != 1 || entries[0].Seq != kept.Seq {
		t.Fatalf("the entry at the old head is %+v, %v", entries, err)
	}
	if bytes.Equal(entries[0].Seal, kept.Seal) {
		t.Error("the entry that took the place of the one cut off has its seal")
	}
}

func TestAnotherKeyMakesAnotherLog(t *testing.T) {
	store, _ := database(t)
	write(t, open(t, store, key), 3)
	other := open(t, store, bytes.Repeat([]byte{4}, audit.KeySize))
	if good, err := other.Verify(t.Context()); !errors.Is(err, audit.ErrTampered) || good != 0 {
		t.Errorf("under another key the log verifies as %d, %v", good, err)
	}
	for _, size := range []int{0, 31, 64} {
		if _, err := audit.New(store, make([]byte, size), clock); err == nil {
			t.Errorf("a key of %d bytes is taken", size)
		}
	}
}

// TestSealsAreFrozen holds the seal to a value computed apart from this code: logs outlive releases.
func TestSealsAreFrozen(t *testing.T) {
	store, _ := database(t)
	log := open(t, store, key)
	if err := log.Append(t.Context(), "city", "case_recorded", "id 1", "Đã ghi"); err != nil {
		t.Fatal(err)
	}
	write(t, log, 1)
	head, err := log.Head(t.Context())
	if got := fmt.Sprintf("%x", head.Seal); err != nil || got != "954a7f23377064143c3cc3227d96fd79fcaf42414a9c0a02b1403281dfebf805" {
		t.Errorf("the seal of the second entry is %s, %v", got, err)
	}
}

func TestFieldsAreStorable(t *testing.T) {
	long := strings.Repeat("ạ", 400) // three bytes each
	tests := []struct{ given, want string }{
		{"", ""},
		{"Phường Phúc Xá", "Phường Phúc Xá"},
		{"a\x00b", "a\uFFFDb"},
		{"a\xffb", "a\uFFFDb"},
		{long, long[:341*3]},
		{strings.Repeat("x", 5000), strings.Repeat("x", 1024)},
	}
	store, _ := database(t)
	log := open(t, store, key)
	for _, test := range tests {
		if err := log.Append(t.Context(), test.given, "a", test.given, test.given); err != nil {
			t.Fatal(err)
		}
		last, err := log.Entries(t.Context(), 0, 1)
		if err != nil || last[0].Actor != test.want || last[0].Subject != test.want || last[0].Detail != test.want {
			t.Errorf("%q is kept as %+v, %v", test.given, last, err)
		}
	}
	if n, err := log.Verify(t.Context()); err != nil || n != int64(len(tests)) {
		t.Errorf("the log verifies as %d, %v", n, err)
	}
}

func TestAppendAtOnce(t *testing.T) {
	store, _ := database(t)
	log := open(t, store, key)
	const n = 20
	outcomes := make(chan error, n)
	for range n {
		go func() { outcomes <- log.Append(t.Context(), "a", "b", "c", "d") }()
	}
	for range n {
		if err := <-outcomes; err != nil {
			t.Error(err)
		}
	}
	if got, err := log.Verify(t.Context()); got != n || err != nil {
		t.Errorf("the log verifies as %d, %v", got, err)
	}
}

// failing is a store that is away.
type failing struct{ err error }

func (f failing) AppendAudit(context.Context, func([]byte, registry.AuditEntry) []byte, registry.AuditEntry) (registry.AuditEntry, error) {
	return registry.AuditEntry{}, f.err
}

func (f failing) AuditEntries(context.Context, int64, int) ([]registry.AuditEntry, error) {
	return nil, f.err
}

func (f failing) WalkAudit(context.Context, int64, func(registry.AuditEntry) error) error {
	return f.err
}

func TestAStoreThatIsAwayIsNoTampering(t *testing.T) {
	log := open(t, failing{registry.ErrBusy}, key)
	_, verify := log.Verify(t.Context())
	_, entries := log.Entries(t.Context(), 0, 5)
	_, head := log.Head(t.Context())
	_, check := log.Check(t.Context())
	faults := []error{verify, check, entries, head, log.Append(t.Context(), "a", "b", "c", "d")}
	if i := slices.IndexFunc(faults, func(err error) bool {
		return !errors.Is(err, registry.ErrBusy) || errors.Is(err, audit.ErrTampered)
	}); i >= 0 {
		t.Errorf("call %d gives %v", i, faults[i])
	}
}
