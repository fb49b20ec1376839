package demo

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing/stay"
)

// TestDeclarations are of people who came to a place that asks for one, once a day at the most, and few of them say that they are ill.
func TestDeclarations(t *testing.T) {
	t.Parallel()
	d := mustMake(t, DefaultSeed, someDay(), Small())
	asks := make(map[uuid.UUID]bool)
	for _, p := range d.Places {
		asks[p.ID] = p.Form != "" || asks[p.Parent]
	}
	type arrival struct {
		person int32
		at     int64
	}
	came := make(map[arrival]bool)
	for _, s := range d.Scans {
		if s.Kind == stay.In && asks[d.Places[s.Place].ID] {
			came[arrival{s.Person, s.At}] = true
		}
	}
	type personDay struct {
		person int32
		day    string
	}
	twice, ill, whose := make(map[personDay]bool), 0, make(map[int32]bool)
	for _, g := range d.Declarations {
		if day := time.Unix(g.At, 0).In(saigon()).Format(time.DateOnly); day != g.Day || !came[arrival{g.Person, g.At}] || twice[personDay{g.Person, g.Day}] {
			t.Fatalf("%+v was declared by nobody who came, or twice", g)
		}
		twice[personDay{g.Person, g.Day}], whose[g.Person] = true, true
		if g.Attention {
			ill++
		}
	}
	if all := len(d.Declarations); ill == 0 || ill > all/10 || len(whose) < len(d.People)/5 {
		t.Errorf("%d of %d declarations need attention; they are of %d of %d people", ill, all, len(whose), len(d.People))
	}
	for _, p := range d.Places {
		if p.ID == d.Tour.Market && p.Form != "" {
			t.Error("the market of the tour asks for a declaration")
		}
	}
}
