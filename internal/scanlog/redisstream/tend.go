package redisstream

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// takeOver is how many entries of a dead worker are taken over from one stream at a time.
const takeOver = 1000

// tend does what must go on while the worker is busy, or waits for a store that is down. Errors are not reported: each
// step is tried again at the next turn, and a Redis that cannot be reached shows in Next.
func (c *Consumer) tend(ctx context.Context) {
	defer close(c.ended)
	turn := time.NewTicker(c.o.ClaimIdle / 4)
	defer turn.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-turn.C:
			_ = c.Tend(ctx)
		}
	}
}

// Tend is one turn of the consumer's own goroutine, at once: it tells Redis that the worker lives, takes over the entries
// of dead workers, which Next then gives out, and trims the streams. The error is scanlog.ErrUnavailable.
func (c *Consumer) Tend(ctx context.Context) error {
	if err := c.beat(ctx); err != nil {
		return err
	}
	for k := range c.shards {
		if err := c.takeOverDead(ctx, k); err != nil {
			return err
		}
	}
	return c.trim(ctx)
}

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

// takeOverDead makes entries of dead workers ours. A worker that waits long for the store is not dead, which is why
// entries are not simply claimed by their age.
func (c *Consumer) takeOverDead(ctx context.Context, shard int) error {
	stream := c.layout.stream(shard)
	workers, err := c.client.XInfoConsumers(ctx, stream, c.layout.Group).Result()
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return unavailable("asking for the workers", err)
	}
	for _, w := range workers {
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

// trim drops what is stored and past its grace. A stream at half its limit has no grace.
func (c *Consumer) trim(ctx context.Context) error {
	all, err := groupProgress(ctx, c.client, c.layout)
	if err != nil {
		return err
	}
	for k, p := range all {
		if !p.exists {
			continue
		}
		stream := c.layout.stream(k)
		length, err := c.client.XLen(ctx, stream).Result()
		if err != nil {
			return unavailable("asking for the length of a stream", err)
		}
		now, err := c.client.Time(ctx).Result() // the clock that dates the entries
		if err != nil {
			return unavailable("asking for the time", err)
		}
		grace := c.o.Grace
		if length > c.layout.MaxLen/2 {
			grace = 0
		}
		if err := c.client.XTrimMinID(ctx, stream, trimID(p, now, grace)).Err(); err != nil {
			return unavailable("trimming a stream", err)
		}
	}
	return nil
}
