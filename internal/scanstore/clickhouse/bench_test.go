package clickhouse_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// scattered returns the n-th id of a kind, spread like random ones.
func scattered(kind byte, n int) uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], (uint64(n)+1)*0x9e3779b97f4a7c15)
	id[8], id[15] = 0x80, kind
	return id
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
