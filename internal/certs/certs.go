// Package certs is where the certificate of a server comes from that speaks HTTPS itself: files that an operator keeps, or an authority
// that gives it and renews it (ACME, RFC 8555).
package certs

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// config returns how a server speaks TLS: version 1.2 or newer (RFC 8996), with the ciphers that Go chooses.
func config(get func(*tls.ClientHelloInfo) (*tls.Certificate, error), protocols ...string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: append([]string{"h2", "http/1.1"}, protocols...), GetCertificate: get}
}

// Files is a certificate, with those between it and its authority, and its key in files of PEM blocks. It follows the files. It is safe
// for concurrent use.
type Files struct {
	certificate, key string
	host             string

	mu   sync.RWMutex
	seen [2]stamp
	now  *tls.Certificate
}

// stamp tells one content of a file from another.
type stamp struct {
	changed time.Time
	size    int64
}

// OpenFiles reads the files of a server that people reach under a host, a name or an address. The certificate must be one for it.
func OpenFiles(certificate, key, host string) (*Files, error) {
	f := &Files{certificate: certificate, key: key, host: host}
	if err := f.Refresh(); err != nil {
		return nil, err
	}
	return f, nil
}

// Refresh takes over files that have changed since they were read. What does not fit together is an error, and the certificate of before
// stays: of two files that are replaced one after the other the first is tried again with the second.
func (f *Files) Refresh() error {
	var seen [2]stamp
	for i, path := range []string{f.certificate, f.key} {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("looking at the certificate: %w", err)
		}
		seen[i] = stamp{info.ModTime(), info.Size()}
	}
	f.mu.RLock()
	same := f.now != nil && seen == f.seen
	f.mu.RUnlock()
	if same {
		return nil
	}
	read, err := tls.LoadX509KeyPair(f.certificate, f.key)
	if err != nil {
		return fmt.Errorf("reading the certificate %s and its key: %w", f.certificate, err)
	}
	if err := read.Leaf.VerifyHostname(f.host); err != nil {
		return fmt.Errorf("reading the certificate %s: %w", f.certificate, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now, f.seen = &read, seen
	return nil
}

// Config returns how the server speaks TLS.
func (f *Files) Config() *tls.Config {
	return config(func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		f.mu.RLock()
		defer f.mu.RUnlock()
		return f.now, nil
	})
}

// Ends returns when the certificate ends.
func (f *Files) Ends() time.Time {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.now.Leaf.NotAfter
}

// Plain returns what answers plain HTTP: others.
func (f *Files) Plain(others http.Handler) http.Handler { return others }

// Redirect leads whoever comes over plain HTTP to the same path under base, whatever host they asked for. What they wanted to send
// is refused: it has gone over the line unprotected, and would again.
func Redirect(base string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		if r.Method != http.MethodGet && r.Method != http.MethodHead || !strings.HasPrefix(r.URL.Path, "/") {
			http.Error(w, "This server speaks HTTPS.", http.StatusForbidden)
			return
		}
		w.Header().Set("Location", base+r.URL.RequestURI())
		w.WriteHeader(http.StatusMovedPermanently)
	})
}
