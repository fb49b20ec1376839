package redisstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/scanlog"
)

// ConsumerOptions say how a worker reads. The zero value means the defaults, but for Name.
type ConsumerOptions struct {
	Layout
	// Name tells workers of one group apart. A worker that is started again under its name goes on at once with what
	// it had not finished; under another name that waits for ClaimIdle.
	Name      string
	Count     int           // entries of one stream in one read, 16 by default; each may hold hundreds of scans
	Poll      time.Duration // pause before looking again when there was nothing, 20 ms by default
	ClaimIdle time.Duration // after which a silent worker counts as dead and its entries are taken over, 60 s by default
	Grace     time.Duration // for which entries stay in the stream after they were stored, 10 min by default
	// Retention is for how long dead letters are kept, from when they were put aside; 21 days by default. They may hold
	// what a scan holds, so it should be that of the scans.
	Retention time.Duration
	// Forget is after what time a silent worker that has left nothing is no longer listed in the group, 24 h by default.
	Forget time.Duration
	Log    *slog.Logger // none by default
}

// maxDead is about how many dead letters a shard keeps, the newest.
const maxDead = 10_000

// Consumer reads the streams for one worker, each entry by one worker of the group. Its methods may be called from
// several goroutines, Next from one at a time.
//
// An entry of a stream holds several scans, and Next gives each of them as an entry. What was given out stays this worker's
// until Ack or Bury of all that were together, or until the worker falls silent for ClaimIdle.
// A goroutine of the consumer tells Redis that the worker lives, takes over what dead ones left, and trims the streams.
// That it fails is logged when it begins and when it ends.
type Consumer struct {
	layout Layout
	o      ConsumerOptions
	client redis.UniversalClient
	forget *redis.Script
	drop   *redis.Script

	mu     sync.Mutex
	shards []shardState

	given []scanlog.Entry // by the last Next, which the next one reuses

	stop  context.CancelFunc
	ended chan struct{}
}

// shardState is what a consumer knows of a stream.
type shardState struct {
	ready  bool           // the group exists
	replay bool           // entries may be ours that we do not hold: read our own first
	cursor string         // where that reading is
	doubts uint64         // counts how often reading them began anew
	held   map[uint64]int // by the start of an entry: how many of its scans were given out and are neither acknowledged nor buried
}

