package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// NewRegistry returns a registry with what every process tells of itself: its build, the Go runtime and the process.
func NewRegistry() (*prometheus.Registry, error) {
	r := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "truyvet_build_info", Help: "1; the labels say which build this is.",
		ConstLabels: prometheus.Labels{"version": Version(), "go": runtime.Version()},
	})
	build.Set(1)
	return r, register(r, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}

// Version returns the commit that the program was built from, as far as the build says.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value[:min(len(setting.Value), 12)]
		}
	}
	return info.Main.Version
}

// boardCollector shows a board as gauges: the level of each part, and its facts. One scrape looks at the board once.
type boardCollector struct {
	board *Board
	level *prometheus.Desc
	facts map[string]*prometheus.Desc
}

// CollectBoard registers the gauges of a board.
func CollectBoard(r prometheus.Registerer, b *Board) error {
	c := &boardCollector{
		board: b, facts: make(map[string]*prometheus.Desc),
		level: prometheus.NewDesc("truyvet_part_level", "How well a part is: 0 ok, 1 degraded, 2 down.", []string{"part"}, nil),
	}
	for _, check := range b.checks {
		for _, fact := range check.Facts {
			c.facts[fact.Name] = prometheus.NewDesc("truyvet_"+fact.Name, fact.Help, nil, nil)
		}
	}
	return r.Register(c)
}

// Describe implements prometheus.Collector.
func (c *boardCollector) Describe(to chan<- *prometheus.Desc) {
	to <- c.level
	for _, desc := range c.facts {
		to <- desc
	}
}

// Collect implements prometheus.Collector. A fact that could not be had is left out, so that it is not taken for a 0.
func (c *boardCollector) Collect(to chan<- prometheus.Metric) {
	for _, part := range c.board.Look(context.Background()) {
		to <- prometheus.MustNewConstMetric(c.level, prometheus.GaugeValue, float64(part.Level), part.Name)
		for i, value := range part.Values {
			to <- prometheus.MustNewConstMetric(c.facts[part.Facts[i].Name], prometheus.GaugeValue, value)
		}
	}
}

// Report is the answer at /status.
type Report struct {
	Process string       `json:"process"` // serve or worker
	Version string       `json:"version"`
	Uptime  int64        `json:"uptime_seconds"`
	Status  Status       `json:"status"`
	Parts   []PartReport `json:"parts"`
}

// PartReport is a part in a Report.
type PartReport struct {
	Name   string             `json:"name"`
	Status string             `json:"status"` // ok, degraded or down
	Detail string             `json:"detail,omitempty"`
	Facts  map[string]float64 `json:"facts,omitempty"`
}

// Operations answers operators: /metrics, /status, and /healthz and /readyz for a process that has no other face.
type Operations struct {
	Process string // serve or worker
	Board   *Board
	Metrics prometheus.Gatherer
	Logger  *slog.Logger
}

// Handler returns the answers.
func (o *Operations) Handler() http.Handler {
	started := time.Now()
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Metrics, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4,
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		o.answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		status, body := Readiness(r.Context(), o.Board)
		o.answer(w, status, body)
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		status, parts := o.Board.Status(r.Context())
		report := Report{
			Process: o.Process, Version: Version(), Uptime: int64(time.Since(started) / time.Second), Status: status,
			Parts: make([]PartReport, len(parts)),
		}
		for i, part := range parts {
			facts := make(map[string]float64, len(part.Values))
			for k, value := range part.Values {
				facts[part.Facts[k].Name] = value
			}
			report.Parts[i] = PartReport{Name: part.Name, Status: part.Level.String(), Detail: part.Detail, Facts: facts}
		}
		o.answer(w, http.StatusOK, report)
	})
	return mux
}

// Readiness returns what /readyz answers, status and body: 200 while the process takes work, else 503. It has the word for
// each part and no numbers or details, since anybody may ask.
func Readiness(ctx context.Context, b *Board) (status int, body any) {
	word, parts := b.Status(ctx)
	words := make(map[string]string, len(parts))
	for _, part := range parts {
		words[part.Name] = part.Level.String()
	}
	status = http.StatusOK
	if !word.Takes() {
		status = http.StatusServiceUnavailable
	}
	return status, map[string]any{"status": word, "parts": words}
}

func (o *Operations) answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		o.Logger.Debug("an operator's request was cut off", "error", err)
	}
}

// Serve answers on the listener until ctx ends.
func (o *Operations) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: o.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("answering operators: %w", err)
	}
	return nil
}
