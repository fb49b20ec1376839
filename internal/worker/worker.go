// Package worker carries scans from the log to the store: it reads entries, gathers them into batches, inserts those and
// acknowledges what the store has.
//
// An entry is acknowledged only once the store has committed it, so whatever dies in between, it comes again; the store
// counts it once.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanstore"
)

// Consumer gives the entries of a log. Next waits a little where there are none and then returns none; it may reuse the slice
// that it returned before. An entry stays pending until Ack or Bury: a consumer that comes after gives it again.
type Consumer interface {
	Next(ctx context.Context) ([]scanlog.Entry, error)
	Ack(ctx context.Context, entries []scanlog.Entry) error
	Bury(ctx context.Context, entry scanlog.Entry, reason string) error
}

// Options are the bounds of a worker. The zero value means the defaults.
type Options struct {
	MaxScans int           // of a batch, 50,000 by default
	MaxBytes int           // of a batch as it stands in the log, 8 MiB by default
	MaxAge   time.Duration // of the oldest scan of a batch before it is inserted, 1 s by default
	Timeout  time.Duration // of one try to insert, 60 s by default
	Drain    time.Duration // for finishing what is in flight once the worker is told to stop, 15 s by default
	// Backoff is the pause before the n-th retry, from 0. By default it doubles from 100 ms to 10 s, and half of it is
	// random, so that workers do not all come back at once.
	Backoff func(retry int) time.Duration
	Log     *slog.Logger // none by default
}

// Worker carries scans from one consumer to a store.
type Worker struct {
	consumer Consumer
	store    scanstore.Writer
	o        Options

	reading   state
	inserting state
	spare     chan []scanlog.Entry // of batches that are done, for those to come
	scans     []scan.Scan          // of the batch that is stored
}

// New makes a worker.
func New(consumer Consumer, store scanstore.Writer, o Options) *Worker {
	if o.MaxScans <= 0 {
		o.MaxScans = 50_000
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 8 << 20
	}
	if o.MaxAge <= 0 {
		o.MaxAge = time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Minute
	}
	if o.Drain <= 0 {
		o.Drain = 15 * time.Second
	}
	if o.Backoff == nil {
		o.Backoff = backoff
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Worker{
		consumer:  consumer,
		store:     store,
		o:         o,
		reading:   state{log: o.Log, what: "reading the scan log"},
		inserting: state{log: o.Log, what: "storing scans"},
		spare:     make(chan []scanlog.Entry, 2), // one is gathered while another is stored
	}
}

func backoff(retry int) time.Duration {
	const first, most = 100 * time.Millisecond, 10 * time.Second
	pause := min(first<<min(retry, 10), most)
	return pause/2 + rand.N(pause/2) //nolint:gosec // it spreads retries and guards nothing
}

// batch is what is inserted together.
type batch struct {
	entries []scanlog.Entry
	bytes   int
	since   time.Time // when its first entry was read
}

// Run carries scans until ctx ends. One batch is inserted while the next is gathered; failures are retried with the same
// scans for as long as it takes. Then it finishes the batch in flight and the one gathered, and returns nil when they are
// acknowledged. What it could not finish within Options.Drain stays pending, and the error says so.
func (w *Worker) Run(ctx context.Context) error {
	// Work outlives ctx by the time to drain.
	work, giveUp := context.WithCancelCause(context.WithoutCancel(ctx))
	defer giveUp(nil)
	stopDrain := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(w.o.Drain, func() { giveUp(errDrain) })
		context.AfterFunc(work, func() { timer.Stop() })
	})
	defer stopDrain()

	batches := make(chan batch) // without a buffer: handed over when the batch before is done
	finished := make(chan error, 1)
	go func() { finished <- w.storeAll(work, batches) }()
	var unfinished error
	if left := w.gather(ctx, work, batches); len(left.entries) > 0 {
		select {
		case batches <- left:
		case <-work.Done():
			unfinished = context.Cause(work)
		}
	}
	close(batches)
	return errors.Join(<-finished, unfinished)
}

