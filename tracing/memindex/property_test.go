package memindex_test

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
)

func id(n uint32) uuid.UUID { return uuid.UUID{15: byte(n)} }

// numbered returns a numbering in which the i-th person and place have id(i).
func numbered(people, places uint32) *memindex.Numbering {
	n := memindex.NewNumbering(int(people), int(places))
	for i := range people {
		n.Person(id(i))
	}
	for i := range places {
		n.Place(tracing.Place{ID: id(i)})
	}
	return n
}

// drawStays draws stays that touch, overlap, cross the ends of days and of classes, and last longer than a record can say.
func drawStays(r *rapid.T, people, places uint32) []memindex.DenseStay {
	lengths := []int64{0, 1, 600, 7199, 7200, 7201, 86_399, 86_400, 131_071, 131_072, 400_000}
	var stays []memindex.DenseStay
	for range rapid.IntRange(0, 40).Draw(r, "stays") {
		enter := rapid.Int64Range(-2, 5).Draw(r, "day")*86_400 + 72_000 +
			rapid.SampledFrom([]int64{0, 1, 3600, 50_000, 86_399, 86_400 - 7200}).Draw(r, "at")
		if len(stays) > 0 && rapid.Bool().Draw(r, "touches") {
			enter = stays[len(stays)-1].Leave
		}
		stays = append(stays, memindex.DenseStay{
			Person: rapid.Uint32Range(0, people-1).Draw(r, "person"), Place: rapid.Uint32Range(0, places-1).Draw(r, "place"),
			Enter: enter, Leave: enter + rapid.SampledFrom(lengths).Draw(r, "length"),
			Basis: tracing.Basis(rapid.IntRange(0, 2).Draw(r, "basis")), Flagged: rapid.Bool().Draw(r, "flagged"),
		})
	}
	return stays
}

// test is a test of any kind.
type test interface {
	Context() context.Context
	Fatal(args ...any)
}

// everything returns, in words, all united stays that an index gives, by place and by person.
func everything(t test, src tracing.Source, people, places uint32) (byPlace, byPerson []string) {
	var atPlaces []tracing.PlaceWindow
	for i := range places {
		atPlaces = append(atPlaces, tracing.PlaceWindow{Place: tracing.Place{ID: id(i)}, From: math.MinInt64, To: math.MaxInt64})
	}
	var ofPeople []tracing.PersonWindow
	for i := range people {
		ofPeople = append(ofPeople, tracing.PersonWindow{Person: id(i), From: math.MinInt64, To: math.MaxInt64})
	}
	take := func(into *[]string) func(int, tracing.United) error {
		return func(_ int, u tracing.United) error { *into = append(*into, fmt.Sprint(u)); return nil }
	}
	if err := src.AtPlaces(t.Context(), tracing.ScopePlace, atPlaces, take(&byPlace)); err != nil {
		t.Fatal(err)
	}
	if err := src.OfPeople(t.Context(), tracing.ScopePlace, ofPeople, take(&byPerson)); err != nil {
		t.Fatal(err)
	}
	slices.Sort(byPlace)
	slices.Sort(byPerson)
	return byPlace, byPerson
}

