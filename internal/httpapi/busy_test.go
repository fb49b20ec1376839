package httpapi

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

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
	engine.Use(Secured)
	api := New(Deps{
		Ingest: slow, Verify: func(string) (uuid.UUID, error) { return uuid.New(), nil }, Logger: slog.New(slog.DiscardHandler),
	})
	api.Register(engine)
	turnedAway := 0
	relieved := api.Relieved(func(route, face, status string, _ time.Duration) {
		if turnedAway++; route != scansPath || face != "scans" || status != "503" {
			t.Errorf("counted as %s %s %s", route, face, status)
		}
	}, engine)
	post := func(through http.Handler, path string) *httptest.ResponseRecorder {
		body := `{"scans":[{"id":"0191f3a4-7b2c-7def-8123-456789abcdef","token":"` + strings.Repeat("A", 154) + `"}]}`
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer x")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		through.ServeHTTP(w, r)
		return w
	}
	var waiting sync.WaitGroup
	for range maxSubmitting {
		waiting.Go(func() {
			if w := post(relieved, scansPath); w.Code != http.StatusOK {
				t.Errorf("one that waits: %d %s", w.Code, w.Body)
			}
		})
	}
	for range maxSubmitting {
		<-slow.came
	}
	for name, through := range map[string]http.Handler{"at once": relieved, "after it was read": engine} {
		w := post(through, scansPath)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "too_busy") ||
			!strings.HasPrefix(w.Header().Get("Content-Type"), "application/problem+json") {
			t.Errorf("one too many, sent away %s: %d %v %s", name, w.Code, w.Header(), w.Body)
		}
		if h := w.Header(); h.Get("Content-Security-Policy") == "" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" {
			t.Errorf("one too many, sent away %s, is answered without protection: %v", name, h)
		}
	}
	if w := post(relieved, checkPath); w.Code == http.StatusServiceUnavailable || turnedAway != 1 {
		t.Errorf("what is no scan: %d; %d were turned away", w.Code, turnedAway)
	}
	close(slow.release)
	waiting.Wait()
	if w := post(relieved, scansPath); w.Code != http.StatusOK {
		t.Errorf("once there is room: %d", w.Code)
	}
}

// TestReliefKeepsTheConnection sends batches to a real server that takes none, each over the connection of the one before.
func TestReliefKeepsTheConnection(t *testing.T) {
	t.Parallel()
	api := New(Deps{})
	api.submitting = make(chan struct{}) // has room for nobody
	server := httptest.NewServer(api.Relieved(func(string, string, string, time.Duration) {}, http.NotFoundHandler()))
	defer server.Close()
	client := server.Client()
	kept := 0
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		if got.Reused {
			kept++
		}
	}})
	for range 3 {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+scansPath, strings.NewReader(strings.Repeat(" ", 100<<10)))
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, res.Body)
		if closed := res.Body.Close(); err != nil || closed != nil || res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a batch was answered %d, %v, %v", res.StatusCode, err, closed)
		}
	}
	if kept != 2 {
		t.Errorf("%d of 3 batches came over a connection that was there", kept)
	}
}
