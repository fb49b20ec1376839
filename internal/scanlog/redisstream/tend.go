package redisstream

import (
	"context"
	_ "embed"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// takeOver is how many entries of a dead worker are taken over from one stream at a time.
const takeOver = 1000

// forgetScript deletes from the group who has long been silent and has nothing pending.
//
//go:embed forget.lua
var forgetScript string

// trimScript drops the start of a stream.
//
//go:embed trim.lua
var trimScript string

// keepTending does what must go on while the worker is busy, or waits for a store that is down. Each step that fails is
// tried again at the next turn.
func (c *Consumer) keepTending(ctx context.Context) {
	defer close(c.ended)
	turn := time.NewTicker(c.o.ClaimIdle / 4)
	defer turn.Stop()
	var since time.Time // when it began to fail; zero while it works
	for {
		select {
		case <-ctx.Done():
			return
		case <-turn.C:
		}
		switch err := c.tend(ctx); {
		case ctx.Err() != nil:
			return
		case err != nil && since.IsZero():
			since = time.Now()
			c.o.Log.Warn("tending the streams fails and will be retried", "error", err)
		case err == nil && !since.IsZero():
			c.o.Log.Info("tending the streams works again", "after", time.Since(since).Round(time.Millisecond))
			since = time.Time{}
		}
	}
}

// tend is one turn: it tells Redis that the worker lives, takes over the entries of dead workers, which Next then gives
// out, trims the streams, forgets workers that left nothing, and drops old dead letters. The error is scanlog.ErrUnavailable.
func (c *Consumer) tend(ctx context.Context) error {
	if err := c.beat(ctx); err != nil {
		return err
	}
	for k := range c.shards {
		if err := c.takeOverDead(ctx, k); err != nil {
			return err
		}
	}
	if err := c.trim(ctx); err != nil {
		return err
	}
	for k := range c.shards {
		if err := c.forgetDead(ctx, k); err != nil {
			return err
		}
	}
	return c.trimDead(ctx)
}

// afterAll is past the id of every stream entry: reading our own entries after it gives none. (The very last id would
// not do, Redis takes it for ">".)
const afterAll = "18446744073709551615-0"

// beat reads nothing, in the worker's name: that is what Redis dates a worker's idleness from.
func (c *Consumer) beat(ctx context.Context) error {
	for k := range c.shards {
		err := c.client.XReadGroup(ctx, &redis.XReadGroupArgs{
			Group:    c.layout.Group,
			Consumer: c.o.Name,
			Streams:  []string{c.layout.stream(k), afterAll},
			Count:    1,
			Block:    -1,
		}).Err()
		if err != nil && !errors.Is(err, redis.Nil) && !isMissing(err) {
			return unavailable("telling that the worker lives", err)
		}
	}
	return nil
}

// takeOverDead makes entries of dead workers ours, and has those of ours read again that we do not hold. A worker that waits long for the store is not dead, which is why
// entries are not simply claimed by their age.
func (c *Consumer) takeOverDead(ctx context.Context, shard int) error {
	stream := c.layout.stream(shard)
	c.mu.Lock()
	held := int64(len(c.shards[shard].held))
	c.mu.Unlock()
	workers, err := c.client.XInfoConsumers(ctx, stream, c.layout.Group).Result()
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return unavailable("asking for the workers", err)
	}
	for _, w := range workers {
		if w.Name == c.o.Name && w.Pending > held {
			// An answer may be lost without an error: the driver asks again by itself when a connection ends, and is then given
			// the entries after. Where only others have come since, reading our own once more does no harm.
			c.distrust(shard, false)
		}
		if w.Name == c.o.Name || w.Pending == 0 || w.Idle < c.o.ClaimIdle {
			continue
		}
		pending, err := c.client.XPendingExt(ctx, &redis.XPendingExtArgs{
			Stream: stream, Group: c.layout.Group, Start: "-", End: "+", Count: takeOver, Consumer: w.Name,
		}).Result()
		if err != nil {
			return unavailable("asking what a dead worker left", err)
		}
		ids := make([]string, len(pending))
		for i, p := range pending {
			ids[i] = p.ID
		}
		if len(ids) == 0 {
			continue
		}
		// Another worker may do the same now: the entries are idle no more once they were claimed, so one of us gets them.
		claimed, err := c.client.XClaimJustID(ctx, &redis.XClaimArgs{
			Stream: stream, Group: c.layout.Group, Consumer: c.o.Name, MinIdle: c.o.ClaimIdle, Messages: ids,
		}).Result()
		if len(claimed) > 0 || err != nil {
			c.distrust(shard, false)
		}
		if err != nil {
			return unavailable("taking over what a dead worker left", err)
		}
	}
	return nil
}

// forgetDead deletes the names of workers that will not come back: where they are made of host names, each new container
// brings another one.
func (c *Consumer) forgetDead(ctx context.Context, shard int) error {
	err := c.forget.Run(ctx, c.client, []string{c.layout.stream(shard)}, c.layout.Group, c.o.Name, c.o.Forget.Milliseconds()).Err()
	if err != nil && !isMissing(err) {
		return unavailable("forgetting dead workers", err)
	}
	return nil
}

// trim drops what is stored and past its grace. A stream with half the scans of its limit has no grace.
func (c *Consumer) trim(ctx context.Context) error {
	all, err := groupProgress(ctx, c.client, c.layout)
	if err != nil {
		return err
	}
	for k, p := range all {
		if !p.exists {
			continue
		}
		stream, count := c.layout.stream(k), c.layout.count(k)
		in, out, err := countOf(c.client.HMGet(ctx, count, "in", "out"))
		if err != nil {
			return err
		}
		now, err := c.client.Time(ctx).Result() // the clock that dates the entries
		if err != nil {
			return unavailable("asking for the time", err)
		}
		grace := c.o.Grace
		if in-out > c.layout.MaxLen/2 {
			grace = 0
		}
		if err := c.drop.Run(ctx, c.client, []string{stream, count}, trimID(p, now, grace)).Err(); err != nil {
			return unavailable("trimming a stream", err)
		}
	}
	return nil
}

// trimDead drops the dead letters that retention has ended.
func (c *Consumer) trimDead(ctx context.Context) error {
	now, err := c.client.Time(ctx).Result()
	if err != nil {
		return unavailable("asking for the time", err)
	}
	first := strconv.FormatInt(max(now.Add(-c.o.Retention).UnixMilli(), 0), 10)
	for k := range c.shards {
		if err := c.client.XTrimMinID(ctx, c.layout.dead(k), first).Err(); err != nil {
			return unavailable("dropping old dead letters", err)
		}
	}
	return nil
}

// trimID returns the id below which a stream may be trimmed: nothing that is pending, unread or younger than the grace.
func trimID(p progress, now time.Time, grace time.Duration) string {
	oldest := p.stored() + 1
	if ms := now.Add(-grace).UnixMilli(); ms > 0 {
		oldest = min(oldest, uint64(ms)<<milliShift)
	}
	return entryID(oldest)
}
