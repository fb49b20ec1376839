package telemetry

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanstore"
	"github.com/truyvet/truyvet/internal/worker"
)

// Carrying is what a worker counts. It is safe for concurrent use.
type Carrying struct {
	read    prometheus.Counter
	stored  prometheus.Counter
	dead    prometheus.Counter
	dropped prometheus.Counter
	failed  prometheus.Counter
	insert  prometheus.Histogram // seconds
	batch   prometheus.Histogram // scans
}

// NewCarrying makes the metrics of a worker and registers them.
func NewCarrying(r prometheus.Registerer) (*Carrying, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	c := &Carrying{
		read:    counter("truyvet_worker_read_total", "Entries read from the scan log."),
		stored:  counter("truyvet_worker_stored_total", "Scans that the store has committed and the log was told of."),
		dead:    counter("truyvet_worker_dead_letters_total", "Entries that were no scan and were put to the dead letters."),
		dropped: counter("truyvet_worker_dropped_total", "Entries that were deleted from the scan log before they were stored. Always 0."),
		failed:  counter("truyvet_insert_failures_total", "Tries to insert a batch that failed; each batch is tried until it is stored."),
		insert: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "truyvet_insert_seconds", Help: "Time of one try to insert a batch into the store.", Buckets: secondsBuckets,
		}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "truyvet_insert_scans", Help: "Scans of one batch that is inserted.", Buckets: scansBuckets,
		}),
	}
	return c, register(r, c.read, c.stored, c.dead, c.dropped, c.failed, c.insert, c.batch)
}

// CountedConsumer counts what a worker reads, acknowledges and buries.
type CountedConsumer struct {
	worker.Consumer
	carrying *Carrying
}

// CountConsumer returns next, counted.
func (c *Carrying) CountConsumer(next worker.Consumer) *CountedConsumer {
	return &CountedConsumer{Consumer: next, carrying: c}
}

// Next is that of the consumer inside.
func (c *CountedConsumer) Next(ctx context.Context) ([]scanlog.Entry, error) {
	entries, err := c.Consumer.Next(ctx)
	c.carrying.read.Add(float64(len(entries)))
	return entries, err
}

// Ack is that of the consumer inside.
func (c *CountedConsumer) Ack(ctx context.Context, entries []scanlog.Entry) error {
	err := c.Consumer.Ack(ctx, entries)
	if err == nil {
		c.carrying.stored.Add(float64(len(entries)))
	}
	return err
}

// Bury is that of the consumer inside.
func (c *CountedConsumer) Bury(ctx context.Context, e scanlog.Entry, reason string) error {
	err := c.Consumer.Bury(ctx, e, reason)
	switch {
	case err != nil:
	case errors.Is(e.Fault, scanlog.ErrDropped):
		c.carrying.dropped.Inc()
	default:
		c.carrying.dead.Inc()
	}
	return err
}

// TimedWriter measures the inserts of a scan store.
type TimedWriter struct {
	scanstore.Writer
	carrying *Carrying
}

// TimeWriter returns next, measured.
func (c *Carrying) TimeWriter(next scanstore.Writer) *TimedWriter {
	return &TimedWriter{Writer: next, carrying: c}
}

// Insert is that of the writer inside.
func (w *TimedWriter) Insert(ctx context.Context, scans []scan.Scan) error {
	start := time.Now()
	err := w.Writer.Insert(ctx, scans)
	w.carrying.insert.Observe(time.Since(start).Seconds())
	w.carrying.batch.Observe(float64(len(scans)))
	if err != nil {
		w.carrying.failed.Inc()
	}
	return err
}
