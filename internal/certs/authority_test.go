package certs_test

import (
	"context"
	"crypto/tls"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/truyvet/truyvet/internal/certs"
	"github.com/truyvet/truyvet/internal/testenv/pebble"
)

// listen returns a listener on loopback that closes with the test, and its port.
func listen(t *testing.T) (net.Listener, int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, l.Addr().(*net.TCPAddr).Port
}

// TestAuthority gets certificates from a real authority, by either way in which it sees that a name is ours, and keeps them.
func TestAuthority(t *testing.T) {
	for _, challenge := range []string{"tls-alpn-01", "http-01"} {
		t.Run(challenge, func(t *testing.T) {
			secure, tlsPort := listen(t)
			plain, httpPort := listen(t)
			look := tlsPort
			if challenge == "http-01" {
				var closed net.Listener
				closed, look = listen(t)
				_ = closed.Close() // nobody answers there
			}
			authority := pebble.Start(t, httpPort, look)
			now := time.Now()
			o := certs.AuthorityOptions{
				Domains: []string{"c.example.vn"}, Email: "a@example.vn", Directory: authority.Directory, Roots: authority.Roots,
				Folder: filepath.Join(t.TempDir(), "acme"), Clock: func() time.Time { return now },
			}
			a, err := certs.OpenAuthority(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := served(t, a.Config(), "c.example.vn", tls.VersionTLS13); err == nil || !a.Ends().IsZero() {
				t.Error("there is a certificate that nobody gave")
			}
			server := &http.Server{Handler: http.NotFoundHandler(), TLSConfig: a.Config(), ReadHeaderTimeout: time.Second}
			go func() { _ = server.ServeTLS(secure, "", "") }()
			go func() { _ = http.Serve(plain, onPort80(a.Plain(certs.Redirect("https://c.example.vn")))) }()
			if err := a.Refresh(); err != nil {
				t.Fatal(err)
			}
			res, err := authority.Client(t, secure.Addr().String()).Get("https://c.example.vn/")
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if left := a.Ends().Sub(now); left < 24*time.Hour {
				t.Errorf("it ends in %v", left)
			}
			for name, version := range map[string]uint16{"d.example.vn": tls.VersionTLS13, "c.example.vn": tls.VersionTLS11} {
				if _, err := served(t, a.Config(), name, version); err == nil {
					t.Errorf("%s is served with version %x", name, version)
				}
			}
			kept(t, o.Folder)
			_ = server.Close()
			o.Directory = "https://127.0.0.1:1/" // what was kept is used where the authority is away
			if a, err = certs.OpenAuthority(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if err := a.Refresh(); err != nil {
				t.Error(err)
			}
			if _, err := served(t, a.Config(), "C.example.vn", tls.VersionTLS13); err != nil {
				t.Error(err)
			}
			o.Domains = []string{"d.example.vn", "c.example.vn"}
			if a, err = certs.OpenAuthority(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if err := a.Refresh(); err == nil || !a.Ends().IsZero() {
				t.Errorf("one of two is missing: %v; they end %v", err, a.Ends())
			}
			for _, name := range o.Domains {
				if _, err := served(t, a.Config(), name, tls.VersionTLS13); (err == nil) != (name == "c.example.vn") {
					t.Errorf("%s, where the certificate of d.example.vn is missing: %v", name, err)
				}
			}
		})
	}
}

// onPort80 hears of hosts what a server on port 80 does.
func onPort80(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host, _, _ = strings.Cut(r.Host, ":")
		next.ServeHTTP(w, r)
	})
}

// kept sees that nobody else can read what is kept.
func kept(t *testing.T, folder string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has %v", path, info.Mode())
		}
		if !entry.IsDir() {
			files++
		}
		return err
	})
	if err != nil || files < 2 {
		t.Errorf("%d files are kept: %v", files, err)
	}
}

// TestAnAuthorityThatRefusesIsLeftInPeace counts how often it is asked.
func TestAnAuthorityThatRefusesIsLeftInPeace(t *testing.T) {
	l, _ := listen(t)
	var asked atomic.Int64
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			_ = conn.Close()
		}
	}()
	now := time.Now()
	a, err := certs.OpenAuthority(t.Context(), certs.AuthorityOptions{
		Domains: []string{"c.example.vn"}, Directory: "https://" + l.Addr().String(), Folder: t.TempDir(), Clock: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	first := a.Refresh()
	once := asked.Load()
	if first == nil || once == 0 || !strings.Contains(first.Error(), "c.example.vn") {
		t.Fatalf("asked %d times: %v", once, first)
	}
	now = now.Add(14 * time.Minute)
	if again := a.Refresh(); again != first || asked.Load() != once {
		t.Errorf("asked %d times: %v", asked.Load(), again)
	}
	if _, err := served(t, a.Config(), "c.example.vn", tls.VersionTLS13); err == nil || asked.Load() != once {
		t.Errorf("a handshake asks: %v", err)
	}
}

func TestAuthorityGivesUp(t *testing.T) {
	l, _ := listen(t) // takes connections and says nothing
	ctx, cancel := context.WithCancel(t.Context())
	a, err := certs.OpenAuthority(ctx, certs.AuthorityOptions{
		Domains: []string{"c.example.vn"}, Directory: "https://" + l.Addr().String(), Folder: t.TempDir(), Clock: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- a.Refresh() }()
	if conn, err := l.Accept(); err == nil {
		defer conn.Close()
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("it got a certificate")
	}
	none := filepath.Join(t.TempDir(), "none")
	for _, roots := range []string{none, none + "x"} {
		if _, err := certs.OpenAuthority(ctx, certs.AuthorityOptions{Roots: roots}); err == nil {
			t.Errorf("an authority is believed by %s", roots)
		}
		if err := os.WriteFile(none+"x", []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