// An index, however it came about, gives back what its stays unite to.
func TestIndexGivesBackWhatItWasMadeOf(t *testing.T) {
	tree, err := tracing.NewPlaces(nil)
	if err != nil {
		t.Fatal(err)
	}
	const people, places = 3, 2
	rapid.Check(t, func(r *rapid.T) {
		stays := drawStays(r, people, places)
		var all []tracing.Stay
		of := make(map[uint32][]memindex.DenseStay)
		for _, s := range stays {
			all = append(all, tracing.Stay{
				Person: id(s.Person), Place: tracing.Place{ID: id(s.Place)}, Enter: s.Enter, Leave: s.Leave, Basis: s.Basis, Flagged: s.Flagged,
			})
			of[s.Person] = append(of[s.Person], s)
		}
		asOf := rapid.SampledFrom([]int64{math.MaxInt64, 2*86_400 + 72_000, 2 * 86_400}).Draw(r, "as of")
		var want []string
		for _, u := range tracing.Unite(all) {
			if c, ok := u.Clip(asOf); ok {
				want = append(want, fmt.Sprint(c))
			}
		}
		slices.Sort(want)

		n := numbered(people, places)
		others := drawStays(r, people, places) // replaced person by person
		replaced := memindex.BuildDense(tree, n, others, 1)
		for person := range uint32(people) {
			replaced = replaced.Replace([]uint32{person, person}, slices.Clone(of[person]), memindex.Effort{})
		}
		piles := memindex.NewBuilder(n)
		for piece := range slices.Chunk(stays, 3) {
			piles.Add(piece)
		}
		for name, x := range map[string]*memindex.Index{
			"built": memindex.BuildDense(tree, n, stays, 1), "built by two": memindex.BuildDense(tree, n, stays, 2),
			"replaced": replaced, "bit by bit": piles.Build(tree, 2),
		} {
			byPlace, byPerson := everything(r, x.AsOf(asOf), people, places)
			if !slices.Equal(byPlace, want) || !slices.Equal(byPerson, want) {
				r.Fatalf("%s, as of %d:\nby place  %v\nby person %v\nwant      %v", name, asOf, byPlace, byPerson, want)
			}
		}
	})
}

// All ways of walking an index reach the same people, whose numbers lie far from one another.
func TestWaysAgreeOnAwkwardStays(t *testing.T) {
	tree, err := tracing.NewPlaces(nil)
	if err != nil {
		t.Fatal(err)
	}
	const people, places, spread = 6, 2, 14_000
	n := numbered(0, places)
	for i := range people * spread {
		n.Person(numberedID(i))
	}
	rapid.Check(t, func(r *rapid.T) {
		stays := drawStays(r, people, places)
		for i := range stays {
			stays[i].Person *= spread
		}
		x := memindex.BuildDense(tree, n, stays, 1)
		req := tracing.Request{
			Cases: []tracing.Case{{Person: numberedID(0), Window: tracing.Window{From: -100_000, To: rapid.Int64Range(-90_000, 500_000).Draw(r, "to")}}},
			Numbers: tracing.Numbers{
				MinOverlap: rapid.SampledFrom([]int64{0, 1, 900, 90_000}).Draw(r, "least"),
				Linger:     rapid.SampledFrom([]int64{0, 3600, 200_000}).Draw(r, "linger"), Depth: 3, Scope: tracing.ScopePlace,
				CrowdLimit: rapid.SampledFrom([]int{0, 0, 1}).Draw(r, "limit"),
			},
			End: rapid.Int64Range(0, 600_000).Draw(r, "end"),
		}
		asOf := rapid.SampledFrom([]int64{math.MaxInt64, 250_000}).Draw(r, "as of")
		type reached struct {
			Generation int
			Person     uuid.UUID
			First      int64
			Sources    uint32
		}
		detail := tracing.Detail{Sources: rapid.Bool().Draw(r, "sources")}
		reach := func(src tracing.Source) (all []reached) {
			got, err := tracing.Reach(r.Context(), src, req, detail)
			if err != nil {
				r.Fatal(err)
			}
			for g, generation := range got.Generations {
				for _, m := range generation {
					all = append(all, reached{g + 1, got.Person(m.Person), m.First, m.Sources})
				}
			}
			slices.SortFunc(all, func(a, b reached) int { return slices.Compare(a.Person[:], b.Person[:]) })
			return all
		}
		want := reach(struct{ tracing.Source }{x.AsOf(asOf)})
		for name, src := range map[string]tracing.Source{
			"scan": x.AsOf(asOf, memindex.Scanning(), memindex.Workers(2)), "sweep": x.AsOf(asOf, memindex.Sweeping(), memindex.Workers(1)),
			"by size": x.AsOf(asOf),
		} {
			if got := reach(src); !reflect.DeepEqual(got, want) {
				r.Fatalf("%s: got %v\nwant %v", name, got, want)
			}
		}
	})
}
