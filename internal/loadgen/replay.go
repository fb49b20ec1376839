package loadgen

import (
	"context"
	"sync"
	"time"
)

// replay sends a day in the order of its time over all connections, each of which has its next request once the one before
// is answered: as fast as the server takes it.
func (g *Generator) replay(ctx context.Context) {
	var mu sync.Mutex
	next := func() (request, bool) {
		mu.Lock()
		defer mu.Unlock()
		made := g.requests.made.Load()
		if made >= int64(g.o.Replay) || ctx.Err() != nil {
			return request{}, false
		}
		return g.requests.next(timeOfDay(float64(made) / float64(g.o.Replay))), true
	}
	var senders sync.WaitGroup
	for range g.o.Connections {
		senders.Go(func() {
			l := line{g: g}
			defer l.close()
			for r, more := next(); more; r, more = next() {
				l.insist(ctx, r)
			}
		})
	}
	senders.Wait()
}

// The pauses before a request is sent again.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 2 * time.Second
)

// insist sends a request until the server takes or refuses it, as phones do, within the time that an answer may take.
func (l *line) insist(ctx context.Context, r request) {
	due := time.Now()
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		if l.send(ctx, r, due) || time.Since(due) > l.g.o.Timeout-pause {
			return
		}
		again := time.NewTimer(pause)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return
		}
	}
}
