package sqlite_test

import (
	"database/sql"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
	"github.com/truyvet/truyvet/internal/scanstore/scanstoretest"
	"github.com/truyvet/truyvet/internal/scanstore/sqlite"
)

func open(t testing.TB, dir string, o sqlite.Options) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// all reads everything that a store holds.
func all(t testing.TB, store *sqlite.Store) []scan.Scan {
	t.Helper()
	upTo := make(scanlog.Watermark)
	tail, err := store.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for day := range tail {
		upTo[day] = math.MaxUint64
	}
	var scans []scan.Scan
	err = store.Read(t.Context(), nil, upTo, func(block []scan.Scan) error {
		scans = append(scans, block...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return scans
}

func subject(t testing.TB, dir string, o sqlite.Options) scanlogtest.Subject {
	store, err := sqlite.Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return scanlogtest.Subject{
		Log: store,
		All: func(t testing.TB) []scan.Scan { return all(t, store) },
		Reopen: func(testing.TB) scanlogtest.Subject {
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			return subject(t, dir, o)
		},
	}
}

func TestLog(t *testing.T) {
	scanlogtest.Run(t, func(t *testing.T, maxQueued int) scanlogtest.Subject {
		return subject(t, t.TempDir(), sqlite.Options{MaxQueued: maxQueued})
	})
}

func TestLogWithFewOpenFiles(t *testing.T) {
	scanlogtest.Run(t, func(t *testing.T, maxQueued int) scanlogtest.Subject {
		return subject(t, t.TempDir(), sqlite.Options{MaxQueued: maxQueued, MaxOpen: 1})
	})
}

func TestStore(t *testing.T) {
	scanstoretest.Run(t, func(t *testing.T) scanstoretest.Subject {
		dir := t.TempDir()
		store := open(t, dir, sqlite.Options{})
		return scanstoretest.Subject{
			Store: store,
			Fill: func(t testing.TB, scans []scan.Scan) []scan.Scan {
				scanlogtest.Append(t, store, scans)
				return scans
			},
			BreakDrop: func(t testing.TB, day scan.Day) func() {
				return blockRemoval(t, filepath.Join(dir, "scans-"+day.String()+".db"))
			},
		}
	})
}

// blockRemoval puts a directory that is not empty in the place of a file.
func blockRemoval(t testing.TB, path string) (mend func()) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Rename(path, path+".away"))
	must(os.MkdirAll(filepath.Join(path, "full"), 0o700))
	return func() {
		must(os.RemoveAll(path))
		must(os.Rename(path+".away", path))
	}
}

func TestNumberingOutlivesDroppedDay(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir, sqlite.Options{})
	first := scanlogtest.Scans(0, 10)
	scanlogtest.Append(t, store, first)
	if _, err := store.DropBefore(t.Context(), scan.DayOf(first[0].At)+1); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	store = open(t, dir, sqlite.Options{})
	late := scanlogtest.Scans(10, 11)
	scanlogtest.Append(t, store, late)
	if late[0].Seq != 11 {
		t.Errorf("after ten scans were dropped the next has number %d", late[0].Seq)
	}
}

func TestMarkersAreDroppedWithTheirDay(t *testing.T) {
	store := open(t, t.TempDir(), sqlite.Options{})
	s := scanlogtest.Scan(0)
	s.ID[6] = 0x40
	scanlogtest.Append(t, store, []scan.Scan{s})
	if _, err := store.DropBefore(t.Context(), scan.DayOf(s.At)+1); err != nil {
		t.Fatal(err)
	}
	s.At += 3 * scan.SecondsPerDay
	if got := scanlogtest.Append(t, store, []scan.Scan{s}); got[0] != scanlog.Accepted {
		t.Errorf("a scan whose like was dropped is %v", got[0])
	}
}

// A crash between the marker's commit and the scan's leaves a marker that points to no scan.
func TestMarkerWithoutScan(t *testing.T) {
	for name, removed := range map[string]bool{"file without the scan": false, "no file": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			store := open(t, dir, sqlite.Options{})
			s := scanlogtest.Scan(0)
			s.ID[6] = 0x40
			scanlogtest.Append(t, store, []scan.Scan{s})
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "scans-"+scan.DayOf(s.At).String()+".db")
			if removed {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			} else {
				deleteRows(t, path)
			}
			store = open(t, dir, sqlite.Options{})
			moved := s
			moved.At += 2 * scan.SecondsPerDay
			want := []scanlog.Outcome{scanlog.Accepted, scanlog.Conflict}
			if got := scanlogtest.Append(t, store, []scan.Scan{moved, s}); !slices.Equal(got, want) {
				t.Errorf("outcomes %v, want %v", got, want)
			}
			if got := scanlogtest.Append(t, store, []scan.Scan{s}); got[0] != scanlog.Conflict {
				t.Errorf("the scan that lost is %v", got[0])
			}
		})
	}
}

