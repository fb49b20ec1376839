package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/httpapi"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanstore/sqlite"
	"github.com/truyvet/truyvet/qrgen"
)

var now = time.Date(2021, 12, 2, 3, 0, 0, 0, time.UTC)

// bench is an API over a real scan log.
type bench struct {
	t      *testing.T
	store  *sqlite.Store
	keys   *qrgen.KeySet
	engine *gin.Engine
	alias  uuid.UUID
	log    *bytes.Buffer

	ready    func() (int, any)
	refused  []string // reasons that were told of
	answered []string // requests that were told of

	later time.Duration // how long after now it is

	forgotten   bool        // the citizen's number is kept no more
	companions  []uuid.UUID // of the citizen
	presentedAt time.Time   // as of when somebody was read last
	kept        int         // how many were kept
	keepFails   error
	paced       error // what the limit of gates says
	gates       fakeGates
	drivers     fakeDrivers
	declared    fakeDeclarations
	tracing     fakeTracing
	files       fakeFiles
	actor       registry.Account
	actorErr    error
}

const goodCredential = "the credential"

func newBench(t *testing.T) *bench {
	t.Helper()
	gin.SetMode(gin.ReleaseMode)
	store, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	keys := qrgen.NewKeySet()
	if _, err := keys.Create(now.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, store: store, keys: keys, engine: gin.New(), alias: uuid.New(), actor: registry.Account{Role: registry.RoleCity}, log: new(bytes.Buffer)}
	b.ready = func() (int, any) { return http.StatusOK, gin.H{"status": "ready", "parts": gin.H{"registry": "ok"}} }
	logger := slog.New(slog.NewTextHandler(b.log, nil))
	clock := func() time.Time { return now.Add(b.later) }
	api := httpapi.New(httpapi.Deps{
		Ingest: ingest.New(ingest.Config{
			Keys: keys, Log: store, Retention: 21 * 24 * time.Hour, Clock: clock,
			Ends: func(_ uuid.UUID, serial uint32) int64 {
				if serial == 99 {
					return 1
				}
				return 0
			},
		}),
		Verify: func(text string) (uuid.UUID, error) {
			if text != goodCredential {
				return uuid.Nil, errs.New(errs.Unauthenticated, "credential", "Not good.")
			}
			return b.alias, nil
		},
		Kept: func(context.Context, uuid.UUID) (bool, error) { return !b.forgotten, nil }, Browsers: b,
		CookieName: "credential", Keys: keys, Logger: logger, Clock: clock, Location: time.FixedZone("", 7*60*60),
		Ready:   func(context.Context) (int, any) { return b.ready() },
		Refused: func(reason string) { b.refused = append(b.refused, reason) },
		Gates:   &b.gates, PaceGate: func(uuid.UUID, int) error { return b.paced }, Reception: b, Boxes: boxes(t), Drivers: &b.drivers, Declarations: &b.declared, Places: rooms{&b.gates}, Turnout: rooms{&b.gates}, Check: b.check, Revoked: b.revokedFile,
		FindPlaces: b.files.find, PlaceFiles: &b.files, Directory: fakeDirectory{},
		Tracing: &b.tracing, Actor: func(context.Context) (registry.Account, error) { return b.actor, b.actorErr },
	})
	b.engine.HandleMethodNotAllowed = true
	b.engine.Use(httpapi.Logged(httpapi.Logging{
		Logger: logger, Clock: clock,
		Trusted: func(a netip.Addr) bool { return a == netip.MustParseAddr("10.0.0.1") },
		Answered: func(route, face, status string, _ time.Duration) {
			b.answered = append(b.answered, route+" "+face+" "+status)
		},
	}), httpapi.Secured, httpapi.Recovered(logger, func(c *gin.Context, err error) {
		httpapi.Fail(c, logger, err)
	}))
	api.Register(b.engine)
	b.engine.GET("/panics/:token", func(*gin.Context) { panic("at the disco") })
	return b
}

