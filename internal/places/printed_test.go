package places_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

func TestEnterWhatWasPrintedElsewhere(t *testing.T) {
	d := newDesk(t)
	r := &places.Register{Store: d.store, Keys: d.keys, Clock: func() time.Time { return d.now }}
	poster := places.Printed{Place: uuid.New(), Kind: qrgen.KindShop, Name: " Tạp hóa ", Address: "1 Bến", Serial: 5, Issued: noon.Unix() - 500}
	with := func(change func(*places.Printed)) places.Printed {
		p := poster
		change(&p)
		return p
	}
	text := func(p places.Printed) string {
		signed, err := d.keys.Sign(qrgen.Token{Kind: p.Kind, Place: p.Place, IssuedAt: time.Unix(p.Issued, 0), Serial: p.Serial})
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	newer := with(func(p *places.Printed) { p.Serial, p.Issued = 9, noon.Unix()-50 })
	older := with(func(p *places.Printed) { p.Serial, p.Issued = 2, noon.Unix()-900 })
	for _, step := range []struct {
		name    string
		printed places.Printed
		added   bool
	}{
		{"a new place", poster, true},
		{"the same again", poster, false},
		{"a newer code", newer, true},
		{"the first again", poster, true},
		{"an older code", older, true},
	} {
		if added, err := r.Enter(t.Context(), d.own.Organisation, step.printed); err != nil || added != step.added {
			t.Errorf("%s: %v, %v", step.name, added, err)
		}
	}
	if err := d.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, p := range []places.Printed{poster, newer, older} {
		if found, err := d.Check(text(p)); err != nil || found.State != places.Valid || found.Place.Name != "Tạp hóa" {
			t.Errorf("serial %d: %+v, %v", p.Serial, found, err)
		}
	}
	if stored, err := d.store.Place(t.Context(), poster.Place); err != nil || stored.Code != text(newer) || stored.Serial != 9 {
		t.Errorf("the place has %+v, %v", stored, err)
	}
	for name, c := range map[string]struct {
		printed places.Printed
		of      registry.Account
		want    error
	}{
		"somebody else's":      {poster, d.them, registry.ErrNotFound},
		"of another kind":      {with(func(p *places.Printed) { p.Kind = qrgen.KindMarket }), d.own, places.ErrPrintedKind},
		"issued at two times":  {with(func(p *places.Printed) { p.Serial = 9 }), d.own, places.ErrPrintedTime},
		"issued in the future": {with(func(p *places.Printed) { p.Issued = noon.Unix() + 1 }), d.own, places.ErrPrintedWhen},
		"without a time":       {with(func(p *places.Printed) { p.Issued = 0 }), d.own, places.ErrPrintedWhen},
		"without a name":       {with(func(p *places.Printed) { p.Place, p.Name = uuid.New(), "" }), d.own, places.ErrName},
	} {
		if added, err := r.Enter(t.Context(), c.of.Organisation, c.printed); added || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v", name, added, err)
		}
	}
}
