package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/ingest"
)

// slowIngest takes nothing until it is let go.
type slowIngest struct {
	Ingest
	came, release chan struct{}
}

func (s slowIngest) Submit(_ context.Context, _ uuid.UUID, subs []ingest.Submission) ([]ingest.Result, error) {
	s.came <- struct{}{}
	<-s.release
	results := make([]ingest.Result, len(subs))
	for i, sub := range subs {
		results[i] = ingest.Result{ID: sub.ID, Status: ingest.Accepted}
	}
	return results, nil
}

// TestBusy fills the places of those that wait, and sees the next one sent away at once, and taken once there is room.
func TestBusy(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	slow := slowIngest{came: make(chan struct{}, maxSubmitting), release: make(chan struct{})}
	engine := gin.New()
	New(Deps{
		Ingest: slow, Verify: func(string) (uuid.UUID, error) { return uuid.New(), nil }, Logger: slog.New(slog.DiscardHandler),
	}).Register(engine)
	post := func() *httptest.ResponseRecorder {
		body := `{"scans":[{"id":"0191f3a4-7b2c-7def-8123-456789abcdef","token":"` + strings.Repeat("A", 154) + `"}]}`
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, scansPath, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer x")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		engine.ServeHTTP(w, r)
		return w
	}
	var waiting sync.WaitGroup
	for range maxSubmitting {
		waiting.Go(func() {
			if w := post(); w.Code != http.StatusOK {
				t.Errorf("one that waits: %d %s", w.Code, w.Body)
			}
		})
	}
	for range maxSubmitting {
		<-slow.came
	}
	if w := post(); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "too_busy") {
		t.Errorf("one too many: %d %v %s", w.Code, w.Header(), w.Body)
	}
	close(slow.release)
	waiting.Wait()
	if w := post(); w.Code != http.StatusOK {
		t.Errorf("once there is room: %d", w.Code)
	}
}
