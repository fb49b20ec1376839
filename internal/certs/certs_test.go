package certs_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/truyvet/truyvet/internal/certs"
)

var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// pair is a certificate and its key in files.
type pair struct{ certificate, key string }

func newPair(t *testing.T) pair {
	dir := t.TempDir()
	return pair{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
}

// issue makes a certificate for a name, that ends at noon of so many days later, and returns both as PEM blocks.
func issue(t *testing.T, name string, days int) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	wanted := &x509.Certificate{
		SerialNumber: big.NewInt(int64(days)), NotBefore: noon.Add(-time.Hour), NotAfter: noon.AddDate(0, 0, days),
		DNSNames: []string{name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	signed, err := x509.CreateCertificate(rand.Reader, wanted, wanted, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	seed, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, data []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}) }
	return block("CERTIFICATE", signed), block("PRIVATE KEY", seed)
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// served returns what a server shows whoever comes for a name with a version of TLS.
func served(t *testing.T, config *tls.Config, name string, version uint16) (*x509.Certificate, error) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if conn, err := l.Accept(); err == nil {
			_ = conn.(*tls.Conn).HandshakeContext(t.Context()) // the client tells
			_ = conn.Close()
		}
	}()
	client, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{
		ServerName: name, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: version,
	})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return client.ConnectionState().PeerCertificates[0], nil
}

// TestFilesAreFollowed replaces a certificate and its key, one after the other, while a server runs.
func TestFilesAreFollowed(t *testing.T) {
	p := newPair(t)
	certificate, key := issue(t, "c.example.vn", 10)
	write(t, p.certificate, certificate)
	write(t, p.key, key)
	f, err := certs.OpenFiles(p.certificate, p.key, "c.example.vn")
	if err != nil {
		t.Fatal(err)
	}
	wants := func(days int) {
		t.Helper()
		shown, err := served(t, f.Config(), "c.example.vn", tls.VersionTLS13)
		if ends := noon.AddDate(0, 0, days); err != nil || !shown.NotAfter.Equal(ends) || !f.Ends().Equal(ends) {
			t.Errorf("%v is shown, which ends at %v: %v", shown, f.Ends(), err)
		}
	}
	wants(10)
	certificate, key = issue(t, "c.example.vn", 20)
	write(t, p.certificate, certificate)
	if err := f.Refresh(); err == nil {
		t.Error("a certificate with another's key is taken")
	}
	wants(10)
	write(t, p.key, key)
	for range 2 {
		if err := f.Refresh(); err != nil {
			t.Fatal(err)
		}
	}
	wants(20)
	for what, change := range map[string]func(){
		"another's certificate": func() {
			certificate, key := issue(t, "d.example.vn", 30)
			write(t, p.certificate, certificate)
			write(t, p.key, key)
		},
		"no certificate": func() { write(t, p.certificate, []byte("x")) },
		"no file":        func() { _ = os.Remove(p.key) },
	} {
		change()
		if err := f.Refresh(); err == nil {
			t.Errorf("%s is taken", what)
		}
		wants(20)
	}
	if _, err := served(t, f.Config(), "c.example.vn", tls.VersionTLS11); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}

func TestFilesThatAreNone(t *testing.T) {
	p, other := newPair(t), newPair(t)
	certificate, key := issue(t, "c.example.vn", 10)
	write(t, p.certificate, certificate)
	write(t, p.key, key)
	_, key = issue(t, "c.example.vn", 10)
	write(t, other.key, key)
	for name, c := range map[string]struct{ certificate, key, host, says string }{
		"no certificate": {other.certificate, p.key, "c.example.vn", other.certificate},
		"no key":         {p.certificate, other.certificate, "c.example.vn", other.certificate},
		"another's key":  {p.certificate, other.key, "c.example.vn", "private key does not match"},
		"another's name": {p.certificate, p.key, "d.example.vn", "not d.example.vn"},
	} {
		if _, err := certs.OpenFiles(c.certificate, c.key, c.host); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRedirect(t *testing.T) {
	lead := certs.Redirect("https://c.example.vn")
	for target, want := range map[string]string{
		"/q/TOKEN?lang=vi": "https://c.example.vn/q/TOKEN?lang=vi", "/": "https://c.example.vn/", "//evil.example/x": "https://c.example.vn//evil.example/x",
		"http://evil.example/a%0d%0ab": "https://c.example.vn/a%0d%0ab",
	} {
		res := httptest.NewRecorder()
		lead.ServeHTTP(res, httptest.NewRequest(http.MethodGet, target, nil))
		if res.Code != http.StatusMovedPermanently || res.Header().Get("Location") != want || res.Header().Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s leads to %d %s", target, res.Code, res.Header().Get("Location"))
		}
	}
	for method, target := range map[string]string{http.MethodPost: "/api/v1/scans", http.MethodOptions: "*"} {
		res := httptest.NewRecorder()
		req := httptest.NewRequest(method, "/", nil)
		req.URL.Path = target
		lead.ServeHTTP(res, req)
		if res.Code != http.StatusForbidden || res.Header().Get("Location") != "" {
			t.Errorf("%s is answered %d", method, res.Code)
		}
	}
}
