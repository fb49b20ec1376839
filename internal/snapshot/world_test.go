package snapshot_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanstore"
	"github.com/truyvet/truyvet/internal/scanstore/sqlite"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
	"github.com/truyvet/truyvet/tracing/tracingtest"
)

// parts is what snapshots are made from, with what changes it.
type parts interface {
	snapshot.Registry
	scanlog.Progress
	scanstore.Reader
	PutPlaces(ctx context.Context, places []registry.Place) error
	PutPeople(ctx context.Context, people []registry.Person, links []registry.Link) error
	Erase(ctx context.Context, erasures ...registry.Erasure) error
	Append(ctx context.Context, scans []scan.Scan) ([]scanlog.Outcome, error)
	DropBefore(ctx context.Context, first scan.Day) ([]scan.Day, error)
}

// real are a real registry and a real scan store.
type real struct {
	*sqlstore.Store
	scanFiles
}

// scanFiles gives the second of two types of one name another one.
type scanFiles struct{ *sqlite.Store }

func newReal(t *testing.T) real {
	t.Helper()
	r, err := sqlstore.Open(t.Context(), filepath.Join(t.TempDir(), "registry.db"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "scans"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), r.Close()); err != nil {
			t.Error(err)
		}
	})
	if err := r.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.PutAreas(t.Context(), areas); err != nil {
		t.Fatal(err)
	}
	if err := r.PutOrganisation(t.Context(), registry.Organisation{ID: organisation, Name: "O"}); err != nil {
		t.Fatal(err)
	}
	return real{r, scanFiles{s}}
}

// organisation owns every place.
var organisation = uuid.UUID{15: 9}

// areas are those that the places of worlds lie in.
var areas = []registry.Area{
	{Code: "1", Level: registry.Province},
	{Code: "1/1", Level: registry.District, Parent: "1"},
	{Code: "1/2", Level: registry.District, Parent: "1"},
	{Code: "2", Level: registry.Province},
	{Code: "2/1", Level: registry.District, Parent: "2"},
}

// desk puts things into parts, and beside it keeps in known what was put there.
type desk struct {
	parts
	known     tracingtest.World
	erased    map[uuid.UUID]int64
	forgiving bool // whether places may be put and aliases linked that are there
}

func newDesk(p parts) *desk {
	return &desk{parts: p, known: tracingtest.World{Links: map[uuid.UUID]uuid.UUID{}}, erased: map[uuid.UUID]int64{}}
}

// fataler is what tests and property tests have in common.
type fataler interface{ Fatal(args ...any) }

func (d *desk) memory() *snapshot.Memory { return snapshot.NewMemory(d, d, snapshot.Options{}) }

func (d *desk) append(ctx context.Context, t fataler, scans ...stay.Scan) {
	logged := make([]scan.Scan, len(scans))
	for i, one := range scans {
		logged[i] = scan.Scan{
			ID: one.ID, Alias: one.Alias, Place: one.Place.ID, Trip: one.Place.Trip, At: one.At, ReceivedAt: one.At,
			Kind: one.Kind, How: scan.Phone, Voids: one.Voids,
		}
		logged[i].Flags = one.Doubts
	}
	if len(logged) > 0 {
		if _, err := d.Append(ctx, logged); err != nil {
			t.Fatal(err)
		}
	}
	d.known.Scans = append(d.known.Scans, scans...)
	d.forget() // what was on its way when it was erased
}

// movePlace gives a place that is there another parent or dwell.
func (d *desk) movePlace(ctx context.Context, t fataler, info tracing.PlaceInfo) {
	d.known.Places = slices.DeleteFunc(d.known.Places, func(p tracing.PlaceInfo) bool { return p.ID == info.ID })
	d.putPlaces(ctx, t, info)
	d.known.Places = parentsFirst(d.known.Places)
}

func (d *desk) putPlaces(ctx context.Context, t fataler, infos ...tracing.PlaceInfo) {
	places := make([]registry.Place, len(infos))
	infos = slices.Clone(infos)
	for i := range infos {
		info := &infos[i]
		if info.Area == "" {
			info.Area = "1" // a part with none has that of what it lies in, of which the oracle knows nothing
		}
		places[i] = registry.Place{
			ID: info.ID, Parent: info.Parent, Organisation: organisation, Kind: qrgen.KindOther, Name: "P", Area: info.Area,
			Dwell: info.Dwell, Revision: 1,
		}
	}
	if err := d.PutPlaces(ctx, places); err != nil {
		t.Fatal(err)
	}
	d.known.Places = append(d.known.Places, infos...)
}

