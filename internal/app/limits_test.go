package app

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/telemetry"
)

// TestBodiesInFlightAreBounded holds as much as may be held in requests that have not ended, and sees a further body refused,
// and taken once one has ended.
func TestBodiesInFlightAreBounded(t *testing.T) {
	metrics, err := telemetry.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	l := newLimits(0, 0, metrics, time.Now)
	read, end := make(chan error), make(chan struct{})
	engine := gin.New()
	engine.Use(l.guard(func(*gin.Context, error) {}))
	engine.POST("/", func(c *gin.Context) {
		_, err := io.Copy(io.Discard, c.Request.Body)
		read <- err
		<-end
	})
	post := func(bytes int) error {
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", bytes)))
		go engine.ServeHTTP(httptest.NewRecorder(), req)
		return <-read
	}
	if err := post(maxBodies - 10); err != nil {
		t.Errorf("what there is room for: %v", err)
	}
	if err := post(11); err == nil || errs.Of(err).Code != errBodies.Code {
		t.Errorf("a byte too many: %v", err)
	}
	if err := post(10); err != nil {
		t.Errorf("what fills it: %v", err)
	}
	for range 3 {
		end <- struct{}{}
	}
	for deadline := time.Now().Add(time.Minute); !l.bodies.TryAcquire(maxBodies); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("what the requests held was not given back")
		}
	}
}

// TestChecksOfAnAddressAreBounded has two addresses ask about codes, one of them without end.
func TestChecksOfAnAddressAreBounded(t *testing.T) {
	metrics, err := telemetry.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_700_000_000, 0)
	l := newLimits(0, 0, metrics, func() time.Time { return now })
	engine := gin.New()
	engine.Use(l.guard(func(c *gin.Context, err error) { c.Status(errs.Of(err).Kind.Status()) }))
	for _, route := range []string{"/check/:token", "/api/v1/check/:token", "/q/:token"} {
		engine.GET(route, func(c *gin.Context) { c.Status(http.StatusOK) })
	}
	get := func(from, path string) int {
		req := httptest.NewRequest(http.MethodGet, path, nil)
		req.RemoteAddr = from + ":1000"
		answer := httptest.NewRecorder()
		engine.ServeHTTP(answer, req)
		return answer.Code
	}
	for i := range checksPerAddress.Burst {
		if status := get("192.0.2.1", []string{"/check/A", "/api/v1/check/A"}[i%2]); status != http.StatusOK {
			t.Fatalf("the check no. %d is answered %d", i+1, status)
		}
	}
	if status := get("192.0.2.1", "/check/A"); status != http.StatusTooManyRequests {
		t.Errorf("one check too many is answered %d", status)
	}
	if page, other, own := get("192.0.2.1", "/q/A"), get("192.0.2.2", "/check/A"), get("127.0.0.1", "/check/A"); page != 200 || other != 200 || own != 200 {
		t.Errorf("what has nothing to do with it is answered %d, %d and %d", page, other, own)
	}
	now = now.Add(checksPerAddress.Every)
	if status := get("192.0.2.1", "/check/A"); status != http.StatusOK {
		t.Errorf("a while later: %d", status)
	}
}

// takesAll is an ingest that takes whatever it is given.
type takesAll struct{ telemetry.Ingest }

func (takesAll) Submit(_ context.Context, _ uuid.UUID, subs []ingest.Submission) ([]ingest.Result, error) {
	return make([]ingest.Result, len(subs)), nil
}

// TestGatesAreNotHeldUpByOneOfTheirVisitors lets somebody scan without end, and come to a gate.
func TestGatesAreNotHeldUpByOneOfTheirVisitors(t *testing.T) {
	metrics, err := telemetry.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_700_000_000, 0)
	l := limitedIngest{takesAll{}, newLimits(100, 0, metrics, func() time.Time { return now })}
	alias, own, atGate := uuid.New(), ingest.Submission{ID: uuid.New()}, ingest.Submission{ID: uuid.New(), Gate: uuid.New()}
	submit := func(alias uuid.UUID, subs ...ingest.Submission) error {
		_, err := l.Submit(t.Context(), alias, subs)
		return err
	}
	for i := range 500 {
		if err := submit(alias, own); err != nil {
			t.Fatalf("the scan no. %d: %v", i+1, err)
		}
	}
	for i := range 3 {
		if err := submit(alias, own); errs.Of(err).Code != errDeviceLimit.Code {
			t.Errorf("one scan too many: %v", err)
		}
		if err := submit(alias, atGate); err != nil {
			t.Errorf("at a gate, no. %d: %v", i+1, err)
		}
	}
	if err := submit(uuid.New(), own); err != nil {
		t.Errorf("somebody else: %v", err)
	}
}

// TestAGateIsHeldToItsLimit, in whatever portions its scans come, and no other gate with it.
func TestAGateIsHeldToItsLimit(t *testing.T) {
	metrics, err := telemetry.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_700_000_000, 0)
	l := newLimits(0, 0, metrics, func() time.Time { return now })
	gate := uuid.New()
	for i, n := range []int{500, 500, 500, 500, 500, 499, 1} {
		if err := l.gate(gate, n); err != nil {
			t.Fatalf("portion %d: %v", i, err)
		}
	}
	if e := errs.Of(l.gate(gate, 10)); e.Code != errGateLimit.Code || e.RetryAfter != 10*scansPerGate.Every {
		t.Errorf("beyond its limit: %s, wait %v", e.Code, e.RetryAfter)
	}
	if e := errs.Of(l.gate(gate, 1)); e.RetryAfter != time.Second {
		t.Errorf("one beyond its limit: wait %v", e.RetryAfter)
	}
	if err := l.gate(uuid.New(), 1); err != nil {
		t.Errorf("another gate: %v", err)
	}
	now = now.Add(10 * scansPerGate.Every)
	if err := l.gate(gate, 10); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}
