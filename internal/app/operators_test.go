package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/app"
	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/telemetry"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
	"github.com/truyvet/truyvet/qrgen"
)

// site is a server that answers people and operators.
type site struct {
	t         *testing.T
	parts     *app.Parts
	base, ops string
	stop      func() // and waits for the end
}

// freeAddress returns a loopback address that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// serve runs a server with these settings until the test ends.
func serve(t *testing.T, settings ...string) *site {
	t.Helper()
	return serveOn(t, newData(t), settings...)
}

// newData makes a data folder.
func newData(t *testing.T) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	if err := app.Init(t.Context(), configure(t, data, nil), time.Now); err != nil { // ClickHouse need not be there
		t.Fatal(err)
	}
	return data
}

// serveOn runs a server on a data folder.
func serveOn(t *testing.T, data string, settings ...string) *site {
	t.Helper()
	ops := freeAddress(t)
	parts, err := app.Open(t.Context(), configure(t, data, append(settings, "TRUYVET_OPS_LISTEN="+ops)), slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- parts.Serve(ctx, listener, nil) }()
	s := &site{t: t, parts: parts, base: "http://" + listener.Addr().String(), ops: "http://" + ops}
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serving: %v", err)
		}
		_ = parts.Close()
	})
	t.Cleanup(s.stop)
	awaitListening(t, ops)
	return s
}

// answer is what a server said.
type answer struct {
	status int
	retry  string
	body   string
	took   time.Duration
}

// send sends so many new scans of somebody, as if from an address behind the proxy.
func (s *site) send(alias uuid.UUID, scans int, from string) answer {
	s.t.Helper()
	token, err := s.parts.Keys.Sign(qrgen.Token{Kind: qrgen.KindMarket, Place: uuid.New(), IssuedAt: time.Now().Add(-time.Hour), Serial: 1})
	if err != nil {
		s.t.Fatal(err)
	}
	texts := make([]string, scans)
	for i := range texts {
		texts[i] = fmt.Sprintf(`{"id":%q,"token":%q}`, uuid.Must(uuid.NewV7()), token)
	}
	body := `{"scans":[` + strings.Join(texts, ",") + `]}`
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.base+"/api/v1/scans", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	credential, _ := s.parts.Credentials.Issue(alias)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+credential)
	req.Header.Set("X-Forwarded-For", from)
	return s.do(req)
}

func (s *site) get(url string) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.do(req)
}

func (s *site) do(req *http.Request) answer {
	s.t.Helper()
	start := time.Now()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Error(err)
		return answer{}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Error(err)
	}
	return answer{status: res.StatusCode, retry: res.Header.Get("Retry-After"), body: string(text), took: time.Since(start)}
}

// wantBusy checks that the answer is one to try again later, with a code.
func (s *site) wantBusy(a answer, status int, code string) {
	s.t.Helper()
	if seconds, err := strconv.Atoi(a.retry); a.status != status || err != nil || seconds < 1 || !strings.Contains(a.body, `"`+code+`"`) {
		s.t.Errorf("%d, Retry-After %q, %s; want %d %s", a.status, a.retry, a.body, status, code)
	}
}

// metric returns the value of a metric, written as the scrape has it.
func (s *site) metric(name string) float64 {
	s.t.Helper()
	for line := range strings.Lines(s.get(s.ops + "/metrics").body) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			value, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return value
		}
	}
	s.t.Errorf("there is no metric %s", name)
	return 0
}

// part returns what the server says of one of its parts, looked at anew.
func (s *site) part(name string) (telemetry.Status, telemetry.PartReport) {
	s.t.Helper()
	time.Sleep(1100 * time.Millisecond) // what was found a second ago is told again
	var report telemetry.Report
	if err := json.Unmarshal([]byte(s.get(s.ops+"/status").body), &report); err != nil {
		s.t.Fatal(err)
	}
	i := slices.IndexFunc(report.Parts, func(p telemetry.PartReport) bool { return p.Name == name })
	if i < 0 {
		s.t.Fatalf("there is no part %s in %+v", name, report)
	}
	return report.Status, report.Parts[i]
}

