package audit_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/truyvet/truyvet/internal/audit"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore"
	"github.com/truyvet/truyvet/internal/registry/sqlstore/sqlstoretest"
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

func TestMain(m *testing.M) { os.Exit(sqlstoretest.Main(m)) }

// database is a real registry, with a way in for whoever tampers with it.
func database(t testing.TB, e *sqlstoretest.Engine) (*sqlstore.Store, *sql.DB) {
	t.Helper()
	place := e.Place(t)
	store, err := sqlstore.Open(t.Context(), place)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store, sqlstoretest.Reach(t, place)
}

// tamper runs statements that an append-only table would refuse: whoever can write to the database can drop what guards it.
func tamper(t testing.TB, raw *sql.DB, statements ...string) {
	t.Helper()
	guards := []string{`DROP TRIGGER IF EXISTS audit_is_never_edited`, `DROP TRIGGER IF EXISTS audit_is_never_shortened`}
	if _, err := raw.Exec(`SELECT pg_backend_pid()`); err == nil {
		guards = []string{`DROP TRIGGER IF EXISTS audit_is_never_edited ON audit`}
	}
	for _, statement := range append(guards, statements...) {
		if _, err := raw.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
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
	store, _ := database(t, sqlstoretest.SQLite)
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
		faults     []audit.Fault
	}{
		{"a changed actor", []string{`UPDATE audit SET actor = 'ward' WHERE seq = 4`}, 3, changed(4)},
		{"a changed action", []string{`UPDATE audit SET action = 'login' WHERE seq = 1`}, 0, changed(1)},
		{"a changed subject", []string{`UPDATE audit SET subject = '' WHERE seq = 7`}, 6, changed(7)},
		{"a changed detail", []string{`UPDATE audit SET detail = 'x' WHERE seq = 2`}, 1, changed(2)},
		{"a changed time", []string{`UPDATE audit SET entered = entered + 1 WHERE seq = 2`}, 1, changed(2)},
		{"a letter moved to the next field", []string{`UPDATE audit SET actor = 'cit', action = 'yrun' WHERE seq = 2`}, 1, changed(2)},
		{"a seal that is another's", []string{`UPDATE audit SET seal = (SELECT a.seal FROM audit AS a WHERE a.seq = 1) WHERE seq = 5`}, 4, changed(5)},
		{"the last one changed", []string{`UPDATE audit SET detail = 'x' WHERE seq = 8`}, 7, changed(8)},
		{"three changed", []string{`UPDATE audit SET detail = 'x' WHERE seq IN (2, 3, 6)`}, 1, []audit.Fault{
			{What: audit.Changed, Seq: 2, To: 3}, {What: audit.Changed, Seq: 6, To: 6},
		}},
		{"the first one missing", []string{`DELETE FROM audit WHERE seq = 1`}, 0, missing(1, 1)},
		{"some missing", []string{`DELETE FROM audit WHERE seq BETWEEN 4 AND 6`}, 3, missing(4, 6)},
		{"one missing and the gap closed", []string{
			`DELETE FROM audit WHERE seq = 4`,
			`UPDATE audit SET seq = seq + 1000 WHERE seq > 4`, `UPDATE audit SET seq = seq - 1001 WHERE seq > 1000`,
		}, 3, []audit.Fault{{What: audit.Changed, Seq: 4, To: 4}, {What: audit.Moved, Seq: 5, To: 7, Was: 6}}},
		{"the first one missing and the gap closed", []string{
			`DELETE FROM audit WHERE seq = 1`,
			`UPDATE audit SET seq = seq + 1000`, `UPDATE audit SET seq = seq - 1001`,
		}, 0, []audit.Fault{{What: audit.Changed, Seq: 1, To: 1}, {What: audit.Moved, Seq: 2, To: 7, Was: 3}}},
		{"two in each other's place", []string{
			`UPDATE audit SET seq = 1000 WHERE seq = 3`, `UPDATE audit SET seq = 3 WHERE seq = 4`, `UPDATE audit SET seq = 4 WHERE seq = 1000`,
		}, 2, []audit.Fault{{What: audit.Moved, Seq: 3, To: 3, Was: 4}, {What: audit.Moved, Seq: 4, To: 4, Was: 3}, {What: audit.Changed, Seq: 5, To: 5}}},
		{"one inserted at the end", []string{`INSERT INTO audit SELECT 9, entered, actor, action, subject, detail, seal FROM audit WHERE seq = 8`}, 8, changed(9)},
		{"one inserted in the middle", []string{
			`UPDATE audit SET seq = seq + 1000 WHERE seq > 4`, `UPDATE audit SET seq = seq - 999 WHERE seq > 1000`,
			`INSERT INTO audit SELECT 5, entered, actor, action, subject, detail, seal FROM audit WHERE seq = 4`,
		}, 4, []audit.Fault{{What: audit.Changed, Seq: 5, To: 5}, {What: audit.Moved, Seq: 6, To: 9, Was: 5}}},
		{"one long before the first", []string{`INSERT INTO audit SELECT -7, entered, actor, action, subject, detail, seal FROM audit WHERE seq = 1`}, 0, foreign(-7)},
		{"one before the first", []string{`INSERT INTO audit SELECT 0, entered, actor, action, subject, detail, seal FROM audit WHERE seq = 1`}, 0, foreign(0)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sqlstoretest.Each(t, func(t *testing.T, e *sqlstoretest.Engine) {
				store, raw := database(t, e)
				log := open(t, store, key)
				write(t, log, 8)
				tamper(t, raw, test.statements...)
				for name, verify := range map[string]func(context.Context) (int64, error){"Verify": log.Verify, "Check": log.Check} {
					if good, err := verify(t.Context()); !errors.Is(err, audit.ErrTampered) || good != test.good {
						t.Errorf("%s: the log verifies as %d, %v; want %d", name, good, err, test.good)
					}
				}
				report, err := log.Examine(t.Context())
				if err != nil || report.Whole() {
					t.Fatalf("the log is found whole, %v", err)
				}
				if diff := cmp.Diff(test.faults, report.Faults); diff != "" {
					t.Errorf("the faults are others: %s", diff)
				}
			})
		})
	}
}

