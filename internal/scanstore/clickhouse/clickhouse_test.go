package clickhouse_test

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse/clickhousetest"
	"github.com/truyvet/truyvet/internal/scanstore/scanstoretest"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
)

func TestMain(m *testing.M) { os.Exit(clickhousetest.Main(m)) }

func insert(t testing.TB, store *clickhouse.Store, scans []scan.Scan) {
	t.Helper()
	if err := store.Insert(t.Context(), scans); err != nil {
		t.Fatal(err)
	}
}

// scattered returns the n-th id of a kind, spread like random ones.
func scattered(kind byte, n int) uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], (uint64(n)+1)*0x9e3779b97f4a7c15)
	id[8], id[15] = 0x80, kind
	return id
}

// positioned gives scans positions in three shards.
func positioned(scans []scan.Scan) []scan.Scan {
	for i := range scans {
		scans[i].Shard, scans[i].Seq = uint32(i%3), uint64(i/3+1)
	}
	return scans
}

// readOnce returns the scans past after, each once, and fails the test when one is at two positions.
func readOnce(t testing.TB, store *clickhouse.Store, after, upTo scanlog.Watermark) map[scan.Key]scan.Scan {
	t.Helper()
	read := make(map[scan.Key]scan.Scan)
	err := store.Read(t.Context(), after, upTo, func(block []scan.Scan) error {
		for _, s := range block {
			if first, again := read[s.Key()]; again && first != s {
				return fmt.Errorf("scan %s came in two ways", s.ID)
			}
			read[s.Key()] = s
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// wantScans checks that a store holds these scans and no others.
func wantScans(t testing.TB, store *clickhouse.Store, scans []scan.Scan) {
	t.Helper()
	want := make(map[scan.Key]scan.Scan)
	for _, s := range scans {
		want[s.Key()] = s
	}
	if got := readOnce(t, store, nil, scanstoretest.Everything(scans)); !maps.Equal(got, want) {
		t.Fatalf("%d scans came back, or others, want %d", len(got), len(want))
	}
}

func TestStore(t *testing.T) {
	clickhousetest.Each(t, func(t *testing.T, e *clickhousetest.Engine) {
		scanstoretest.Run(t, func(t *testing.T) scanstoretest.Subject {
			store := e.New(t)
			if err := store.Migrate(t.Context()); err != nil { // the second time does nothing
				t.Fatal(err)
			}
			return scanstoretest.Subject{
				Store: store,
				Fill: func(t testing.TB, scans []scan.Scan) []scan.Scan {
					insert(t, store.Store, positioned(scans))
					return scans
				},
				BreakDrop: func(_ testing.TB, day scan.Day) func() {
					// Each server drops it from three tables; the last of all that is cut.
					store.Tap.CutAfter("DROP PARTITION ID '"+strings.ReplaceAll(day.String(), "-", ""), 3*e.Servers)
					return func() { store.Tap.CutAt("") }
				},
			}
		})
	})
}

// A batch may hold scans of every day of a long retention, more than a server takes in one block.
func TestInsertOfManyDays(t *testing.T) {
	clickhousetest.Each(t, func(t *testing.T, e *clickhousetest.Engine) {
		store := e.New(t)
		const days = 101
		scans := positioned(scanlogtest.Scans(0, 3*days))
		for i := range scans {
			scans[i].At += int64(i*97%days) * scan.SecondsPerDay
		}
		// Cut in the middle, and then sent again whole.
		store.Tap.CutAfter("INSERT INTO scans", 2)
		if err := store.Insert(t.Context(), scans); err == nil {
			t.Fatal("the second block was not cut off: the scans did not go in blocks of at most a hundred days")
		}
		store.Tap.CutAt("")
		insert(t, store.Store, scans)
		wantScans(t, store.Store, scans)
	})
}

func TestDaysAreThoseOfUTC(t *testing.T) {
	clickhousetest.Each(t, func(t *testing.T, e *clickhousetest.Engine) {
		store := e.New(t)
		var scans []scan.Scan
		for i, at := range []int64{0, 1636156799, 1636156800, 1636243199, 1636243200, scan.MaxAt} {
			s := scanlogtest.Scan(i)
			s.At, s.Seq = at, uint64(i+1)
			scans = append(scans, s)
		}
		insert(t, store.Store, scans)
		dropped, err := store.DropBefore(t.Context(), scan.DayOf(1636156800))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(dropped), "[1970-01-01 2021-11-05]"; got != want {
			t.Errorf("dropped %s, want %s", got, want)
		}
		wantScans(t, store.Store, scans[2:])
	})
}

// A load larger than a query asks for comes whole and in order, whatever the gaps between the positions.
func TestReadInStretches(t *testing.T) {
	clickhousetest.Each(t, func(t *testing.T, e *clickhousetest.Engine) {
		store := e.New(t)
		store.SetStretchRows(3000)
		scans := scanlogtest.Scans(0, 30_000)
		last := make(scanlog.Watermark)
		for i := range scans {
			s := &scans[i]
			s.Alias = scattered('a', i)
			s.Shard = uint32(min(i%5, 2)) // most of them in shard 2
			last[s.Shard] += 1 + uint64(i%7)*uint64(i%11)<<(i/1000)
			s.Seq = last[s.Shard]
		}
		insert(t, store.Store, scans)
		slices.SortFunc(scans, func(a, b scan.Scan) int { return cmp.Or(cmp.Compare(a.Shard, b.Shard), cmp.Compare(a.Seq, b.Seq)) })
		for _, after := range []scanlog.Watermark{nil, {0: last[0] / 2, 2: last[2] / 3}} {
			want := slices.DeleteFunc(slices.Clone(scans), func(s scan.Scan) bool { return s.Seq <= after[s.Shard] })
			var got []scan.Scan
			err := store.Read(t.Context(), after, scanstoretest.Everything(scans), func(block []scan.Scan) error {
				got = append(got, block...)
				return nil
			})
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("past %v %d scans came, or others, want %d (%v)", after, len(got), len(want), err)
			}
		}
		if n, err := store.Count(t.Context()); err != nil || n != int64(len(scans)) {
			t.Errorf("%d rows are counted, want %d (%v)", n, len(scans), err)
		}
	})
}

func TestAliasesSince(t *testing.T) {
	clickhousetest.Each(t, func(t *testing.T, e *clickhousetest.Engine) {
		store := e.New(t)
		scans := scanlogtest.Scans(0, 30_000)
		for i := range scans {
			scans[i].Alias = scattered('a', i%20_000)
			scans[i].Shard, scans[i].Seq = uint32(i%2), uint64(i/2+1)
		}
		insert(t, store.Store, scans)
		for _, w := range []struct{ after, upTo scanlog.Watermark }{
			{nil, scanstoretest.Everything(scans)},
			{scanlog.Watermark{0: 14_000, 1: 14_990}, scanlog.Watermark{0: 14_010, 1: 15_000}},
			{scanlog.Watermark{0: 15_000, 1: 15_000}, scanstoretest.Everything(scans)},
			{nil, nil},
		} {
			want := make(map[uuid.UUID]bool)
			for _, s := range scans {
				if w.after[s.Shard] < s.Seq && s.Seq <= w.upTo[s.Shard] {
					want[s.Alias] = true
				}
			}
			got := make(map[uuid.UUID]bool)
			err := store.AliasesSince(t.Context(), w.after, w.upTo, func(block []uuid.UUID) error {
				for _, alias := range block {
					if got[alias] {
						t.Fatal("an alias comes twice")
					}
					got[alias] = true
				}
				return nil
			})
			if err != nil || !maps.Equal(got, want) {
				t.Errorf("past %v up to %v: %d aliases, want %d (%v)", w.after, w.upTo, len(got), len(want), err)
			}
		}
		calls := 0
		err := store.AliasesSince(t.Context(), nil, scanstoretest.Everything(scans), func([]uuid.UUID) error {
			calls++
			return os.ErrClosed
		})
		if err != os.ErrClosed || calls != 1 { //nolint:errorlint // the contract: as it is
			t.Errorf("after an error from yield: %v after %d calls", err, calls)
		}
	})
}

// What was stored before there was an order by position is carried over, also when that is cut off in the middle.
func TestCarryOver(t *testing.T) {
	clickhousetest.Each(t, func(t *testing.T, e *clickhousetest.Engine) {
		store := e.Unmade(t)
		if err := store.MigrateTo(t.Context(), "0001_scans.sql"); err != nil {
			t.Fatal(err)
		}
		scans := positioned(scanlogtest.Scans(0, 3000))
		for i := range scans {
			scans[i].At += int64(i%10) * scan.SecondsPerDay
		}
		insert(t, store.Store, scans[:2000])
		store.Tap.CutAfter("INSERT INTO scans_by_position", 5)
		if err := store.Migrate(t.Context()); err == nil {
			t.Fatal("it was not cut off")
		}
		store.Tap.CutAt("")
		insert(t, store.Store, scans[2000:2500])
		if err := store.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		store.Tap.CutAt("INSERT INTO")
		if err := store.Migrate(t.Context()); err != nil {
			t.Errorf("a carrying over that was finished begins again: %v", err)
		}
		store.Tap.CutAt("")
		insert(t, store.Store, scans[2500:])
		wantScans(t, store.Store, scans)
	})
}

// Tables of one server and tables of a cluster are not taken for one another.
func TestKindOfTables(t *testing.T) {
	servers := testserver.ClickHouseCluster(t, 2, testenv.ClickHouseOptions{})
	for _, made := range []string{"", testenv.ClickHouseCluster} {
		address := "clickhouse://default@" + servers[0].Addr + "/made" + made
		for _, cluster := range []string{made, "", testenv.ClickHouseCluster, "unknown"} {
			store, err := clickhouse.Open(address, cluster)
			if err != nil {
				t.Fatal(err)
			}
			errMigrate := store.Migrate(t.Context())
			_, errDrop := store.DropBefore(t.Context(), 1)
			if ok := cluster == made; (errMigrate == nil) != ok || (errDrop == nil) != ok {
				t.Errorf("tables for %q, taken for those of %q: %v; %v", made, cluster, errMigrate, errDrop)
			}
			_ = store.Close()
		}
	}
}

// A shard that is killed while scans are inserted loses none and doubles none, once they are inserted again.
func TestShardThatIsKilled(t *testing.T) {
	servers := testserver.ClickHouseCluster(t, 2, testenv.ClickHouseOptions{})
	store, err := clickhouse.Open("clickhouse://default@"+servers[0].Addr+"/killed", testenv.ClickHouseCluster)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	const block, kills = 2000, 3
	var scans []scan.Scan
	for range kills {
		inserted, failed := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(failed)
			for i := 0; ; i++ {
				more := scanlogtest.Scans(len(scans), len(scans)+block)
				for k := range more {
					more[k].Alias, more[k].Seq = scattered('a', len(scans)+k), uint64(len(scans)+k+1)
				}
				scans = append(scans, more...)
				if store.Insert(t.Context(), more) != nil {
					return
				}
				if i == 3 {
					close(inserted)
				}
			}
		}()
		select {
		case <-inserted:
		case <-failed:
			t.Fatal("it failed before anything was killed")
		}
		if err := servers[1].Kill(); err != nil {
			t.Fatal(err)
		}
		<-failed
		if _, err := store.Count(t.Context()); err == nil {
			t.Error("without one of its shards the store answers")
		}
		if _, err := store.DropBefore(t.Context(), 1); err == nil {
			t.Error("without one of its shards the store drops days")
		}
		if err := servers[1].Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		insert(t, store, scans[len(scans)-block:])
		wantScans(t, store, scans)
	}
	wantSpread(t, store)
}

// wantSpread checks that each server holds a good part of the scans.
func wantSpread(t *testing.T, store *clickhouse.Store) {
	t.Helper()
	parts, err := store.CountHeld(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if least, most := slices.Min(parts), slices.Max(parts); least < most/2 {
		t.Errorf("the servers hold %d scans", parts)
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
		store, err := clickhouse.Open(address, "")
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
	store, err := clickhouse.Open("clickhouse://default@"+server.Addr+"/down", "")
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

// TestDropTakesFinishedStays: what was made of the scans goes two days after them, where nobody has let it go before.
func TestDropTakesFinishedStays(t *testing.T) {
	clickhousetest.Each(t, func(t *testing.T, e *clickhousetest.Engine) {
		store := e.New(t)
		first := scan.DayOf(scanlogtest.Base)
		for day := first - 4; day <= first; day++ {
			for version := range 2 {
				statement := fmt.Sprintf("INSERT INTO sealed_stays (what, key, day, version, stays) SELECT"+
					" toUInt8(number), toUInt32(number), toInt32(%d), toUInt64(%d), 'x' FROM system.numbers LIMIT 2", day, version)
				if err := store.Conn().Exec(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
		}
		if dropped, err := store.DropBefore(t.Context(), first); err != nil || len(dropped) > 0 {
			t.Fatalf("of no scans were dropped %v, %v", dropped, err)
		}
		var rows uint64
		var oldest int32
		if err := store.Conn().QueryRow(t.Context(), "SELECT count(), min(day) FROM sealed_stays").Scan(&rows, &oldest); err != nil {
			t.Fatal(err)
		}
		if rows != 12 || scan.Day(oldest) != first-2 {
			t.Errorf("%d rows are left, the oldest of %s", rows, scan.Day(oldest))
		}
	})
}
