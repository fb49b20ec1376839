package redisstream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
)

// shared is the server that the tests of this package share, each with a prefix of its own.
var (
	shared   *testenv.Server
	prefixes atomic.Int64
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "truyvet-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		if shared, err = testenv.StartRedis(context.Background(), dir, testenv.RedisOptions{}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = shared.Kill() }()
		return m.Run()
	}())
}

func newLayout() redisstream.Layout {
	return redisstream.Layout{Prefix: fmt.Sprintf("t%d", prefixes.Add(1)), Shards: 4}
}

// opened is what was opened, until the test ends.
func opened[C io.Closer](t testing.TB, c C, err error) C {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func openLog(t testing.TB, server *testenv.Server, o redisstream.Options) *redisstream.Log {
	t.Helper()
	log, err := redisstream.Open("redis://"+server.Addr, o)
	return opened(t, log, err)
}

func openConsumer(t testing.TB, server *testenv.Server, o redisstream.ConsumerOptions) *redisstream.Consumer {
	t.Helper()
	c, err := redisstream.OpenConsumer("redis://"+server.Addr, o)
	return opened(t, c, err)
}

func client(t testing.TB, server *testenv.Server) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// all reads every entry of the streams of four shards, by their keys as documented.
func all(t testing.TB, server *testenv.Server, prefix string) []scan.Scan {
	t.Helper()
	c := client(t, server)
	var scans []scan.Scan
	for k := range 4 {
		messages, err := c.XRange(t.Context(), fmt.Sprintf("%s:{%d}:scans", prefix, k), "-", "+").Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			var ms, n uint64
			if _, err := fmt.Sscanf(m.ID, "%d-%d", &ms, &n); err != nil {
				t.Fatal(err)
			}
			text := m.Values["b"].(string)
			for number := uint64(0); text != ""; number++ {
				wire := text[1 : 1+text[0]]
				s, err := scan.DecodeWire([]byte(wire))
				if err != nil {
					t.Fatal(err)
				}
				s.Shard, s.Seq = uint32(k), ms<<22|n<<10|number
				scans = append(scans, s)
				text = text[1+len(wire):]
			}
		}
	}
	return scans
}

func subject(t testing.TB, o redisstream.Options) scanlogtest.Subject {
	return scanlogtest.Subject{
		Log: openLog(t, shared, o),
		All: func(t testing.TB) []scan.Scan { return all(t, shared, o.Prefix) },
		Reopen: func(t testing.TB) scanlogtest.Subject {
			if err := shared.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := shared.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			return subject(t, o)
		},
	}
}

func TestLog(t *testing.T) {
	scanlogtest.Run(t, func(t *testing.T, maxQueued int) scanlogtest.Subject {
		return subject(t, redisstream.Options{Layout: newLayout(), MaxQueued: maxQueued})
	})
}

