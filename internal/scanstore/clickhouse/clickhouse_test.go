package clickhouse_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse"
	"github.com/truyvet/truyvet/internal/scanstore/scanstoretest"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
)

// shared is the server that the tests of this package share, each with a database of its own. Its time zone is not UTC.
var (
	shared    *testenv.Server
	databases atomic.Int64
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "truyvet-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		shared, err = testenv.StartClickHouse(context.Background(), dir, testenv.ClickHouseOptions{Timezone: "Asia/Ho_Chi_Minh"})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = shared.Kill() }()
		return m.Run()
	}())
}

func newStore(t testing.TB) *clickhouse.Store {
	t.Helper()
	return newStoreThrough(t, shared.Addr)
}

// newStoreThrough makes a store on the shared server, which is reached at an address.
func newStoreThrough(t testing.TB, address string) *clickhouse.Store {
	t.Helper()
	store, err := clickhouse.Open(fmt.Sprintf("clickhouse://default@%s/t%d", address, databases.Add(1)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	for range 2 { // the second time does nothing
		if err := store.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

func insert(t testing.TB, store *clickhouse.Store, scans []scan.Scan) {
	t.Helper()
	if err := store.Insert(t.Context(), scans); err != nil {
		t.Fatal(err)
	}
}

func TestStore(t *testing.T) {
	scanstoretest.Run(t, func(t *testing.T) scanstoretest.Subject {
		way := newCutter(t, shared.Addr)
		store := newStoreThrough(t, way.addr)
		return scanstoretest.Subject{
			Store: store,
			Fill: func(t testing.TB, scans []scan.Scan) []scan.Scan {
				for i := range scans {
					scans[i].Shard, scans[i].Seq = uint32(i%3), uint64(i/3+1)
				}
				insert(t, store, scans)
				return scans
			},
			BreakDrop: func(_ testing.TB, day scan.Day) func() {
				way.cutAt("ALTER TABLE scans DROP PARTITION " + strings.ReplaceAll(day.String(), "-", ""))
				return func() { way.cutAt("") }
			},
		}
	})
}

// A batch may hold scans of every day of a long retention, more than a server takes in one block.
func TestInsertOfManyDays(t *testing.T) {
	way := newCutter(t, shared.Addr)
	store := newStoreThrough(t, way.addr)
	const days = 101
	scans := scanlogtest.Scans(0, 3*days)
	for i := range scans {
		scans[i].At += int64(i*97%days) * scan.SecondsPerDay
		scans[i].Shard, scans[i].Seq = uint32(i%2), uint64(i/2+1)
	}
	// Cut in the middle, and then sent again whole.
	way.cutAfter("INSERT INTO scans", 2)
	if err := store.Insert(t.Context(), scans); err == nil {
		t.Fatal("the second block was not cut off: the scans did not go in blocks of at most a hundred days")
	}
	way.cutAt("")
	insert(t, store, scans)
	seen := make(map[scan.Key]int)
	byDay := make(map[scan.Day]int)
	err := store.Read(t.Context(), nil, scanstoretest.Everything(scans), func(block []scan.Scan) error {
		for _, s := range block {
			if seen[s.Key()]++; seen[s.Key()] == 1 {
				byDay[scan.DayOf(s.At)]++
			}
		}
		return nil
	})
	if err != nil || len(seen) != len(scans) || len(byDay) != days {
		t.Errorf("%d scans of %d days came back, want %d of %d (%v)", len(seen), len(byDay), len(scans), days, err)
	}
}

func TestDaysAreThoseOfUTC(t *testing.T) {
	store := newStore(t)
	var scans []scan.Scan
	for i, at := range []int64{0, 1636156799, 1636156800, 1636243199, 1636243200, scan.MaxAt} {
		s := scanlogtest.Scan(i)
		s.At, s.Seq = at, uint64(i+1)
		scans = append(scans, s)
	}
	insert(t, store, scans)
	dropped, err := store.DropBefore(t.Context(), scan.DayOf(1636156800))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(dropped), "[1970-01-01 2021-11-05]"; got != want {
		t.Errorf("dropped %s, want %s", got, want)
	}
	var left []int64
	err = store.Read(t.Context(), nil, scanstoretest.Everything(scans), func(block []scan.Scan) error {
		for _, s := range block {
			left = append(left, s.At)
		}
		return nil
	})
	if got, want := fmt.Sprint(left), fmt.Sprint([]int64{1636156800, 1636243199, 1636243200, scan.MaxAt}); err != nil || got != want {
		t.Errorf("left are %s, want %s (%v)", got, want, err)
	}
}

func TestAddresses(t *testing.T) {
	for address, ok := range map[string]bool{
		"clickhouse://default:secret@127.0.0.1:1,127.0.0.1:2/scans": true,
		"clickhouse://127.0.0.1:1":                                  false,
		"http://default:secret@127.0.0.1:1/scans":                   false,
		"clickhouse://default:secret@127.0.0.1:x%zz/scans":          false,
		"": false,
	} {
		store, err := clickhouse.Open(address)
		if (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
		if store != nil {
			_ = store.Close()
		}
	}
}

func TestServerThatIsDown(t *testing.T) {
	server := testserver.ClickHouse(t, testenv.ClickHouseOptions{})
	store, err := clickhouse.Open("clickhouse://default@" + server.Addr + "/down")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	scans := scanlogtest.Scans(0, 10)
	for i := range scans {
		scans[i].Seq = uint64(i + 1)
	}
	insert(t, store, scans)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := store.Insert(t.Context(), scans); err == nil {
		t.Error("a server that is down took scans")
	}
	if err := store.Read(t.Context(), nil, scanstoretest.Everything(scans), func([]scan.Scan) error { return nil }); err == nil {
		t.Error("a server that is down gave scans")
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	insert(t, store, scans)
}
