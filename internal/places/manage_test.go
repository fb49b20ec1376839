package places_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

func TestCreateRefuses(t *testing.T) {
	d := newDesk(t)
	own := d.create(t, d.own, places.NewPlace{Name: "A"})
	theirs := d.create(t, d.them, places.NewPlace{Name: "B"})
	deep := own
	for range 7 {
		deep = d.create(t, d.own, places.NewPlace{Name: "deeper", Parent: deep.ID})
	}
	valid := places.NewPlace{Name: "Phòng họp", Kind: qrgen.KindMeetingRoom, Address: "1 Hải Phòng", Area: "20194", Parent: own.ID}
	with := func(change func(*places.NewPlace)) places.NewPlace {
		in := valid
		change(&in)
		return in
	}
	for name, c := range map[string]struct {
		in   places.NewPlace
		want error
	}{
		"no name":            {with(func(in *places.NewPlace) { in.Name = "" }), places.ErrName},
		"blank name":         {with(func(in *places.NewPlace) { in.Name = " \t\n " }), places.ErrName},
		"long name":          {with(func(in *places.NewPlace) { in.Name = strings.Repeat("ộ", 201) }), places.ErrName},
		"name not UTF-8":     {with(func(in *places.NewPlace) { in.Name = "a\xff" }), places.ErrName},
		"name of two lines":  {with(func(in *places.NewPlace) { in.Name = "a\nb" }), places.ErrName},
		"name with NUL":      {with(func(in *places.NewPlace) { in.Name = "a\x00b" }), places.ErrName},
		"long address":       {with(func(in *places.NewPlace) { in.Address = strings.Repeat("ộ", 201) }), places.ErrName},
		"address not UTF-8":  {with(func(in *places.NewPlace) { in.Address = "\xc3(" }), places.ErrName},
		"no kind":            {with(func(in *places.NewPlace) { in.Kind = 0 }), places.ErrKind},
		"unknown kind":       {with(func(in *places.NewPlace) { in.Kind = 200 }), places.ErrKind},
		"negative dwell":     {with(func(in *places.NewPlace) { in.DwellMinutes = -1 }), places.ErrDwell},
		"dwell over a day":   {with(func(in *places.NewPlace) { in.DwellMinutes = 1441 }), places.ErrDwell},
		"unknown parent":     {with(func(in *places.NewPlace) { in.Parent = uuid.New() }), places.ErrParent},
		"somebody's parent":  {with(func(in *places.NewPlace) { in.Parent = theirs.ID }), places.ErrParent},
		"too deep":           {with(func(in *places.NewPlace) { in.Parent = deep.ID }), places.ErrParent},
		"unknown area":       {with(func(in *places.NewPlace) { in.Area = "1" }), places.ErrArea},
		"a district as area": {with(func(in *places.NewPlace) { in.Area = "490" }), places.ErrArea},
	} {
		if p, err := d.Create(t.Context(), d.own, c.in); !errors.Is(err, c.want) || p != (registry.Place{}) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := d.Create(t.Context(), registry.Account{Role: registry.RoleAdmin}, places.NewPlace{Name: "A", Kind: qrgen.KindShop}); !errors.Is(err, places.ErrNoOrganisation) {
		t.Errorf("without an organisation: %v", err)
	}
	if all, err := d.store.Gazetteer(t.Context(), -1); err != nil || len(all.Places) != 9 {
		t.Errorf("%d places are stored, %v", len(all.Places), err)
	}
	d.create(t, d.own, valid)
}

func TestNamesAreKeptAsTheyAre(t *testing.T) {
	d := newDesk(t)
	for _, name := range []string{
		"=HYPERLINK(\"x\")", "+84", "@nhà", "-1", "Trường Tiểu học Nguyễn Bỉnh Khiêm", "🏫🇻🇳", "<b>&amp;", "'; DROP TABLE places; --",
		strings.Repeat("ộ", 200), "x",
	} {
		p := d.create(t, d.own, places.NewPlace{Name: "  " + name + " ", Address: name, DwellMinutes: 1440})
		stored, err := d.store.Place(t.Context(), p.ID)
		if err != nil || stored != p {
			t.Errorf("stored %+v, given %+v, %v", stored, p, err)
		}
		if got, known := d.Name(p.ID); !known || p.Name != name || got.Name != name || got.Address != name {
			t.Errorf("%q became %q", name, got.Name)
		}
	}
}

func TestCreateFillsInTheRest(t *testing.T) {
	d := newDesk(t)
	site := d.create(t, d.own, places.NewPlace{Name: "A", Area: "20194", DwellMinutes: 1})
	part := d.create(t, d.own, places.NewPlace{Name: "A1", Parent: site.ID, Kind: qrgen.KindStall})
	if site.Dwell != 60 || site.DwellSeconds() != 60 || part.Dwell != 0 || part.DwellSeconds() != 30*60 {
		t.Errorf("dwell of %d and %d", site.DwellSeconds(), part.DwellSeconds())
	}
	if part.Area != "20194" {
		t.Errorf("the part lies in %q", part.Area)
	}
	if part.Serial != 1 || part.Issued != noon.Unix() || part.Created != noon.Unix() || part.Organisation != d.own.Organisation {
		t.Errorf("%+v", part)
	}
	token, err := d.keys.Verify(part.Code, noon, d.Revoked)
	want := qrgen.Token{Kind: qrgen.KindStall, KeyID: 1, Place: part.ID, IssuedAt: noon, Serial: 1}
	if err != nil || token != want {
		t.Errorf("the code says %+v, %v", token, err)
	}
}

func TestCodeStaysTheSameWhenKeysRotate(t *testing.T) {
	d := newDesk(t)
	p := d.create(t, d.own, places.NewPlace{Name: "A"})
	if _, err := d.keys.Create(noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := d.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again, err := d.Place(d.own, p.ID); err != nil || again.Code != p.Code {
		t.Errorf("the code has changed: %v", err)
	}
	if token, err := d.keys.Verify(p.Code, noon, d.Revoked); err != nil || token.KeyID != 1 {
		t.Errorf("the old code: %v, %v", token, err)
	}
	d.now = noon.Add(2 * time.Hour)
	renewed, err := d.Reissue(t.Context(), d.own, p.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	if token, err := d.keys.Verify(renewed.Code, d.now, d.Revoked); err != nil || token.KeyID != 2 {
		t.Errorf("the new code: %v, %v", token, err)
	}
}

// TestChangesAreNeverForgotten creates and re-issues while others refresh: what a call has answered is known from then on.
func TestChangesAreNeverForgotten(t *testing.T) {
	d := newDesk(t)
	done := make(chan struct{})
	var refreshing, changing sync.WaitGroup
	for range 2 {
		refreshing.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := d.Refresh(context.Background()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for worker := range 3 {
		changing.Go(func() {
			for i := range 15 {
				name := fmt.Sprintf("%d-%d", worker, i)
				p, err := d.Create(context.Background(), d.own, places.NewPlace{Name: name, Kind: qrgen.KindShop})
				if err != nil {
					t.Error(err)
					return
				}
				if _, known := d.Name(p.ID); !known {
					t.Error("a place that was created is not known")
				}
				if _, err := d.Reissue(context.Background(), d.own, p.ID, 0); err != nil {
					t.Error(err)
				}
				if !d.Revoked(p.ID, 1) {
					t.Error("a code that was ended is good")
				}
			}
		})
	}
	changing.Wait()
	close(done)
	refreshing.Wait()
}
