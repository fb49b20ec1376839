package places_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
)

// ledger is an audit log.
type ledger struct {
	entries []string
	err     error
}

func (l *ledger) Append(_ context.Context, actor, action, _, detail string) error {
	l.entries = append(l.entries, actor+" "+action+" "+detail)
	return l.err
}

// newFiles takes in files for a desk's owners.
func newFiles(t *testing.T) (*desk, *places.Files, *ledger) {
	t.Helper()
	d := newDesk(t)
	log := &ledger{}
	d.own.Login = "owner"
	return d, &places.Files{
		Importer: &places.Importer{Intake: d.store, Keys: d.keys, Clock: func() time.Time { return d.now }}, Shelf: d.store, Service: d.Service, Audit: log,
	}, log
}

func TestFileIsTakenAndReported(t *testing.T) {
	d, files, log := newFiles(t)
	taken, err := files.Take(t.Context(), d.own, strings.NewReader("key,name,kind,dwell\na,A,shop,\nb,B,stand,\nc,C,shop,x\nd,D,shop\n"))
	if err != nil || taken.Added != 1 || taken.Refused != 3 {
		t.Fatalf("%+v, %v", taken, err)
	}
	if d.Count(d.own) != 1 || len(log.entries) != 1 || log.entries[0] != "owner places_imported 1 added, 3 refused" {
		t.Errorf("%d places are known; the audit log has %q", d.Count(d.own), log.entries)
	}
	report, err := files.Report(t.Context(), d.own, taken.ID)
	if err != nil || report.PlaceFile != taken || len(report.Faults) != 3 {
		t.Fatalf("%+v, %v", report, err)
	}
	for i, want := range []string{"3 kind place_kind", "4 dwell place_dwell", "5  row_fields"} {
		f := report.Faults[i]
		if got := fmt.Sprintf("%d %s %s", f.Line, f.Column, f.Why.Code); got != want || f.Why.Message == "" {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for name, who := range map[string]registry.Account{"another owner": d.them, "nobody": {}} {
		if _, err := files.Report(t.Context(), who, taken.ID); !errors.Is(err, registry.ErrNotFound) && !errors.Is(err, places.ErrNoOrganisation) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var out strings.Builder
	if err := files.WriteCSV(t.Context(), d.own, &out); err != nil || !strings.Contains(out.String(), "\na,,A,shop,,,,\n") {
		t.Errorf("%q, %v", out.String(), err)
	}
	log.err = errors.New("full")
	out.Reset()
	if err := files.WriteCSV(t.Context(), d.own, &out); !errors.Is(err, log.err) || out.Len() > 0 {
		t.Errorf("without an audit entry: %q, %v", out.String(), err)
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	d, files, log := newFiles(t)
	row := "x,shop," + strings.Repeat("n", 15_000) + "\n"
	long := "name,kind,note\n" + strings.Repeat(row, places.MaxFile/len(row)+1)
	for name, c := range map[string]struct {
		actor registry.Account
		in    io.Reader
		want  error
	}{
		"of nobody": {registry.Account{Role: registry.RoleAdmin}, strings.NewReader("name,kind\n"), places.ErrNoOrganisation},
		"empty":     {d.own, strings.NewReader(""), places.ErrFile},
		"cut off":   {d.own, cut{strings.NewReader("name,kind\nx,shop\ny")}, places.ErrFileCut},
		"too long":  {d.own, strings.NewReader(long), places.ErrFileSize},
	} {
		if _, err := files.Take(t.Context(), c.actor, c.in); !errors.Is(err, c.want) || errs.Of(err).Code != c.want.(*errs.Error).Code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := d.Count(d.own); n != 0 || len(log.entries) != 0 {
		t.Errorf("%d places are known; the audit log has %q", n, log.entries)
	}
}

// waiting is a file that arrives when it is let.
type waiting struct {
	asking      sync.Once
	asked, come chan struct{}
}

func (w *waiting) Read([]byte) (int, error) {
	w.asking.Do(func() { close(w.asked) })
	<-w.come
	return 0, io.EOF
}

func TestFilesAreTakenOneAtATime(t *testing.T) {
	d, files, _ := newFiles(t)
	slow := &waiting{asked: make(chan struct{}), come: make(chan struct{})}
	first := make(chan error)
	go func() {
		_, err := files.Take(t.Context(), d.own, slow)
		first <- err
	}()
	<-slow.asked
	if _, err := files.Take(t.Context(), d.them, strings.NewReader("name,kind\n")); !errors.Is(err, places.ErrFileBusy) {
		t.Errorf("%v", err)
	}
	close(slow.come)
	if err := <-first; !errors.Is(err, places.ErrFile) {
		t.Errorf("the first: %v", err)
	}
	if _, err := files.Take(t.Context(), d.them, strings.NewReader("name,kind\n")); err != nil {
		t.Errorf("after it: %v", err)
	}
}

// TestReportsAreBounded has more rows that are refused than are kept.
func TestReportsAreBounded(t *testing.T) {
	d, files, _ := newFiles(t)
	taken, err := files.Take(t.Context(), d.own, strings.NewReader("name,kind\n"+strings.Repeat(",shop\n", 6000)))
	if err != nil || taken.Refused != 6000 {
		t.Fatalf("%+v, %v", taken, err)
	}
	if report, err := files.Report(t.Context(), d.own, taken.ID); err != nil || len(report.Faults) != 5000 {
		t.Errorf("%d faults, %v", len(report.Faults), err)
	}
	if _, err := files.Report(t.Context(), d.own, uuid.New()); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
}
