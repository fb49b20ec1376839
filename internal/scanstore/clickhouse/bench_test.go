package clickhouse_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse/clickhousetest"
)

// BenchmarkRead reads from a table of two million scans in three weeks, in four shards: all of it, and the newest ten
// thousand.
func BenchmarkRead(b *testing.B) {
	const total, block, newest, span = 2_000_000, 100_000, 10_000, 21 * scan.SecondsPerDay
	for _, e := range []*clickhousetest.Engine{clickhousetest.OneServer, clickhousetest.TwoShards} {
		store := e.New(b)
		scans := make([]scan.Scan, 0, block)
		for first := 0; first < total; first += block {
			scans = scans[:0]
			for n := first; n < first+block; n++ {
				s := scanlogtest.Scan(0)
				s.At += int64(n) * span / total
				s.ID, s.Alias, s.Place, s.Trip = scattered('s', n), scattered('a', n*7919%(total/20)), scattered('p', n*104729%1000), uuid.Nil
				s.Shard, s.Seq = uint32(n%4), uint64(n/4+1)
				scans = append(scans, s)
			}
			insert(b, store.Store, scans)
		}
		for name, first := range map[string]uint64{"everything": 0, "newest": (total - newest) / 4} {
			b.Run(e.Name+"/"+name, func(b *testing.B) {
				after, upTo := make(scanlog.Watermark), make(scanlog.Watermark)
				for shard := range uint32(4) {
					after[shard], upTo[shard] = first, total/4
				}
				for b.Loop() {
					if err := store.Read(b.Context(), after, upTo, func([]scan.Scan) error { return nil }); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
