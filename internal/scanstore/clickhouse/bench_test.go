package clickhouse_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse/clickhousetest"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
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

// BenchmarkSource asks a table of half a million scans in three weeks, by 10,000 people at 1,000 places; each operation is
// a new source and one call on it.
func BenchmarkSource(b *testing.B) {
	const total, block, people, places, span = 500_000, 50_000, 10_000, 1_000, 21 * scan.SecondsPerDay
	store := newStore(b)
	for first := 0; first < total; first += block {
		scans := make([]scan.Scan, 0, block)
		for n := first; n < first+block; n++ {
			s := scanlogtest.Scan(0)
			s.At += int64(n) * span / total
			s.ID, s.Seq = scanlogtest.V7(s.At, uint64(n)), uint64(n+1)
			s.Alias, s.Place, s.Trip = scattered('a', n*7919%people), scattered('p', n*104729%places), uuid.Nil
			scans = append(scans, s)
		}
		insert(b, store, scans)
	}
	tree, err := tracing.NewPlaces(nil)
	if err != nil {
		b.Fatal(err)
	}
	links, upTo := stay.NewLinks(nil), scanlog.Watermark{0: math.MaxUint64}
	for _, windows := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("OfPeople/%d", windows), func(b *testing.B) {
			asked := make([]tracing.PersonWindow, windows)
			for i := range asked {
				asked[i] = tracing.PersonWindow{Person: scattered('a', i), To: math.MaxInt64}
			}
			for b.Loop() {
				src := clickhouse.NewSource(store, tree, links, upTo, math.MaxInt64)
				if err := src.OfPeople(b.Context(), tracing.ScopePart, asked, func(int, tracing.United) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("AtPlaces/%d", windows), func(b *testing.B) {
			asked := make([]tracing.PlaceWindow, windows)
			for i := range asked {
				from := scanlogtest.Base + int64(i)*span/int64(windows)
				asked[i] = tracing.PlaceWindow{Place: tracing.Place{ID: scattered('p', i)}, From: from, To: from + 7200}
			}
			for b.Loop() {
				src := clickhouse.NewSource(store, tree, links, upTo, math.MaxInt64)
				if err := src.AtPlaces(b.Context(), tracing.ScopePart, asked, func(int, tracing.United) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
