package smshook_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/truyvet/truyvet/internal/smshook"
)

const (
	phone  = "0912345678"
	code   = "493817"
	secret = "geheim"
)

// gateway is a server on the loopback that answers as told.
func gateway(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server.URL + "/send?key=" + secret
}

func TestGatewayGetsPhoneAndCode(t *testing.T) {
	for _, status := range []int{http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent} {
		got := map[string]string{}
		url := gateway(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost || r.URL.RequestURI() != "/send?key="+secret || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s %s", r.Method, r.URL, r.Header)
			}
			if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
				t.Error(err)
			}
			w.WriteHeader(status)
		})
		if err := smshook.New(url).SendCode(t.Context(), phone, code); err != nil {
			t.Errorf("%d: %v", status, err)
		}
		if len(got) != 2 || got["phone"] != phone || got["code"] != code {
			t.Errorf("%d: the gateway got %v", status, got)
		}
	}
}

func TestConnectionIsUsedAgain(t *testing.T) {
	connections := 0
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("queued ", 400))
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections++
		}
	}
	server.Start()
	sender := smshook.New(server.URL)
	for range 5 {
		if err := sender.SendCode(t.Context(), phone, code); err != nil {
			t.Fatal(err)
		}
	}
	server.Close() // and with it the goroutine that counts
	if connections != 1 {
		t.Errorf("%d connections", connections)
	}
}

// TestErrorsTellNothing goes through the ways to fail; what goes into a log may hold neither URL, phone nor code.
func TestErrorsTellNothing(t *testing.T) {
	elsewhere := gateway(t, func(http.ResponseWriter, *http.Request) { t.Error("the message went elsewhere") })
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, c := range map[string]struct {
		url, want string
	}{
		"refused":                {gateway(t, status(http.StatusForbidden)), "answered 403"},
		"broken":                 {gateway(t, status(http.StatusInternalServerError)), "answered 500"},
		"a page to log in":       {gateway(t, redirect(elsewhere, http.StatusFound)), "answered 302"},
		"moved, with the body":   {gateway(t, redirect(elsewhere, http.StatusPermanentRedirect)), "answered 308"},
		"moved, to nowhere":      {gateway(t, redirect("http://%zz/"+secret, http.StatusTemporaryRedirect)), "no HTTP"},
		"nobody there":           {gone.URL + "/" + secret, "refused"},
		"no HTTP":                {gateway(t, raw("what? "+secret+"\r\n\r\n")), "no HTTP"},
		"an echo":                {gateway(t, raw(phone+" "+code+"\r\n\r\n")), "no HTTP"},
		"a status of something":  {gateway(t, raw("HTTP/1.1 "+code+" "+phone+"\r\n\r\n")), "no HTTP"},
		"cut off":                {gateway(t, raw("")), "EOF"},
		"no URL":                 {"http://x/%zz?key=" + secret, "not one"},
		"no URL, with a newline": {"http://x/\n" + secret, "not one"},
		"no scheme":              {"/" + secret, "no HTTP"},
		"another scheme":         {"ftp://x/" + secret, "no HTTP"},
	} {
		err := smshook.New(c.url).SendCode(t.Context(), phone, code)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
		for _, private := range []string{phone, code, secret} {
			if strings.Contains(err.Error(), private) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func redirect(to string, status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(status)
	}
}

// raw answers with bytes of its own and hangs up.
func raw(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, answer)
		_ = conn.Close()
	}
}

func TestWhoeverWaitsMayLeave(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	url := gateway(t, func(_ http.ResponseWriter, r *http.Request) {
		// The server notices that the client hung up only once the body was read.
		_, _ = io.Copy(io.Discard, r.Body)
		leave()
		<-r.Context().Done()
	})
	if err := smshook.New(url).SendCode(ctx, phone, code); !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), secret) {
		t.Errorf("%v", err)
	}
}

func TestUntrustedGateway(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it got the message") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	err := smshook.New(server.URL+"/"+secret).SendCode(t.Context(), phone, code)
	if err == nil || !strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), secret) {
		t.Errorf("%v", err)
	}
}

func TestGatewayWithAPassword(t *testing.T) {
	url := gateway(t, func(_ http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user != "tv" || password != secret {
			t.Errorf("%q", r.Header)
		}
	})
	if err := smshook.New(strings.Replace(url, "://", "://tv:"+secret+"@", 1)).SendCode(t.Context(), phone, code); err != nil {
		t.Error(err)
	}
}
