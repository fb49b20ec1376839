package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
	"github.com/truyvet/truyvet/internal/worker"
	"github.com/truyvet/truyvet/tracing/stay"
)

// shelf is a store that counts how often it is asked.
type shelf struct {
	model
	asked int
}

func (s *shelf) Read(ctx context.Context, after, upTo scanlog.Watermark, yield func([]scan.Scan) error) error {
	s.asked++
	return s.model.Read(ctx, after, upTo, yield)
}

// streams are real streams, with what the model knows of them: every entry that was ever added.
type streams struct {
	t       fataler
	ctx     context.Context
	dice    *rand.Rand
	client  *redis.Client
	layout  redisstream.Layout
	entries [][]scan.Scan // by shard; one that is no scan has no id
	trimmed []int         // how many of a shard's entries are in the store alone
	store   *shelf
}

func (s *streams) key(shard int) string { return fmt.Sprintf("%s:{%d}:scans", s.layout.Prefix, shard) }

func (s *streams) add(log *redisstream.Log) {
	scans := make([]scan.Scan, s.dice.IntN(30)+1)
	for i := range scans {
		scans[i] = newScan(s.dice)
	}
	if _, err := log.Append(s.ctx, scans); err != nil {
		s.t.Fatal(err)
	}
	for _, one := range scans {
		s.entries[one.Shard] = append(s.entries[one.Shard], one)
	}
}

// newScan is a scan of somebody.
func newScan(dice *rand.Rand) scan.Scan {
	return scan.Scan{
		ID: uuid.New(), Alias: uuid.UUID{0: byte(dice.IntN(256)), 15: 1}, Place: shop.ID, At: nine, ReceivedAt: nine, Kind: stay.In, How: scan.Phone,
	}
}

// poison adds an entry that is no scan.
func (s *streams) poison() {
	shard := s.dice.IntN(len(s.entries))
	id, err := s.client.XAdd(s.ctx, &redis.XAddArgs{Stream: s.key(shard), Values: []any{"s", "no scan"}}).Result()
	if err != nil {
		s.t.Fatal(err)
	}
	var ms, n uint64
	if _, err := fmt.Sscanf(id, "%d-%d", &ms, &n); err != nil {
		s.t.Fatal(err)
	}
	s.entries[shard] = append(s.entries[shard], scan.Scan{Shard: uint32(shard), Seq: ms<<22 | n<<10})
}

// trim stores some entries, some of them twice, and drops from the stream some of those that are stored.
func (s *streams) trim() {
	shard := s.dice.IntN(len(s.entries))
	all := s.entries[shard]
	upTo := s.trimmed[shard] + s.dice.IntN(len(all)-s.trimmed[shard]+1)
	if s.dice.IntN(3) == 0 {
		upTo = len(all)
	}
	for upTo > s.trimmed[shard] && upTo < len(all) && all[upTo].Seq>>10 == all[upTo-1].Seq>>10 {
		upTo++ // to the end of an entry
	}
	if upTo == s.trimmed[shard] {
		return
	}
	for _, one := range all[s.trimmed[shard]:upTo] {
		for range 1 + s.dice.IntN(8)/7 {
			if one.ID != uuid.Nil {
				s.store.stored = append(s.store.stored, one)
			}
		}
	}
	slices.SortStableFunc(s.store.stored, func(a, b scan.Scan) int {
		if a.Shard != b.Shard {
			return int(a.Shard) - int(b.Shard)
		}
		return int(int64(a.Seq) - int64(b.Seq))
	})
	s.trimmed[shard] = upTo
	past := all[upTo-1].Seq>>10 + 1
	if err := s.client.XTrimMinID(s.ctx, s.key(shard), fmt.Sprintf("%d-%d", past>>12, past&(1<<12-1))).Err(); err != nil {
		s.t.Fatal(err)
	}
}

// between are the scans past one position and not past another, and whether the stream has dropped any entry of those.
func (s *streams) between(after, upTo scanlog.Watermark) (scans []scan.Scan, dropped bool) {
	for shard, entries := range s.entries {
		for i, one := range entries {
			if one.Seq > after[one.Shard] && one.Seq <= upTo[one.Shard] {
				dropped = dropped || i < s.trimmed[shard]
				if one.ID != uuid.Nil {
					scans = append(scans, one)
				}
			}
		}
	}
	return scans, dropped
}

// somewhere is a position of each shard: of one of its entries, or just before or past it.
func (s *streams) somewhere() scanlog.Watermark {
	w := make(scanlog.Watermark)
	for shard, entries := range s.entries {
		if n := len(entries); n > 0 && s.dice.IntN(5) > 0 {
			w[uint32(shard)] = entries[s.dice.IntN(n)].Seq - 1 + s.dice.Uint64N(3)
		}
	}
	return w
}

