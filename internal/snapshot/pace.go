package snapshot

import (
	"context"
	"sync"
	"time"
)

// How the index is kept up to date beside those who send scans: in pieces, with a rest after each, so that no request waits for
// longer than a piece takes, and in all by a sixth of one core.
const (
	pieceOfWork = time.Millisecond
	restFactor  = 5 // a rest is so many times as long as the piece before it
)

// pace has work done in pieces unless somebody waits for its end.
type pace struct {
	mu      sync.Mutex
	waiting int
	wanted  chan struct{} // closed while somebody waits
}

func newPace() *pace { return &pace{wanted: make(chan struct{})} }

// hurry has whoever works go on without a rest until the function that it returns is called.
func (p *pace) hurry() (done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting++; p.waiting == 1 {
		close(p.wanted)
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.waiting--; p.waiting == 0 {
			p.wanted = make(chan struct{})
		}
	}
}

// begin begins work of one goroutine, which calls what it returns again and again: there it rests when a piece is done. Once ctx
// has ended it rests no more.
func (p *pace) begin(ctx context.Context) (rest func()) {
	began := time.Now()
	return func() {
		worked := time.Since(began)
		if worked < pieceOfWork {
			return
		}
		p.mu.Lock()
		wanted := p.wanted
		p.mu.Unlock()
		over := time.NewTimer(min(restFactor*worked, longestRest))
		defer over.Stop()
		select {
		case <-over.C:
		case <-wanted:
		case <-ctx.Done():
		}
		began = time.Now()
	}
}