func clusterOn(redis *testenv.Server, more ...string) []string {
	return append([]string{"TRUYVET_REDIS_URL=redis://" + redis.Addr + "/0", "TRUYVET_CLICKHOUSE_URL=clickhouse://127.0.0.1:1/default"}, more...)
}

const anywhere = "203.0.113.7"

// TestStandaloneOperators sees what is counted, both limits, and the way out, of a server with nothing else.
func TestStandaloneOperators(t *testing.T) {
	s := serve(t, "TRUYVET_TRUSTED_PROXIES=127.0.0.1", "TRUYVET_DEVICE_LIMIT=100", "TRUYVET_ADDRESS_LIMIT=20")
	if a := s.send(uuid.New(), 20, anywhere); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if n := s.metric(`truyvet_scans_total{outcome="accepted"}`); n != 20 {
		t.Errorf("%v scans were counted", n)
	}
	if n := s.metric(`truyvet_append_seconds_count{result="ok"}`); n != 1 {
		t.Errorf("%v appends were counted", n)
	}
	if n := s.metric("truyvet_queue_limit_scans"); n < 1000 {
		t.Errorf("the bound of the queue is %v", n)
	}
	// Five minutes' worth of one device at once, and no more.
	device := uuid.New()
	if a := s.send(device, 500, "203.0.113.8"); a.status != http.StatusOK {
		t.Errorf("a whole burst: %d", a.status)
	}
	s.wantBusy(s.send(device, 1, "203.0.113.8"), http.StatusTooManyRequests, "device_limit")
	if a := s.send(uuid.New(), 1, "203.0.113.8"); a.status != http.StatusOK {
		t.Errorf("another device: %d", a.status)
	}
	// Twenty sendings of one address; of IPv6 the network counts.
	for i := range 20 {
		s.send(uuid.New(), 1, "2001:db8::"+strconv.Itoa(i+1))
	}
	s.wantBusy(s.send(uuid.New(), 1, "2001:db8::ffff"), http.StatusTooManyRequests, "address_limit")
	if a := s.send(uuid.New(), 1, "2001:db8:0:1::1"); a.status != http.StatusOK {
		t.Errorf("another network: %d", a.status)
	}
	for _, limit := range []string{"device", "address"} {
		if n := s.metric(`truyvet_limited_total{limit="` + limit + `"}`); n != 1 {
			t.Errorf("the limit %s is counted %v times", limit, n)
		}
	}
	if a := s.get(s.base + "/readyz"); a.status != http.StatusOK {
		t.Errorf("ready: %d %s", a.status, a.body)
	}
	if a := s.get(s.base + "/metrics"); a.status != http.StatusNotFound {
		t.Errorf("the metrics are shown to everybody: %d", a.status)
	}
	metrics := s.get(s.ops + "/metrics").body
	for _, private := range []string{device.String(), anywhere, "2001:db8"} {
		if strings.Contains(metrics, private) {
			t.Errorf("the metrics hold %s", private)
		}
	}
}

// TestReadinessGoesFirst stops a server and sees it say no while it still answers.
func TestReadinessGoesFirst(t *testing.T) {
	s := serve(t, "TRUYVET_DRAIN_SECONDS=2")
	stopped := make(chan struct{})
	if a := s.get(s.base + "/readyz"); a.status != http.StatusOK {
		t.Fatalf("ready: %d %s", a.status, a.body)
	}
	go func() {
		defer close(stopped)
		s.stop()
	}()
	for a := s.get(s.base + "/readyz"); a.status != http.StatusServiceUnavailable; a = s.get(s.base + "/readyz") {
		if a.status == 0 {
			t.Fatal("it went away while it was ready")
		}
	}
	if a := s.send(uuid.New(), 1, anywhere); a.status != http.StatusOK {
		t.Errorf("a scan meanwhile: %d %s", a.status, a.body)
	}
	if a := s.get(s.ops + "/readyz"); !strings.Contains(a.body, "stopping") {
		t.Errorf("operators are told %s", a.body)
	}
	<-stopped
}

