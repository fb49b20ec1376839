package places_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore"
	"github.com/truyvet/truyvet/qrgen"
)

var noon = time.Date(2021, 12, 1, 12, 0, 0, 0, time.UTC)

// desk is a service over a real registry, with two owners.
type desk struct {
	*places.Service
	store     *sqlstore.Store
	keys      *qrgen.KeySet
	now       time.Time
	own, them registry.Account
}

func openStore(t *testing.T) *sqlstore.Store {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), filepath.Join(t.TempDir(), "registry.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = store.PutAreas(t.Context(), []registry.Area{
		{Code: "48", Level: registry.Province, Name: "Đà Nẵng"},
		{Code: "490", Level: registry.District, Parent: "48", Name: "Liên Chiểu"},
		{Code: "491", Level: registry.District, Parent: "48", Name: "Thanh Khê"},
		{Code: "20194", Level: registry.Ward, Parent: "490", Name: "Hòa Hiệp Bắc"},
		{Code: "20206", Level: registry.Ward, Parent: "491", Name: "Tam Thuận"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	store := openStore(t)
	d := &desk{store: store, keys: qrgen.NewKeySet(), now: noon}
	if _, err := d.keys.Create(noon); err != nil {
		t.Fatal(err)
	}
	d.own, d.them = owner(t, store), owner(t, store)
	d.Service = places.New(store, d.keys, func() time.Time { return d.now })
	if err := d.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

func owner(t *testing.T, store *sqlstore.Store) registry.Account {
	t.Helper()
	o := registry.Organisation{ID: uuid.New(), Name: "Chợ", Created: noon.Unix()}
	if err := store.PutOrganisation(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return registry.Account{ID: uuid.New(), Role: registry.RoleOwner, Organisation: o.ID}
}

// Revoked says whether a serial of a place's code is dead. It is a qrgen.Revocations.
func (d *desk) Revoked(place uuid.UUID, serial uint32) bool {
	ends := d.Ends(place, serial)
	return ends != 0 && ends <= d.now.Unix()
}

func (d *desk) create(t *testing.T, actor registry.Account, in places.NewPlace) registry.Place {
	t.Helper()
	if in.Kind == 0 {
		in.Kind = qrgen.KindMarket
	}
	p, err := d.Create(t.Context(), actor, in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTreeListsEachPlaceBeforeItsParts(t *testing.T) {
	d := newDesk(t)
	b := d.create(t, d.own, places.NewPlace{Name: "B"})
	a := d.create(t, d.own, places.NewPlace{Name: "A"})
	b2 := d.create(t, d.own, places.NewPlace{Name: "2", Parent: b.ID})
	b1 := d.create(t, d.own, places.NewPlace{Name: "1", Parent: b.ID})
	b1x := d.create(t, d.own, places.NewPlace{Name: "x", Parent: b1.ID})
	first := d.create(t, d.own, places.NewPlace{Name: "A"})
	theirs := d.create(t, d.them, places.NewPlace{Name: "C"})
	// A stall of ours in a market of theirs: Create makes none, an import may.
	stall := registry.Place{ID: uuid.New(), Parent: theirs.ID, Organisation: d.own.Organisation, Kind: qrgen.KindStall, Name: "Z", Revision: 1}
	if err := d.store.PutPlaces(t.Context(), []registry.Place{stall}); err != nil {
		t.Fatal(err)
	}
	if err := d.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []uuid.UUID
	for _, p := range d.Tree(d.own) {
		got = append(got, p.ID)
	}
	// Of two with one name the older comes first: ids are in the order of time.
	if want := []uuid.UUID{a.ID, first.ID, b.ID, b1.ID, b1x.ID, b2.ID, stall.ID}; !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	for name, nobody := range map[string]registry.Account{
		"no organisation": {Role: registry.RoleAdmin}, "another's": {Role: registry.RoleOwner, Organisation: uuid.New()},
	} {
		if tree := d.Tree(nobody); len(tree) != 0 {
			t.Errorf("%s: %v", name, tree)
		}
	}
}

// TestTreeIsThePlacesOfTheOrganisation puts random forests of two organisations into one store.
func TestTreeIsThePlacesOfTheOrganisation(t *testing.T) {
	store := openStore(t)
	rapid.Check(t, func(rt *rapid.T) {
		actors := []registry.Account{owner(t, store), owner(t, store)}
		n := rapid.IntRange(0, 15).Draw(rt, "places")
		made := make([]registry.Place, n)
		for i := range made {
			made[i] = registry.Place{
				ID: uuid.New(), Organisation: actors[rapid.IntRange(0, 1).Draw(rt, "owner")].Organisation, Kind: qrgen.KindShop,
				Name: rapid.StringN(1, 3, -1).Draw(rt, "name"), Revision: 1,
			}
			if parent := rapid.IntRange(-1, i-1).Draw(rt, "parent"); parent >= 0 {
				made[i].Parent = made[parent].ID
			}
		}
		if err := store.PutPlaces(t.Context(), made); err != nil {
			rt.Fatal(err)
		}
		s := places.New(store, qrgen.NewKeySet(), time.Now)
		if err := s.Refresh(t.Context()); err != nil {
			rt.Fatal(err)
		}
		for _, actor := range actors {
			tree := s.Tree(actor)
			position := make(map[uuid.UUID]int)
			for i, p := range tree {
				position[p.ID] = i
			}
			if len(position) != len(tree) {
				rt.Fatal("a place is listed twice")
			}
			for _, p := range made {
				at, listed := position[p.ID]
				if listed != (p.Organisation == actor.Organisation) {
					rt.Fatalf("place %v is listed: %v", p, listed)
				}
				if above, own := position[p.Parent]; listed && own && above >= at {
					rt.Fatalf("place %v stands before the one that it is in", p)
				}
			}
		}
	})
}

func TestForeignPlacesAreNotThere(t *testing.T) {
	d := newDesk(t)
	p := d.create(t, d.own, places.NewPlace{Name: "A"})
	if got, err := d.Place(d.own, p.ID); err != nil || got != p {
		t.Errorf("own: %v, %v", got, err)
	}
	for name, c := range map[string]struct {
		actor registry.Account
		id    uuid.UUID
	}{
		"another owner":   {d.them, p.ID},
		"no organisation": {registry.Account{Role: registry.RoleAdmin}, p.ID},
		"unknown":         {d.own, uuid.New()},
		"nil":             {d.own, uuid.Nil},
	} {
		if got, err := d.Place(c.actor, c.id); !errors.Is(err, registry.ErrNotFound) || got != (registry.Place{}) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if got, err := d.Reissue(t.Context(), c.actor, c.id, 0); !errors.Is(err, registry.ErrNotFound) || got != (registry.Place{}) {
			t.Errorf("re-issue, %s: %v, %v", name, got, err)
		}
	}
	if got, err := d.Place(d.own, p.ID); err != nil || got.Serial != 1 {
		t.Errorf("others re-issued it: %v, %v", got, err)
	}
}

func TestNameIsThatOfTheNearestPlaceAround(t *testing.T) {
	d := newDesk(t)
	site := d.create(t, d.own, places.NewPlace{Name: "Bệnh viện", Address: "1 Hải Phòng", Area: "20194", Kind: qrgen.KindHospital})
	wing := d.create(t, d.own, places.NewPlace{Name: "Khu B", Address: "3 Lý Tự Trọng", Area: "20206", Parent: site.ID})
	room := d.create(t, d.own, places.NewPlace{Name: "Phòng 2", Parent: wing.ID, Kind: qrgen.KindMeetingRoom})
	for _, c := range []struct {
		id   uuid.UUID
		want places.Name
	}{
		{site.ID, places.Name{Name: "Bệnh viện", Address: "1 Hải Phòng", Area: "Hòa Hiệp Bắc", Kind: qrgen.KindHospital}},
		{wing.ID, places.Name{Name: "Khu B", Site: "Bệnh viện", Address: "3 Lý Tự Trọng", Area: "Tam Thuận", Kind: qrgen.KindMarket}},
		{room.ID, places.Name{Name: "Phòng 2", Site: "Bệnh viện", Address: "3 Lý Tự Trọng", Area: "Tam Thuận", Kind: qrgen.KindMeetingRoom}},
	} {
		if got, known := d.Name(c.id); !known || got != c.want {
			t.Errorf("%+v, want %+v", got, c.want)
		}
	}
	if got, known := d.Name(uuid.New()); known || got != (places.Name{}) {
		t.Errorf("unknown: %+v", got)
	}
	all := []uuid.UUID{site.ID, wing.ID, room.ID, d.create(t, d.own, places.NewPlace{Name: "Quán", Address: "1", Area: "20194"}).ID, uuid.New(), uuid.Nil}
	for i, place := range all {
		for j, around := range all {
			if got, want := d.Inside(place, around), i < 3 && j < i; got != want {
				t.Errorf("place %d inside place %d: %v", i, j, got)
			}
		}
	}
}

func TestPart(t *testing.T) {
	d := newDesk(t)
	site := d.create(t, d.own, places.NewPlace{Name: "Bệnh viện", Address: "1 Hải Phòng", Area: "20194"})
	room := d.create(t, d.own, places.NewPlace{Name: "Phòng 2", Parent: site.ID, Kind: qrgen.KindMeetingRoom})
	for _, text := range []string{room.Code, strings.ToLower(room.Code), "https://truyvet.vn/q/" + room.Code} {
		if token, place, err := d.Part(site.ID, text); err != nil || token != room.Code || place != room.ID {
			t.Errorf("%s: %s, %v", text, place, err)
		}
	}
	if token, place, err := d.Part(site.ID, site.Code); err != nil || token != site.Code || place != site.ID {
		t.Errorf("itself: %s, %v", place, err)
	}
	for text, want := range map[string]error{site.Code: places.ErrOutside, "x": qrgen.ErrMalformed, room.Code[1:]: qrgen.ErrMalformed, "": qrgen.ErrMalformed} {
		if token, place, err := d.Part(room.ID, text); !errors.Is(err, want) || token != "" || place != uuid.Nil {
			t.Errorf("%q: %s, %v, want %v", text, place, err, want)
		}
	}
}

func TestAreas(t *testing.T) {
	d := newDesk(t)
	for _, c := range []struct {
		area, root string
		want       bool
	}{
		{"20194", "20194", true},
		{"20194", "490", true},
		{"20194", "48", true},
		{"490", "48", true},
		{"48", "48", true},
		{"20194", "491", false},
		{"20194", "20206", false},
		{"490", "20194", false},
		{"48", "490", false},
		{"", "48", false},
		{"20194", "", false},
		{"", "", false},
		{"99", "48", false},
		{"20194", "99", false},
	} {
		if got := d.Within(c.area, c.root); got != c.want {
			t.Errorf("%q within %q: %v", c.area, c.root, got)
		}
	}
	if got := d.AreaName("490"); got != "Liên Chiểu" {
		t.Error(got)
	}
	if got := d.AreaName("nowhere"); got != "" {
		t.Error(got)
	}
	var codes []string
	for _, a := range d.Areas() {
		codes = append(codes, a.Code)
	}
	if want := []string{"20194", "20206", "48", "490", "491"}; !slices.Equal(codes, want) {
		t.Errorf("%v", codes)
	}
}

func TestRefreshTakesOverWhatOthersWrote(t *testing.T) {
	d := newDesk(t)
	p := d.create(t, d.own, places.NewPlace{Name: "A"})
	elsewhere := places.New(d.store, d.keys, func() time.Time { return d.now })
	if _, known := elsewhere.Name(p.ID); known {
		t.Error("a new service knows something")
	}
	if err := elsewhere.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere.Reissue(t.Context(), d.own, p.ID, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Reissue(t.Context(), d.own, p.ID, 0); !errors.Is(err, registry.ErrChanged) {
		t.Errorf("re-issued from what another process has changed: %v", err)
	}
	if err := d.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !d.Revoked(p.ID, 1) || d.Revoked(p.ID, 2) {
		t.Error("the other's revocation is not known")
	}
	if renewed, err := d.Reissue(t.Context(), d.own, p.ID, 0); err != nil || renewed.Serial != 3 {
		t.Errorf("%+v, %v", renewed, err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := d.Refresh(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("refresh: %v", err)
	}
	if _, known := d.Name(p.ID); !known || !d.Revoked(p.ID, 2) {
		t.Error("a failed refresh lost what was known")
	}
}

// counting is a store that counts how often everything is read from it.
type counting struct {
	places.Store
	reads int
}

func (c *counting) Gazetteer(ctx context.Context, known int64) (registry.Gazetteer, error) {
	g, err := c.Store.Gazetteer(ctx, known)
	if g.Places != nil {
		c.reads++
	}
	return g, err
}

func TestRefreshReadsOnlyWhatHasChanged(t *testing.T) {
	d := newDesk(t)
	p := d.create(t, d.own, places.NewPlace{Name: "A"})
	store := &counting{Store: d.store}
	s := places.New(store, d.keys, time.Now)
	for _, step := range []struct {
		name   string
		change func() error
		reads  int
	}{
		{"the first time", func() error { return nil }, 1},
		{"nothing", func() error { return nil }, 1},
		{"people", func() error {
			_, err := d.store.EnsurePerson(t.Context(), registry.Link{Alias: uuid.New(), Kind: "phone"}, "")
			return err
		}, 1},
		{"a code", func() error { _, err := d.Reissue(t.Context(), d.own, p.ID, 0); return err }, 2},
		{"an area", func() error {
			return d.store.PutAreas(t.Context(), []registry.Area{{Code: "48", Level: registry.Province, Name: "Thành phố Đà Nẵng"}})
		}, 3},
	} {
		if err := step.change(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if store.reads != step.reads {
			t.Errorf("%s: everything was read %d times, want %d", step.name, store.reads, step.reads)
		}
	}
	code, known := s.Code(p.ID)
	if now, err := d.Place(d.own, p.ID); err != nil || !known || code != now.Code || now.Serial != 2 || s.AreaName("48") != "Thành phố Đà Nẵng" {
		t.Errorf("the code is %q, %v", code, known)
	}
	if code, known := s.Code(uuid.New()); known || code != "" {
		t.Errorf("an unknown place has the code %q", code)
	}
}

// TestHoldings counts what organisations have, and where, as places come and move.
func TestHoldings(t *testing.T) {
	d := newDesk(t)
	holds := func(actor registry.Account, count int, want ...string) {
		t.Helper()
		var codes []string
		for _, a := range d.AreasOf(actor) {
			codes = append(codes, a.Code)
		}
		if n := d.Count(actor); n != count || !slices.Equal(codes, want) {
			t.Errorf("%d places in %v, want %d in %v", n, codes, count, want)
		}
	}
	holds(d.own, 0)
	a := d.create(t, d.own, places.NewPlace{Name: "A", Area: "20194"})
	d.create(t, d.own, places.NewPlace{Name: "B"})
	holds(d.own, 2, "48", "490", "20194")
	if _, err := d.Update(t.Context(), d.own, a.ID, 1, places.NewPlace{Name: "A", Area: "20206"}); err != nil {
		t.Fatal(err)
	}
	holds(d.own, 2, "48", "491", "20206")
	d.create(t, d.own, places.NewPlace{Name: "C", Area: "20194"})
	if err := d.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	holds(d.own, 3, "48", "490", "491", "20194", "20206")
	holds(d.them, 0)
	holds(registry.Account{Role: registry.RoleAdmin}, 0)
	again := places.New(d.store, d.keys, time.Now)
	if err := again.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.Service = again
	holds(d.own, 3, "48", "490", "491", "20194", "20206")
}
