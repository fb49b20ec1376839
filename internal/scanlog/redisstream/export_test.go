package redisstream

import "context"

// Tend is one turn of the consumer's own goroutine, at once.
func (c *Consumer) Tend(ctx context.Context) error { return c.tend(ctx) }

// MaxDead is about how many dead letters a shard keeps.
const MaxDead = maxDead
