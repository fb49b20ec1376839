// Package redisstream is the scan log of a cluster: Redis streams, several shards of them, and the consumer that the
// worker reads them through.
//
// Shard k is the stream tv:{k}:scans; the braces keep a shard's keys in one slot of a Redis Cluster and spread the shards
// over its nodes. An entry holds the scans that came together, in their wire form: see decode. A scan's shard follows from its
// alias, so that all scans of an alias, and everything idempotency compares, are in one shard. Beside it stand tv:{k}:seen:…
// with the digests of what was logged, for the window of idempotency (see memory), tv:{k}:count with how many scans came in and
// how many of them were trimmed, tv:{k}:dead with what the worker could not read, and tv:{k}:mark, see awaitReplica.
//
// With appendonly and appendfsync always what Append has answered survives a kill and a power cut. Where a master has
// replicas, one of them has it too before Append answers, so that it survives a failover to that one; with
// min-replicas-to-write it is refused while there is none. Check says whether the servers are set so. It needs Redis 7 or
// newer.
package redisstream

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/truyvet/truyvet/internal/scanlog"
)

// Layout says which streams there are. Everything that uses the same log must have the same layout.
//
// The number of shards may be raised while nothing is appended. An alias may then move to another shard, where a scan
// that is sent again counts as new; the store and the readers still count it once.
type Layout struct {
	Prefix string // of every key, "tv" by default
	Shards int    // 4 by default
	Group  string // of the workers that read the streams, "store" by default
	MaxLen int64  // scans of a stream, 5,000,000 by default; beyond it appends answer scanlog.ErrFull
}

func (l Layout) withDefaults() Layout {
	if l.Prefix == "" {
		l.Prefix = "tv"
	}
	if l.Shards <= 0 {
		l.Shards = 4
	}
	if l.Group == "" {
		l.Group = "store"
	}
	if l.MaxLen <= 0 {
		l.MaxLen = 5_000_000
	}
	return l
}

func (l Layout) key(shard int, name string) string {
	return l.Prefix + ":{" + strconv.Itoa(shard) + "}:" + name
}

func (l Layout) stream(shard int) string { return l.key(shard, "scans") }
func (l Layout) count(shard int) string  { return l.key(shard, "count") }
func (l Layout) dead(shard int) string   { return l.key(shard, "dead") }

// shardOf is FNV-1a of the alias: stable across releases.
func (l Layout) shardOf(alias uuid.UUID) int {
	h := fnv.New64a()
	_, _ = h.Write(alias[:]) // never fails
	return int(h.Sum64() % uint64(l.Shards))
}

// timeout bounds every step of speaking with Redis; a whole commit is bounded by it too.
const timeout = 2 * time.Second

// connect makes a client for redis:// and rediss:// (one server), redis+cluster:// and rediss+cluster:// (a Redis
// Cluster, further nodes as addr parameters) and redis+sentinel:// (a master found by Sentinels, with the parameter
// master_name). It does not connect yet.
func connect(address string) (redis.UniversalClient, error) {
	u, err := url.Parse(address)
	if err != nil {
		// The address may hold a password, which the error would show.
		return nil, errors.New("the address of Redis is not a URL")
	}
	// The driver writes a line to standard error for every connection that fails, for the whole process. Each failure is
	// also returned, and whoever gets it logs it.
	logging.Disable()
	scheme, how, _ := strings.Cut(u.Scheme, "+")
	u.Scheme = scheme
	switch how {
	case "":
		o, err := redis.ParseURL(u.String())
		if err != nil {
			return nil, fmt.Errorf("the address of Redis: %w", err)
		}
		bound(&o.MaxRetries, &o.DialerRetries, &o.ContextTimeoutEnabled, &o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout)
		return redis.NewClient(o), nil
	case "cluster":
		o, err := redis.ParseClusterURL(u.String())
		if err != nil {
			return nil, fmt.Errorf("the address of the Redis Cluster: %w", err)
		}
		bound(&o.MaxRetries, &o.DialerRetries, &o.ContextTimeoutEnabled, &o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout)
		return redis.NewClusterClient(o), nil
	case "sentinel":
		o, err := redis.ParseFailoverURL(u.String())
		if err != nil {
			return nil, fmt.Errorf("the address of the Redis Sentinels: %w", err)
		}
		bound(&o.MaxRetries, &o.DialerRetries, &o.ContextTimeoutEnabled, &o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout)
		return redis.NewFailoverClient(o), nil
	}
	return nil, fmt.Errorf("the address of Redis: scheme %q is none of redis, rediss, redis+cluster, redis+sentinel", u.Scheme+"+"+how)
}

// bound sets, in the options of any kind of client, how long it may be about anything.
func bound(retries, dials *int, endsWithContext *bool, steps ...*time.Duration) {
	*retries, *dials, *endsWithContext = 1, 1, true
	for _, step := range steps {
		*step = timeout
	}
}

// unavailable wraps what Redis or the way to it answered into the error that the contract names for it.
func unavailable(doing string, err error) error {
	if err == nil {
		return nil
	}
	cause := fmt.Errorf("%s: %w", doing, err)
	if text := err.Error(); strings.HasPrefix(text, "OOM") || strings.HasPrefix(text, full) {
		return scanlog.ErrFull.Because(cause)
	}
	return scanlog.ErrUnavailable.Because(cause)
}

// isMissing says that a stream, or the group on it, does not exist yet.
func isMissing(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "no such key") || strings.HasPrefix(err.Error(), "NOGROUP"))
}

// progress is where a stream's group stands.
type progress struct {
	exists    bool
	delivered uint64 // the end of the last entry that a worker was given
	pending   uint64 // the start of the first entry that a worker was given and has not acknowledged; 0 = none
}

// stored is the position up to which every entry is acknowledged.
func (p progress) stored() uint64 {
	if p.pending != 0 {
		return min(p.delivered, p.pending-1)
	}
	return p.delivered
}

// groupProgress reads where the group of each stream stands. What was delivered is read before what is pending: of an
// entry that is delivered in between nothing is claimed.
func groupProgress(ctx context.Context, client redis.UniversalClient, l Layout) ([]progress, error) {
	all := make([]progress, l.Shards)
	infos := make([]*redis.XInfoGroupsCmd, l.Shards)
	_, _ = client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for k := range l.Shards {
			infos[k] = p.XInfoGroups(ctx, l.stream(k))
		}
		return nil
	}) // each command holds its own error
	for k, info := range infos {
		groups, err := info.Result()
		if err != nil && !isMissing(err) {
			return nil, unavailable("asking where the group stands", err)
		}
		for _, g := range groups {
			if g.Name != l.Group {
				continue
			}
			delivered, err := parseID(g.LastDeliveredID)
			if err != nil {
				return nil, err
			}
			all[k].delivered = endOf(delivered)
			all[k].exists = true
		}
	}
	pendings := make([]*redis.XPendingCmd, l.Shards)
	_, _ = client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for k := range l.Shards {
			pendings[k] = p.XPending(ctx, l.stream(k), l.Group)
		}
		return nil
	}) // each command holds its own error
	for k, cmd := range pendings {
		pending, err := cmd.Result()
		if isMissing(err) {
			all[k] = progress{}
			continue
		}
		if err != nil {
			return nil, unavailable("asking what is pending", err)
		}
		if pending.Count > 0 {
			if all[k].pending, err = parseID(pending.Lower); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}
