package telemetry

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/qrgen"
)

// The buckets. Appending takes from a fifth of a millisecond to the seconds after which it fails.
var (
	secondsBuckets = []float64{.0002, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30, 60}
	scansBuckets   = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 20_000, 50_000}
)

// Metrics is what a process that takes scans counts. The labels are words of the program, of which there are few: never a
// place, a person or an address. It is safe for concurrent use.
type Metrics struct {
	scans               *prometheus.CounterVec   // by outcome
	refused             *prometheus.CounterVec   // by reason
	accepted, duplicate prometheus.Counter       // of scans
	append              *prometheus.HistogramVec // seconds, by result
	batch               prometheus.Histogram     // scans
	requests            *prometheus.CounterVec   // by route and status
	took                *prometheus.HistogramVec // seconds, by route
	limited             *prometheus.CounterVec   // by limit
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		scans: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "truyvet_scans_total", Help: "Scans that were answered, by outcome: accepted, duplicate or refused.",
		}, []string{"outcome"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "truyvet_scans_refused_total", Help: "Scans that were refused, by reason: the code in the answer.",
		}, []string{"reason"}),
		append: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "truyvet_append_seconds", Help: "Time until the scan log had a batch or said why not, by result: ok, full, unavailable or ended.",
			Buckets: secondsBuckets,
		}, []string{"result"}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "truyvet_append_scans", Help: "Scans of one append.", Buckets: scansBuckets,
		}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "truyvet_http_requests_total", Help: "Requests answered, by the pattern of the route and by status.",
		}, []string{"route", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "truyvet_http_request_seconds", Help: "Time to answer a request, by what was asked: scans, api or pages.",
			Buckets: secondsBuckets,
		}, []string{"face"}),
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "truyvet_limited_total", Help: "Requests turned away by a limit: device, address, gate or check (429), or memory (503).",
		}, []string{"limit"}),
	}
	m.accepted = m.scans.WithLabelValues(string(ingest.Accepted))
	m.duplicate = m.scans.WithLabelValues(string(ingest.Duplicate))
	m.scans.WithLabelValues(string(ingest.Refused))
	for _, result := range []string{"ok", "full", "unavailable", "ended"} {
		m.append.WithLabelValues(result)
	}
	for _, limit := range []string{"device", "address", "gate", "check", "memory"} {
		m.limited.WithLabelValues(limit)
	}
	return m, register(r, m.scans, m.refused, m.append, m.batch, m.requests, m.took, m.limited)
}

// register registers all, and returns the first error.
func register(r prometheus.Registerer, all ...prometheus.Collector) error {
	for _, c := range all {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// Refused counts a scan that was refused before ingest saw it, for a reason that is a code of package errs.
func (m *Metrics) Refused(reason string) {
	m.scans.WithLabelValues(string(ingest.Refused)).Inc()
	m.refused.WithLabelValues(reason).Inc()
}

// Limited counts a request that a limit turned away: device, address, gate, check or memory.
func (m *Metrics) Limited(limit string) { m.limited.WithLabelValues(limit).Inc() }

// Answered counts a request. Route is the pattern and never the path, face one of scans, api, pages.
func (m *Metrics) Answered(route, face, status string, took time.Duration) {
	m.requests.WithLabelValues(route, status).Inc()
	m.took.WithLabelValues(face).Observe(took.Seconds())
}

// Ingest is what takes scans: an ingest.Ingest, or something around one.
type Ingest interface {
	Submit(ctx context.Context, alias uuid.UUID, subs []ingest.Submission) ([]ingest.Result, error)
	Verify(token string, at time.Time) (qrgen.Token, error)
	Timely(at int64) *errs.Error
}

// CountedIngest counts what becomes of submissions.
type CountedIngest struct {
	Ingest
	metrics *Metrics
}

// CountIngest returns next, counted.
func (m *Metrics) CountIngest(next Ingest) *CountedIngest {
	return &CountedIngest{Ingest: next, metrics: m}
}

// Submit is that of the ingest inside.
func (c *CountedIngest) Submit(ctx context.Context, alias uuid.UUID, subs []ingest.Submission) ([]ingest.Result, error) {
	results, err := c.Ingest.Submit(ctx, alias, subs)
	accepted, duplicate := 0, 0
	for i := range results {
		switch results[i].Status {
		case ingest.Accepted:
			accepted++
		case ingest.Duplicate:
			duplicate++
		default:
			c.metrics.Refused(results[i].Err.Code)
		}
	}
	c.metrics.accepted.Add(float64(accepted))
	c.metrics.duplicate.Add(float64(duplicate))
	return results, err
}

// TimedLog measures the appends of a scan log.
type TimedLog struct {
	scanlog.Log
	metrics *Metrics
}

// TimeLog returns next, measured.
func (m *Metrics) TimeLog(next scanlog.Log) *TimedLog { return &TimedLog{Log: next, metrics: m} }

// Append is that of the log inside.
func (l *TimedLog) Append(ctx context.Context, scans []scan.Scan) ([]scanlog.Outcome, error) {
	start := time.Now()
	outcomes, err := l.Log.Append(ctx, scans)
	l.metrics.append.WithLabelValues(resultOf(err)).Observe(time.Since(start).Seconds())
	l.metrics.batch.Observe(float64(len(scans)))
	return outcomes, err
}

// resultOf names how an append ended. What is neither full nor unavailable is a caller that went away.
func resultOf(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, scanlog.ErrFull):
		return "full"
	case errs.Of(err).Kind == errs.Unavailable:
		return "unavailable"
	default:
		return "ended"
	}
}
