package memindex_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
)

// TestNothingIsAllocatedForAContact walks over two worlds of as many people, places and stays, in which the same people are
// reached by few contacts and by many, and sees that the second walk allocates no more often, in every way to walk.
func TestNothingIsAllocatedForAContact(t *testing.T) {
	const people, places, days, cases = 600, 4, 6, 60
	tree, err := tracing.NewPlaces(nil)
	if err != nil {
		t.Fatal(err)
	}
	// world makes everybody stay at a place once a day, all of them at once on the first day, and on other days so long that
	// they meet a share of the others.
	world := func(length int64) *memindex.Index {
		r := rand.New(rand.NewPCG(3, 4))
		n := memindex.NewNumbering(people, places)
		for p := range places {
			n.Place(tracing.Place{ID: numberedID(p)})
		}
		var stays []memindex.DenseStay
		for p := range people {
			n.Person(numberedID(p))
			for d := range days {
				enter := int64(d)*86_400 + 72_000 + r.Int64N(40_000)
				leave := enter + length
				if d == 0 {
					enter, leave = 72_000, 72_000+7_000
				}
				stays = append(stays, memindex.DenseStay{Person: uint32(p), Place: uint32((p + d) % places), Enter: enter, Leave: leave})
			}
		}
		return memindex.BuildDense(tree, n, stays, 1)
	}
	few, many := world(60), world(7_000)
	req := tracing.Request{Numbers: tracing.Numbers{Depth: 2, Scope: tracing.ScopePlace}, End: math.MaxInt64}
	for i := range cases {
		req.Cases = append(req.Cases, tracing.Case{Person: numberedID(i * (people / cases)), Window: tracing.Window{To: math.MaxInt64}})
	}
	ways := map[string][]memindex.Option{
		"scan": {memindex.Scanning()}, "sweep": {memindex.Sweeping()}, "chosen by size": nil,
	}
	for name, way := range ways {
		for _, detail := range []tracing.Detail{{}, {Sources: true}, {Cases: true}} {
			allocs := func(x *memindex.Index) float64 {
				src := x.AsOf(math.MaxInt64, append([]memindex.Option{memindex.Workers(1)}, way...)...)
				return testing.AllocsPerRun(5, func() {
					if _, err := tracing.Reach(t.Context(), src, req, detail); err != nil {
						t.Fatal(err)
					}
				})
			}
			// A map of the runtime's may grow once more in one of them; contacts differ by ten thousands.
			const chance = 8
			if a, b := allocs(few), allocs(many); b > a+chance {
				t.Errorf("%s, %+v: %.0f allocations with few contacts and %.0f with many", name, detail, a, b)
			}
		}
	}
}
