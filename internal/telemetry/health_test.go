package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/truyvet/truyvet/internal/telemetry"
)

// part is a check whose finding a test sets.
type part struct {
	mu    sync.Mutex
	found telemetry.Finding
	asked int
}

func (p *part) set(f telemetry.Finding) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.found = f
}

func (p *part) check(name string) telemetry.Check {
	return telemetry.Check{
		Name: name, Facts: []telemetry.Fact{{Name: name + "_things", Help: "Things of " + name + "."}},
		Run: func(context.Context) telemetry.Finding {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.asked++
			return p.found
		},
	}
}

// TestDegradedBeforeDown follows a process from well to stopping.
func TestDegradedBeforeDown(t *testing.T) {
	var log bytes.Buffer
	now := time.Unix(1_700_000_000, 0)
	var a, b part
	board := telemetry.NewBoard(slog.New(slog.NewTextHandler(&log, nil)), func() time.Time { return now }, a.check("a"), b.check("b"))
	for _, step := range []struct {
		a, b telemetry.Level
		want telemetry.Status
		code int
	}{
		{telemetry.OK, telemetry.OK, telemetry.StatusReady, 200},
		{telemetry.OK, telemetry.Degraded, telemetry.StatusDegraded, 200},
		{telemetry.Down, telemetry.Degraded, telemetry.StatusDown, 503},
		{telemetry.Degraded, telemetry.OK, telemetry.StatusDegraded, 200},
	} {
		now = now.Add(time.Second)
		a.set(telemetry.Finding{Level: step.a, Detail: "a detail"})
		b.set(telemetry.Finding{Level: step.b, Detail: "a detail"})
		status, parts := board.Status(t.Context())
		if status != step.want || parts[0].Level != step.a || parts[1].Level != step.b {
			t.Errorf("%v and %v: %s, %+v", step.a, step.b, status, parts)
		}
		code, body := telemetry.Readiness(t.Context(), board)
		text, err := json.Marshal(body)
		if err != nil || code != step.code || strings.Contains(string(text), "detail") {
			t.Errorf("%v and %v: %d %s, %v", step.a, step.b, code, text, err)
		}
	}
	for range 10 {
		board.Look(t.Context())
	}
	if a.asked != 4 {
		t.Errorf("the parts were asked %d times in four seconds", a.asked)
	}
	board.Stop()
	if status, _ := board.Status(t.Context()); status != telemetry.StatusStopping || status.Takes() {
		t.Errorf("told to stop: %s", status)
	}
	if n := strings.Count(log.String(), "\n"); n != 4 {
		t.Errorf("four changes are %d lines:\n%s", n, log.String())
	}
}

// TestACheckThatHangs is waited for two seconds, once, and then not asked again until it has come back.
func TestACheckThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		back := make(chan struct{})
		board := telemetry.NewBoard(slog.New(slog.DiscardHandler), time.Now,
			telemetry.Check{Name: "hangs", Vital: true, Run: func(context.Context) telemetry.Finding {
				asked.Add(1)
				<-back
				return telemetry.Finding{}
			}},
			telemetry.Check{Name: "late", Run: func(ctx context.Context) telemetry.Finding {
				<-ctx.Done()
				return telemetry.Finding{Level: telemetry.Degraded, Detail: "because"}
			}})
		for range 3 {
			start := time.Now()
			status, parts := board.Status(t.Context())
			if took := time.Since(start); took > 3*time.Second || status != telemetry.StatusDown {
				t.Errorf("after %s: %s", took, status)
			}
			if parts[0].Level != telemetry.Down || parts[1].Detail != "because" {
				t.Errorf("%+v", parts)
			}
			time.Sleep(time.Second)
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("it was asked %d times", n)
		}
		close(back)
		synctest.Wait()
		if _, parts := board.Status(t.Context()); parts[0].Level != telemetry.OK {
			t.Errorf("once it is back: %+v", parts[0])
		}
	})
}

// TestOperations asks a process all that operators ask.
func TestOperations(t *testing.T) {
	var a part
	a.set(telemetry.Finding{Level: telemetry.Degraded, Detail: "half full", Values: []float64{7}})
	var missing part // a fact that could not be had
	board := telemetry.NewBoard(slog.New(slog.DiscardHandler), time.Now, a.check("a"), missing.check("missing"))
	metrics, err := telemetry.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	if err := telemetry.CollectBoard(metrics, board); err != nil {
		t.Fatal(err)
	}
	o := telemetry.Operations{Process: "worker", Board: board, Metrics: metrics, Logger: slog.New(slog.DiscardHandler)}
	handler := o.Handler()
	ask := func(method, path string) (int, string) {
		res := httptest.NewRecorder()
		handler.ServeHTTP(res, httptest.NewRequest(method, path, nil))
		return res.Code, res.Body.String()
	}
	code, text := ask("GET", "/metrics")
	for _, want := range []string{"truyvet_a_things 7\n", `truyvet_part_level{part="a"} 1`, "truyvet_build_info{", "go_goroutines", "process_resident_memory_bytes"} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics (%d) lack %s", code, want)
		}
	}
	if strings.Contains(text, "truyvet_missing_things ") {
		t.Error("a fact that could not be had is told")
	}
	_, text = ask("GET", "/status")
	var report telemetry.Report
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		t.Fatal(err)
	}
	report.Version = ""
	want := telemetry.Report{Process: "worker", Status: telemetry.StatusDegraded, Parts: []telemetry.PartReport{
		{Name: "a", Status: "degraded", Detail: "half full", Facts: map[string]float64{"a_things": 7}},
		{Name: "missing", Status: "ok"},
	}}
	if d := cmp.Diff(want, report); d != "" {
		t.Error(d)
	}
	if code, text := ask("GET", "/healthz"); code != http.StatusOK || !strings.Contains(text, "ok") {
		t.Errorf("/healthz: %d %s", code, text)
	}
	if code, _ := ask("GET", "/readyz"); code != http.StatusOK {
		t.Errorf("/readyz: %d", code)
	}
	if code, _ := ask("POST", "/metrics"); code != http.StatusMethodNotAllowed {
		t.Errorf("a POST: %d", code)
	}
	if err := telemetry.CollectBoard(prometheus.NewRegistry(), board); err != nil {
		t.Error(err)
	}
}
