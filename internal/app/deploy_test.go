package app_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/app"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
)

var update = flag.Bool("update", false, "write deploy/metrics.md anew")

// deploy is the folder of what operators run truyvet with.
const deploy = "../../deploy"

// family is a metric as a scrape describes it.
type family struct{ help, kind string }

// families reads the metrics that a process exports.
func (s *site) families(into map[string]family) {
	for line := range strings.Lines(s.get(s.ops + "/metrics").body) {
		fields := strings.SplitN(strings.TrimSpace(line), " ", 4)
		if len(fields) < 4 || fields[0] != "#" {
			continue
		}
		f := into[fields[2]]
		switch fields[1] {
		case "HELP":
			f.help = fields[3]
		case "TYPE":
			f.kind = fields[3]
		}
		into[fields[2]] = f
	}
}

// TestDeployNamesWhatIsThere holds the dashboard, the alerts and the page on metrics to what servers and workers export, and
// every alert to a page of its own.
func TestDeployNamesWhatIsThere(t *testing.T) {
	redis := testserver.Redis(t, testenv.RedisOptions{})
	s := serve(t, clusterOn(redis)...)
	s.sendRefused()
	ops := freeAddress(t)
	cfg := configure(t, s.parts.Config.DataDir, clusterOn(redis, "TRUYVET_OPS_LISTEN="+ops))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- app.Work(ctx, cfg, slog.New(slog.DiscardHandler)) }()
	awaitListening(t, ops)
	exported := make(map[string]family)
	s.families(exported)
	for deadline, alone := time.Now().Add(time.Minute), serve(t, certificateFiles(t)...); exported["truyvet_index_age_seconds"].kind == ""; time.Sleep(100 * time.Millisecond) {
		alone.families(exported) // its index is up to date once it has loaded
		if time.Now().After(deadline) {
			t.Fatal("the index does not become up to date")
		}
	}
	(&site{t: t, ops: "http://" + ops}).families(exported)
	stop()
	if err := <-done; err != nil {
		t.Errorf("the worker: %v", err)
	}

	checkPage(t, exported)
	known := func(name string) bool {
		for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
			base, has := strings.CutSuffix(name, suffix)
			if f, there := exported[base]; has && there && (suffix == "" || f.kind == "histogram") {
				return true
			}
		}
		return false
	}
	names := regexp.MustCompile(`\b(truyvet|process|go)_[a-z_]+`)
	for file, expressions := range map[string][]string{"alerts": alerts(t), "dashboard": dashboard(t)} {
		if len(expressions) < 10 {
			t.Errorf("the %s hold %d expressions", file, len(expressions))
		}
		for _, expression := range expressions {
			for _, name := range names.FindAllString(expression, -1) {
				if !known(name) {
					t.Errorf("the %s name %s, which is not exported: %s", file, name, expression)
				}
			}
		}
	}
}

// sendRefused sends a scan that is no scan.
func (s *site) sendRefused() {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.base+"/api/v1/scans", strings.NewReader(`{"scans":[7]}`))
	if err != nil {
		s.t.Fatal(err)
	}
	credential, _ := s.parts.Credentials.Issue(uuid.New())
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+credential)
	if a := s.do(req); a.status != http.StatusOK || !strings.Contains(a.body, "scan_malformed") {
		s.t.Errorf("%d %s", a.status, a.body)
	}
}

// certificateFiles are the settings of a server that speaks HTTPS itself, at this machine's address.
func certificateFiles(t *testing.T) []string {
	t.Helper()
	shown := httptest.NewTLSServer(nil)
	shown.Close()
	pair := shown.TLS.Certificates[0]
	private, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{
		certificate: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"TRUYVET_TLS_CERT=" + certificate, "TRUYVET_TLS_KEY=" + key, "TRUYVET_BASE_URL=https://127.0.0.1"}
}

// checkPage compares deploy/metrics.md with what is exported.
func checkPage(t *testing.T, exported map[string]family) {
	t.Helper()
	var page strings.Builder
	page.WriteString("# Metrics\n\nAnswered at `/metrics` of the address in TRUYVET_OPS_LISTEN, together with those of the Go runtime and the process.\n" +
		"No label holds a person, a place or an address.\n\n| metric | type | meaning |\n| --- | --- | --- |\n")
	for _, name := range slices.Sorted(maps.Keys(exported)) {
		if strings.HasPrefix(name, "truyvet_") {
			fmt.Fprintf(&page, "| `%s` | %s | %s |\n", name, exported[name].kind, exported[name].help)
		}
	}
	path := filepath.Join(deploy, "metrics.md")
	if *update {
		if err := os.WriteFile(path, []byte(page.String()), 0o644); err != nil { //nolint:gosec // a page for everybody
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != page.String() {
		t.Errorf("deploy/metrics.md is not what is exported; go test ./internal/app -run %s -update writes it anew", t.Name())
	}
}

// alerts returns the expressions of the alert rules, and checks that each rule has a page and each page a rule.
func alerts(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(deploy, "prometheus", "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var rules, expressions []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if name, is := strings.CutPrefix(line, "- alert: "); is {
			rules = append(rules, name)
		}
		if expression, is := strings.CutPrefix(line, "expr: "); is {
			expressions = append(expressions, expression)
		}
		if runbook, is := strings.CutPrefix(line, "runbook: "); is && runbook != "deploy/runbooks/"+rules[len(rules)-1]+".md" {
			t.Errorf("%s has the page %s", rules[len(rules)-1], runbook)
		}
	}
	pages, err := filepath.Glob(filepath.Join(deploy, "runbooks", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for i, page := range pages {
		pages[i] = strings.TrimSuffix(filepath.Base(page), ".md")
	}
	slices.Sort(rules)
	if !slices.Equal(rules, pages) {
		t.Errorf("the rules are %v\nthe pages %v", rules, pages)
	}
	return expressions
}

// dashboard returns the expressions of the panels.
func dashboard(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(deploy, "grafana", "truyvet.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	var expressions []string
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			expressions = append(expressions, target.Expr)
		}
	}
	return expressions
}
