package memindex_test

import (
	"math"
	"slices"
	"testing"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
	"github.com/truyvet/truyvet/tracing/stay"
	"github.com/truyvet/truyvet/tracing/tracingtest"
)

// TestDryRunCountsWhatTracesList asks for the counts under every built-in profile, at several depths, at once, and sees those
// of the oracle's lists under each.
func TestDryRunCountsWhatTracesList(t *testing.T) {
	listed := 0
	for seed := range uint64(60) {
		w := tracingtest.RandomWorld(seed)
		if len(w.Scans) == 0 {
			continue
		}
		places, err := tracing.NewPlaces(w.Places)
		if err != nil {
			t.Fatal(err)
		}
		links := stay.NewLinks(w.Links)
		src := memindex.Build(places, stay.All(w.Scans, links, places, math.MaxInt64)).AsOf(w.AsOf)
		var requests []tracing.Request
		for _, p := range tracing.Profiles() {
			for _, depth := range []int{2, 3, 1} {
				p.Numbers.Depth = depth
				requests = append(requests, tracing.Request{
					Cases:   []tracing.Case{{Person: links.Person(w.Scans[0].Alias), Window: tracing.Window{To: math.MaxInt64}}},
					Numbers: p.Numbers, End: math.MaxInt64,
				})
			}
		}
		counts, err := tracing.DryRun(t.Context(), src, requests)
		if err != nil {
			t.Fatal(err)
		}
		for i, req := range requests {
			want := make([]int, req.Numbers.Depth)
			for _, c := range tracingtest.NaiveTrace(w, req).Contacts {
				want[c.Generation-1]++
				listed++
			}
			got := append(slices.Clone(counts[i]), make([]int, req.Numbers.Depth)...)[:req.Numbers.Depth]
			if !slices.Equal(got, want) {
				t.Errorf("seed %d, %+v: %v, want %v", seed, req.Numbers, got, want)
			}
		}
	}
	if listed == 0 {
		t.Error("the worlds list nobody, so this shows nothing")
	}
}