func deleteRows(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec(`DELETE FROM scans`); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, dir string){
		"a directory in use": func(t *testing.T, dir string) { open(t, dir, sqlite.Options{}) },
		"a file of no day":   func(t *testing.T, dir string) { write(t, filepath.Join(dir, "scans-yesterday.db"), "") },
		"a damaged day": func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "scans-2021-11-06.db"), strings.Repeat("junk", 2000))
		},
		"damaged markers": func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "elsewhere.db"), strings.Repeat("junk", 2000))
		},
		"a file for directory": func(t *testing.T, dir string) { _ = os.Remove(dir); write(t, dir, "") },
		"a foreign database": func(t *testing.T, dir string) {
			db, err := sql.Open("sqlite", filepath.Join(dir, "scans-2021-11-06.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			if _, err := db.Exec(`CREATE TABLE scans (a)`); err != nil {
				t.Fatal(err)
			}
		},
		"a later schema": func(t *testing.T, dir string) {
			store := open(t, dir, sqlite.Options{})
			scanlogtest.Append(t, store, scanlogtest.Scans(0, 1))
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			db, err := sql.Open("sqlite", filepath.Join(dir, "scans-2021-11-06.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			if _, err := db.Exec(`PRAGMA user_version = 2`); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "scans")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			prepare(t, dir)
			store, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
			if err == nil {
				_ = store.Close()
				t.Fatal("it was opened")
			}
			t.Log(err)
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedRowIsReported(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir, sqlite.Options{})
	scanlogtest.Append(t, store, scanlogtest.Scans(0, 5))
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "scans-2021-11-06.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`UPDATE scans SET scan = substr(scan, 1, 50) WHERE seq = 3`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	store = open(t, dir, sqlite.Options{})
	upTo, err := store.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = store.Read(t.Context(), nil, upTo, func([]scan.Scan) error { return nil })
	if !errors.Is(err, scan.ErrMalformed) {
		t.Errorf("reading a row that was cut short: %v", err)
	}
}

// A disk error fails the append and nothing else: once it is gone, appending works, and nothing is lost or doubled.
func TestDiskError(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir, sqlite.Options{})
	first := scanlogtest.Scans(0, 100)
	scanlogtest.Append(t, store, first)
	blocked := filepath.Join(dir, "scans-2021-11-07.db")
	if err := os.Mkdir(blocked, 0o700); err != nil {
		t.Fatal(err)
	}
	batch := scanlogtest.Scans(100, 200)
	for i := 50; i < 100; i++ {
		batch[i].At += scan.SecondsPerDay
	}
	if _, err := store.Append(t.Context(), slices.Clone(batch)); !errors.Is(err, scanlog.ErrUnavailable) {
		t.Fatalf("with a day that cannot be written: %v", err)
	}
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	scanlogtest.Append(t, store, batch)
	if got := all(t, store); len(got) != 200 {
		t.Errorf("%d scans are stored, want 200", len(got))
	}
}

// A commit that fails in its middle leaves nothing behind, and the next ones go on with the right numbers.
func TestCommitThatFailsInItsMiddle(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir, sqlite.Options{})
	scanlogtest.Append(t, store, scanlogtest.Scans(0, 10))
	db, err := sql.Open("sqlite", filepath.Join(dir, "scans-2021-11-06.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec(`CREATE TRIGGER fault BEFORE INSERT ON scans WHEN NEW.seq > 150 BEGIN SELECT RAISE(ABORT, 'no space'); END`); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := store.Append(t.Context(), scanlogtest.Scans(10, 300)); !errors.Is(err, scanlog.ErrUnavailable) {
			t.Fatalf("with a fault in the middle: %v", err)
		}
		if got := len(all(t, store)); got != 10 {
			t.Fatalf("%d scans are stored, want the ten from before", got)
		}
	}
	if _, err := db.Exec(`DROP TRIGGER fault`); err != nil {
		t.Fatal(err)
	}
	batch := scanlogtest.Scans(5, 300)
	outcomes := scanlogtest.Append(t, store, batch)
	for i, o := range outcomes {
		if want := (map[bool]scanlog.Outcome{true: scanlog.Duplicate, false: scanlog.Accepted})[i < 5]; o != want {
			t.Fatalf("scan %d is %v, want %v", 5+i, o, want)
		}
	}
	if got := all(t, store); len(got) != 300 || got[299] != batch[len(batch)-1] {
		t.Errorf("%d scans are stored, want 300", len(got))
	}
}

func TestDirectoryNames(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"relative", "deep/er", "odd ?#%41&=+ name"} {
		store := open(t, dir, sqlite.Options{})
		scanlogtest.Append(t, store, scanlogtest.Scans(0, 5))
		if _, err := os.Stat(filepath.Join(dir, "scans-2021-11-06.db")); err != nil {
			t.Error(err)
		}
	}
}
