package redisstream

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/scanlog"
)

// Backlog asks what stands in the streams. The error is scanlog.ErrUnavailable.
func (l *Log) Backlog(ctx context.Context) (scanlog.Backlog, error) {
	return backlogOf(ctx, l.client, l.layout)
}

// Backlog asks what stands in the streams. The error is scanlog.ErrUnavailable.
func (c *Consumer) Backlog(ctx context.Context) (scanlog.Backlog, error) {
	return backlogOf(ctx, c.client, c.layout)
}

// Queue returns how many scans wait for their commit or are in one, and how many may.
func (l *Log) Queue() (waiting, bound int) { return l.group.Queue() }

func backlogOf(ctx context.Context, client redis.UniversalClient, l Layout) (scanlog.Backlog, error) {
	b := scanlog.Backlog{MaxLen: l.MaxLen}
	shards, err := shardBacklogs(ctx, client, l)
	if err != nil {
		return b, err
	}
	for _, s := range shards {
		b.Entries += s.entries
		b.Oldest = max(b.Oldest, s.oldest)
		b.Dropped += s.dropped
		b.Longest = max(b.Longest, s.length)
		b.DeadLetters += s.dead
	}
	nodes, err := masters(ctx, client)
	if err != nil {
		return b, err
	}
	for _, node := range nodes {
		used, bound, err := memoryOf(ctx, node)
		if err != nil {
			return b, err
		}
		if fuller(used, bound, b.Memory, b.MaxMemory) {
			b.Memory, b.MaxMemory = used, bound
		}
	}
	return b, nil
}

// fuller says whether a server has less of its memory left than another; one without a bound is the emptiest.
func fuller(used, bound, otherUsed, otherBound int64) bool {
	switch {
	case otherBound == 0:
		return bound > 0 || used > otherUsed
	case bound == 0:
		return false
	default:
		return float64(used)/float64(bound) > float64(otherUsed)/float64(otherBound)
	}
}

// shardBacklog is what stands in one stream.
type shardBacklog struct {
	entries, length, dropped, dead int64
	oldest                         time.Duration
}

func shardBacklogs(ctx context.Context, client redis.UniversalClient, l Layout) ([]shardBacklog, error) {
	at, err := groupProgress(ctx, client, l)
	if err != nil {
		return nil, err
	}
	now, err := client.Time(ctx).Result() // the clock that dates the entries
	if err != nil {
		return nil, unavailable("asking for the time", err)
	}
	streams := make([]*redis.XInfoStreamCmd, l.Shards)
	groups := make([]*redis.XInfoGroupsCmd, l.Shards)
	next := make([]*redis.XMessageSliceCmd, l.Shards)
	dead := make([]*redis.IntCmd, l.Shards)
	counts := make([]*redis.SliceCmd, l.Shards)
	_, _ = client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for k := range l.Shards {
			streams[k] = p.XInfoStream(ctx, l.stream(k))
			groups[k] = p.XInfoGroups(ctx, l.stream(k))
			next[k] = p.XRangeN(ctx, l.stream(k), entryID(at[k].stored()+1), "+", 1)
			dead[k] = p.XLen(ctx, l.dead(k))
			counts[k] = p.HMGet(ctx, l.count(k), "in", "out")
		}
		return nil
	}) // each command holds its own error
	all := make([]shardBacklog, l.Shards)
	for k := range all {
		s := &all[k]
		if s.dead, err = dead[k].Result(); err != nil {
			return nil, unavailable("counting the dead letters", err)
		}
		stream, err := streams[k].Result()
		if isMissing(err) {
			continue // nothing was ever appended
		}
		if err != nil {
			return nil, unavailable("asking for the length of a stream", err)
		}
		in, out, err := countOf(counts[k])
		if err != nil {
			return nil, err
		}
		s.length = in - out
		s.entries = stream.Length // while no worker has read any
		infos, err := groups[k].Result()
		if err != nil && !isMissing(err) {
			return nil, unavailable("asking where the group stands", err)
		}
		for _, g := range infos {
			if g.Name == l.Group && g.Lag >= 0 {
				s.entries = g.Lag + g.Pending
				// Of all that was added, what is neither there any more nor was read.
				s.dropped = max(stream.EntriesAdded-stream.Length-g.EntriesRead, 0)
			}
		}
		first, err := next[k].Result()
		if err != nil {
			return nil, unavailable("asking for the oldest entry that is not stored", err)
		}
		if s.oldest, err = ageOf(first, now); err != nil {
			return nil, err
		}
		if len(first) > 0 {
			if before, says := cameBefore(first[0].Values); says {
				s.entries = in - before
			}
		}
	}
	return all, nil
}

// countOf reads how many scans ever came into a stream, and of how many of these it was trimmed.
func countOf(count *redis.SliceCmd) (in, out int64, err error) {
	fields, err := count.Result()
	if err != nil {
		return 0, 0, unavailable("asking for the length of a stream", err)
	}
	for i, n := range []*int64{&in, &out} {
		if text, is := fields[i].(string); is {
			if *n, err = strconv.ParseInt(text, 10, 64); err != nil {
				return 0, 0, unavailable("asking for the length of a stream", err)
			}
		}
	}
	return in, out, nil
}

// ageOf returns how old the first of some entries is, 0 where there is none.
func ageOf(entries []redis.XMessage, now time.Time) (time.Duration, error) {
	if len(entries) == 0 {
		return 0, nil
	}
	seq, err := parseID(entries[0].ID)
	if err != nil {
		return 0, err
	}
	return max(now.Sub(time.UnixMilli(int64(seq>>milliShift))), 0), nil
}

// memoryOf returns the bytes that a server uses and may use (https://redis.io/docs/latest/commands/info/).
func memoryOf(ctx context.Context, node *redis.Client) (used, bound int64, err error) {
	text, err := node.Info(ctx, "memory").Result()
	if err != nil && isRefusal(err) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, unavailable("asking for the server's memory", err)
	}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		number, err := strconv.ParseInt(value, 10, 64)
		switch {
		case err != nil:
		case name == "used_memory":
			used = number
		case name == "maxmemory":
			bound = number
		}
	}
	return used, bound, nil
}