// OpenConsumer makes a consumer on the Redis at an address, as Open does. It does not wait for Redis.
func OpenConsumer(address string, o ConsumerOptions) (*Consumer, error) {
	if o.Name == "" {
		return nil, errors.New("the consumer has no name")
	}
	client, err := connect(address)
	if err != nil {
		return nil, err
	}
	o.Layout = o.Layout.withDefaults()
	if o.Count <= 0 {
		o.Count = 16
	}
	if o.Poll <= 0 {
		o.Poll = 20 * time.Millisecond
	}
	if o.ClaimIdle <= 0 {
		o.ClaimIdle = 60 * time.Second
	}
	if o.Grace <= 0 {
		o.Grace = 10 * time.Minute
	}
	if o.Retention <= 0 {
		o.Retention = 21 * 24 * time.Hour
	}
	if o.Forget <= 0 {
		o.Forget = 24 * time.Hour
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	ctx, stop := context.WithCancel(context.Background())
	c := &Consumer{
		layout: o.Layout,
		o:      o,
		client: client,
		forget: redis.NewScript(forgetScript),
		drop:   redis.NewScript(trimScript),
		shards: make([]shardState, o.Shards),
		stop:   stop,
		ended:  make(chan struct{}),
	}
	for k := range c.shards {
		c.shards[k] = shardState{replay: true, cursor: "0", held: make(map[uint64]int)}
	}
	go c.keepTending(ctx)
	return c, nil
}

// Close ends the consumer. What it holds stays pending and is given out again to a worker of this name, or after
// ClaimIdle to another one.
func (c *Consumer) Close() error {
	c.stop()
	<-c.ended
	if err := c.client.Close(); err != nil && !errors.Is(err, redis.ErrClosed) {
		return fmt.Errorf("closing the connections to Redis: %w", err)
	}
	return nil
}

// Next returns further entries, in the order of each stream, and none after a short pause when there are none. The slice, but not
// what the entries hold, is reused by the next call. After an error, which is scanlog.ErrUnavailable, it may be called again and
// nothing is lost.
func (c *Consumer) Next(ctx context.Context) ([]scanlog.Entry, error) {
	if err := c.createGroups(ctx); err != nil {
		return nil, err
	}
	entries, replaying, err := c.read(ctx)
	if err != nil || len(entries) > 0 || replaying {
		return entries, err
	}
	pause := time.NewTimer(c.o.Poll)
	defer pause.Stop()
	select {
	case <-pause.C:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// createGroups makes the streams and groups that do not exist yet, to be read from their start.
func (c *Consumer) createGroups(ctx context.Context) error {
	for k := range c.shards {
		c.mu.Lock()
		ready := c.shards[k].ready
		c.mu.Unlock()
		if ready {
			continue
		}
		// Asked first: a server that is out of memory refuses to create what exists, and must be drained all the same.
		groups, err := c.client.XInfoGroups(ctx, c.layout.stream(k)).Result()
		if err != nil && !isMissing(err) {
			return unavailable("asking for the group", err)
		}
		if !slices.ContainsFunc(groups, func(g redis.XInfoGroup) bool { return g.Name == c.layout.Group }) {
			err := c.client.XGroupCreateMkStream(ctx, c.layout.stream(k), c.layout.Group, "0").Err()
			if err != nil && !redis.HasErrorPrefix(err, "BUSYGROUP") {
				return unavailable("creating the group", err)
			}
		}
		c.mu.Lock()
		c.shards[k].ready = true
		c.mu.Unlock()
	}
	return nil
}

// read asks every stream for what comes next, and says whether some are still at entries that were ours before.
func (c *Consumer) read(ctx context.Context) (entries []scanlog.Entry, replaying bool, err error) {
	c.mu.Lock()
	before := slices.Clone(c.shards)
	c.mu.Unlock()
	answers := make([]*redis.XStreamSliceCmd, len(c.shards))
	_, _ = c.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for k, s := range before {
			from := ">"
			if s.replay {
				from, replaying = s.cursor, true
			}
			answers[k] = p.XReadGroup(ctx, &redis.XReadGroupArgs{
				Group:    c.layout.Group,
				Consumer: c.o.Name,
				Streams:  []string{c.layout.stream(k), from},
				Count:    int64(c.o.Count),
				Block:    -1, // not at all: streams of several nodes cannot be waited for together
			})
		}
		return nil
	}) // each command holds its own error
	entries = c.given[:0]
	for k, answer := range answers {
		streams, failed := answer.Result()
		if failed != nil && !errors.Is(failed, redis.Nil) {
			c.distrust(k, isMissing(failed))
			err = unavailable("reading the stream", failed)
			continue
		}
		var messages []redis.XMessage
		for _, s := range streams {
			messages = append(messages, s.Messages...)
		}
		if entries, failed = c.take(entries, k, before[k], messages); failed != nil {
			err = failed
		}
	}
	c.given = entries
	if len(entries) > 0 {
		// An error of one stream shows again at the next call; the entries of the others are held and must be given out.
		return entries, replaying, nil
	}
	return nil, replaying, err
}

// distrust makes the next read of a stream begin with our own entries: what an answer that never came held is ours.
func (c *Consumer) distrust(shard int, missing bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.shards[shard]
	s.replay, s.cursor = true, "0"
	s.doubts++
	if missing {
		s.ready = false
	}
}

// take appends to entries those that a read of a stream answered, which are held from now on. Before is what was known when it
// was asked.
func (c *Consumer) take(
	entries []scanlog.Entry, shard int, before shardState, messages []redis.XMessage,
) ([]scanlog.Entry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.shards[shard]
	if before.replay && before.doubts == s.doubts {
		if len(messages) == 0 {
			s.replay, s.cursor = false, "0"
		} else {
			s.cursor = messages[len(messages)-1].ID
		}
	}
	for _, m := range messages {
		start, err := parseID(m.ID)
		if err != nil {
			return entries, err
		}
		if _, held := s.held[start]; held {
			continue
		}
		before := len(entries)
		entries = decode(entries, shard, start, m.Values)
		s.held[start] = len(entries) - before
	}
	return entries, nil
}

// Ack says that the entries are stored. After an error it may be called again with them.
func (c *Consumer) Ack(ctx context.Context, entries []scanlog.Entry) error {
	done := c.release(entries)
	_, err := c.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for k, starts := range done {
			for part := range slices.Chunk(starts, 1000) {
				ids := make([]string, len(part))
				for i, start := range part {
					ids[i] = entryID(start)
				}
				p.XAck(ctx, c.layout.stream(k), c.layout.Group, ids...)
			}
		}
		return nil
	})
	if err != nil {
		c.hold(entries)
		return unavailable("acknowledging entries", err)
	}
	c.forgetDone(done)
	return nil
}

// Bury puts an entry that is no scan into the dead-letter stream of its shard, with its bytes and the reason, and
// acknowledges it. After an error it may be called again; the entry may then stand there twice. The stream keeps the
// newest ten thousand or so, for ConsumerOptions.Retention.
func (c *Consumer) Bury(ctx context.Context, e scanlog.Entry, reason string) error {
	dead, entry := c.layout.dead(int(e.Shard)), []scanlog.Entry{e}
	done := c.release(entry)
	var letters *redis.IntCmd
	_, err := c.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.XAdd(ctx, &redis.XAddArgs{
			Stream: dead,
			MaxLen: maxDead,
			Approx: true,
			Values: []any{"entry", entryID(e.Seq), "reason", reason, "raw", e.Raw, "worker", c.o.Name},
		})
		for k, starts := range done {
			for _, start := range starts {
				p.XAck(ctx, c.layout.stream(k), c.layout.Group, entryID(start))
			}
		}
		letters = p.XLen(ctx, dead)
		return nil
	})
	if err != nil {
		c.hold(entry)
		return unavailable("burying an entry", err)
	}
	c.o.Log.Warn("an entry was put to the dead letters", "stream", dead, "entry", entryID(e.Seq), "letters", letters.Val())
	c.forgetDone(done)
	return nil
}

// release counts the scans of some entries as done, and returns for each shard where the entries start that are done with
// them. They stay known until forgetDone.
func (c *Consumer) release(entries []scanlog.Entry) (done [][]uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	done = make([][]uint64, len(c.shards))
	for i := range entries {
		held, start := c.shards[entries[i].Shard].held, startOf(entries[i].Seq)
		if held[start]--; held[start] == 0 {
			done[entries[i].Shard] = append(done[entries[i].Shard], start)
		}
	}
	return done
}

// hold takes back what release did.
func (c *Consumer) hold(entries []scanlog.Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range entries {
		c.shards[entries[i].Shard].held[startOf(entries[i].Seq)]++
	}
}

// forgetDone forgets entries that are done.
func (c *Consumer) forgetDone(done [][]uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, starts := range done {
		for _, start := range starts {
			delete(c.shards[k].held, start)
		}
	}
}
