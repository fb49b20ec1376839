package app

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/testenv/pebble"
	"github.com/truyvet/truyvet/qrgen"
)

// journal is a log that can be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// secureData makes a data folder, and returns the configuration of a server on it.
func secureData(t *testing.T, settings ...string) *config.Config {
	t.Helper()
	cfg, err := config.Load(t.Context(), append(settings, "TRUYVET_DATA="+t.TempDir(), "TRUYVET_OPS_LISTEN=off"), nil)
	must(t, err)
	must(t, Init(t.Context(), cfg, time.Now))
	return cfg
}

// serveSecurely runs a server on a listener until the test ends or it is stopped.
func serveSecurely(t *testing.T, cfg *config.Config, listener net.Listener, logger *slog.Logger) (parts *Parts, stop func()) {
	t.Helper()
	parts, err := Open(t.Context(), cfg, logger, time.Now)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- parts.Serve(ctx, listener, nil) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-done, parts.Close()); err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	t.Cleanup(stop)
	return parts, stop
}

// await waits until something is so.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("there is still not %s", what)
		}
	}
}

// listenHere returns a listener on loopback, and its port.
func listenHere(t *testing.T) (net.Listener, int) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	return listener, listener.Addr().(*net.TCPAddr).Port
}

// TestHTTPSByAnAuthority has a server get its certificate from a real authority, over the port that it answers on.
func TestHTTPSByAnAuthority(t *testing.T) {
	listener, port := listenHere(t)
	authority := pebble.Start(t, 1, port)
	free, _ := listenHere(t)
	plain := free.Addr().String()
	must(t, free.Close())
	log := &journal{}
	parts, stop := serveSecurely(t, secureData(t, "TRUYVET_BASE_URL=https://c.example.vn", "TRUYVET_ACME_DOMAIN=c.example.vn",
		"TRUYVET_ACME_EMAIL=a@example.vn", "TRUYVET_ACME_DIRECTORY="+authority.Directory, "TRUYVET_ACME_ROOTS="+authority.Roots, "TRUYVET_HTTP_LISTEN="+plain), listener, log.logger())
	client := authority.Client(t, listener.Addr().String())
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	await(t, "a certificate", func() bool {
		res, err := client.Get("https://c.example.vn/readyz")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		return err == nil && strings.Contains(string(text), `"certificate":"ok"`)
	})

	token, err := parts.Keys.Sign(qrgen.Token{Kind: qrgen.KindMarket, Place: uuid.New(), IssuedAt: time.Now().Add(-time.Hour), Serial: 1})
	must(t, err)
	for _, path := range []string{"/", "/login", "/q/" + token, "/check/" + token, "/nowhere", "/assets/nowhere", "/api/v1/nowhere", "/healthz", "/.well-known/truyvet-revoked.json"} {
		res, err := client.Get("https://c.example.vn" + path)
		must(t, err)
		_ = res.Body.Close()
		wantsShield(t, path, res.Header)
		if res.Header.Get("Strict-Transport-Security") != "max-age=31536000" || res.ProtoMajor != 2 {
			t.Errorf("%s: %s %v", path, res.Proto, res.Header)
		}
		for _, c := range res.Cookies() {
			if !c.Secure {
				t.Errorf("%s sets the cookie %s for plain HTTP too", path, c.Name)
			}
		}
	}
	client.Transport.(*http.Transport).DialContext = nil
	res, err := client.Get("http://" + plain + "/q/" + token)
	must(t, err)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusMovedPermanently || res.Header.Get("Location") != "https://c.example.vn/q/"+token {
		t.Errorf("over plain HTTP: %d %v", res.StatusCode, res.Header)
	}
	stop()
	if text := log.String(); strings.Contains(strings.ToUpper(text), token) || !strings.Contains(text, "route=/q/:token") {
		t.Errorf("the log says %s", text)
	}
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "msg=request") && strings.Contains(line, "127.0.0.1") {
			t.Errorf("an address stands beside a request: %s", line)
		}
	}
}

// TestHTTPSByFiles replaces the files of a certificate while a server runs.
func TestHTTPSByFiles(t *testing.T) {
	dir := t.TempDir()
	certificate, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, certificate, key, 1)
	settings := []string{"TRUYVET_TLS_CERT=" + certificate, "TRUYVET_TLS_KEY=" + key}
	listener, _ := listenHere(t)
	address := listener.Addr().String()
	_, stop := serveSecurely(t, secureData(t, append(settings, "TRUYVET_BASE_URL=https://"+address)...), listener, slog.New(slog.DiscardHandler))
	shown := func() int64 {
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
		must(t, err)
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if n := shown(); n != 1 {
		t.Errorf("certificate %d is shown", n)
	}
	res, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}).Get("https://" + address + "/login")
	must(t, err)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Header.Get("Strict-Transport-Security") != "" {
		t.Errorf("at an address: %d %v", res.StatusCode, res.Header)
	}
	writeCertificate(t, certificate, key, 2)
	await(t, "the new certificate", func() bool { return shown() == 2 })
	stop()

	must(t, os.WriteFile(key, []byte("x"), 0o600))
	parts, err := Open(t.Context(), secureData(t, append(settings, "TRUYVET_BASE_URL=https://"+address)...), slog.New(slog.DiscardHandler), time.Now)
	must(t, err)
	defer func() { _ = parts.Close() }()
	listener, _ = listenHere(t)
	if err := parts.Serve(t.Context(), listener, nil); err == nil || !strings.Contains(err.Error(), certificate) {
		t.Errorf("with a key that is none: %v", err)
	}
}

// writeCertificate makes a certificate of a number for this machine's address.
func writeCertificate(t *testing.T, certificate, key string, number int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	wanted := &x509.Certificate{
		SerialNumber: big.NewInt(number), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	signed, err := x509.CreateCertificate(rand.Reader, wanted, wanted, private.Public(), private)
	must(t, err)
	seed, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	must(t, os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), 0o600))
	must(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: seed}), 0o600))
}
