package memindex_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
)

// TestReplaceSharesTheDaysThatStay changes what one of two people does on one of three days.
func TestReplaceSharesTheDaysThatStay(t *testing.T) {
	tree, err := tracing.NewPlaces(nil)
	if err != nil {
		t.Fatal(err)
	}
	const start = 72_000 // of day 0
	n := numbered(2, 2)
	var own, others []memindex.DenseStay
	for day := range int64(3) {
		enter := start + day*86_400 + 100
		own = append(own, memindex.DenseStay{Person: 0, Place: 0, Enter: enter, Leave: enter + 600})
		others = append(others, memindex.DenseStay{Person: 1, Place: 0, Enter: enter, Leave: enter + 900})
	}
	before := memindex.BuildDense(tree, n, slices.Concat(own, others), 1)
	longer := slices.Clone(own)
	longer[1].Leave += 300
	later := slices.Clone(own)
	later[2].Enter, later[2].Leave = later[2].Enter+86_400, later[2].Leave+86_400
	for name, c := range map[string]struct {
		people []uint32
		stays  []memindex.DenseStay
		shared []int64
	}{
		"nothing":            {[]uint32{1, 0}, slices.Concat(own, others), []int64{0, 1, 2}},
		"nobody":             {nil, nil, []int64{0, 1, 2}},
		"one stay is longer": {[]uint32{0}, longer, []int64{0, 2}},
		"one is a day later": {[]uint32{0}, later, []int64{0, 1}},
		"one is gone":        {[]uint32{0}, slices.Clone(own[1:]), []int64{1, 2}},
		"all of one are":     {[]uint32{0}, nil, nil},
	} {
		after := before.Replace(c.people, c.stays, memindex.Effort{Workers: 2})
		if diff := cmp.Diff(c.shared, after.Shared(before)); diff != "" {
			t.Errorf("%s: shared days (-want +got):\n%s", name, diff)
		}
	}
	if got := before.On(tree).Shared(before); len(got) != 3 {
		t.Errorf("on another tree days %v are shared", got)
	}
}
