package redisstream

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
)

// Options are the bounds of a log. The zero value means the defaults.
type Options struct {
	Layout
	// Window is for how long a scan that is sent again is known as such, 72 hours by default. Beyond it the scan is
	// logged again; the store's own idempotency and the readers' rule that the first counts hold all the same. Each
	// scan costs about 120 bytes of Redis memory for that long, or somewhat longer: see memory.
	Window    time.Duration
	MaxQueued int           // scans that may wait for their commit, 40,000 by default; beyond it Append answers scanlog.ErrFull
	MaxWait   time.Duration // that an Append is to expect; beyond it, it answers scanlog.ErrFull at once. 0 = as long as it takes
}

func (o Options) withDefaults() Options {
	o.Layout = o.Layout.withDefaults()
	if o.Window <= 0 {
		o.Window = 72 * time.Hour
	}
	if o.MaxQueued <= 0 {
		o.MaxQueued = 40_000
	}
	return o
}

// Log implements scanlog.Log and scanlog.Progress. It is safe for concurrent use.
//
// An Append ends within a few times two seconds, whatever Redis does, and at once while it is known that Redis hangs: see
// scanlog.NewGroup. A replica that is connected and does not answer
// makes it fail for as long.
type Log struct {
	layout Layout
	window time.Duration
	client redis.UniversalClient
	reader redis.UniversalClient // of Tail and Read: what they answer is large, and must not keep appends waiting
	script *redis.Script
	group  *scanlog.Group
	ends   ends
}

var (
	_ scanlog.Log      = (*Log)(nil)
	_ scanlog.Progress = (*Log)(nil)
)

// appendScript logs the scans of one shard that were not logged before, all or none.
//
//go:embed append.lua
var appendScript string

// full is how the script's answer begins when the stream is at its limit.
const full = "FULL"

// scriptScans is how many scans one run of the script takes: Redis does nothing else meanwhile.
const scriptScans = 500

// Open makes a log on the Redis at an address, see connect. It does not wait for Redis: until it can be reached, appends
// answer scanlog.ErrUnavailable.
func Open(address string, o Options) (*Log, error) {
	client, err := connect(address)
	if err != nil {
		return nil, err
	}
	reader, err := connect(address)
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	o = o.withDefaults()
	l := &Log{layout: o.Layout, window: o.Window, client: client, reader: reader, script: redis.NewScript(appendScript)}
	l.group = scanlog.NewGroup(scanlog.GroupOptions{MaxQueued: o.MaxQueued, MaxCommit: o.MaxQueued / 2, MaxWait: o.MaxWait}, l.commit)
	return l, nil
}

// Append implements scanlog.Log.
func (l *Log) Append(ctx context.Context, scans []scan.Scan) ([]scanlog.Outcome, error) {
	return l.group.Append(ctx, scans)
}

// Close commits what waits and closes the connections.
func (l *Log) Close() error {
	l.group.Close()
	var faults []error
	for _, client := range []redis.UniversalClient{l.client, l.reader} {
		if err := client.Close(); err != nil && !errors.Is(err, redis.ErrClosed) {
			faults = append(faults, fmt.Errorf("closing the connections to Redis: %w", err))
		}
	}
	return errors.Join(faults...)
}

// run is one run of the script: some scans of one shard.
type run struct {
	shard    int
	scans    []*scan.Scan
	outcomes []*scanlog.Outcome
	memories map[memory]int // by which of the keys
	keys     []string
	args     []any
	answer   *redis.Cmd
}

// commit sends to each server what it takes, to all at the same time.
func (l *Log) commit(batches []*scanlog.Batch) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	shares, err := l.shares(ctx, l.runs(batches))
	if err != nil {
		return err
	}
	failures := make([]error, len(shares))
	var sending sync.WaitGroup
	for i, s := range shares {
		sending.Go(func() { failures[i] = l.send(ctx, s) })
	}
	sending.Wait()
	for _, err := range failures {
		if err != nil {
			if cluster, is := l.client.(*redis.ClusterClient); is {
				cluster.ReloadState(ctx) // its shards may have moved; it is tried again with the next commit
			}
			return err
		}
	}
	return nil
}

// share is what one server takes of a commit.
type share struct {
	node *redis.Client
	runs []*run
}

