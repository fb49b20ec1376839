package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"github.com/truyvet/truyvet/internal/certs"
	"github.com/truyvet/truyvet/internal/telemetry"
)

const (
	maxRedirects = 1000               // connections over plain HTTP at a time
	endsSoon     = 7 * 24 * time.Hour // of a certificate: it ought to have been renewed
	hstsAge      = "max-age=31536000" // a year, RFC 6797
	hstsHeader   = "Strict-Transport-Security"
)

// certificates is where the certificate of a server comes from that speaks HTTPS itself. Refresh sees whether there is a newer one; Ends
// is the zero Time while there is none; Plain answers plain HTTP where the source is asked over it, and leaves the rest to others.
type certificates interface {
	Config() *tls.Config
	Refresh() error
	Ends() time.Time
	Plain(others http.Handler) http.Handler
}

// openCertificates returns where the server's certificate comes from, nil where it speaks plain HTTP.
func (p *Parts) openCertificates(ctx context.Context) (certificates, error) {
	c := p.Config
	switch {
	case len(c.ACMEDomains) > 0:
		return certs.OpenAuthority(ctx, certs.AuthorityOptions{
			Domains: c.ACMEDomains, Email: c.ACMEEmail, Directory: c.ACMEDirectory, Roots: c.ACMERoots, Folder: c.ACMEFolder(), Clock: p.Clock,
		})
	case c.HTTPS():
		return certs.OpenFiles(c.TLSCert, c.TLSKey, c.Host())
	}
	return nil, nil
}

// hardened makes browsers that reached this server once over HTTPS, under a name, come so ever after. A proxy in front does that itself,
// or does not; an address, or this machine's own name, may be another server's tomorrow.
func (p *Parts) hardened(next http.Handler) http.Handler {
	host := p.Config.Host()
	if _, err := netip.ParseAddr(host); err == nil || !p.Config.HTTPS() || !strings.Contains(host, ".") {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(hstsHeader, hstsAge)
		next.ServeHTTP(w, r)
	})
}

// certificateCheck watches the certificate.
func certificateCheck(source certificates, clock func() time.Time) telemetry.Check {
	return telemetry.Check{
		Name:  "certificate",
		Facts: []telemetry.Fact{{Name: "certificate_left_seconds", Help: "Time until the certificate of HTTPS ends; left out while one is missing."}},
		Run: func(context.Context) (found telemetry.Finding) {
			ends := source.Ends()
			if ends.IsZero() {
				return telemetry.Finding{Level: telemetry.Degraded, Detail: "one is missing"}
			}
			left := ends.Sub(clock())
			found.Values = []float64{left.Seconds()}
			if left < endsSoon {
				found.Level, found.Detail = telemetry.Degraded, "it ends on "+ends.UTC().Format(time.RFC3339)+" and was not renewed"
			}
			return found
		},
	}
}

// answerPlain answers plain HTTP, where the configuration says, until the function that it returns is called, which waits for the end.
func (p *Parts) answerPlain(source certificates) (stop func(), err error) {
	if p.Config.HTTPListen == "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", p.Config.HTTPListen)
	if err != nil {
		return nil, fmt.Errorf("TRUYVET_HTTP_LISTEN: listening: %w", err)
	}
	server := &http.Server{
		Handler:           source.Plain(certs.Redirect(p.Config.BaseURL)),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       10 * time.Second,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(discardAddresses{p.Logger.Handler()}, slog.LevelDebug),
	}
	var answering sync.WaitGroup
	answering.Go(func() {
		if err := server.Serve(netutil.LimitListener(listener, maxRedirects)); !errors.Is(err, http.ErrServerClosed) {
			p.Logger.Error("plain HTTP is answered no more", "error", err)
		}
	})
	p.Logger.Info("leading plain HTTP to HTTPS", "listen", listener.Addr().String())
	return func() {
		if err := server.Close(); err != nil {
			p.Logger.Debug("closing what answers plain HTTP", "error", err)
		}
		answering.Wait()
	}, nil
}

// listenOn has a server answer on a listener, over TLS where there is a certificate.
func listenOn(server *http.Server, listener net.Listener, source certificates) error {
	listener = netutil.LimitListener(listener, maxConnections)
	if source == nil {
		return server.Serve(listener)
	}
	server.TLSConfig = source.Config()
	return server.ServeTLS(listener, "", "")
}
