package loadgen

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestQuantiles compares with the sorted durations: a quantile is never below the true one, and at most a 32nd above it.
func TestQuantiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		exact := rapid.SliceOfN(rapid.Int64Range(0, int64(time.Hour)), 1, 200).Draw(t, "durations")
		cut := rapid.IntRange(0, len(exact)).Draw(t, "cut")
		var one, other histogram
		for i, d := range exact {
			if i < cut {
				one.add(time.Duration(d))
			} else {
				other.add(time.Duration(d))
			}
		}
		one.merge(&other)
		slices.Sort(exact)
		for _, share := range []float64{0, 0.5, 0.9, 0.99, 1} {
			rank := min(max(int(share*float64(len(exact))), 1), len(exact))
			want := time.Duration(exact[rank-1]).Truncate(time.Microsecond)
			if got := one.quantile(share); got < want || got > want+want/32+time.Microsecond {
				t.Fatalf("the %v quantile is %v, want %v", share, got, want)
			}
		}
		if one.longest != time.Duration(exact[len(exact)-1]) {
			t.Fatalf("the longest is %v", one.longest)
		}
	})
	if got := new(histogram).quantile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}
