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
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/turnout"
	"github.com/truyvet/truyvet/qrgen"
)

const (
	gateKey  = "tvg_key"
	gateCode = "abcde-fghij-klmno-pqrst"
	someone  = "0912345678" // whom everybody is at this gate
)

// fakeGates knows one device, and one code that is good once.
type fakeGates struct {
	gate     registry.Account
	vehicle  bool // its place
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

// Read knows one person.
func (b *bench) Read(text string, at time.Time) (citizen.Visitor, error) {
	b.presentedAt = at
	if text != someone {
		return citizen.Visitor{}, errs.New(errs.Invalid, "gate_input", "Nobody.")
	}
	return citizen.Visitor{Presented: citizen.Presented{Alias: b.alias, How: scan.GateTyped}}, nil
}

// Keep counts who is kept.
func (b *bench) Keep(_ context.Context, visitors ...citizen.Visitor) error {
	b.kept += len(visitors)
	return b.keepFails
}

// rooms is the places of a bench: there is a gate's own, and rooms inside it.
type rooms struct{ gates *fakeGates }

var room = uuid.MustParse("018c0a3e-0000-7000-8000-00000000000a")

func (r rooms) Name(place uuid.UUID) (places.Name, bool) {
	if place == room {
		return places.Name{Name: "Room", Site: "Site", Kind: qrgen.KindMeetingRoom}, true
	}
	name := places.Name{Name: "Site", Kind: qrgen.KindOffice}
	if r.gates.vehicle {
		name.Kind = qrgen.KindVehicle
	}
	return name, place == r.gates.gate.Place
}

func (r rooms) Part(_ uuid.UUID, text string) (string, uuid.UUID, error) {
	text, err := qrgen.FromURL(text)
	if err != nil {
		return "", uuid.Nil, err
	}
	read, err := qrgen.Parse(text)
	if place := read.Token.Place; err == nil && place != room && place != r.gates.gate.Place {
		err = places.ErrOutside
	}
	return text, read.Token.Place, err
}

// Present knows of twelve people in the rooms, and of a few at the gates.
func (r rooms) Present(_ context.Context, place uuid.UUID, whole bool) (turnout.Present, error) {
	if whole {
		return turnout.Present{AsOf: now.Unix(), Few: true}, nil
	}
	return turnout.Present{AsOf: now.Unix(), People: 12}, nil
}

// placeCode signs a code of a place that was issued so long before now.
func (b *bench) placeCode(t qrgen.Token, before time.Duration) string {
	b.t.Helper()
	t.IssuedAt = now.Add(-before)
	text, err := b.keys.Sign(t)
	if err != nil {
		b.t.Fatal(err)
	}
	return text
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
	b.paced = errs.Busy("gate_limit", "Slowly.", time.Second)
	if res := b.do(gateRequest("/api/v1/gate/scans", gateKey, body(uuid.New(), ""))); res.Header().Get("Retry-After") != "1" {
		t.Errorf("beyond its limit: %d %s", res.Code, res.Body)
	}
	for _, secret := range []string{gateKey, gateCode, "0912345678"} {
		if strings.Contains(b.log.String(), secret) {
			t.Errorf("%q is logged", secret)
		}
	}
}

// TestGateInside scans into the places inside a gate's own, and no others.
func TestGateInside(t *testing.T) {
	b := newBench(t)
	b.gates.gate = registry.Account{ID: uuid.New(), Role: registry.RoleGate, Place: uuid.New()}
	do := described(t, b)
	token := qrgen.Token{Kind: qrgen.KindMeetingRoom, Place: room, Serial: 3}
	good := b.placeCode(token, time.Hour)
	own := b.placeCode(qrgen.Token{Kind: qrgen.KindOffice, Place: b.gates.gate.Place, Serial: 1}, time.Hour)
	other := b.placeCode(qrgen.Token{Kind: qrgen.KindShop, Place: uuid.New(), Serial: 1}, time.Hour)
	revoked := b.placeCode(qrgen.Token{Kind: qrgen.KindMeetingRoom, Place: room, Serial: 99}, time.Hour)
	forged := good[:120] + other[120:]
	ended := func() string {
		with := token
		with.ExpiresAt = now.Add(-time.Minute)
		return b.placeCode(with, time.Hour)
	}()
	for _, c := range []struct {
		token  string
		status int
		says   string
	}{
		{"", http.StatusOK, `"few":true`},
		{own, http.StatusOK, `"name":"Site"`},
		{good, http.StatusOK, `"name":"Room"`},
		{"https://truyvet.vn/q/" + strings.ToLower(good), http.StatusOK, `"people":12`},
		{other, http.StatusForbidden, "gate_place_outside"},
		{revoked, http.StatusGone, "code_revoked"},
		{ended, http.StatusGone, "code_expired"},
		{forged, http.StatusBadRequest, "code_bad_signature"},
		{"nonsense", http.StatusBadRequest, "code_malformed"},
	} {
		res := do(gateRequest("/api/v1/gate/place", gateKey, fmt.Sprintf(`{"token":%q}`, c.token)))
		if res.Code != c.status || !strings.Contains(res.Body.String(), c.says) {
			t.Errorf("the place of %.30q: %d %s, want %d %s", c.token, res.Code, res.Body, c.status, c.says)
		}
		id, want := uuid.New(), b.gates.gate.Place
		res = do(gateRequest("/api/v1/gate/scans", gateKey, fmt.Sprintf(`{"id":%q,"presented":%q,"token":%q}`, id, someone, c.token)))
		if res.Code != c.status {
			t.Errorf("a scan with %.30q: %d %s, want %d", c.token, res.Code, res.Body, c.status)
		}
		if strings.Contains(c.says, "Room") || strings.Contains(c.says, "12") {
			want = room
		}
		if s, there := b.logged()[id]; there != (c.status == http.StatusOK) || there && s.Place != want {
			t.Errorf("with %.30q it is logged: %v, at %v, want %v", c.token, there, s.Place, want)
		}
	}
	if res := do(gateRequest("/api/v1/gate/place", "other", `{}`)); res.Code != http.StatusUnauthorized {
		t.Errorf("the place for a stranger: %d", res.Code)
	}
	b.paced = errs.Busy("gate_limit", "Slowly.", time.Second)
	if res := do(gateRequest("/api/v1/gate/place", gateKey, `{}`)); res.Header().Get("Retry-After") != "1" {
		t.Errorf("beyond its limit: %d %s", res.Code, res.Body)
	}
	b.paced = nil

	// A queue: what was good when somebody came is good, though the code has ended since.
	then := now.Add(-time.Hour).Unix()
	first := b.keep(uuid.New(), then, someone)
	queue := []queued{
		first.with("token", good),
		b.keep(uuid.New(), then+1, someone).with("token", ended),
		b.keep(uuid.New(), now.Unix(), someone).with("token", ended),
		b.keep(uuid.New(), then+2, someone).with("token", other),
		b.keep(uuid.New(), then+3, someone),
		{"id": uuid.New(), "at": then + 4, "kind": "void", "voids": first["id"], "box": first["box"]},
		{"id": uuid.New(), "at": then + 5, "kind": "void", "voids": first["id"], "box": first["box"], "token": good},
	}
	b.kept = 0
	wantAnswers(t, b.deliver(now.Unix(), queue...),
		"accepted", "accepted", "code_expired", "gate_place_outside", "accepted", "accepted", "scan_voids")
	if b.kept != 3 {
		t.Errorf("%d people are kept, want those of the three scans that are recorded", b.kept)
	}
	all := b.logged()
	for i, want := range map[int]uuid.UUID{0: room, 1: room, 4: b.gates.gate.Place, 5: b.gates.gate.Place} {
		if s := all[queue[i]["id"].(uuid.UUID)]; s.Place != want || s.Alias != b.alias {
			t.Errorf("scan %d is logged as %+v, want at %v", i, s, want)
		}
	}
	if s := all[queue[0]["id"].(uuid.UUID)]; s.Serial != 3 {
		t.Errorf("logged with the serial %d", s.Serial)
	}
}

// TestUndoAtAGateWithACodeThatHasEnded lets an undoing come when the personal code of its scan is over.
func TestUndoAtAGateWithACodeThatHasEnded(t *testing.T) {
	b := newBench(t)
	b.gates.gate = registry.Account{ID: uuid.New(), Role: registry.RoleGate, Place: uuid.New()}
	id := uuid.New()
	scan := fmt.Sprintf(`{"id":%q,"presented":%q`, uuid.New(), someone)
	for body, want := range map[string]time.Duration{scan + "}": 0, scan + `,"kind":"void","voids":"` + id.String() + `"}`: 4 * time.Minute} {
		b.do(gateRequest("/api/v1/gate/scans", gateKey, body))
		if got := now.Sub(b.presentedAt); got != want {
			t.Errorf("%s: judged as of %v ago, want %v", body, got, want)
		}
	}
	if b.kept != 1 {
		t.Errorf("%d are kept, want only who came", b.kept)
	}
}
