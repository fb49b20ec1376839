package places_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// TestRevocation re-issues, revokes and takes in older and newer codes at random, and holds the list that is published to what the
// service says of each serial, at its time and after.
func TestRevocation(t *testing.T) {
	d := newDesk(t)
	register := places.Register{Store: d.store, Keys: d.keys, Clock: func() time.Time { return d.now }}
	var all []uuid.UUID
	rapid.Check(t, func(rt *rapid.T) {
		kind := qrgen.KindMarket
		p := registry.Place{ID: uuid.New()}
		first := places.Printed{Place: p.ID, Kind: kind, Name: "A", Serial: rapid.Uint32Range(0, 4).Draw(rt, "first serial"), Issued: 1}
		if _, err := register.Enter(t.Context(), d.own.Organisation, first); err != nil {
			rt.Fatal(err)
		}
		all = append(all, p.ID)
		for range rapid.IntRange(0, 6).Draw(rt, "steps") {
			d.now = d.now.Add(time.Minute)
			now := d.now.Unix()
			if err := d.Refresh(t.Context()); err != nil {
				rt.Fatal(err)
			}
			serial := rapid.Uint32Range(0, 9).Draw(rt, "serial")
			var err error
			switch rapid.IntRange(0, 2).Draw(rt, "what") {
			case 0:
				_, err = d.Reissue(t.Context(), d.own, p.ID, rapid.SampledFrom([]int64{0, now + 30, now + 600}).Draw(rt, "until"))
			case 1:
				err = d.Revoke(t.Context(), d.own, p.ID, serial)
			default:
				_, err = register.Enter(t.Context(), d.own.Organisation, places.Printed{Place: p.ID, Kind: kind, Name: "A", Serial: serial, Issued: now})
			}
			if err != nil && !errors.Is(err, registry.ErrNotFound) && !errors.Is(err, places.ErrPrintedTime) {
				rt.Fatal(err)
			}
		}
		if err := d.Refresh(t.Context()); err != nil {
			rt.Fatal(err)
		}
		list := d.Service.Revoked(d.now)
		for after := range 12 {
			at := d.now.Add(time.Duration(after) * time.Minute)
			for _, id := range all[max(0, len(all)-3):] {
				for serial := uint32(1); serial < 14; serial++ {
					ends := d.Ends(id, serial)
					if got, want := list.At(at)(id, serial), ends != 0 && ends <= at.Unix(); got != want {
						rt.Fatalf("serial %d, which ends at %d, is dead at %d: %v", serial, ends, at.Unix(), got)
					}
				}
			}
		}
	})
}

// TestRevokedFile sees the list written anew when something has changed, and never else, and alike by every server.
func TestRevokedFile(t *testing.T) {
	d := newDesk(t)
	p := d.create(t, d.own, places.NewPlace{Name: "A"})
	d.create(t, d.own, places.NewPlace{Name: "B"})
	file := func(of *places.Service) places.RevokedFile {
		t.Helper()
		f, err := of.RevokedFile()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	none := file(d.Service)
	if list, err := d.keys.ReadRevoked(none.Data); err != nil || len(list.Steps) != 0 || !list.AsOf.Equal(noon) {
		t.Errorf("of new places: %+v, %v", list, err)
	}
	for range 5 {
		d.now = d.now.Add(time.Minute)
		if _, err := d.Reissue(t.Context(), d.own, p.ID, 0); err != nil {
			t.Fatal(err)
		}
	}
	changed := file(d.Service)
	if changed.Tag == none.Tag {
		t.Error("codes that were re-issued do not change the list")
	}
	if again := file(d.Service); &again.Data[0] != &changed.Data[0] {
		t.Error("it is written anew where nothing has changed")
	}
	elsewhere := places.New(d.store, d.keys, func() time.Time { return d.now.Add(time.Minute) })
	if err := elsewhere.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if there := file(elsewhere); there.Tag != changed.Tag || !bytes.Equal(there.Data, changed.Data) {
		t.Errorf("elsewhere it is\n%s, here\n%s", there.Data, changed.Data)
	}
	d.now = noon.Add(time.Hour)
	later := file(d.Service)
	if list, err := d.keys.ReadRevoked(later.Data); err != nil || len(list.Steps) != 1 || list.Steps[0].Serial != 5 || !list.AsOf.Equal(d.now) {
		t.Errorf("an hour later one step says it all: %+v, %v", list, err)
	}
	if _, err := d.keys.Create(d.now); err != nil {
		t.Fatal(err)
	}
	if renewed := file(d.Service); renewed.Tag == later.Tag {
		t.Error("another key does not sign it")
	}
	if err := d.keys.Retire(2); err != nil {
		t.Fatal(err)
	}
	if _, err := d.RevokedFile(); !errors.Is(err, qrgen.ErrNoSigningKey) {
		t.Errorf("without a key: %v", err)
	}
}
