package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/truyvet/truyvet/internal/errs"
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
