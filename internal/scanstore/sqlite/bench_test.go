package sqlite_test

import (
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
	"github.com/truyvet/truyvet/internal/scanstore/sqlite"
)

// BenchmarkAppend appends batches of 500 in the order of time from four goroutines; an operation is a scan.
func BenchmarkAppend(b *testing.B) {
	for name, version := range map[string]byte{"TimeOrderedIDs": 0x70, "RandomIDs": 0x40} {
		b.Run(name, func(b *testing.B) {
			store := open(b, b.TempDir(), sqlite.Options{})
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
						outcomes, err := store.Append(b.Context(), benchScans(n, batch, version))
						if err != nil {
							return err
						}
						for _, o := range outcomes {
							if o != scanlog.Accepted {
								b.Errorf("a new scan is %v", o)
							}
						}
					}
					return nil
				})
			}
			if err := group.Wait(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "scans/s")
		})
	}
}

// benchScans returns scans at a hundred a second.
func benchScans(from, count int, version byte) []scan.Scan {
	scans := make([]scan.Scan, 0, count)
	for n := from; n < from+count; n++ {
		s := scanlogtest.Scan(n / 100)
		s.ID = scanlogtest.V7(s.At, uint64(n))
		if version == 0x40 { // scattered like random ones
			spread := uint64(n) * 0x9e3779b97f4a7c15
			s.ID = scanlogtest.V7(int64(spread>>24), spread)
			s.ID[6] = version
		}
		scans = append(scans, s)
	}
	return scans
}