// link makes an alias somebody's, who need not be there yet.
func (d *desk) link(ctx context.Context, t fataler, alias, person uuid.UUID) {
	var people []registry.Person
	if !slices.Contains(slices.Collect(maps.Values(d.known.Links)), person) {
		people = append(people, registry.Person{ID: person})
	}
	if err := d.PutPeople(ctx, people, []registry.Link{{Alias: alias, Person: person, Kind: "phone"}}); err != nil {
		t.Fatal(err)
	}
	d.known.Links[alias] = person
}

// erase erases the scans of an alias that were received before an instant: in this package at the time of the scan.
func (d *desk) erase(ctx context.Context, t fataler, alias uuid.UUID, before int64) {
	if err := d.Erase(ctx, registry.Erasure{Alias: alias, Before: before}); err != nil {
		t.Fatal(err)
	}
	d.erased[alias] = max(d.erased[alias], before)
	d.forget()
}

// forget drops from known what is erased.
func (d *desk) forget() {
	d.known.Scans = slices.DeleteFunc(d.known.Scans, func(one stay.Scan) bool { return one.At < d.erased[one.Alias] })
}

// drop drops the days before one from the store and then from the memory.
func (d *desk) drop(ctx context.Context, t fataler, m *snapshot.Memory, first scan.Day) {
	if _, err := d.DropBefore(ctx, first); err != nil {
		t.Fatal(err)
	}
	m.DropBefore(first)
	d.known.Scans = slices.DeleteFunc(d.known.Scans, func(one stay.Scan) bool { return scan.DayOf(one.At) < first })
}

// explainer is a snapshot's Why.
type explainer func(ctx context.Context, scope tracing.Scope, asked []stay.Question) ([]stay.Doubts, error)

func (e explainer) Why(ctx context.Context, scope tracing.Scope, asked []stay.Question) ([]stay.Doubts, error) {
	return e(ctx, scope, asked)
}

// compare says how a snapshot differs from what the naive oracle makes of everything that is known: in the stays of
// everybody, and in the report of a random trace.
func (d *desk) compare(ctx context.Context, sight snapshot.Snapshot, dice *rand.Rand) (string, error) {
	w := d.known
	if err := tracingtest.CheckWhy(ctx, w, explainer(sight.Why)); err != nil {
		return "", err
	}
	w.AsOf = sight.AsOf
	people := peopleOf(w)
	scope := tracing.Scope(dice.IntN(3))
	var got []tracing.United
	windows := make([]tracing.PersonWindow, len(people))
	for i, person := range people {
		windows[i] = tracing.PersonWindow{Person: person, To: math.MaxInt64}
	}
	err := sight.Source.OfPeople(ctx, scope, windows, func(_ int, u tracing.United) error {
		got = append(got, u)
		return nil
	})
	if err != nil {
		return "", err
	}
	want := tracingtest.NaiveUnited(w, scope)
	slices.SortFunc(got, compareUnited)
	slices.SortFunc(want, compareUnited)
	if diff := cmp.Diff(want, got); diff != "" {
		return "stays: " + diff, nil
	}
	if len(people) == 0 {
		return "", nil
	}
	request := tracing.Request{Numbers: tracing.Numbers{Depth: 3, Scope: scope}, End: sight.AsOf}
	for range 2 {
		request.Cases = append(request.Cases, tracing.Case{
			Person: people[dice.IntN(len(people))], Window: tracing.Window{To: math.MaxInt64},
		})
	}
	report, err := tracing.Trace(ctx, sight.Source, request)
	if err != nil {
		return "", err
	}
	return "", sameReport(tracingtest.NaiveTrace(w, request), report)
}

func peopleOf(w tracingtest.World) []uuid.UUID {
	var people []uuid.UUID
	for _, one := range w.Scans {
		person, linked := w.Links[one.Alias]
		if !linked {
			person = one.Alias
		}
		if !slices.Contains(people, person) {
			people = append(people, person)
		}
	}
	return people
}

func compareUnited(a, b tracing.United) int {
	if c := bytes.Compare(a.Person[:], b.Person[:]); c != 0 {
		return c
	}
	if c := a.Place.Compare(b.Place); c != 0 {
		return c
	}
	return int(a.Enter - b.Enter)
}