// shares divides runs by the master that their shard is on.
func (l *Log) shares(ctx context.Context, runs []*run) ([]*share, error) {
	cluster, is := l.client.(*redis.ClusterClient)
	if !is {
		return []*share{{node: l.client.(*redis.Client), runs: runs}}, nil
	}
	var all []*share
	of := make(map[*redis.Client]*share)
	for _, r := range runs {
		node, err := cluster.MasterForKey(ctx, r.keys[0])
		if err != nil {
			return nil, unavailable("finding the master of a shard", err)
		}
		if of[node] == nil {
			of[node] = &share{node: node}
			all = append(all, of[node])
		}
		of[node].runs = append(of[node].runs, r)
	}
	return all, nil
}

// send runs the scripts of a share in one pipeline, one after the other, and then waits for a replica where the server
// has any. All of it goes over one connection: after a failover another one would be to another server.
func (l *Log) send(ctx context.Context, s *share) error {
	conn := s.node.Conn()
	defer func() { _ = conn.Close() }() // it only goes back to the others
	role := redis.NewSliceCmd(ctx, "ROLE")
	_, _ = conn.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, r := range s.runs {
			r.answer = l.script.EvalSha(ctx, p, r.keys, r.args...)
		}
		return p.Process(ctx, role)
	}) // each command holds its own error
	l.sendUnknown(ctx, conn, s.runs)
	for _, r := range s.runs {
		if err := r.settle(); err != nil {
			return err
		}
	}
	replicas, err := replicasOf(role)
	if err != nil || replicas == 0 {
		return err
	}
	return l.awaitReplica(ctx, conn, s.runs)
}

// sendUnknown runs the script by its text where a server did not know it. Within a shard the order is kept: a server
// that did not know it for one run may have learnt it before the next, so all later runs of a shard go again too, which
// is safe.
func (l *Log) sendUnknown(ctx context.Context, conn *redis.Conn, runs []*run) {
	again := make(map[int]bool)
	_, _ = conn.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, r := range runs {
			if redis.HasErrorPrefix(r.answer.Err(), "NOSCRIPT") {
				again[r.shard] = true
			}
			if again[r.shard] {
				r.answer = l.script.Eval(ctx, p, r.keys, r.args...)
			}
		}
		return nil
	}) // each command holds its own error
}

// runs divides the batches into runs of the script, in order within each shard.
func (l *Log) runs(batches []*scanlog.Batch) []*run {
	var runs []*run
	current := make([]*run, l.layout.Shards)
	scans := 0
	for _, b := range batches {
		scans += len(b.Scans)
	}
	// Room for a shard's share and somewhat more: a commit of one scan is as frequent as one of thousands.
	room := min(scriptScans, scans/l.layout.Shards*5/4+4)
	for _, b := range batches {
		for i := range b.Scans {
			s := &b.Scans[i]
			shard := l.layout.shardOf(s.Alias)
			r := current[shard]
			if r == nil || len(r.scans) == scriptScans {
				r = l.newRun(shard, room)
				current[shard] = r
				runs = append(runs, r)
			}
			l.add(r, s, b.Wires[i], &b.Outcomes[i])
		}
	}
	return runs
}

// settle fills in what the script answered: for each scan the id of its entry, or "d" or "c".
func (r *run) settle() error {
	answers, err := r.answer.StringSlice()
	if err != nil {
		return unavailable("appending to the stream", err)
	}
	if len(answers) != len(r.scans) {
		return scanlog.ErrUnavailable.Because(fmt.Errorf("the stream answered %d outcomes for %d scans", len(answers), len(r.scans)))
	}
	for i, answer := range answers {
		switch {
		case answer == "d":
			*r.outcomes[i] = scanlog.Duplicate
		case answer == "c":
			*r.outcomes[i] = scanlog.Conflict
		case strings.Contains(answer, "-"):
			seq, err := parseSeq(answer)
			if err != nil {
				return scanlog.ErrUnavailable.Because(err)
			}
			*r.outcomes[i] = scanlog.Accepted
			r.scans[i].Shard, r.scans[i].Seq = uint32(r.shard), seq
		default:
			return scanlog.ErrUnavailable.Because(errors.New("the stream answered an unknown outcome"))
		}
	}
	return nil
}

// Stored implements scanlog.Progress: what the workers have acknowledged without a gap. A stream that no worker has read
// yet stands at 0.
func (l *Log) Stored(ctx context.Context) (scanlog.Watermark, error) {
	all, err := groupProgress(ctx, l.client, l.layout)
	if err != nil {
		return nil, err
	}
	stored := make(scanlog.Watermark, len(all))
	for k, p := range all {
		if seq := p.stored(); seq > 0 {
			stored[uint32(k)] = seq
		}
	}
	return stored, nil
}
