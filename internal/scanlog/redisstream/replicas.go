package redisstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/scanlog"
)

// replicaWait is how long a commit waits for a replica, within the time that the commit has.
const replicaWait = time.Second

// replicasOf reads from the answer to ROLE how many replicas a master has that are connected and up to date enough to be
// sent every write. Where we may not ask it says 0: Check tells of that.
//
// The answer is "master", its offset, and a list with an element for each replica (https://redis.io/docs/latest/commands/role/).
func replicasOf(role *redis.SliceCmd) (int, error) {
	answer, err := role.Result()
	if err != nil && isRefusal(err) {
		return 0, nil
	}
	if err != nil {
		return 0, unavailable("asking for the replicas", err)
	}
	if len(answer) < 3 || answer[0] != "master" {
		return 0, unavailable("asking for the replicas", errors.New("the server is no master"))
	}
	replicas, is := answer[2].([]any)
	if !is {
		return 0, unavailable("asking for the replicas", errors.New("the server answered something else"))
	}
	return len(replicas), nil
}

// awaitReplica returns once a replica has what the runs found or left on the server. It must be told so over the connection
// that the runs went over: WAIT is about the last write of its connection.
//
// Where nothing was accepted there was no such write, and yet the scans that are answered as duplicates may have been
// logged a moment ago, by an append that failed here for want of a replica. So a mark is written then: a replica that has
// the mark has all that came before.
func (l *Log) awaitReplica(ctx context.Context, conn *redis.Conn, runs []*run) error {
	accepted := slices.ContainsFunc(runs, func(r *run) bool {
		return slices.ContainsFunc(r.parts, func(part *part) bool {
			return slices.ContainsFunc(part.outcomes, func(o *scanlog.Outcome) bool { return *o == scanlog.Accepted })
		})
	})
	var reached *redis.Cmd
	_, err := conn.Pipelined(ctx, func(p redis.Pipeliner) error {
		if !accepted {
			p.Set(ctx, l.layout.key(runs[0].parts[0].shard, "mark"), "", time.Minute)
		}
		reached = p.Do(ctx, "WAIT", 1, replicaWait.Milliseconds())
		return nil
	})
	if err != nil {
		return unavailable("waiting for a replica", err)
	}
	if n, err := reached.Int(); err != nil || n < 1 {
		return unavailable("waiting for a replica", fmt.Errorf("none had the scans within %s", replicaWait))
	}
	return nil
}