func TestLogOnCluster(t *testing.T) {
	server := testserver.Redis(t, testenv.RedisOptions{Args: []string{"--cluster-enabled", "yes"}})
	c := client(t, server)
	if err := c.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	waitClusterOK(t, c)
	o := redisstream.Options{Layout: newLayout()}
	log, err := redisstream.Open("redis+cluster://"+server.Addr, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	scans := scanlogtest.Scans(0, 2000)
	scanlogtest.Append(t, log, scans)
	if findings, err := log.Check(t.Context()); err != nil || len(findings) != 0 {
		t.Errorf("check: %v, %v", findings, err)
	}
	consumer, err := redisstream.OpenConsumer("redis+cluster://"+server.Addr, redisstream.ConsumerOptions{Layout: o.Layout, Name: "w"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = consumer.Close() }()
	got := next(t, consumer, 2000)
	if err := consumer.Bury(t.Context(), got[0], "tried out"); err != nil {
		t.Fatal(err)
	}
	if err := consumer.Ack(t.Context(), got[1:]); err != nil {
		t.Fatal(err)
	}
	if err := consumer.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantStoredIsTail(t, log)
}

func wantStoredIsTail(t testing.TB, log scanlog.Progress) {
	t.Helper()
	tail, err := log.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stored, err := log.Stored(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !stored.Covers(tail) || !tail.Covers(stored) {
		t.Fatalf("stored %v, tail %v", stored, tail)
	}
}

func TestCheckFindsWhatIsUnsafe(t *testing.T) {
	safe := openLog(t, shared, redisstream.Options{Layout: newLayout()})
	if findings, err := safe.Check(t.Context()); err != nil || len(findings) != 0 {
		t.Errorf("of a safe server: %v, %v", findings, err)
	}
	server := testserver.Redis(t, testenv.RedisOptions{Args: []string{
		"--appendonly", "no", "--appendfsync", "everysec", "--maxmemory-policy", "allkeys-lru",
	}})
	log := openLog(t, server, redisstream.Options{})
	findings, err := log.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range findings {
		got = append(got, f.Setting+"="+f.Value)
	}
	if want := "appendonly=no appendfsync=everysec maxmemory-policy=allkeys-lru"; strings.Join(got, " ") != want {
		t.Errorf("found %v, want %s", got, want)
	}
	if err := client(t, server).Do(t.Context(), "ACL", "SETUSER", "default", "-config").Err(); err != nil {
		t.Fatal(err)
	}
	if findings, err = log.Check(t.Context()); err != nil || len(findings) != 3 || findings[0].Value != "" {
		t.Errorf("of a server that hides its settings: %v, %v", findings, err)
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Check(t.Context()); !errors.Is(err, scanlog.ErrUnavailable) {
		t.Errorf("of a server that is down: %v", err)
	}
}

func TestFullStream(t *testing.T) {
	layout := newLayout()
	layout.Shards, layout.MaxLen = 1, 100
	log := openLog(t, shared, redisstream.Options{Layout: layout})
	scanlogtest.Append(t, log, scanlogtest.Scans(0, 100))
	if _, err := log.Append(t.Context(), scanlogtest.Scans(100, 101)); !errors.Is(err, scanlog.ErrFull) {
		t.Fatalf("on a stream at its limit: %v", err)
	}
	// Storing makes room: at half its limit a stream has no grace.
	consumer := openConsumer(t, shared, redisstream.ConsumerOptions{Layout: layout, Name: "w"})
	if err := consumer.Ack(t.Context(), next(t, consumer, 100)); err != nil {
		t.Fatal(err)
	}
	if err := consumer.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	scanlogtest.Append(t, log, scanlogtest.Scans(100, 200))
}

func TestServerOutOfMemory(t *testing.T) {
	server := testserver.Redis(t, testenv.RedisOptions{Args: []string{"--maxmemory", "8mb"}})
	layout := newLayout()
	log := openLog(t, server, redisstream.Options{Layout: layout})
	first := openConsumer(t, server, redisstream.ConsumerOptions{Layout: layout, Name: "first"})
	if entries, err := first.Next(t.Context()); err != nil || len(entries) != 0 { // makes the groups
		t.Fatalf("%d entries of an empty log, %v", len(entries), err)
	}
	for n := 0; ; n += 500 {
		scans := scanlogtest.Scans(n, n+500)
		if _, err := log.Append(t.Context(), scans); err != nil {
			if !errors.Is(err, scanlog.ErrFull) {
				t.Fatalf("out of memory: %v", err)
			}
			break
		}
		if n > 1_000_000 {
			t.Fatal("a million scans fit into 8 MB")
		}
	}
	// A worker can drain it all the same, also one that starts now.
	for range 2 {
		worker := openConsumer(t, server, redisstream.ConsumerOptions{Layout: layout, Name: "w"})
		var entries []scanlog.Entry
		for len(entries) == 0 {
			var err error
			if entries, err = worker.Next(t.Context()); err != nil {
				t.Fatalf("reading from a server that is out of memory: %v", err)
			}
		}
		if err := worker.Ack(t.Context(), entries); err != nil {
			t.Fatal(err)
		}
		if err := worker.Tend(t.Context()); err != nil {
			t.Fatalf("tending a server that is out of memory: %v", err)
		}
	}
}

func TestServerThatIsDownOrHangs(t *testing.T) {
	server := testserver.Redis(t, testenv.RedisOptions{})
	log := openLog(t, server, redisstream.Options{Layout: newLayout()})
	scanlogtest.Append(t, log, scanlogtest.Scans(0, 10))

	if err := server.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(t.Context(), scanlogtest.Scans(10, 20)); !errors.Is(err, scanlog.ErrUnavailable) {
		t.Errorf("of a server that hangs: %v", err)
	}
	if _, err := log.Tail(t.Context()); !errors.Is(err, scanlog.ErrUnavailable) {
		t.Errorf("tail of a server that hangs: %v", err)
	}
	if err := server.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	scanlogtest.Append(t, log, scanlogtest.Scans(10, 20))

	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(t.Context(), scanlogtest.Scans(20, 30)); !errors.Is(err, scanlog.ErrUnavailable) {
		t.Errorf("of a server that is down: %v", err)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	scanlogtest.Append(t, log, scanlogtest.Scans(20, 30))
}

func TestAddresses(t *testing.T) {
	for address, ok := range map[string]bool{
		"redis://127.0.0.1:1/2":                            true,
		"rediss://user:secret@127.0.0.1:1":                 true,
		"redis+cluster://127.0.0.1:1?addr=127.0.0.1:2":     true,
		"redis+sentinel://127.0.0.1:1/0?master_name=scans": true,
		"http://127.0.0.1:1":                               false,
		"redis+tape://127.0.0.1:1":                         false,
		"redis://user:secret@127.0.0.1:one":                false,
		"":                                                 false,
	} {
		log, err := redisstream.Open(address, redisstream.Options{})
		if (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error shows the password: %v", address, err)
		}
		if log != nil {
			_ = log.Close()
		}
	}
}