func changed(seq int64) []audit.Fault { return []audit.Fault{{What: audit.Changed, Seq: seq, To: seq}} }

func foreign(seq int64) []audit.Fault { return []audit.Fault{{What: audit.Foreign, Seq: seq, To: seq}} }

func missing(from, to int64) []audit.Fault {
	return []audit.Fault{{What: audit.Missing, Seq: from, To: to}}
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
	store, raw := database(t, sqlstoretest.SQLite)
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

	refused := func(good int64) {
		t.Helper()
		if n, err := log.Check(t.Context()); n != good || !errors.Is(err, audit.ErrTampered) {
			t.Errorf("checked as %d, %v; want %d", n, err, good)
		}
	}
	tamper(t, raw, `UPDATE audit SET detail = 'x' WHERE seq = 2`)
	check(8, 1)
	now = now.Add(time.Hour)
	refused(1)
	tamper(t, raw, `UPDATE audit SET detail = '' WHERE seq = 2`)
	check(8, 8)
	write(t, log, 1)
	tamper(t, raw, `UPDATE audit SET detail = 'x' WHERE seq = 9`)
	refused(8)
	tamper(t, raw, `DELETE FROM audit WHERE seq >= 8`) // Verify does not find that
	refused(7)
}

func TestAnotherKeyMakesAnotherLog(t *testing.T) {
	store, _ := database(t, sqlstoretest.SQLite)
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
	store, _ := database(t, sqlstoretest.SQLite)
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
	store, _ := database(t, sqlstoretest.SQLite)
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
	store, _ := database(t, sqlstoretest.SQLite)
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

func (f failing) FindAudit(context.Context, registry.AuditFilter, int64, int) ([]registry.AuditEntry, error) {
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
	_, found := log.Find(t.Context(), registry.AuditFilter{}, 0, 5)
	_, examined := log.Examine(t.Context())
	_, signed := log.Sign(t.Context())
	faults := []error{verify, check, entries, head, found, examined, signed, log.Append(t.Context(), "a", "b", "c", "d")}
	if i := slices.IndexFunc(faults, func(err error) bool {
		return !errors.Is(err, registry.ErrBusy) || errors.Is(err, audit.ErrTampered)
	}); i >= 0 {
		t.Errorf("call %d gives %v", i, faults[i])
	}
}