// TestTailGivesEachScanOnce adds to real streams and trims them at random, also while they are read, and reads from anywhere
// as well as from where the last reading ended: then the store is asked only if something was dropped since.
func TestTailGivesEachScanOnce(t *testing.T) {
	server := testserver.Redis(t, testenv.RedisOptions{Args: []string{"--appendfsync", "no"}})
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer func() { _ = client.Close() }()
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		s := &streams{
			t: rt, ctx: t.Context(), dice: rand.New(rand.NewPCG(seed, 0)), client: client,
			layout: redisstream.Layout{Prefix: uuid.NewString(), Shards: 3}, entries: make([][]scan.Scan, 3), trimmed: make([]int, 3), store: &shelf{},
		}
		log, err := redisstream.Open("redis://"+server.Addr, redisstream.Options{Layout: s.layout})
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = log.Close() }()
		tail := snapshot.NewTail(log, s.store)
		at := scanlog.Watermark{} // where the last reading ended
		for range rapid.IntRange(1, 25).Draw(rt, "turns") {
			switch s.dice.IntN(6) {
			case 0, 1:
				s.add(log)
			case 2:
				s.poison()
			case 3:
				s.trim()
			case 4:
				upTo, err := tail.Tail(s.ctx)
				if err != nil {
					rt.Fatal(err)
				}
				after := s.somewhere()
				s.read(tail, after, upTo, true)
			case 5:
				upTo, err := tail.Tail(s.ctx)
				if err != nil {
					rt.Fatal(err)
				}
				_, dropped := s.between(at, upTo)
				began := len(at) == len(s.entries) // in every shard: before a shard's first entry anything may have been
				asked := s.store.asked
				s.read(tail, at, upTo, dropped)
				if began && !dropped && s.store.asked > asked {
					rt.Fatalf("the store was asked about %v to %v, of which the streams have everything", at, upTo)
				}
				at = upTo
			}
		}
	})
}

// read reads and compares. If it may, it trims in the middle.
func (s *streams) read(tail *snapshot.Tail, after, upTo scanlog.Watermark, trim bool) {
	var got []scan.Scan
	want, _ := s.between(after, upTo)
	err := tail.Read(s.ctx, after, upTo, func(block []scan.Scan) error {
		got = append(got, block...)
		clear(block)
		if trim && s.dice.IntN(2) == 0 {
			s.trim()
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		s.t.Fatal("from", after, "to", upTo, "came", len(got), "scans, not the", len(want), "that were logged")
	}
}

// TestTailWithoutTheStore has a worker carry scans to a real ClickHouse, and kills that: the tail goes on from Redis alone,
// also past an idle stream that was trimmed to its end. Where scans are in ClickHouse alone reading fails until it is back.
func TestTailWithoutTheStore(t *testing.T) {
	ctx := t.Context()
	redisServer := testserver.Redis(t, testenv.RedisOptions{})
	clickhouseServer := testserver.ClickHouse(t, testenv.ClickHouseOptions{})
	s := &streams{
		t: t, ctx: ctx, dice: rand.New(rand.NewPCG(1, 0)), client: redis.NewClient(&redis.Options{Addr: redisServer.Addr}),
		layout: redisstream.Layout{Prefix: "tv", Shards: 2}, entries: make([][]scan.Scan, 2), trimmed: make([]int, 2), store: &shelf{},
	}
	defer func() { _ = s.client.Close() }()
	log, err := redisstream.Open("redis://"+redisServer.Addr, redisstream.Options{Layout: s.layout})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	store, err := clickhouse.Open("clickhouse://"+clickhouseServer.Addr+"/default", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	if err := store.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	stop := work(t, redisServer.Addr, s.layout, store)
	tail := snapshot.NewTail(log, store)
	for len(s.entries[0]) < 20 || len(s.entries[1]) < 20 {
		s.add(log)
	}
	first := s.readOn(tail, nil)
	for stored := (scanlog.Watermark{}); !stored.Covers(first); {
		if stored, err = log.Stored(ctx); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	s.trimmed = []int{len(s.entries[0]), 10} // one stream to its end
	for shard, count := range s.trimmed {
		past := s.entries[shard][count-1].Seq + 1
		if err := s.client.XTrimMinID(ctx, s.key(shard), fmt.Sprintf("%d-%d", past>>22, past&(1<<22-1))).Err(); err != nil {
			t.Fatal(err)
		}
	}
	s.readOn(tail, nil) // what is gone comes from the store
	if err := clickhouseServer.Kill(); err != nil {
		t.Fatal(err)
	}
	second := s.readOn(tail, first)
	for range 5 {
		s.add(log)
		second = s.readOn(tail, second)
	}
	if err := redisServer.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := tail.Tail(ctx); !errors.Is(err, scanlog.ErrUnavailable) {
		t.Errorf("of a log that is down: %v", err)
	}
	if err := redisServer.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	s.add(log)
	second = s.readOn(tail, second)
	ignored := func([]scan.Scan) error { return nil }
	if err := tail.Read(ctx, nil, second, ignored); err == nil {
		t.Error("scans that only ClickHouse has were read without it")
	}
	if err := clickhouseServer.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	s.readOn(tail, nil)
}

// readOn reads to the end and compares.
func (s *streams) readOn(tail *snapshot.Tail, after scanlog.Watermark) scanlog.Watermark {
	upTo, err := tail.Tail(s.ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	s.read(tail, after, upTo, false)
	return upTo
}

// work carries scans to the store until it is stopped.
func work(t *testing.T, address string, layout redisstream.Layout, store *clickhouse.Store) (stop func()) {
	t.Helper()
	consumer, err := redisstream.OpenConsumer("redis://"+address, redisstream.ConsumerOptions{Layout: layout, Name: "w"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- worker.New(consumer, store, worker.Options{Log: slog.New(slog.DiscardHandler)}).Run(ctx)
	}()
	return func() {
		cancel()
		if err := errors.Join(<-done, consumer.Close()); err != nil {
			t.Error(err)
		}
	}
}
