package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// AuthorityOptions say whom certificates come from, and for what names.
type AuthorityOptions struct {
	Domains   []string // the names that people reach the server under
	Email     string   // that the authority writes to when something is wrong; may be empty
	Directory string   // URL of the authority's directory; empty for the one that the library knows
	Roots     string   // file of the certificates that the authority itself is believed by, as one of an own network; empty for the system's
	Folder    string   // where the account's key and what was given are kept, for its owner alone
	Clock     func() time.Time
}

// Authority gets the certificates of a server from an authority, which sees that the names are the server's: by connecting to their
// port 443 (tls-alpn-01, RFC 8737) or 80 (http-01). It renews them when a third of their time, or 30 days, is left. By using it the
// operator agrees to the authority's terms. It is safe for concurrent use.
type Authority struct {
	domains []string
	manager *autocert.Manager
	clock   func() time.Time

	mu      sync.Mutex
	ends    map[string]time.Time // of the certificates that are there, by their names
	refused error                // why the authority did not give all of them when it was asked last
	rest    time.Time            // until when it is not asked again
}

const (
	// askFor is how long one request to an authority may take.
	askFor = 30 * time.Second
	// restFor is how long an authority is left in peace that refused: they count failures by the hour.
	restFor = 15 * time.Minute
)

// The reasons for ending a handshake.
var (
	errNone = errors.New("there is no certificate yet")
	errName = errors.New("the server has another name")
)

// OpenAuthority asks for nothing yet. What is asked is given up when ctx ends.
func OpenAuthority(ctx context.Context, o AuthorityOptions) (*Authority, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if o.Roots != "" {
		pem, err := os.ReadFile(o.Roots)
		if err != nil {
			return nil, fmt.Errorf("reading by whom the authority is believed: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading by whom the authority is believed: %s holds no certificate", o.Roots)
		}
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	}
	client := &acme.Client{
		DirectoryURL: o.Directory, UserAgent: "truyvet",
		HTTPClient: &http.Client{Timeout: askFor, Transport: &untilOver{transport, ctx}},
	}
	return &Authority{domains: o.Domains, clock: o.Clock, manager: &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(o.Folder), HostPolicy: autocert.HostWhitelist(o.Domains...), Email: o.Email, Client: client,
	}}, nil
}

// Refresh gets the certificates that are not there yet, and sees when they end. An authority that refused is asked again a quarter of an
// hour later; until then its refusal is the answer. One name that it refuses keeps no other from being served. It is called by one at a
// time.
func (a *Authority) Refresh() error {
	a.mu.Lock()
	refused, resting := a.refused, a.clock().Before(a.rest)
	a.mu.Unlock()
	if resting {
		return refused
	}
	ends, err := a.ask()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ends, a.refused = ends, err
	if err != nil {
		a.rest = a.clock().Add(restFor)
	}
	return err
}

// ask returns when the certificates end that are there, and why others are not.
func (a *Authority) ask() (ends map[string]time.Time, err error) {
	ends = make(map[string]time.Time)
	for _, domain := range a.domains {
		got, refused := a.manager.GetCertificate(helloFor(domain))
		if refused != nil {
			err = errors.Join(err, fmt.Errorf("getting a certificate for %s: %w", domain, refused))
			continue
		}
		ends[domain] = got.Leaf.NotAfter
	}
	return ends, err
}

// helloFor asks for the one kind of certificate that there is: every browser of the last ten years takes it.
func helloFor(domain string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{
		ServerName: domain, SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}, SupportedCurves: []tls.CurveID{tls.CurveP256},
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
	}
}

// Config returns how the server speaks TLS. No handshake makes it ask for a certificate: that is for Refresh.
func (a *Authority) Config() *tls.Config {
	return config(func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
		switch {
		case slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto}): // the authority sees whether the name is ours
			return a.manager.GetCertificate(hello)
		case !slices.Contains(a.domains, name):
			return nil, errName
		case !a.has(name):
			return nil, errNone
		}
		return a.manager.GetCertificate(helloFor(name))
	}, acme.ALPNProto)
}

// has says whether the certificate of a name is there.
func (a *Authority) has(name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, there := a.ends[name]
	return there
}

// Ends returns when the certificate ends that ends first, as Refresh saw it; the zero Time while one is missing.
func (a *Authority) Ends() (first time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, domain := range a.domains {
		ends, there := a.ends[domain]
		if !there {
			return time.Time{}
		}
		if first.IsZero() || ends.Before(first) {
			first = ends
		}
	}
	return first
}

// Plain returns what answers plain HTTP: the authority, where it asks whether a name is the server's, and others.
func (a *Authority) Plain(others http.Handler) http.Handler { return a.manager.HTTPHandler(others) }

// untilOver sends requests that are given up when a context of its own ends.
type untilOver struct {
	sender http.RoundTripper
	over   context.Context
}

// RoundTrip implements [http.RoundTripper].
func (u *untilOver) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	stop := context.AfterFunc(u.over, cancel)
	done := func() { stop(); cancel() }
	res, err := u.sender.RoundTrip(req.WithContext(ctx))
	if err != nil {
		done()
		return nil, errors.Join(err, context.Cause(u.over))
	}
	res.Body = &answer{res.Body, done}
	return res, nil
}

// answer is a body after which a request is over.
type answer struct {
	io.ReadCloser
	done func()
}

// Close implements [io.Closer].
func (a *answer) Close() error {
	defer a.done()
	return a.ReadCloser.Close()
}
