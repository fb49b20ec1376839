package clickhouse

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/scan"
)

func TestBlocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.IntRange(1, 400).Draw(t, "days")
		scans := make([]scan.Scan, rapid.IntRange(0, 1000).Draw(t, "scans"))
		distinct := make(map[scan.Day]bool)
		for i := range scans {
			scans[i].At = rapid.Int64Range(0, int64(days)*scan.SecondsPerDay-1).Draw(t, "at")
			scans[i].Seq = uint64(i + 1)
			distinct[scan.DayOf(scans[i].At)] = true
		}
		parts := blocks(slices.Clone(scans))
		if want := (len(distinct) + blockDays - 1) / blockDays; len(parts) != want {
			t.Fatalf("%d blocks for %d days, want %d", len(parts), len(distinct), want)
		}
		var all []scan.Scan
		for _, part := range parts {
			of := make(map[scan.Day]bool)
			for _, s := range part {
				of[scan.DayOf(s.At)] = true
				if len(distinct) == 0 || !distinct[scan.DayOf(s.At)] {
					t.Fatal("a day stands in two blocks")
				}
			}
			if len(of) == 0 || len(of) > blockDays {
				t.Fatalf("a block of %d days", len(of))
			}
			for day := range of {
				delete(distinct, day)
			}
			bySeq := func(a, b scan.Scan) int { return int(a.Seq) - int(b.Seq) }
			if !slices.IsSortedFunc(part, bySeq) {
				t.Fatal("a block is out of order")
			}
			all = append(all, part...)
		}
		slices.SortFunc(all, func(a, b scan.Scan) int { return int(a.Seq) - int(b.Seq) })
		if !slices.Equal(all, scans) {
			t.Fatalf("%d scans are in the blocks of %d", len(all), len(scans))
		}
	})
}
