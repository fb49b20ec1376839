package chdb_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/testenv/chdb"
)

var (
	engine    *chdb.Engine
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
		if engine, err = chdb.Start(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer engine.Close()
		return m.Run()
	}())
}

// newDatabase makes a database for a test.
func newDatabase(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("t%d", databases.Add(1))
	exec(t, connect(t, "default"), "CREATE DATABASE "+name)
	return name
}

func connect(t *testing.T, database string) driver.Conn {
	t.Helper()
	o := engine.Options()
	o.Auth.Database = database
	conn, err := clickhouse.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func exec(t *testing.T, conn driver.Conn, query string) {
	t.Helper()
	if err := conn.Exec(t.Context(), query); err != nil {
		t.Fatal(err)
	}
}

func TestVersionIsCurrent(t *testing.T) {
	version, err := connect(t, "default").ServerVersion()
	if err != nil || version.Version.Major < 24 {
		t.Errorf("%v, %v", version, err)
	}
}

// row has a column of each type that the store uses.
type row struct {
	id   uuid.UUID
	at   time.Time
	text string
	n8   uint8
	n16  uint16
	n32  uint32
	n64  uint64
	i32  int32
}

func TestRowsComeBack(t *testing.T) {
	conn := connect(t, newDatabase(t))
	exec(t, conn, "CREATE TABLE rows (id UUID, at DateTime('UTC'), text String, n8 UInt8, n16 UInt16, n32 UInt32, n64 UInt64, i32 Int32)"+
		" ENGINE = MergeTree ORDER BY n32")
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO rows (id, at, text, n8, n16, n32, n64, i32)")
	if err != nil {
		t.Fatal(err)
	}
	const total = 100_000
	want := make([]row, total)
	for i := range want {
		w := row{
			uuid.UUID{byte(i), 7, 0, '\'', '\n'},
			time.Unix(1636156800+int64(i), 0).UTC(), strings.Repeat("é\x00'\\", i%7),
			uint8(i), uint16(i), uint32(i), 1<<63 + uint64(i), -int32(i),
		}
		want[i] = w
		if err := batch.Append(w.id, w.at, w.text, w.n8, w.n16, w.n32, w.n64, w.i32); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(t.Context(), "SELECT id, at, text, n8, n16, n32, n64, i32 FROM rows ORDER BY n32")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var got []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.id, &r.at, &r.text, &r.n8, &r.n16, &r.n32, &r.n64, &r.i32); err != nil {
			t.Fatal(err)
		}
		r.at = r.at.UTC()
		got = append(got, r)
	}
	if err := rows.Err(); err != nil || !slices.Equal(got, want) {
		t.Errorf("%d rows came back, or others, of %d (%v)", len(got), len(want), err)
	}
}

func TestErrorsAreThoseOfTheEngine(t *testing.T) {
	conn := connect(t, "default")
	const unknownTable, unknownDatabase = 60, 81
	for _, failing := range []struct {
		code int32
		run  func() error
	}{
		{unknownTable, func() error { return conn.Exec(t.Context(), "SELECT * FROM nowhere") }},
		{unknownTable, func() error { return conn.QueryRow(t.Context(), "SELECT n FROM nowhere").Scan(new(uint8)) }},
		{unknownTable, func() error { _, err := conn.PrepareBatch(t.Context(), "INSERT INTO nowhere (n)"); return err }},
		{unknownDatabase, func() error { return connect(t, "nowhere").Exec(t.Context(), "SELECT 1") }},
	} {
		var exception *clickhouse.Exception
		if err := failing.run(); !errors.As(err, &exception) || exception.Code != failing.code {
			t.Errorf("%v, want an exception of code %d", err, failing.code)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := conn.Exec(ended, "SELECT 1"); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	exec(t, conn, "SELECT 1")
}

func TestSettingsAreThoseOfTheQuery(t *testing.T) {
	conn := connect(t, "default")
	setting := func(ctx context.Context) (value string) {
		t.Helper()
		if err := conn.QueryRow(ctx, "SELECT toString(getSetting('max_bytes_before_external_sort'))").Scan(&value); err != nil {
			t.Fatal(err)
		}
		return value
	}
	before := setting(t.Context())
	with := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"max_bytes_before_external_sort": 12345}))
	if got := setting(with); got != "12345" {
		t.Errorf("the setting is %s", got)
	}
	if got := setting(t.Context()); got != before {
		t.Errorf("afterwards the setting is %s, and was %s", got, before)
	}
}

func TestExternalTables(t *testing.T) {
	conn := connect(t, "default")
	for range 2 { // the first is gone when the second comes
		asked, err := ext.NewTable("asked", ext.Column("id", "UUID"), ext.Column("n", "UInt32"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 1000 {
			if err := asked.Append(uuid.UUID{byte(i), byte(i >> 8)}, uint32(i)); err != nil {
				t.Fatal(err)
			}
		}
		ctx := clickhouse.Context(t.Context(), clickhouse.WithExternalTable(asked))
		var rows, sum uint64
		if err := conn.QueryRow(ctx, "SELECT count(), sum(n) FROM asked WHERE id IN (SELECT id FROM asked)").Scan(&rows, &sum); err != nil {
			t.Fatal(err)
		}
		if rows != 1000 || sum != 999*1000/2 {
			t.Errorf("%d rows of sum %d", rows, sum)
		}
	}
	if err := conn.Exec(t.Context(), "SELECT * FROM asked"); err == nil {
		t.Error("an external table outlives its query")
	}
}

func TestDatabasesAtTheSameTime(t *testing.T) {
	var all sync.WaitGroup
	for n := range 8 {
		conn := connect(t, newDatabase(t))
		all.Go(func() {
			for i := range 20 {
				var got uint16
				if err := conn.Exec(t.Context(), fmt.Sprintf("CREATE TABLE t%d ENGINE = Memory AS SELECT %d AS n", i, n*100+i)); err != nil {
					t.Error(err)
				} else if err := conn.QueryRow(t.Context(), fmt.Sprintf("SELECT toUInt16(n) FROM t%d", i)).Scan(&got); err != nil || int(got) != n*100+i {
					t.Errorf("%d, %v", got, err)
				}
			}
		})
	}
	all.Wait()
}

func TestOneEngine(t *testing.T) {
	if _, err := chdb.Start(t.TempDir()); err == nil {
		t.Error("a second one started")
	}
}
