package loadgen

import (
	"context"
	"sync"
	"time"
)

// openLoop sends each request when it is due, whether or not those before were answered. One goroutine writes all of them, each to
// a connection that waits for no answer, and for each connection one reads what comes: as little work as it can be, for the
// server may have no other machine.
type openLoop struct {
	s       *stage
	flights sync.WaitGroup // requests without an answer
	readers sync.WaitGroup

	mu    sync.Mutex
	freed sync.Cond
	lanes []*lane
	idle  []*lane // that wait for no answer; the last one is the next to be used
}

// send sends until there is nothing more to send or ctx ends, and returns when all has been answered or its time was over.
func (s *stage) send(ctx context.Context, a *arrivals) {
	o := &openLoop{s: s}
	o.freed.L = &o.mu
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	var watch sync.WaitGroup
	watch.Go(func() { o.watch(watching) })
	for ctx.Err() == nil {
		due, more := a.next()
		if !more {
			break
		}
		r := s.g.requests.next(due)
		if wait := due - time.Since(s.start); wait > 0 && !pause(ctx, wait) {
			break
		}
		l := o.lane()
		if waited := time.Since(s.start) - due; waited > s.g.o.Timeout/10 {
			// Sent now, it would only keep the server busy with what nobody will wait for.
			s.tally.add(answeredUnsent, latency{due: waited}, 0)
			o.free(l)
			continue
		}
		o.flights.Add(1)
		l.take(r)
	}
	o.flights.Wait()
	stop()
	watch.Wait()
	for _, l := range o.lanes {
		l.end()
	}
	o.readers.Wait()
}

// pause waits, and says false where ctx ended first.
func pause(ctx context.Context, wait time.Duration) bool {
	over := time.NewTimer(wait)
	defer over.Stop()
	select {
	case <-over.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// lane returns a lane that waits for no answer, a new one where there is none and there may be more.
func (o *openLoop) lane() *lane {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.idle) == 0 && len(o.lanes) < o.s.g.o.Connections {
		o.lanes = append(o.lanes, &lane{loop: o})
		return o.lanes[len(o.lanes)-1]
	}
	for len(o.idle) == 0 {
		o.freed.Wait() // what is due is late from now on, which its latency shows
	}
	l := o.idle[len(o.idle)-1]
	o.idle = o.idle[:len(o.idle)-1]
	return l
}

// free gives a lane back.
func (o *openLoop) free(l *lane) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.idle = append(o.idle, l)
	o.freed.Signal()
}

// watch cuts the connections whose answer has not come in time, until ctx ends.
func (o *openLoop) watch(ctx context.Context) {
	for pause(ctx, o.s.g.o.Timeout/20) {
		o.mu.Lock()
		lanes := o.lanes
		o.mu.Unlock()
		for _, l := range lanes {
			l.cutIfLate(o.s.g.o.Timeout)
		}
	}
}

// lane is a connection that is made when it is first needed, and anew after it failed, and what is under way on it.
type lane struct {
	loop *openLoop

	mu      sync.Mutex
	conn    *Conn // nil where there is none
	waiting bool  // for the answer to what follows
	request request
	sent    time.Time
}

// take sends a request.
func (l *lane) take(r request) {
	l.mu.Lock()
	conn := l.conn
	l.waiting, l.request, l.sent = true, r, time.Now()
	l.mu.Unlock()
	if conn == nil {
		l.loop.readers.Go(l.open)
		return
	}
	_, _ = conn.conn.Write(r.text) // whoever reads finds out that it failed
}

// open connects, sends the first request and reads the answers until the connection ends.
func (l *lane) open() {
	conn, err := Dial(context.Background(), l.loop.s.g.o.Target) // what ends within a few seconds
	if err != nil {
		l.lost(nil)
		return
	}
	l.mu.Lock()
	l.conn = conn
	text := l.request.text
	l.mu.Unlock()
	_, _ = conn.conn.Write(text) // reading finds out that it failed
	for {
		answer, err := conn.read()
		if err != nil || !l.arrived(answer) {
			l.lost(conn)
			return
		}
	}
}

// arrived enters an answer, and says false where nothing had been asked.
func (l *lane) arrived(answer Answer) bool {
	l.mu.Lock()
	r, took, asked := l.request, l.took(), l.waiting
	l.waiting = false
	l.mu.Unlock()
	if asked {
		l.loop.s.judge(r, answer, took)
		l.loop.flights.Done()
		l.loop.free(l)
	}
	return asked
}

// took is the latency of what is under way. The caller holds the lock.
func (l *lane) took() latency {
	return latency{due: time.Since(l.loop.s.start) - l.request.due, sent: time.Since(l.sent)}
}

// lost enters that a connection ended, or that there was none, and that nothing more will be answered on it.
func (l *lane) lost(conn *Conn) {
	if conn != nil {
		_ = conn.Close()
	}
	l.mu.Lock()
	took, asked := l.took(), l.waiting
	l.waiting, l.conn = false, nil
	l.mu.Unlock()
	if asked {
		l.loop.s.tally.add(answeredNot, took, 0)
		l.loop.flights.Done()
		l.loop.free(l)
	}
}

// cutIfLate closes the connection where an answer is due for too long.
func (l *lane) cutIfLate(timeout time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting && l.conn != nil && l.took().due > timeout {
		_ = l.conn.Close()
	}
}

// end closes the connection.
func (l *lane) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		_ = l.conn.Close()
	}
}