var errDrain = errors.New("the time for finishing was over before everything was stored; the rest stays in the log")

// gather reads entries into batches and hands those over, until ctx ends. It returns the batch that was not handed over.
func (w *Worker) gather(ctx, work context.Context, batches chan<- batch) batch {
	b := w.begin()
	for retry := 0; ctx.Err() == nil; {
		if w.full(b) {
			select {
			case batches <- b:
				b = w.begin()
			case <-ctx.Done():
			}
			continue
		}
		if w.due(b) {
			select { // unless the batch before is still under way: then this one may grow
			case batches <- b:
				b = w.begin()
			default:
			}
		}
		entries, err := w.consumer.Next(ctx)
		if ctx.Err() != nil && err != nil {
			break
		}
		if err != nil {
			w.reading.failed(err)
			pause(ctx, w.o.Backoff(retry))
			retry++
			continue
		}
		w.reading.succeeded()
		retry = 0
		for _, e := range entries {
			if e.Fault != nil {
				w.bury(work, e)
				continue
			}
			if len(b.entries) == 0 {
				b.since = time.Now()
			}
			b.entries = append(b.entries, e)
			b.bytes += len(e.Raw)
		}
	}
	return b
}

func (w *Worker) full(b batch) bool {
	return len(b.entries) >= w.o.MaxScans || b.bytes >= w.o.MaxBytes
}

// due says whether a batch that is not full may be handed over: it is old, or large enough that a store with nothing to do had better
// begin.
func (w *Worker) due(b batch) bool {
	if len(b.entries) == 0 {
		return false
	}
	return time.Since(b.since) >= w.o.MaxAge || len(b.entries) >= max(w.o.MaxScans/4, 1)
}

// begin returns a new batch.
func (w *Worker) begin() batch {
	select {
	case entries := <-w.spare:
		return batch{entries: entries}
	default:
		return batch{}
	}
}

// end takes back what a batch was gathered in.
func (w *Worker) end(b batch) {
	clear(b.entries)
	select {
	case w.spare <- b.entries[:0]:
	default:
	}
}

// bury puts aside an entry that is no scan.
func (w *Worker) bury(ctx context.Context, e scanlog.Entry) {
	w.o.Log.Error("an entry of the scan log is no scan and goes to the dead letters", "shard", e.Shard, "seq", e.Seq, "reason", e.Fault)
	_ = w.insist(ctx, &w.reading, func() error { // what fails stays pending
		if err := w.consumer.Bury(ctx, e, e.Fault.Error()); err != nil {
			return fmt.Errorf("burying an entry: %w", err)
		}
		return nil
	})
}

// storeAll stores batches one after the other. When ctx ends it stores no more and returns the cause.
func (w *Worker) storeAll(ctx context.Context, batches <-chan batch) error {
	var failed error
	for b := range batches {
		if failed == nil {
			failed = w.storeOne(ctx, b)
		}
		w.end(b)
	}
	return failed
}

// storeOne inserts a batch and then acknowledges it.
func (w *Worker) storeOne(ctx context.Context, b batch) error {
	w.scans = w.scans[:0]
	for i := range b.entries {
		w.scans = append(w.scans, b.entries[i].Scan)
	}
	err := w.insist(ctx, &w.inserting, func() error {
		try, cancel := context.WithTimeout(ctx, w.o.Timeout)
		defer cancel()
		return w.store.Insert(try, w.scans)
	})
	if err != nil {
		return err
	}
	return w.insist(ctx, &w.reading, func() error {
		if err := w.consumer.Ack(ctx, b.entries); err != nil {
			return fmt.Errorf("acknowledging entries: %w", err)
		}
		return nil
	})
}

// insist does something until it succeeds or ctx ends, and returns the cause of the end then.
func (w *Worker) insist(ctx context.Context, s *state, do func() error) error {
	for retry := 0; ; retry++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err := do()
		if err == nil {
			s.succeeded()
			return nil
		}
		s.failed(err)
		pause(ctx, w.o.Backoff(retry))
	}
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
