package scanlog

import (
	"context"
	"fmt"
	"math"
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

// GroupOptions are the bounds of a group.
type GroupOptions struct {
	MaxQueued int           // scans that wait or are being committed; beyond it Append answers ErrFull
	MaxCommit int           // about how many scans a commit takes, in whole batches
	MaxWait   time.Duration // that is to be expected; beyond it Append answers ErrFull at once. 0 = as long as it takes
}

// Group is the group commit that the scan logs share: whatever callers append while one commit is under way goes into
// the next one together. It is safe for concurrent use. One goroutine commits; Close ends it.
type Group struct {
	commit Commit
	o      GroupOptions

	mu      sync.Mutex
	waiting []*waiter
	queued  int   // scans that wait or are being committed
	stuck   error // how the last commit ended, where it failed slowly
	closed  bool  // no more appends

	committing int       // scans that are being committed, since begun
	begun      time.Time // is of use while something is being committed
	pace       pace      // of commits that succeeded
	around     int       // scans of the last commit, and that waited when it ended

	wakeAt int           // scans queued at which wake is told; never while a commit is under way
	wake   chan struct{} // takes one value without a receiver
	linger *time.Timer
	done   chan struct{}
}

// slow is after what time a commit that fails has kept its callers waiting. While the last one did, a single append tries
// again and all others are answered at once: waiting in turn for a server that hangs would help none of them.
const slow = 500 * time.Millisecond

// maxLinger is how long a commit waits for half of those who are about: as a rule they come back at once with the next scans, and
// to commit few at a time costs several times as much. The other half is read and judged while the commit waits for the disk.
const maxLinger = 2 * time.Millisecond

const never = math.MaxInt

type waiter struct {
	batch  Batch
	answer chan error // takes one value without a receiver
}

// NewGroup starts a group. While commits fail slowly, Append gives the error of the last one at once to all but one caller.
func NewGroup(o GroupOptions, commit Commit) *Group {
	few := float64(o.MaxCommit) / 50
	g := &Group{
		commit: commit,
		o:      o,
		pace:   pace{steady: few*few + 1},
		wakeAt: never,
		wake:   make(chan struct{}, 1),
		linger: time.NewTimer(maxLinger),
		done:   make(chan struct{}),
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
	scans := len(w.batch.Scans)
	switch {
	case g.closed:
		return ErrUnavailable
	case g.queued == 0 && scans <= g.o.MaxQueued: // who is alone is let through to find out how things are
	case g.stuck != nil:
		return g.stuck
	case g.queued+scans > g.o.MaxQueued, g.o.MaxWait > 0 && g.expected(scans) > g.o.MaxWait:
		return ErrFull
	}
	g.waiting = append(g.waiting, w)
	g.queued += scans
	if g.queued >= g.wakeAt {
		g.rouse()
	}
	return nil
}

// expected is how long it will take until so many scans more are committed: what is left of the commit under way, and the
// commits that follow. A commit that takes longer than it should is taken to need as long again as it is late.
func (g *Group) expected(more int) (wait time.Duration) {
	if g.committing > 0 {
		wait = (g.pace.of(1, g.committing) - time.Since(g.begun)).Abs()
	}
	behind := g.queued - g.committing + more
	return wait + g.pace.of((behind-1)/g.o.MaxCommit+1, behind)
}

// rouse tells the goroutine that commits, once.
func (g *Group) rouse() {
	g.wakeAt = never
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// Queue returns how many scans wait or are being committed, and how many may.
func (g *Group) Queue() (waiting, bound int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.queued, g.o.MaxQueued
}

// Close refuses further appends, commits what waits and returns when that has been answered.
func (g *Group) Close() {
	g.mu.Lock()
	g.closed = true
	g.rouse()
	g.mu.Unlock()
	<-g.done
}

func (g *Group) run() {
	defer close(g.done)
	for {
		g.await(1, 0)
		g.await(g.around/2, maxLinger)
		group := g.take()
		if group == nil {
			return
		}
		g.settle(group)
	}
}

// await returns when so many scans are queued, after at most a while, where it is not 0, or when the group is closed.
func (g *Group) await(scans int, atMost time.Duration) {
	g.mu.Lock()
	select {
	case <-g.wake: // it was for the wait before, which was over
	default:
	}
	if g.closed || g.queued >= scans {
		g.mu.Unlock()
		return
	}
	g.wakeAt = scans
	g.mu.Unlock()
	if atMost == 0 {
		<-g.wake
		return
	}
	g.linger.Reset(atMost)
	select {
	case <-g.wake:
	case <-g.linger.C:
		g.mu.Lock()
		g.wakeAt = never
		g.mu.Unlock()
	}
}

// take returns the batches of the next commit, nil where nothing waits.
func (g *Group) take() []*waiter {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, scans := 0, 0
	for n < len(g.waiting) && (n == 0 || scans+len(g.waiting[n].batch.Scans) <= g.o.MaxCommit) {
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
	g.committing, g.begun = scans, time.Now()
	return group
}

func (g *Group) settle(group []*waiter) {
	batches := make([]*Batch, len(group))
	for i, w := range group {
		batches[i] = &w.batch
	}
	err := g.commit(batches)
	g.mu.Lock()
	took := time.Since(g.begun)
	g.queued -= g.committing
	g.around = g.committing + g.queued
	g.stuck = nil
	if err == nil {
		g.pace.note(g.committing, took)
	} else if took >= slow {
		g.stuck = err
		group = append(group, g.waiting...) // they came while it hung
		for _, w := range g.waiting {
			g.queued -= len(w.batch.Scans)
		}
		g.waiting = nil
	}
	g.committing = 0
	g.mu.Unlock()
	for _, w := range group {
		w.answer <- err
	}
}
