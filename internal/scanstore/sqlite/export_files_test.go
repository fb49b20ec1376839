package sqlite_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
	"github.com/truyvet/truyvet/internal/scanstore/sqlite"
)

// TestExport reads the files of a store beside the store itself, while it goes on and after it was closed.
func TestExport(t *testing.T) {
	dir := t.TempDir()
	store, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const perDay = 2500 // more than a block
	var want []scan.Scan
	add := func(day int) {
		t.Helper()
		scans := scanlogtest.Scans(day*scan.SecondsPerDay, day*scan.SecondsPerDay+perDay)
		if _, err := store.Append(t.Context(), scans); err != nil {
			t.Fatal(err)
		}
		want = append(want, scans...)
	}
	compare := func(first scan.Day, want []scan.Scan) {
		t.Helper()
		var got []scan.Scan
		err := sqlite.Export(t.Context(), dir, first, func(block []scan.Scan) error {
			got = append(got, block...)
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%d scans from %s, want %d; %v", len(got), first, len(want), err)
		}
	}
	start := scan.DayOf(scanlogtest.Base)
	compare(start, nil)
	add(0)
	compare(start, want)
	add(1)
	compare(start, want)
	compare(start+1, want[perDay:])
	stop := errors.New("enough")
	if err := sqlite.Export(t.Context(), dir, start, func([]scan.Scan) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("stopped by its caller: %v", err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	compare(start, want)
}