// token signs a code; change what it should differ in.
func (b *bench) token(change func(*qrgen.Token)) string {
	b.t.Helper()
	token := qrgen.Token{Kind: qrgen.KindMarket, Place: uuid.New(), IssuedAt: now.Add(-time.Hour), Serial: 1}
	if change != nil {
		change(&token)
	}
	text, err := b.keys.Sign(token)
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

func (b *bench) do(req *http.Request) *httptest.ResponseRecorder {
	res := httptest.NewRecorder()
	b.engine.ServeHTTP(res, req)
	return res
}

// post sends a body as a citizen's client does.
func (b *bench) post(body string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodPost, "/api/v1/scans", strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+goodCredential)
	return b.do(req)
}

type result struct{ ID, Status, Code string }

// results reads an answer that must be 200.
func (b *bench) results(res *httptest.ResponseRecorder) []result {
	b.t.Helper()
	if res.Code != http.StatusOK {
		b.t.Fatalf("status %d: %s", res.Code, res.Body)
	}
	var answer struct{ Results []result }
	if err := json.Unmarshal(res.Body.Bytes(), &answer); err != nil {
		b.t.Fatal(err)
	}
	return answer.Results
}

// stored reads everything in the store.
func (b *bench) stored() []scan.Scan {
	b.t.Helper()
	tail, err := b.store.Tail(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	var all []scan.Scan
	err = b.store.Read(b.t.Context(), scanlog.Watermark{}, tail, func(block []scan.Scan) error {
		all = append(all, block...)
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

func batch(scans ...string) string { return `{"scans":[` + strings.Join(scans, ",") + `]}` }

// v7 makes an id at a time.
func v7(at time.Time) uuid.UUID {
	id := uuid.New()
	ms := at.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	id[6] = 0x70 | id[6]&0x0f
	return id
}

// wire is a scan of now, unless more says when.
func wire(id uuid.UUID, token, more string) string {
	if !strings.Contains(more, `"at"`) {
		more += fmt.Sprintf(`,"at":%d`, now.Unix())
	}
	return fmt.Sprintf(`{"id":%q,"token":%q%s}`, id, token, more)
}

// TestBatchJudgesEachScan sends good scans among every kind of bad one, and sees the good ones kept and each bad one
// named.
func TestBatchJudgesEachScan(t *testing.T) {
	b := newBench(t)
	good := b.token(nil)
	flipped := []byte(good)
	if flipped[100]++; flipped[100] == 'Z'+1 || flipped[100] == '7'+1 {
		flipped[100] = 'A'
	}
	foreign := qrgen.NewKeySet()
	for range 2 { // the second key has an id that ours do not have
		if _, err := foreign.Create(now); err != nil {
			t.Fatal(err)
		}
	}
	unknownKey, err := foreign.Sign(qrgen.Token{Kind: qrgen.KindShop, Place: uuid.New(), IssuedAt: now, Serial: 1})
	if err != nil {
		t.Fatal(err)
	}
	expired := b.token(func(t *qrgen.Token) { t.ExpiresAt = now.Add(-time.Minute) })
	id := uuid.New
	cases := []struct{ scan, status, code string }{
		{wire(id(), good, ""), "accepted", ""},
		{wire(id(), string(flipped), ""), "refused", "code_bad_signature"},
		{wire(id(), unknownKey, ""), "refused", "code_unknown_key"},
		{wire(id(), expired, ""), "refused", "code_expired"},
		{wire(id(), expired, fmt.Sprintf(`,"at":%d`, now.Add(-2*time.Minute).Unix())), "accepted", ""},
		{wire(id(), b.token(func(t *qrgen.Token) { t.Serial = 99 }), ""), "refused", "code_revoked"},
		{wire(id(), b.token(func(t *qrgen.Token) { t.IssuedAt = now.Add(time.Hour) }), ""), "refused", "code_issued_in_future"},
		{wire(id(), "nonsense", ""), "refused", "code_malformed"},
		{wire(id(), "", ""), "refused", "code_missing"},
		{wire(id(), "https://c.example.vn/q/"+strings.ToLower(good), ""), "accepted", ""},
		{wire(id(), good, fmt.Sprintf(`,"alias":%q`, id())), "refused", "alias_not_allowed"},
		{wire(id(), good, `,"alias":null`), "refused", "alias_not_allowed"},
		{wire(id(), good, `,"person":"x"`), "refused", "scan_malformed"},
		{wire(id(), good, `,"at":"yesterday"`), "refused", "scan_malformed"},
		{wire(id(), good, `,"trip":"`+id().String()+`"`), "refused", "scan_malformed"},
		{fmt.Sprintf(`{"id":%q,"token":%q}`, uuid.New(), good), "refused", "scan_time_missing"},
		{fmt.Sprintf(`{"id":%q,"token":%q}`, v7(now), good), "accepted", ""},
		{fmt.Sprintf(`{"id":%q,"token":%q}`, v7(now.Add(-30*24*time.Hour)), good), "refused", "scan_time_too_old"},
		{wire(id(), good, `,"kind":"inside"`), "refused", "scan_kind"},
		{wire(id(), good, `,"how":"gate_card"`), "refused", "scan_how"},
		{wire(id(), good, fmt.Sprintf(`,"at":%d`, now.Add(299*time.Second).Unix())), "accepted", ""},
		{wire(id(), good, fmt.Sprintf(`,"at":%d`, now.Add(301*time.Second).Unix())), "refused", "scan_time_future"},
		{wire(id(), good, fmt.Sprintf(`,"at":%d`, now.Add(-22*24*time.Hour).Unix())), "refused", "scan_time_too_old"},
		{`{"id":"12","token":"` + good + `"}`, "refused", "scan_id"},
		{wire(uuid.Nil, good, ""), "refused", "scan_id_missing"},
		{`7`, "refused", "scan_malformed"},
		{`null`, "refused", "scan_id"},
		{wire(id(), good, `,"kind":"out"`), "accepted", ""},
	}
	var scans []string
	accepted := 0
	for _, c := range cases {
		scans = append(scans, c.scan)
		if c.status == "accepted" {
			accepted++
		}
	}
	results := b.results(b.post(batch(scans...)))
	if len(results) != len(cases) {
		t.Fatalf("%d results for %d scans", len(results), len(cases))
	}
	for i, c := range cases {
		if results[i].Status != c.status || results[i].Code != c.code {
			t.Errorf("scan %d %.120s: %s %q, want %s %q", i, c.scan, results[i].Status, results[i].Code, c.status, c.code)
		}
	}
	stored := b.stored()
	if len(stored) != accepted {
		t.Errorf("%d scans stored, %d accepted", len(stored), accepted)
	}
	for _, s := range stored {
		if s.Alias != b.alias {
			t.Errorf("a scan was stored for the alias %s", s.Alias)
		}
	}
	if strings.Contains(b.log.String(), good) || strings.Contains(b.log.String(), b.alias.String()) {
		t.Error("the log holds a token or an alias")
	}
}

// TestSendingAgain sees a repeat answered as such, and other content under the same id refused.
func TestSendingAgain(t *testing.T) {
	b := newBench(t)
	id, token := uuid.Must(uuid.NewV7()), b.token(nil)
	at := fmt.Sprintf(`,"at":%d`, now.Unix())
	same := wire(id, token, at)
	other := wire(id, b.token(nil), at)
	for i, step := range []struct {
		body string
		want []result
	}{
		{batch(same, same), []result{{id.String(), "accepted", ""}, {id.String(), "duplicate", ""}}},
		{batch(same), []result{{id.String(), "duplicate", ""}}},
		{batch(other, same), []result{{id.String(), "refused", "id_conflict"}, {id.String(), "duplicate", ""}}},
	} {
		for k, got := range b.results(b.post(step.body)) {
			if got != step.want[k] {
				t.Errorf("step %d, scan %d: %v, want %v", i, k, got, step.want[k])
			}
		}
	}
	if n := len(b.stored()); n != 1 {
		t.Errorf("%d scans stored, want 1", n)
	}
}

// TestBadRequests sees every request that is wrong as a whole answered clearly, and nothing of it kept.
func TestBadRequests(t *testing.T) {
	b := newBench(t)
	good := wire(uuid.New(), b.token(nil), "")
	many := make([]string, 501)
	for i := range many {
		many[i] = good
	}
	huge := `{"scans":["` + strings.Repeat("x", 10<<20) + `"]}`
	for name, c := range map[string]struct {
		method, body, media, credential string
		status                          int
		code                            string
	}{
		"wrong JSON":         {"POST", `{"scans":[`, "application/json", goodCredential, 400, "body_malformed"},
		"two values":         {"POST", batch(good) + batch(good), "application/json", goodCredential, 400, "body_malformed"},
		"array":              {"POST", "[" + good + "]", "application/json", goodCredential, 400, "body_malformed"},
		"unknown field":      {"POST", `{"scans":[],"x":1}`, "application/json", goodCredential, 400, "body_malformed"},
		"empty body":         {"POST", "", "application/json", goodCredential, 400, "body_malformed"},
		"no scan":            {"POST", `{"scans":[]}`, "application/json", goodCredential, 400, "batch_empty"},
		"alias of a batch":   {"POST", `{"alias":"x","scans":[` + good + `]}`, "application/json", goodCredential, 400, "alias_not_allowed"},
		"501 scans":          {"POST", batch(many...), "application/json", goodCredential, 413, "batch_too_large"},
		"10 MB":              {"POST", huge, "application/json", goodCredential, 413, "body_too_large"},
		"a form":             {"POST", batch(good), "application/x-www-form-urlencoded", goodCredential, 415, "unsupported_media_type"},
		"no media type":      {"POST", batch(good), "", goodCredential, 415, "unsupported_media_type"},
		"no credential":      {"POST", batch(good), "application/json", "", 401, "credential_missing"},
		"a wrong credential": {"POST", batch(good), "application/json", "x", 401, "credential"},
	} {
		t.Run(name, func(t *testing.T) {
			req := httptest.NewRequest(c.method, "/api/v1/scans", strings.NewReader(c.body))
			if c.media != "" {
				req.Header.Set("Content-Type", c.media)
			}
			if c.credential != "" {
				req.Header.Set("Authorization", "Bearer "+c.credential)
			}
			res := b.do(req)
			var p struct {
				Code   string
				Status int
			}
			if err := json.Unmarshal(res.Body.Bytes(), &p); err != nil {
				t.Fatalf("status %d, not a problem: %.200s", res.Code, res.Body)
			}
			if res.Code != c.status || p.Code != c.code || p.Status != c.status {
				t.Errorf("status %d, code %q, want %d %q", res.Code, p.Code, c.status, c.code)
			}
			if media := res.Header().Get("Content-Type"); !strings.HasPrefix(media, "application/problem+json") {
				t.Errorf("media type %q", media)
			}
		})
	}
	if n := len(b.stored()); n != 0 {
		t.Errorf("%d scans stored", n)
	}
	if res := b.do(httptest.NewRequest(http.MethodGet, "/api/v1/scans", nil)); res.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: status %d", res.Code)
	}
}

// TestFullLogAnswersRetryAfter sees a log that can take no more answered with 503 and when to come back.
func TestFullLogAnswersRetryAfter(t *testing.T) {
	b := newBench(t)
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	res := b.post(batch(wire(uuid.New(), b.token(nil), "")))
	if res.Code != http.StatusServiceUnavailable || res.Header().Get("Retry-After") == "" {
		t.Errorf("status %d, Retry-After %q: %s", res.Code, res.Header().Get("Retry-After"), res.Body)
	}
}

// TestPanicIsAnswered sees a panic become a plain 500 whose path is not in the log.
func TestPanicIsAnswered(t *testing.T) {
	b := newBench(t)
	res := b.do(httptest.NewRequest(http.MethodGet, "/panics/SECRETTOKEN", nil))
	if res.Code != http.StatusInternalServerError || strings.Contains(res.Body.String(), "disco") {
		t.Errorf("status %d: %s", res.Code, res.Body)
	}
	if !strings.Contains(b.log.String(), "disco") || strings.Contains(b.log.String(), "SECRETTOKEN") {
		t.Errorf("log: %s", b.log)
	}
}

// TestKeysAreServed sees the public keys verify a code, and hold nothing private.
func TestKeysAreServed(t *testing.T) {
	b := newBench(t)
	res := b.do(httptest.NewRequest(http.MethodGet, "/.well-known/truyvet-keys.json", nil))
	keys, err := qrgen.ParsePublicKeys(res.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Verify(b.token(nil), now, nil); err != nil {
		t.Error(err)
	}
	if _, err := keys.Sign(qrgen.Token{Kind: qrgen.KindShop, Place: uuid.New(), IssuedAt: now, Serial: 1}); !errors.Is(err, qrgen.ErrNoSigningKey) {
		t.Errorf("the public keys sign: %v", err)
	}
}

// described is a check of requests and answers against openapi.yaml.
func described(t *testing.T, b *bench) func(*http.Request) *httptest.ResponseRecorder {
	t.Helper()
	served := b.do(httptest.NewRequest(http.MethodGet, "/api/openapi.yaml", nil))
	description, err := openapi3.NewLoader().LoadFromData(served.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := description.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(description)
	if err != nil {
		t.Fatal(err)
	}
	return func(req *http.Request) *httptest.ResponseRecorder {
		t.Helper()
		what := req.Method + " " + req.URL.String()
		route, params, err := router.FindRoute(req)
		if err != nil {
			t.Fatalf("%s is not described: %v", what, err)
		}
		in := &openapi3filter.RequestValidationInput{
			Request: req, PathParams: params, Route: route,
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
		}
		if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil {
			t.Errorf("%s: the request: %v", what, err)
		}
		res := b.do(req)
		err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: in, Status: res.Code, Header: res.Header(), Body: io.NopCloser(bytes.NewReader(res.Body.Bytes())),
		})
		if err != nil {
			t.Errorf("%s: the answer: %v", what, err)
		}
		return res
	}
}

// TestAnswersMatchDescription holds the answers against openapi.yaml.
func TestAnswersMatchDescription(t *testing.T) {
	b := newBench(t)
	do := described(t, b)
	token := b.token(nil)
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/api/v1/scans", batch(wire(uuid.New(), token, ""), wire(uuid.New(), token, `,"kind":"out","how":"phone_offline"`))},
		{"POST", "/api/v1/scans", batch(wire(uuid.New(), "x", ""))},
		{"POST", "/api/v1/scans", batch(wire(uuid.New(), token, `,"kind":"void"`))},
		{"GET", "/api/v1/check/" + token, ""},
		{"GET", "/api/v1/check/" + b.token(func(k *qrgen.Token) { k.Serial = 98 }), ""},
		{"GET", "/api/v1/check/ABC", ""},
		{"GET", "/.well-known/truyvet-keys.json", ""},
		{"GET", "/.well-known/truyvet-revoked.json", ""},
		{"GET", "/healthz", ""},
		{"GET", "/readyz", ""},
	} {
		req := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		if c.method == "POST" {
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Authorization", "Bearer "+goodCredential)
		}
		do(req)
	}
}

// FuzzScans sees any body answered with a status below 500.
func FuzzScans(f *testing.F) {
	for _, seed := range []string{`{"scans":[]}`, `{"scans":[{"id":"x","token":"y","at":-9223372036854775808}]}`, `null`, `{"scans":[null,{},[]]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b := newBench(t)
		if res := b.post(string(body)); res.Code >= 500 {
			t.Errorf("status %d for %q", res.Code, body)
		}
	})
}
