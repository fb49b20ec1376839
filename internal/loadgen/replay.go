package loadgen

import (
	"context"
	"sync"
	"time"
)

// replay sends a day in the order of its time, as fast as the server takes it, and again what it could not take.
func (s *stage) replay(ctx context.Context) {
	g := s.g
	s.press(ctx, g.o.Connections, func() (request, bool) {
		made := g.requests.made.Load()
		if made >= int64(g.o.Replay) {
			return request{}, false
		}
		return g.requests.next(timeOfDay(float64(made) / float64(g.o.Replay))), true
	}, func(l *line, r request) { l.insist(ctx, r) })
}

// press sends over some connections, each of which has its next request once the one before is answered, until next says
// that there are no more or ctx ends. Next is called by one goroutine at a time.
func (s *stage) press(ctx context.Context, connections int, next func() (r request, more bool), send func(*line, request)) {
	var mu sync.Mutex
	one := func() (request, bool) {
		mu.Lock()
		defer mu.Unlock()
		if ctx.Err() != nil {
			return request{}, false
		}
		return next()
	}
	var senders sync.WaitGroup
	for range connections {
		senders.Go(func() {
			l := line{s: s}
			defer l.close()
			for r, more := one(); more; r, more = one() {
				send(&l, r)
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
		if l.send(ctx, r, due) || time.Since(due) > l.s.g.o.Timeout-pause {
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
