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
	if err := files.WriteCSV(t.Context(), d.own, &out); err != nil || !strings.Contains(out.String(), "\na,,A,shop,,,,,\n") {
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
		"no room":   {d.own, noRoom{}, errNoRoom},
	} {
		if _, err := files.Take(t.Context(), c.actor, c.in); !errors.Is(err, c.want) || errs.Of(err).Code != c.want.(*errs.Error).Code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := d.Count(d.own); n != 0 || len(log.entries) != 0 {
		t.Errorf("%d places are known; the audit log has %q", n, log.entries)
	}
}

// gate holds up whoever comes first until it is opened.
type gate struct {
	first      sync.Once
	come, open chan struct{}
}

func newGate() *gate { return &gate{come: make(chan struct{}), open: make(chan struct{})} }

func (g *gate) pass() {
	g.first.Do(func() {
		close(g.come)
		<-g.open
	})
}

// slowFile is an empty file that arrives behind a gate.
type slowFile struct{ *gate }

func (f slowFile) Read([]byte) (int, error) {
	f.pass()
	return 0, io.EOF
}

// slowIntake takes nothing in before its gate is opened.
type slowIntake struct {
	places.Intake
	*gate
}

func (i slowIntake) Areas(ctx context.Context) ([]registry.Area, error) {
	i.pass()
	return i.Intake.Areas(ctx)
}

// TestFilesAreTakenOneAtATime has one that arrives slowly, which keeps nobody waiting, and one that is taken in slowly.
func TestFilesAreTakenOneAtATime(t *testing.T) {
	d, files, _ := newFiles(t)
	few := func(who registry.Account) error {
		_, err := files.Take(t.Context(), who, strings.NewReader("name,kind\n"))
		return err
	}
	sending, taking := newGate(), newGate()
	sent, taken := make(chan error), make(chan error)
	go func() {
		_, err := files.Take(t.Context(), d.own, slowFile{sending})
		sent <- err
	}()
	<-sending.come
	if err := few(d.them); err != nil {
		t.Errorf("while another arrives: %v", err)
	}
	files.Importer.Intake = slowIntake{d.store, taking}
	go func() { taken <- few(d.own) }()
	<-taking.come
	if err := few(d.them); !errors.Is(err, places.ErrFileBusy) {
		t.Errorf("while another is taken in: %v", err)
	}
	close(taking.open)
	if err := <-taken; err != nil {
		t.Error(err)
	}
	close(sending.open)
	if err := <-sent; !errors.Is(err, places.ErrFile) {
		t.Errorf("what arrived slowly: %v", err)
	}
}

// fullShelf keeps nothing.
type fullShelf struct{ places.Shelf }

var errShelf = errors.New("the shelf is full")

func (fullShelf) PutPlaceFile(context.Context, registry.PlaceFile, int) error { return errShelf }

// TestPlacesOfAFileAreEntered keeps nothing of the file: its places are known and in the audit log all the same.
func TestPlacesOfAFileAreEntered(t *testing.T) {
	d, files, log := newFiles(t)
	files.Shelf = fullShelf{d.store}
	if _, err := files.Take(t.Context(), d.own, strings.NewReader("name,kind\nA,shop\n")); !errors.Is(err, errShelf) {
		t.Error(err)
	}
	if n := d.Count(d.own); n != 1 || len(log.entries) != 1 {
		t.Errorf("%d places are known; the audit log has %q", n, log.entries)
	}
}

// noRoom is a file for which there is no room in memory.
type noRoom struct{}

var errNoRoom = errs.Busy("no_room", "Later.", time.Second)

func (noRoom) Read([]byte) (int, error) { return 0, errNoRoom }

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
