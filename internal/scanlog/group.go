package scanlog

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/truyvet/truyvet/internal/scan"
)

// Batch is one caller's scans on their way to a commit. The scans are the group's own copy.
type Batch struct {
	Scans    []scan.Scan
	Wires    [][]byte  // the wire form of each scan
	Outcomes []Outcome // as many as Scans
}

// Commit makes the scans of the batches durable, all together, and fills in their outcomes, Shard and Seq. On an error
// nothing is promised of any of them. It must end within a bounded time by itself.
type Commit func(batches []*Batch) error

// Group is the group commit that the scan logs share: whatever callers append while one commit is under way goes into
// the next one together. It is safe for concurrent use. One goroutine commits; Close ends it.
type Group struct {
	commit    Commit
	maxQueued int
	maxCommit int

	mu      sync.Mutex
	waiting []*waiter
	queued  int   // scans that wait or are being committed
	stuck   error // how the last commit ended, where it failed slowly
	closed  bool  // no more appends
	wake    chan struct{}
	done    chan struct{}
}

// slow is after what time a commit that fails has kept its callers waiting. While the last one did, a single append tries
// again and all others are answered at once: waiting in turn for a server that hangs would help none of them.
const slow = 500 * time.Millisecond

type waiter struct {
	batch  Batch
	answer chan error // takes one value without a receiver
}

// NewGroup starts a group. At most maxQueued scans wait or are being committed, beyond that Append answers ErrFull; a
// commit takes whole batches up to about maxCommit scans. While commits fail slowly, Append gives the error of the last one
// at once to all but one caller.
func NewGroup(maxQueued, maxCommit int, commit Commit) *Group {
	g := &Group{
		commit:    commit,
		maxQueued: maxQueued,
		maxCommit: maxCommit,
		wake:      make(chan struct{}, 1),
		done:      make(chan struct{}),
	}
	go g.run()
	return g
}

// Append is Log.Append; Shard and Seq are set of the accepted scans. A batch larger than the whole queue is ErrFull. When
// ctx ends first its error is returned, and the scans may be logged all the same. After Close it answers ErrUnavailable.
func (g *Group) Append(ctx context.Context, scans []scan.Scan) ([]Outcome, error) {
	if len(scans) == 0 {
		return nil, ctx.Err()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	wires, err := encode(scans)
	if err != nil {
		return nil, err
	}
	w := &waiter{
		batch:  Batch{Scans: append([]scan.Scan(nil), scans...), Wires: wires, Outcomes: make([]Outcome, len(scans))},
		answer: make(chan error, 1),
	}
	if err := g.enqueue(w); err != nil {
		return nil, err
	}
	select {
	case err := <-w.answer:
		if err != nil {
			return nil, err
		}
		for i := range scans {
			if w.batch.Outcomes[i] != Accepted {
				continue
			}
			scans[i].Shard, scans[i].Seq = w.batch.Scans[i].Shard, w.batch.Scans[i].Seq
		}
		return w.batch.Outcomes, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// encode writes every scan on its caller's goroutine, of which there are many, and not on the one that commits. It is
// also what judges the scans.
func encode(scans []scan.Scan) ([][]byte, error) {
	wires := make([][]byte, len(scans))
	buffer := make([]byte, 0, 96*len(scans))
	for i := range scans {
		start := len(buffer)
		var err error
		if buffer, err = scans[i].AppendWire(buffer); err != nil {
			return nil, fmt.Errorf("scan %d of the batch: %w", i, err)
		}
		wires[i] = buffer[start:len(buffer):len(buffer)]
	}
	return wires, nil
}

func (g *Group) enqueue(w *waiter) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return ErrUnavailable
	}
	if g.stuck != nil && g.queued > 0 {
		return g.stuck
	}
	if g.queued+len(w.batch.Scans) > g.maxQueued {
		return ErrFull
	}
	g.waiting = append(g.waiting, w)
	g.queued += len(w.batch.Scans)
	select {
	case g.wake <- struct{}{}:
	default:
	}
	return nil
}

// Queue returns how many scans wait or are being committed, and how many may.
func (g *Group) Queue() (waiting, bound int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.queued, g.maxQueued
}

// Close refuses further appends, commits what waits and returns when that has been answered.
func (g *Group) Close() {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		close(g.wake)
	}
	g.mu.Unlock()
	<-g.done
}

func (g *Group) run() {
	defer close(g.done)
	for range g.wake {
		for group := g.take(); group != nil; group = g.take() {
			g.settle(group)
		}
	}
	for group := g.take(); group != nil; group = g.take() {
		g.settle(group)
	}
}

// take returns the batches of the next commit, nil where nothing waits.
func (g *Group) take() []*waiter {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, scans := 0, 0
	for n < len(g.waiting) && (n == 0 || scans+len(g.waiting[n].batch.Scans) <= g.maxCommit) {
		scans += len(g.waiting[n].batch.Scans)
		n++
	}
	if n == 0 {
		return nil
	}
	group := append([]*waiter(nil), g.waiting[:n]...)
	rest := copy(g.waiting, g.waiting[n:])
	clear(g.waiting[rest:])
	g.waiting = g.waiting[:rest]
	return group
}

func (g *Group) settle(group []*waiter) {
	batches := make([]*Batch, len(group))
	scans := 0
	for i, w := range group {
		batches[i] = &w.batch
		scans += len(w.batch.Scans)
	}
	start := time.Now()
	err := g.commit(batches)
	took := time.Since(start)
	g.mu.Lock()
	g.queued -= scans
	g.stuck = nil
	if err != nil && took >= slow {
		g.stuck = err
		group = append(group, g.waiting...) // they came while it hung
		for _, w := range g.waiting {
			g.queued -= len(w.batch.Scans)
		}
		g.waiting = nil
	}
	g.mu.Unlock()
	for _, w := range group {
		w.answer <- err
	}
}
