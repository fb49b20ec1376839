package benchwalk

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
	"slices"
	"time"
)

// median returns the middle one, and of an even number the lower of the middle two.
func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[(len(sorted)-1)/2]
}

// asker answers with the rows and says how long it took.
type asker func(ctx context.Context, q Question) ([]Row, time.Duration, error)

// The rounds of what answers in memory, after one that warms up: very quick ones need many.
const (
	leastRounds = 5
	mostRounds  = 2_000
	enoughTime  = time.Second
)

// rounds returns how many rounds there should be, the first included, when those so far took the given times; at most most
// of them where that is positive.
func rounds(times []time.Duration, most int) int {
	var total, longest time.Duration
	for _, t := range times {
		total += t
		longest = max(longest, t)
	}
	n := mostRounds
	switch {
	case longest > slow:
		n = 1
	case longest > quick:
		n = 1 + fewRounds
	case total > enoughTime:
		n = 1 + leastRounds
	}
	if most > 0 {
		n = min(n, most)
	}
	return n
}

// medianOf asks until enough rounds have passed and returns the median. It fails when an answer is not want, row by row, and
// with errCut when one takes longer than cut.
func medianOf(ctx context.Context, ask asker, q Question, want []Row, cut time.Duration, most int) (time.Duration, error) {
	var times []time.Duration
	for len(times) == 0 || len(times) < rounds(times, most) {
		limited, cancel := context.WithTimeout(ctx, cut)
		begin := time.Now()
		rows, took, err := ask(limited, q)
		late := limited.Err() != nil || err != nil && time.Since(begin) >= cut
		cancel()
		switch {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case late:
			return cut, errCut
		case err != nil:
			return 0, err
		}
		if err := sameRows(rows, want); err != nil {
			return 0, fmt.Errorf("%s: %w", q.Name, err)
		}
		times = append(times, took)
	}
	if len(times) > 1 {
		times = times[1:]
	}
	return median(times), nil
}

// peakOf returns how many bytes more than before were in use on the heap at a time while do ran. The garbage is collected over
// and over meanwhile: it counts for nothing, but what came and went between two times was not seen.
func peakOf(do func() error) (int64, error) {
	live := func() int64 {
		runtime.GC()
		sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64())
	}
	before := live()
	done := make(chan error, 1)
	go func() { done <- do() }()
	for peak := int64(0); ; peak = max(peak, live()-before) {
		select {
		case err := <-done:
			return peak, err
		default:
		}
	}
}

// sameRows says how two answers differ. It sorts them.
func sameRows(got, want []Row) error {
	for _, rows := range [][]Row{got, want} {
		slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.Person, b.Person) })
	}
	if len(got) != len(want) {
		return fmt.Errorf("the answer has %d people and should have %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			return fmt.Errorf("the answer says %+v where it should say %+v", got[i], want[i])
		}
	}
	return nil
}
