package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
)

const (
	gateKey  = "tvg_key"
	gateCode = "abcde-fghij-klmno-pqrst"
	someone  = "0912345678" // whom everybody is at this gate
)

// fakeGates knows one device, and one code that is good once.
type fakeGates struct {
	gate     registry.Account
	enrolled bool
}

func (g *fakeGates) EnrolDevice(_ context.Context, token, _ string) (registry.Account, string, error) {
	if token != gateCode || g.enrolled {
		return registry.Account{}, "", account.ErrInvitation
	}
	g.enrolled = true
	return g.gate, gateKey, nil
}

func (g *fakeGates) Device(_ context.Context, key string) (registry.Account, error) {
	if key != gateKey {
		return registry.Account{}, account.ErrNotLoggedIn
	}
	return g.gate, nil
}

// Receive knows one person.
func (b *bench) Receive(_ context.Context, text string, at time.Time) (citizen.Presented, error) {
	b.presentedAt = at
	if text != someone {
		return citizen.Presented{}, errs.New(errs.Invalid, "gate_input", "Nobody.")
	}
	return citizen.Presented{Alias: b.alias, How: scan.GateTyped}, nil
}

func gateRequest(path, key, body string) *http.Request {
	request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	return request
}

func TestGate(t *testing.T) {
	b := newBench(t)
	b.gates.gate = registry.Account{ID: uuid.New(), Role: registry.RoleGate, Place: uuid.New()}
	do := described(t, b)
	enrol := func(code string) *httptest.ResponseRecorder {
		return do(gateRequest("/api/v1/gate/enrol", "", `{"code":"`+code+`"}`))
	}
	if res := enrol("wrong"); res.Code != http.StatusGone {
		t.Errorf("a wrong code: %d", res.Code)
	}
	if res := enrol(gateCode); res.Code != http.StatusCreated || !strings.Contains(res.Body.String(), gateKey) {
		t.Errorf("a good code: %d %s", res.Code, res.Body)
	}
	if res := enrol(gateCode); res.Code != http.StatusGone {
		t.Errorf("a code that was used: %d", res.Code)
	}
	id := uuid.New()
	body := func(id uuid.UUID, more string) string {
		return fmt.Sprintf(`{"id":%q,"presented":"0912345678"%s}`, id, more)
	}
	for _, c := range []struct {
		key, body string
		status    int
		says      string
	}{
		{gateKey, body(id, ""), http.StatusOK, `"accepted"`},
		{gateKey, body(id, ""), http.StatusOK, `"duplicate"`},
		{gateKey, body(id, `,"kind":"out"`), http.StatusConflict, "id_conflict"},
		{gateKey, body(uuid.New(), `,"kind":"void","voids":"`+id.String()+`"`), http.StatusOK, `"accepted"`},
		{"", body(uuid.New(), ""), http.StatusUnauthorized, "not_logged_in"},
		{"other", body(uuid.New(), ""), http.StatusUnauthorized, "not_logged_in"},
		{goodCredential, body(uuid.New(), ""), http.StatusUnauthorized, "not_logged_in"},
		{gateKey, fmt.Sprintf(`{"id":%q,"presented":"12"}`, uuid.New()), http.StatusBadRequest, "gate_input"},
		{gateKey, body(uuid.Nil, ""), http.StatusBadRequest, "scan_id"},
		{gateKey, body(uuid.New(), `,"voids":"`+id.String()+`"`), http.StatusBadRequest, "scan_voids"},
		{gateKey, body(uuid.New(), `,"kind":"void"`), http.StatusBadRequest, "scan_voids"},
	} {
		res := do(gateRequest("/api/v1/gate/scans", c.key, c.body))
		if res.Code != c.status || !strings.Contains(res.Body.String(), c.says) {
			t.Errorf("%s: %d %s, want %d %s", c.body, res.Code, res.Body, c.status, c.says)
		}
	}
	timed := uuid.Must(uuid.NewV7())
	for i, want := range []string{"accepted", "duplicate", "duplicate"} { // the answer was lost
		b.later = time.Duration(i) * 45 * time.Second
		if res := do(gateRequest("/api/v1/gate/scans", gateKey, body(timed, ""))); res.Code != http.StatusOK || !strings.Contains(res.Body.String(), want) {
			t.Errorf("sent again after %v: %d %s, want %s", b.later, res.Code, res.Body, want)
		}
	}
	if s := b.logged()[timed]; s.At != now.Unix() || s.Place != b.gates.gate.Place || s.Serial != 0 {
		t.Errorf("logged as %+v", s)
	}
	for _, wrong := range []string{`{}`, `{"id":"x"}`, body(uuid.New(), `,"alias":"`+uuid.NewString()+`"`), body(uuid.New(), `,"kind":"sideways"`), body(uuid.New(), `,"place":"`+uuid.NewString()+`"`)} {
		if res := b.do(gateRequest("/api/v1/gate/scans", gateKey, wrong)); res.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", wrong, res.Code)
		}
	}
	limited := 0
	for range 4000 {
		if b.do(gateRequest("/api/v1/gate/scans", gateKey, `{}`)).Code == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited == 0 {
		t.Error("a gate may send without end")
	}
	for _, secret := range []string{gateKey, gateCode, "0912345678"} {
		if strings.Contains(b.log.String(), secret) {
			t.Errorf("%q is logged", secret)
		}
	}
}
