package sqlite

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
)

func openFilled(t *testing.T, scans int) *Store {
	t.Helper()
	store, err := Open(t.Context(), t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	scanlogtest.Append(t, store, scanlogtest.Scans(0, scans))
	return store
}

func TestCloseWhileARead(t *testing.T) {
	store := openFilled(t, 3*readRows)
	upTo, err := store.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	err = store.Read(t.Context(), nil, upTo, func(block []scan.Scan) error {
		read += len(block)
		return store.Close() // which the rest of the read does not hold up
	})
	if !errors.Is(err, errClosed) || read != readRows {
		t.Errorf("a read that was closed under way: %v after %d scans", err, read)
	}
	if _, err := store.DropBefore(t.Context(), scan.DayOf(scanlogtest.Base)+1); !errors.Is(err, errClosed) {
		t.Errorf("dropping after Close: %v", err)
	}
	if _, err := store.Append(t.Context(), scanlogtest.Scans(0, 1)); !errors.Is(err, scanlog.ErrUnavailable) {
		t.Errorf("appending after Close: %v", err)
	}
}

func TestCloseWaitsForAFileInUse(t *testing.T) {
	for name, c := range map[string]struct {
		release bool
		fails   bool
	}{
		"a step that ends":      {release: true},
		"a step without an end": {fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := openFilled(t, 10)
				day := scan.DayOf(scanlogtest.Base)
				file, err := store.files.pin(t.Context(), day, false)
				if err != nil {
					t.Fatal(err)
				}
				closed := make(chan error, 1)
				go func() { closed <- store.Close() }()
				synctest.Wait()
				select {
				case err := <-closed:
					t.Fatalf("it did not wait for the file that is in use: %v", err)
				default:
				}
				var n int
				if err := file.db.QueryRowContext(t.Context(), `SELECT count(*) FROM scans`).Scan(&n); err != nil || n != 10 {
					t.Errorf("the file in use gives %d rows, %v", n, err)
				}
				if c.release {
					store.files.unpin(day)
				}
				if err := <-closed; (err != nil) != c.fails {
					t.Errorf("closing: %v", err)
				}
				if c.release {
					return
				}
				if err := file.db.QueryRowContext(t.Context(), `SELECT count(*) FROM scans`).Scan(&n); err != nil {
					t.Errorf("the file that is still in use was closed: %v", err)
				}
				if err := file.close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A sweep takes the lock for a part at a time, so markers are set between its parts.
func TestSweepBesideCommits(t *testing.T) {
	store := openFilled(t, 1)
	defer func() { _ = store.Close() }()
	const many = 2*sweepRows + 100
	key := func(n int) scan.Key {
		s := scanlogtest.Scan(n)
		return s.Key()
	}
	set := func(from, to int, day func(n int) scan.Day) {
		t.Helper()
		markers := make(map[scan.Key]scan.Day)
		for n := from; n < to; n++ {
			markers[key(n)] = day(n)
		}
		if err := store.markers.set(t.Context(), markers); err != nil {
			t.Fatal(err)
		}
	}
	set(0, many, func(n int) scan.Day { return scan.Day(100 + n%3) })
	swept := make(chan error)
	go func() { swept <- store.markers.dropBefore(context.Background(), 101) }()
	for n := many; n < many+500; n += 50 {
		set(n, n+50, func(int) scan.Day { return 105 })
	}
	if err := <-swept; err != nil {
		t.Fatal(err)
	}
	keys := make([]scan.Key, many+500)
	for n := range keys {
		keys[n] = key(n)
	}
	found, err := store.markers.find(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for n, k := range keys {
		want, there := scan.Day(100+n%3), true
		if n >= many {
			want = 105
		} else if want < 101 {
			want, there = 0, false
		}
		if got, is := found[k]; is != there || got != want {
			t.Fatalf("marker %d points to %d (%v), want %d (%v)", n, got, is, want, there)
		}
	}
	if store.markers.next != nil {
		t.Error("markers are still added to the filter of a sweep that is over")
	}
	perhaps := 0
	for n := 0; n < many; n += 3 { // those that were dropped
		if store.markers.filter.mayHave(keys[n]) {
			perhaps++
		}
	}
	if perhaps > many/100 {
		t.Errorf("the filter still has %d of the markers that were dropped", perhaps)
	}
}

func TestPurgeOfNothingLeavesMarkersAlone(t *testing.T) {
	store := openFilled(t, 1)
	defer func() { _ = store.Close() }()
	before := store.markers.filter
	day := scan.DayOf(scanlogtest.Base)
	if dropped, err := store.DropBefore(t.Context(), day); err != nil || len(dropped) != 0 || store.markers.filter != before {
		t.Errorf("dropped %v (%v), the filter was made anew: %v", dropped, err, store.markers.filter != before)
	}
	if dropped, err := store.DropBefore(t.Context(), day+1); err != nil || len(dropped) != 1 || store.markers.filter == before {
		t.Errorf("dropped %v (%v), the filter was made anew: %v", dropped, err, store.markers.filter != before)
	}
}
