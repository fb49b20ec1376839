package e2e

import (
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestEveryRefusalHasAFace sees wrong methods, unknown paths and other sites' forms answered as problems by the API and as
// pages everywhere else, with the security headers, and none of them logged with its path.
func TestEveryRefusalHasAFace(t *testing.T) {
	in := install(t)
	serve := in.serve()
	const secret = "SECRETINTHEPATH"
	for _, c := range []struct {
		method, path, origin string
		status               int
		face                 string
	}{
		{"DELETE", "/api/v1/scans", "", 405, "application/problem+json"},
		{"GET", "/api/v1/scans", "", 405, "application/problem+json"},
		{"GET", "/api/" + secret, "", 404, "application/problem+json"},
		{"POST", "/api/v1/scans", "https://elsewhere.example", 403, "application/problem+json"},
		{"PUT", "/cases", "", 405, "text/html"},
		{"GET", "/" + secret, "", 404, "text/html"},
		{"GET", "/login/", "", 404, "text/html"},
		{"GET", "/q/" + secret, "", 400, "text/html"},
		{"POST", "/login", "https://elsewhere.example", 403, "text/html"},
		{"POST", "/q/" + secret + "/scan", "https://elsewhere.example", 403, "text/html"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, in.base+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.origin != "" {
			req.Header.Set("Origin", c.origin)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if face := res.Header.Get("Content-Type"); res.StatusCode != c.status || !strings.HasPrefix(face, c.face) {
			t.Errorf("%s %s: status %d, %s; want %d, %s", c.method, c.path, res.StatusCode, face, c.status, c.face)
		}
		for _, header := range []string{"X-Request-Id", "Content-Security-Policy", "Referrer-Policy"} {
			if res.Header.Get(header) == "" {
				t.Errorf("%s %s: no %s", c.method, c.path, header)
			}
		}
	}
	if strings.Contains(serve.log.String(), secret) {
		t.Error("a path is in the log")
	}
}

// TestCompromisedKeyIsRefusedWithoutRestart compromises a key on the command line while a server runs.
func TestCompromisedKeyIsRefusedWithoutRestart(t *testing.T) {
	in := install(t)
	in.serve()
	keys := filepath.Join(in.data, "keys.json")
	token := strings.TrimSpace(in.run("qr", "sign", "--keys", keys, "--place", "0191d2c1-0000-7000-8000-000000000001", "--kind", "shop"))
	status := func() int {
		res, err := http.Get(in.base + "/q/" + token)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	if got := status(); got != http.StatusNotFound { // good, and of a place that is not kept here
		t.Fatalf("a good code is answered with status %d", got)
	}
	in.run("qr", "keys", "rotate", "--keys", keys)
	in.run("qr", "keys", "compromise", "--keys", keys, "--id", "1")
	eventually(t, "the server knows", func() error {
		if got := status(); got != http.StatusGone {
			return fmt.Errorf("status %d", got)
		}
		return nil
	})
}

// TestTraceEndsOnASignal sees a command that waits for its input end on a single signal.
func TestTraceEndsOnASignal(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "stays.csv")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary, "trace", "--stays", pipe, "--case", "a@0/10")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("it ended well, without input")
	}
}
