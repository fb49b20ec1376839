package tracing

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// DryRun says how many people each of some requests would list, by generation from the first on, and lists nobody: the same
// cases under several profiles, say, before anyone is called.
//
// Requests that are equal but for their depths are one walk, of the greatest: the first generations of a deep walk are those
// of a shallow one. So profiles cost nothing that come to the same windows and numbers for these cases. Whatever else differs
// changes who infects whom and when, and with it all hops after that of the cases, which is the cheap one: those requests are
// walks of their own, of the kind that costs least, one after the other, for a walk of a [Walker] has all cores already.
func DryRun(ctx context.Context, src Source, requests []Request) ([][]int, error) {
	for i, req := range requests {
		if err := req.Validate(); err != nil {
			return nil, fmt.Errorf("request %d: %w", i+1, err)
		}
	}
	counts := make([][]int, len(requests))
	for i, deepest := range requests {
		if counts[i] != nil {
			continue
		}
		var equal []int
		for j := i; j < len(requests); j++ {
			if requests[j].equalsButDepth(requests[i]) {
				equal = append(equal, j)
				deepest.Numbers.Depth = max(deepest.Numbers.Depth, requests[j].Numbers.Depth)
			}
		}
		r, err := Reach(ctx, src, deepest, Detail{})
		if err != nil {
			return nil, fmt.Errorf("request %d: %w", i+1, err)
		}
		all := r.Count()
		for _, j := range equal {
			counts[j] = slices.Clone(all[:min(len(all), requests[j].Numbers.Depth)])
		}
	}
	return counts, nil
}

// equalsButDepth says whether two requests ask for the same, as far as each goes.
func (r Request) equalsButDepth(other Request) bool {
	r.Numbers.Depth = other.Numbers.Depth
	return r.Numbers == other.Numbers && r.End == other.End &&
		slices.Equal(r.Cases, other.Cases) && maps.Equal(r.Isolated, other.Isolated)
}