// TestRedisThatHangsOrIsAway sees scans answered 503, at once but for those that find out, until Redis is there again.
func TestRedisThatHangsOrIsAway(t *testing.T) {
	server := testserver.Redis(t, testenv.RedisOptions{})
	s := serve(t, clusterOn(server)...)
	well := func() {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; {
			a := s.send(uuid.New(), 1, anywhere)
			if a.status == http.StatusOK {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("it has not come back: %d %s", a.status, a.body)
			}
		}
	}
	well()
	if _, found := s.part("redis_settings"); found.Status != "ok" {
		t.Errorf("settings: %+v", found)
	}
	if err := server.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	s.wantBusy(s.send(uuid.New(), 1, anywhere), http.StatusServiceUnavailable, "scan_log_unavailable")
	var sending sync.WaitGroup
	var mu sync.Mutex
	waited := 0
	for range 40 {
		sending.Go(func() {
			a := s.send(uuid.New(), 1, anywhere)
			s.wantBusy(a, http.StatusServiceUnavailable, "scan_log_unavailable")
			mu.Lock()
			defer mu.Unlock()
			if a.took > 1500*time.Millisecond {
				waited++
			}
		})
	}
	sending.Wait()
	if waited > 20 {
		t.Errorf("%d of 40 waited for a server that was known to hang", waited)
	}
	if status, found := s.part("scan_log"); status != telemetry.StatusDown || found.Status != "down" {
		t.Errorf("while Redis hangs: %s, %+v", status, found)
	}
	if a := s.get(s.base + "/readyz"); a.status != http.StatusServiceUnavailable || strings.Contains(a.body, server.Addr) {
		t.Errorf("while Redis hangs: %d %s", a.status, a.body)
	}
	if err := server.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	well()
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	s.wantBusy(s.send(uuid.New(), 1, anywhere), http.StatusServiceUnavailable, "scan_log_unavailable")
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	well()
	if waiting := s.metric("truyvet_queue_scans"); waiting != 0 {
		t.Errorf("%v scans still wait", waiting)
	}
}

// TestRedisThatIsFull sees scans answered 503 by a Redis at its memory's bound and by a stream at its limit, the server
// degraded and not down, and all of it well again once there is room.
func TestRedisThatIsFull(t *testing.T) {
	server := testserver.Redis(t, testenv.RedisOptions{})
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { _ = client.Close() })
	s := serve(t, clusterOn(server, "TRUYVET_SHARDS=1", "TRUYVET_STREAM_LIMIT=1000")...)
	if a := s.send(uuid.New(), 400, anywhere); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if status, found := s.part("backlog"); status != telemetry.StatusDegraded || found.Status != "ok" || found.Facts["backlog_entries"] != 400 {
		t.Errorf("with 400 entries and no ClickHouse: %s, %+v", status, found)
	}
	bound := func(bytes string) {
		t.Helper()
		if err := client.ConfigSet(t.Context(), "maxmemory", bytes).Err(); err != nil {
			t.Fatal(err)
		}
	}
	bound("1mb")
	s.wantBusy(s.send(uuid.New(), 1, anywhere), http.StatusServiceUnavailable, "scan_log_full")
	if _, found := s.part("backlog"); found.Status != "degraded" || !strings.Contains(found.Detail, "Redis uses") {
		t.Errorf("out of memory: %+v", found)
	}
	if a := s.get(s.base + "/readyz"); a.status != http.StatusOK || !strings.Contains(a.body, "degraded") {
		t.Errorf("out of memory: %d %s", a.status, a.body)
	}
	bound("0")
	if a := s.send(uuid.New(), 500, anywhere); a.status != http.StatusOK {
		t.Errorf("with room again: %d %s", a.status, a.body)
	}
	s.wantBusy(s.send(uuid.New(), 101, anywhere), http.StatusServiceUnavailable, "scan_log_full")
	if _, found := s.part("backlog"); found.Facts["stream_entries"] != 900 || found.Facts["stream_limit_entries"] != 1000 || found.Status != "degraded" {
		t.Errorf("a stream at its limit: %+v", found)
	}
	if n := s.metric(`truyvet_append_seconds_count{result="full"}`); n != 2 {
		t.Errorf("%v appends were counted as full", n)
	}
	if err := client.ConfigSet(t.Context(), "appendfsync", "everysec").Err(); err != nil {
		t.Fatal(err)
	}
	if _, found := s.part("redis_settings"); found.Status != "degraded" || !strings.Contains(found.Detail, "appendfsync") {
		t.Errorf("with a setting that endangers scans: %+v", found)
	}
}

