package tracingtest

import (
	"context"
	"math"
	"testing"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
	"github.com/truyvet/truyvet/tracing/stay"
)

// bent is a right source, bent in one way.
type bent struct {
	tracing.Source
	bend func(yield func(int, tracing.United) error) func(int, tracing.United) error
}

func (b bent) OfPeople(
	ctx context.Context, scope tracing.Scope, windows []tracing.PersonWindow, yield func(int, tracing.United) error,
) error {
	return b.Source.OfPeople(ctx, scope, windows, b.bend(yield))
}

func (b bent) AtPlaces(
	ctx context.Context, scope tracing.Scope, windows []tracing.PlaceWindow, yield func(int, tracing.United) error,
) error {
	return b.Source.AtPlaces(ctx, scope, windows, b.bend(yield))
}

// The suite must see every way in which a source can break the contract.
func TestTheSuiteSeesABentSource(t *testing.T) {
	type yield = func(int, tracing.United) error
	bends := map[string]func(yield) yield{
		"straight": func(y yield) yield { return y },
		"swallows errors": func(y yield) yield {
			return func(i int, u tracing.United) error { _ = y(i, u); return nil }
		},
		"yields twice": func(y yield) yield {
			return func(i int, u tracing.United) error {
				if err := y(i, u); err != nil {
					return err
				}
				return y(i, u)
			}
		},
		"mistakes the window": func(y yield) yield {
			return func(_ int, u tracing.United) error { return y(0, u) }
		},
		"loses flags": func(y yield) yield {
			return func(i int, u tracing.United) error {
				parts := append([]tracing.Part(nil), u.Parts...)
				for j := range parts {
					parts[j].Flagged = false
				}
				u.Parts = parts
				return y(i, u)
			}
		},
		"cuts stays": func(y yield) yield {
			return func(i int, u tracing.United) error { u.Leave = min(u.Leave, u.Enter+20_000); return y(i, u) }
		},
		"loses trips": func(y yield) yield {
			return func(i int, u tracing.United) error { u.Place.Trip = [16]byte{}; return y(i, u) }
		},
		"yields nothing": func(yield) yield { return func(int, tracing.United) error { return nil } },
	}
	for name, bend := range bends {
		seen := false
		for seed := uint64(0); seed < 200 && !seen; seed++ {
			w := RandomWorld(seed)
			places, err := tracing.NewPlaces(w.Places)
			if err != nil {
				t.Fatal(err)
			}
			index := memindex.Build(places, stay.All(w.Scans, stay.NewLinks(w.Links), places, math.MaxInt64))
			seen = checkWorld(t.Context(), w, seed, bent{index.AsOf(w.AsOf), bend}) != nil
		}
		if want := name != "straight"; seen != want {
			t.Errorf("a source that %s: seen %t, want %t", name, seen, want)
		}
	}
}

func TestRandomWorldsHoldTheAwkward(t *testing.T) {
	counts := map[string]int{}
	for seed := range uint64(300) {
		w := RandomWorld(seed)
		if len(w.people()) > 14 || len(w.Scans) > 150 {
			t.Errorf("seed %d: %d people, %d scans: not small", seed, len(w.people()), len(w.Scans))
		}
		if w.AsOf != math.MaxInt64 {
			counts["as of"]++
		}
		for _, s := range w.Scans {
			if s.Kind == stay.Void {
				counts["void"]++
			}
			if len(w.Links) > 0 && w.person(s.Alias) != s.Alias {
				counts["alias"]++
			}
			if len(tree(w.Places).above(s.Place.ID)) >= 2 {
				counts["three levels"]++
			}
		}
		for _, scans := range judged(w) {
			for _, s := range scans {
				if s.Doubts&stay.Burst != 0 {
					counts["burst"]++
				}
				if s.Doubts&stay.TwoPlaces != 0 {
					counts["two places"]++
				}
			}
		}
		for _, s := range NaiveStays(w) {
			counts[s.Basis.String()]++
			if s.Flagged {
				counts["flagged"]++
			}
			if s.Enter/86_400 != s.Leave/86_400 {
				counts["across midnight"]++
			}
			if s.Place.Trip != [16]byte{} {
				counts["trip"]++
			}
		}
		d := newDice(^seed)
		d.world = w
		d.from, d.to = span(w)
		for range requestsPerWorld {
			req := d.request()
			for _, c := range NaiveTrace(w, req).Contacts {
				counts[[]string{1: "F1", 2: "F2", 3: "F3 or F4", 4: "F3 or F4"}[c.Generation]]++
				for _, e := range c.Evidence {
					counts[e.Certainty.String()]++
					if e.Crowd == 0 {
						counts["linger only"]++
					}
					if req.Numbers.CrowdLimit > 0 && e.Crowd > req.Numbers.CrowdLimit {
						counts["crowd over the limit"]++
					}
				}
			}
		}
	}
	for _, what := range []string{
		"as of", "void", "alias", "three levels", "checkout", "moved", "assumed", "flagged", "across midnight", "trip", "F1", "F2",
		"F3 or F4", "confirmed", "probable", "possible", "linger only", "crowd over the limit", "burst", "two places",
	} {
		if counts[what] < 5 {
			t.Errorf("%s: %d times in 300 worlds", what, counts[what])
		}
	}
	t.Log(counts)
}
