package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
)

// TestRequestIDs takes over a request's id from a trusted proxy alone, and only what has the form of one.
func TestRequestIDs(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		peer, given string
		taken       bool
	}{
		{"10.0.0.1:4000", "edge-7.A_b", true},
		{"10.0.0.1:4000", strings.Repeat("x", 64), true},
		{"10.0.0.1:4000", strings.Repeat("x", 65), false},
		{"10.0.0.1:4000", "Nguyễn", false},
		{"10.0.0.1:4000", "a b", false},
		{"10.0.0.1:4000", "", false},
		{"10.0.0.2:4000", "edge-7", false},
		{"nonsense", "edge-7", false},
	} {
		req := httptest.NewRequest(http.MethodGet, "/healthz", nil)
		req.RemoteAddr = c.peer
		req.Header.Set("X-Request-Id", c.given)
		got := b.do(req).Header().Get("X-Request-Id")
		_, err := uuid.Parse(got)
		if (got == c.given) != c.taken || !c.taken && err != nil {
			t.Errorf("from %s %q: %q", c.peer, c.given, got)
		}
	}
}

// TestWhatIsCounted sees requests told of by the pattern of their route, and scans that were refused by their reason.
func TestWhatIsCounted(t *testing.T) {
	b := newBench(t)
	token := b.token(nil)
	b.post(batch(wire(uuid.New(), token, ""), `7`, wire(uuid.New(), token, `,"kind":"inside"`)))
	b.do(httptest.NewRequest(http.MethodGet, "/panics/"+token, nil))
	b.do(httptest.NewRequest(http.MethodGet, "/"+token, nil))
	want := []string{"/api/v1/scans scans 200", "/panics/:token pages 500", "none pages 404"}
	if !slices.Equal(b.answered, want) {
		t.Errorf("told of %q", b.answered)
	}
	if want := []string{"scan_malformed", "scan_kind"}; !slices.Equal(b.refused, want) {
		t.Errorf("refused were %q", b.refused)
	}
	if strings.Contains(b.log.String(), token) {
		t.Error("the log holds a token")
	}
}

func TestReadiness(t *testing.T) {
	b := newBench(t)
	b.ready = func() (int, any) { return http.StatusServiceUnavailable, gin.H{"status": "stopping", "parts": gin.H{}} }
	res := b.do(httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if res.Code != http.StatusServiceUnavailable || res.Header().Get("Retry-After") == "" || !strings.Contains(res.Body.String(), "stopping") {
		t.Errorf("%d %v %s", res.Code, res.Header(), res.Body)
	}
}

// busyBody is a body that cannot be held at this moment.
type busyBody struct{}

func (busyBody) Read([]byte) (int, error) { return 0, errs.Busy("server_busy", "Later.", time.Second) }

// TestABodyThatCannotBeHeld is answered as what it is, and not as one that was cut off.
func TestABodyThatCannotBeHeld(t *testing.T) {
	b := newBench(t)
	req := httptest.NewRequest(http.MethodPost, "/api/v1/scans", busyBody{})
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+goodCredential)
	res := b.do(req)
	if res.Code != http.StatusServiceUnavailable || res.Header().Get("Retry-After") != "1" || !strings.Contains(res.Body.String(), "server_busy") {
		t.Errorf("%d %v %s", res.Code, res.Header(), res.Body)
	}
}