// TestWorkerAnswersOperators runs a worker against a store that is away, and then with it.
func TestWorkerAnswersOperators(t *testing.T) {
	redis := testserver.Redis(t, testenv.RedisOptions{})
	clickhouse := testserver.ClickHouse(t, testenv.ClickHouseOptions{})
	settings := []string{"TRUYVET_REDIS_URL=redis://" + redis.Addr + "/0", "TRUYVET_CLICKHOUSE_URL=clickhouse://" + clickhouse.Addr + "/default"}
	s := serve(t, settings...)
	ops := freeAddress(t)
	cfg := configure(t, s.parts.Config.DataDir, append(settings, "TRUYVET_OPS_LISTEN="+ops))
	if err := app.Migrate(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if a := s.send(uuid.New(), 100, anywhere); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	var log bytes.Buffer
	go func() { done <- app.Work(ctx, cfg, slog.New(slog.NewTextHandler(&log, nil))) }()
	w := &site{t: t, ops: "http://" + ops}
	awaitListening(t, ops)
	for deadline := time.Now().Add(time.Minute); w.metric("truyvet_worker_stored_total") < 100; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the scans are not stored")
		}
	}
	if status, found := w.part("backlog"); status != telemetry.StatusReady || found.Facts["backlog_entries"] != 0 {
		t.Errorf("all is stored: %s, %+v", status, found)
	}
	if n := w.metric("truyvet_insert_scans_sum"); n != 100 {
		t.Errorf("%v scans were counted as inserted", n)
	}
	if n := w.metric("truyvet_worker_dropped_total") + w.metric("truyvet_dropped_entries"); n != 0 {
		t.Errorf("%v were dropped", n)
	}
	if a := w.get(w.ops + "/readyz"); a.status != http.StatusOK {
		t.Errorf("ready: %d %s", a.status, a.body)
	}
	if err := clickhouse.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if status, found := w.part("scan_store"); status != telemetry.StatusDown || found.Status != "down" {
		t.Errorf("while ClickHouse hangs: %s, %+v", status, found)
	}
	if status, _ := s.part("scan_store"); status != telemetry.StatusDegraded {
		t.Errorf("while ClickHouse hangs, of the server: %s", status)
	}
	if err := clickhouse.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("the worker: %v\n%s", err, log.String())
	}
}

func awaitListening(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// TestADefaultAddressThatIsTaken leaves the server without metrics, and one that was chosen is an error.
func TestADefaultAddressThatIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	data := filepath.Join(t.TempDir(), "data")
	if err := app.Init(t.Context(), configure(t, data, nil), time.Now); err != nil {
		t.Fatal(err)
	}
	try := func(settings ...string) error {
		parts := open(t, configure(t, data, settings))
		defer parts.Close()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return parts.Serve(ctx, listener, nil)
	}
	if err := try("TRUYVET_OPS_LISTEN=" + taken.Addr().String()); err == nil || !strings.Contains(err.Error(), "TRUYVET_OPS_LISTEN") {
		t.Errorf("chosen: %v", err)
	}
	before := taken.Addr().(*net.TCPAddr).Port - 1
	if err := try("TRUYVET_LISTEN=127.0.0.1:" + strconv.Itoa(before)); err != nil {
		t.Errorf("by default: %v", err)
	}
	if err := try("TRUYVET_OPS_LISTEN=off"); err != nil {
		t.Errorf("off: %v", err)
	}
	if address, _ := configure(t, data, []string{"TRUYVET_LISTEN=127.0.0.1:" + strconv.Itoa(before)}).OpsAddress(config.ServeProcess); address != taken.Addr().String() {
		t.Errorf("the default was %s", address)
	}
}
