package redisstream_test

import (
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
)

// BenchmarkAppend appends batches of 500 from four goroutines, fsync always; an operation is a scan.
func BenchmarkAppend(b *testing.B) {
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
	for range 4 {
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
