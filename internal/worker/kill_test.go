package worker_test

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
	"github.com/truyvet/truyvet/internal/scanstore"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
	"github.com/truyvet/truyvet/internal/worker"
)

// cluster is a log, a store and what runs them.
type cluster struct {
	redis  *testenv.Server
	shards []*testenv.Server // of the store
	layout redisstream.Layout
	log    *redisstream.Log
	store  *clickhouse.Store
}

func newCluster(t testing.TB, shards int) *cluster {
	t.Helper()
	c := &cluster{
		redis:  testserver.Redis(t, testenv.RedisOptions{}),
		shards: testserver.ClickHouseCluster(t, shards, testenv.ClickHouseOptions{}),
		layout: redisstream.Layout{Prefix: "kill", Shards: 4},
	}
	var err error
	if c.log, err = redisstream.Open("redis://"+c.redis.Addr, redisstream.Options{Layout: c.layout}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.log.Close() })
	name := ""
	if shards > 1 {
		name = testenv.ClickHouseCluster
	}
	if c.store, err = clickhouse.Open("clickhouse://default@"+c.shards[0].Addr+"/scans", name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.store.Close() })
	if err := c.store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

// work runs a worker until ctx ends.
func (c *cluster) work(ctx context.Context, t testing.TB, name string, store scanstore.Writer, o worker.Options) {
	t.Helper()
	consumer, err := redisstream.OpenConsumer("redis://"+c.redis.Addr, redisstream.ConsumerOptions{
		Layout: c.layout, Name: name, ClaimIdle: 2 * time.Second,
	})
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = consumer.Close() }()
	_ = worker.New(consumer, store, o).Run(ctx) // what it did not finish is what the test is about
}

// waitStored waits until everything that is logged is stored.
func (c *cluster) waitStored(t testing.TB) {
	t.Helper()
	tail, err := c.log.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for {
		stored, err := c.log.Stored(t.Context())
		if err == nil && stored.Covers(tail) {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatal("not everything was stored")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// wantRead checks that the first n scans are read, each once when the first of each key counts.
func (c *cluster) wantRead(t testing.TB, n int) {
	t.Helper()
	everything := scanlog.Watermark{}
	for k := range c.layout.Shards {
		everything[uint32(k)] = math.MaxUint64
	}
	read := make(map[scan.Key]scan.Scan)
	err := c.store.Read(t.Context(), nil, everything, func(block []scan.Scan) error {
		for _, s := range block {
			if first, again := read[s.Key()]; again && first != s {
				return fmt.Errorf("scan %s stands at two positions", s.ID)
			}
			read[s.Key()] = s
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		want := scanlogtest.Scan(i)
		if got, ok := read[want.Key()]; !ok || got.Digest() != want.Digest() {
			t.Fatalf("scan %d of %d is not in the store", i, n)
		}
	}
	if len(read) != n {
		t.Fatalf("%d scans are in the store, want %d", len(read), n)
	}
}

// append appends the row of scans in batches, each until it is accepted, until it is enough, and returns how many.
func (c *cluster) append(t *testing.T, batch int, enough <-chan struct{}) int {
	for n := 0; ; n += batch {
		select {
		case <-enough:
			return n
		default:
		}
		for {
			_, err := c.log.Append(t.Context(), scanlogtest.Scans(n, n+batch))
			if err == nil {
				break
			}
			if t.Context().Err() != nil {
				return n
			}
		}
	}
}

// tellingStore tells when an insert begins.
type tellingStore struct {
	*clickhouse.Store
	begins chan struct{}
}

func (s tellingStore) Insert(ctx context.Context, scans []scan.Scan) error {
	select {
	case s.begins <- struct{}{}:
	default:
	}
	return s.Store.Insert(ctx, scans)
}

// Two workers store while their servers are killed in the middle of inserts, and while one of the workers is lost.
func TestEverythingIsStoredWhateverIsKilled(t *testing.T) {
	for _, shards := range []int{1, 2} {
		t.Run(fmt.Sprintf("shards=%d", shards), func(t *testing.T) { killEverything(t, newCluster(t, shards)) })
	}
}

func killEverything(t *testing.T, c *cluster) {
	const batch = 500
	store := tellingStore{c.store, make(chan struct{})}
	o := worker.Options{MaxScans: 2000, MaxAge: 50 * time.Millisecond, Drain: time.Millisecond}

	ctx, cancel := context.WithCancel(t.Context())
	first, lose := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { c.work(first, t, "first", store, o) })
	wg.Go(func() { c.work(ctx, t, "second", store, o) })
	enough, appended := make(chan struct{}), make(chan int, 1)
	wg.Go(func() { appended <- c.append(t, batch, enough) })
	for _, server := range []*testenv.Server{c.shards[len(c.shards)-1], c.redis, c.shards[0], c.redis} {
		<-store.begins
		<-store.begins
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	<-store.begins
	lose() // it is silent from now on, with what it held
	close(enough)
	total := <-appended
	c.waitStored(t)
	cancel()
	wg.Wait()
	c.wantRead(t, total)
}

// BenchmarkDrain stores what waits in the streams; an operation is a scan.
func BenchmarkDrain(b *testing.B) {
	c := newCluster(b, 1)
	for n := 0; n < b.N; n += 500 {
		scanlogtest.Append(b, c.log, scanlogtest.Scans(n, n+500))
	}
	b.ResetTimer()
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.work(ctx, b, "only", c.store, worker.Options{MaxAge: 100 * time.Millisecond})
	}()
	c.waitStored(b)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "scans/s")
	cancel()
	<-ended
}
