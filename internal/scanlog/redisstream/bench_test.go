package redisstream_test

import (
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
)

// BenchmarkAppend appends batches of 500 from some goroutines, fsync always; an operation is a scan.
func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{4, 32} {
		b.Run(fmt.Sprintf("%dCallers", callers), func(b *testing.B) { benchmarkAppend(b, callers) })
	}
}

func benchmarkAppend(b *testing.B, callers int) {
	log := openLog(b, shared, redisstream.Options{Layout: newLayout()})
	const batch = 500
	next := make(chan int)
	var group errgroup.Group
	group.Go(func() error {
		defer close(next)
		for n := 0; n < b.N; n += batch {
			next <- n
		}
		return nil
	})
	b.ResetTimer()
	for range callers {
		group.Go(func() error {
			for n := range next {
				if _, err := log.Append(b.Context(), scanlogtest.Scans(n, n+batch)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "scans/s")
}
