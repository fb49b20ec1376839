package benchingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse"
	"github.com/truyvet/truyvet/internal/worker"
)

// rawClickHouse inserts blocks of logged scans into a store's tables and does nothing else.
type rawClickHouse struct {
	store *clickhouse.Store
	rows  int // of a block
	scans int // in all
}

// measure inserts as many scans as a worker carries and returns how many rows a second that was.
func (r rawClickHouse) measure(ctx context.Context, _ time.Duration) (float64, error) {
	random := newRandom(0)
	block := make([]scan.Scan, r.rows)
	var took time.Duration
	for done := 0; done < r.scans; done += r.rows {
		for i := range block {
			block[i] = newScan(random)
			block[i].Shard, block[i].Seq = uint32(i%4), uint64(done+i+1)
		}
		begin := time.Now()
		if err := r.store.Insert(ctx, block); err != nil {
			return 0, err
		}
		took += time.Since(begin)
	}
	return float64(r.scans) / took.Seconds(), nil
}

// stream is a full log that a worker, or a reader beside it, empties.
type stream struct {
	address string // of Redis
	client  *redis.Client
	store   *clickhouse.Store
	scans   int
}

// fill makes a log of its own with scans in it.
func (s stream) fill(ctx context.Context, layout redisstream.Layout) (err error) {
	log, err := redisstream.Open(s.address, redisstream.Options{Layout: layout})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	random := newRandom(1)
	const batch = 1000
	for range s.scans / batch {
		scans := make([]scan.Scan, batch)
		for i := range scans {
			scans[i] = newScan(random)
		}
		if _, err := log.Append(ctx, scans); err != nil {
			return fmt.Errorf("filling the log: %w", err)
		}
	}
	return nil
}

// drop takes a log out of Redis.
func (s stream) drop(ctx context.Context, layout redisstream.Layout) error {
	keys := s.client.Scan(ctx, 0, layout.Prefix+":*", 10_000).Iterator()
	var some []string
	for keys.Next(ctx) {
		if some = append(some, keys.Val()); len(some) == 10_000 {
			s.client.Unlink(ctx, some...)
			some = some[:0]
		}
	}
	if len(some) > 0 {
		s.client.Unlink(ctx, some...)
	}
	return keys.Err()
}

// read measures what reading a full log takes, by a group and by as many entries as a worker does.
func (s stream) read(ctx context.Context, _ time.Duration) (float64, error) {
	layout := redisstream.Layout{Prefix: "raw", Shards: 4}
	if err := s.fill(ctx, layout); err != nil {
		return 0, err
	}
	for shard := range layout.Shards {
		if err := s.client.XGroupCreate(ctx, fmt.Sprintf("raw:{%d}:scans", shard), "raw", "0").Err(); err != nil {
			return 0, fmt.Errorf("making a group: %w", err)
		}
	}
	begin := time.Now()
	read := 0
	for read < s.scans {
		for shard := range layout.Shards {
			streams, err := s.client.XReadGroup(ctx, &redis.XReadGroupArgs{
				Group: "raw", Consumer: "raw", Streams: []string{fmt.Sprintf("raw:{%d}:scans", shard), ">"}, Count: 64, Block: -1,
			}).Result()
			if err != nil && !errors.Is(err, redis.Nil) {
				return 0, fmt.Errorf("reading the stream: %w", err)
			}
			for _, answer := range streams {
				for _, m := range answer.Messages {
					read += scansOf(m)
				}
			}
		}
	}
	took := time.Since(begin)
	return float64(s.scans) / took.Seconds(), s.drop(ctx, layout)
}

// scansOf counts the scans of an entry.
func scansOf(m redis.XMessage) (n int) {
	text, _ := m.Values["b"].(string)
	for ; text != ""; n++ {
		text = text[1+text[0]:]
	}
	return n
}

// carry measures a worker: from full streams until all is acknowledged, which is after it was stored.
func (s stream) carry(ctx context.Context, _ time.Duration) (rate float64, err error) {
	layout := redisstream.Layout{Prefix: "carry", Shards: 4}
	if err := s.fill(ctx, layout); err != nil {
		return 0, err
	}
	log, err := redisstream.Open(s.address, redisstream.Options{Layout: layout})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	tail, err := log.Tail(ctx)
	if err != nil {
		return 0, err
	}
	consumer, err := redisstream.OpenConsumer(s.address, redisstream.ConsumerOptions{Layout: layout, Name: "bench"})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, consumer.Close()) }()
	working, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	begin := time.Now()
	go func() { ended <- worker.New(consumer, s.store, worker.Options{}).Run(working) }()
	took, err := s.untilStored(ctx, log, tail, begin)
	stop()
	if err = errors.Join(err, <-ended); err != nil {
		return 0, err
	}
	return float64(s.scans) / took.Seconds(), s.drop(ctx, layout)
}

// untilStored waits until the workers have acknowledged everything up to tail.
func (s stream) untilStored(ctx context.Context, log *redisstream.Log, tail scanlog.Watermark, begin time.Time) (time.Duration, error) {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		stored, err := log.Stored(ctx)
		if err != nil {
			return 0, err
		}
		if stored.Covers(tail) {
			return time.Since(begin), nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}
