package places_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
)

// TestFormOf: a place asks for the form of the nearest place around it that says so.
func TestFormOf(t *testing.T) {
	d := newDesk(t)
	s := places.New(d.store, d.keys, func() time.Time { return d.now }, "general", "bus")
	make := func(parent uuid.UUID, form string) registry.Place {
		t.Helper()
		p, err := s.Create(t.Context(), d.own, places.NewPlace{Name: "A", Kind: 7, Parent: parent, Form: form})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	want := func(place uuid.UUID, form string) {
		t.Helper()
		for name, s := range map[string]*places.Service{"who made them": s, "another process": d.Service} {
			if got := s.FormOf(place); got != form {
				t.Errorf("for %s the place asks for %q, want %q", name, got, form)
			}
		}
	}
	bare, site := make(uuid.Nil, ""), make(uuid.Nil, "general")
	hall, bay := make(site.ID, ""), make(site.ID, "bus")
	shop, seat, yard := make(site.ID, registry.NoForm), make(bay.ID, ""), uuid.New()
	stall := make(shop.ID, "")
	if err := d.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for place, form := range map[uuid.UUID]string{
		bare.ID: "", site.ID: "general", hall.ID: "general", bay.ID: "bus", seat.ID: "bus", shop.ID: "", stall.ID: "", yard: "",
	} {
		want(place, form)
	}
	change := func(p registry.Place, form string) error {
		t.Helper()
		_, err := s.Update(t.Context(), d.own, p.ID, p.Revision, places.NewPlace{Name: "A", Form: form})
		if refreshed := d.Refresh(t.Context()); refreshed != nil {
			t.Fatal(refreshed)
		}
		return err
	}
	for _, form := range []string{"school", "General", "none "} {
		if err := change(site, form); !errors.Is(err, places.ErrForm) {
			t.Errorf("asking for %q: %v", form, err)
		}
		if _, err := s.Create(t.Context(), d.own, places.NewPlace{Name: "A", Kind: 7, Form: form}); !errors.Is(err, places.ErrForm) {
			t.Errorf("a place that asks for %q: %v", form, err)
		}
	}
	if err := change(site, ""); err != nil {
		t.Fatal(err)
	}
	want(hall.ID, "")
	want(seat.ID, "bus")
	// A form that is offered no longer may stay.
	if _, err := d.Update(t.Context(), d.own, bay.ID, bay.Revision, places.NewPlace{Name: "B", Form: "bus"}); err != nil {
		t.Error(err)
	}
	if _, err := d.Update(t.Context(), d.own, bay.ID, bay.Revision+1, places.NewPlace{Name: "B", Form: "general"}); !errors.Is(err, places.ErrForm) {
		t.Errorf("where no form is offered: %v", err)
	}
}
