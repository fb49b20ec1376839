package redisstream

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
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

// appendScript logs the scans of some shards that were not logged before, all or none.
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

// run is one run of the script: some scans of one shard, or of several where one server has them all.
type run struct {
	parts  []*part
	scans  int
	answer *redis.Cmd
}

// part is what a run has of one shard.
type part struct {
	shard    int
	scans    []*scan.Scan
	outcomes []*scanlog.Outcome
	memories map[memory]int // by number, from 1
	names    []string       // of the memories, in order

	numbers, digests, wires []byte // of the scans, as the script takes them
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
		node, err := cluster.MasterForKey(ctx, l.layout.stream(r.parts[0].shard))
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
			keys, args := l.call(r)
			r.answer = l.script.EvalSha(ctx, p, keys, args...)
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

// sendUnknown runs the script by its text where the server did not know it. So that the order is kept all later runs go again
// too, though the server may have learnt it before they came: that is safe.
func (l *Log) sendUnknown(ctx context.Context, conn *redis.Conn, runs []*run) {
	first := slices.IndexFunc(runs, func(r *run) bool { return redis.HasErrorPrefix(r.answer.Err(), "NOSCRIPT") })
	if first < 0 {
		return
	}
	_, _ = conn.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, r := range runs[first:] {
			keys, args := l.call(r)
			r.answer = l.script.Eval(ctx, p, keys, args...)
		}
		return nil
	}) // each command holds its own error
}

// runs divides the batches into runs of the script, in order within each shard.
func (l *Log) runs(batches []*scanlog.Batch) []*run {
	_, apart := l.client.(*redis.ClusterClient) // there a script may touch what is in one slot alone
	scans := 0
	for _, b := range batches {
		scans += len(b.Scans)
	}
	room := min(scriptScans, scans/l.layout.Shards*5/4+4) // a shard's share and somewhat more
	var runs []*run
	current := make([]*part, l.layout.Shards) // of the runs that are not full
	of := make([]*run, l.layout.Shards)       // which run that is
	for _, b := range batches {
		for i := range b.Scans {
			s := &b.Scans[i]
			shard := l.layout.shardOf(s.Alias)
			if of[shard] == nil || of[shard].scans == scriptScans {
				r := new(run)
				runs = append(runs, r)
				for k := range of {
					if k == shard || !apart {
						of[k], current[k] = r, nil
					}
				}
			}
			if current[shard] == nil {
				current[shard] = newPart(shard, room)
				of[shard].parts = append(of[shard].parts, current[shard])
			}
			current[shard].add(l.layout, s, b.Wires[i], &b.Outcomes[i])
			of[shard].scans++
		}
	}
	return runs
}

// call returns the keys and the arguments of a run.
func (l *Log) call(r *run) (keys []string, args []any) {
	args = append(make([]any, 0, 4+5*len(r.parts)),
		int64(l.window/time.Second), l.layout.MaxLen, scan.KeyOffset+1, scan.KeyOffset+scan.KeySize)
	for _, p := range r.parts {
		keys = append(keys, l.layout.stream(p.shard), l.layout.count(p.shard))
		keys = append(keys, p.names...)
		args = append(args, len(p.names), len(p.scans), p.numbers, p.digests, p.wires)
	}
	return keys, args
}

// settle fills in what the script answered.
func (r *run) settle() error {
	answers, err := r.answer.StringSlice()
	if err != nil {
		return unavailable("appending to the streams", err)
	}
	if len(answers) != 2*len(r.parts) {
		return scanlog.ErrUnavailable.Because(fmt.Errorf("the streams gave %d answers for %d shards", len(answers), len(r.parts)))
	}
	for i, p := range r.parts {
		if err := p.settle(answers[2*i], answers[2*i+1]); err != nil {
			return scanlog.ErrUnavailable.Because(err)
		}
	}
	return nil
}

// settle fills in the outcomes, of which the script gives a letter each, and where the accepted scans are.
func (p *part) settle(letters, id string) error {
	if len(letters) != len(p.scans) {
		return fmt.Errorf("the stream answered %d outcomes for %d scans", len(letters), len(p.scans))
	}
	var next uint64
	if id != "" {
		var err error
		if next, err = parseID(id); err != nil {
			return err
		}
	}
	for i, letter := range []byte(letters) {
		switch {
		case letter == 'a' && next != 0:
			*p.outcomes[i] = scanlog.Accepted
			p.scans[i].Shard, p.scans[i].Seq = uint32(p.shard), next
			next++
		case letter == 'd':
			*p.outcomes[i] = scanlog.Duplicate
		case letter == 'c':
			*p.outcomes[i] = scanlog.Conflict
		default:
			return errors.New("the stream answered an unknown outcome")
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
