package sqlstore

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore/sqlstoretest"
)

// before unpacks the registry that the version before wrote, with some of every record.
func before(t *testing.T) string {
	t.Helper()
	packed, err := os.Open("testdata/registry-3.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	in, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "before.db")
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(in.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// content is everything that a registry holds.
type content struct {
	World         registry.World
	Names         registry.Gazetteer
	Organisations []registry.Organisation
	Accounts      []registry.Account
	Cases         []registry.Case
	Runs          []registry.Run
	Run           registry.Run
	Isolated      map[uuid.UUID]int64
	Revoked       map[uuid.UUID]int64
	Audit         []registry.AuditEntry
	Found         registry.Found
	Sealed        []registry.Sealed
	Forms         []registry.Form
	Trips         registry.TripChanges
}

func contentOf(t *testing.T, s *Store) content {
	t.Helper()
	ctx := t.Context()
	var c content
	var errs [14]error
	c.World, errs[0] = s.World(ctx)
	c.Names, errs[1] = s.Gazetteer(ctx, -1)
	c.Organisations, errs[2] = s.Organisations(ctx)
	c.Accounts, errs[3] = s.Accounts(ctx)
	c.Cases, errs[4] = s.Cases(ctx)
	c.Runs, errs[5] = s.Runs(ctx)
	if len(c.Runs) > 0 {
		c.Run, errs[6] = s.Run(ctx, c.Runs[0].ID)
	}
	c.Isolated, errs[7] = s.Isolations(ctx, 1<<40)
	c.Revoked, errs[8] = s.RevokedCredentials(ctx)
	c.Audit, errs[9] = s.AuditEntries(ctx, 0, 1000)
	c.Found, errs[10] = s.SearchPlaces(ctx, registry.Search{Text: "cho dong", Limit: 10})
	c.Sealed, errs[11] = s.WalkSealed(ctx, registry.Sealed{}, 1000)
	c.Forms, errs[12] = s.Forms(ctx)
	c.Trips, errs[13] = s.TripChanges(ctx, -1, 0)
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return c
}

// addNew adds what the version before had none of: a declaration with its form, a place that asks for it, and a trip.
func addNew(t *testing.T, s *Store) {
	t.Helper()
	ctx := t.Context()
	there := contentOf(t, s)
	declared := registry.Sealed{Person: there.Cases[0].Person, Field: "declaration/2021-12-01/general", Key: 1, Value: []byte{0, 255}, Made: 5}
	place := there.Names.Places[0]
	place.Form = "general"
	_, err := s.BeginTrip(ctx, registry.Trip{ID: uuid.New(), Vehicle: place.ID, Route: "Cửa Lạch – Hà Nội", Began: 7})
	err = errors.Join(
		err, s.PutSealed(ctx, []registry.Sealed{declared}, false), s.PutForms(ctx, []registry.Form{{Name: "general", Version: 1, Body: []byte("{}")}}),
		s.UpdatePlace(ctx, place))
	if err != nil {
		t.Fatal(err)
	}
}

// TestUpgradeExportImport brings a registry of the version before up to this one, carries it over to PostgreSQL and back, and sees
// the same records everywhere; and they go on as they would have.
func TestUpgradeExportImport(t *testing.T) {
	ctx := t.Context()
	old := before(t)
	upgraded := open(t, old)
	addNew(t, upgraded)
	want := contentOf(t, upgraded)
	if len(want.World.Places) == 0 || len(want.World.Links) == 0 || len(want.World.Erased) == 0 || len(want.Names.Codes) == 0 ||
		len(want.Accounts) == 0 || len(want.Cases) == 0 || want.Run.Report == nil || len(want.Isolated) == 0 || len(want.Revoked) == 0 ||
		len(want.Audit) == 0 || len(want.Found.Places) == 0 || len(want.Sealed) == 0 || len(want.Forms) == 0 || len(want.Trips.Trips) == 0 {
		t.Fatalf("the registry of before lacks a kind of record: %+v", want)
	}
	if err := upgraded.Sessions().Commit("token", []byte("x"), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	from := upgraded
	for _, e := range []*sqlstoretest.Engine{sqlstoretest.Postgres, sqlstoretest.SQLite, sqlstoretest.Postgres} {
		path := filepath.Join(t.TempDir(), "exported.db")
		if err := from.Export(ctx, path); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("the export is %v, %v", info.Mode(), err)
		}
		if err := from.Export(ctx, path); !errors.Is(err, os.ErrExist) {
			t.Errorf("over a file that is there: %v", err)
		}
		to := fresh(t, e)
		if err := to.Import(ctx, path); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, contentOf(t, to)); diff != "" {
			t.Fatalf("in %s (-want +got):\n%s", e.Name, diff)
		}
		if _, found, err := to.Sessions().Find("token"); err != nil || found {
			t.Errorf("a session was carried over: %v", err)
		}
		if err := to.Import(ctx, path); !errors.Is(err, registry.ErrExists) {
			t.Errorf("into a registry with records: %v", err)
		}
		from = to
	}
	// The numbers of new records go on after those that came.
	person := want.Cases[0].Person
	if err := from.PutIsolations(ctx, []registry.Isolation{{Person: person, At: 77, Recorded: 1 << 39}}); err != nil {
		t.Fatal(err)
	}
	if isolated, err := from.Isolations(ctx, 1<<40); err != nil || isolated[person] != 77 {
		t.Errorf("isolated at %d, %v", isolated[person], err)
	}
}

// TestImportOfTheVersionBefore takes over a file that no newer program has seen.
func TestImportOfTheVersionBefore(t *testing.T) {
	sqlstoretest.Each(t, func(t *testing.T, e *sqlstoretest.Engine) {
		s := fresh(t, e)
		if err := s.Import(t.Context(), before(t)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(contentOf(t, open(t, before(t))), contentOf(t, s)); diff != "" {
			t.Error(diff)
		}
	})
}
