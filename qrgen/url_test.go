package qrgen_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/truyvet/truyvet/qrgen"
)

func TestURL(t *testing.T) {
	token := readVectors(t).Accepted[0].Text
	tests := []struct{ base, want string }{
		{"https://truyvet.vn", "HTTPS://TRUYVET.VN/Q/"},
		{"https://Truyvet.vn/", "HTTPS://TRUYVET.VN/Q/"},
		{"HTTP://127.0.0.1:8080", "HTTP://127.0.0.1:8080/Q/"},
		{"https://xn--ch-5ja.vn:8443/", "HTTPS://XN--CH-5JA.VN:8443/Q/"},
	}
	for _, tt := range tests {
		for _, text := range []string{token, strings.ToLower(token)} {
			got, err := qrgen.URL(tt.base, text)
			if err != nil || got != tt.want+token {
				t.Errorf("URL(%q) = %s, %v", tt.base, got, err)
			}
			if strings.Trim(got, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:") != "" {
				t.Errorf("%s does not fit alphanumeric mode", got)
			}
		}
	}
}

func TestURLRefuses(t *testing.T) {
	token := readVectors(t).Accepted[0].Text
	for _, base := range []string{
		"", "truyvet.vn", "ftp://truyvet.vn", "https://", "https://truyvet.vn/app", "https://truyvet.vn?x=1", "https://truyvet.vn?",
		"https://truyvet.vn#top", "https://user@truyvet.vn", "http://[::1]:8080", "https://chợ.vn", "https://a_b.vn", "https://truyvet.vn:", "https://%zz",
	} {
		if got, err := qrgen.URL(base, token); err == nil {
			t.Errorf("URL(%q) = %s", base, got)
		}
	}
	if _, err := qrgen.URL("https://truyvet.vn", token[1:]); !errors.Is(err, qrgen.ErrMalformed) {
		t.Errorf("a short token: %v", err)
	}
}

func TestFromURL(t *testing.T) {
	token := readVectors(t).Accepted[0].Text
	lower := strings.ToLower(token)
	for _, text := range []string{
		token, lower, " " + token + "\n",
		"HTTPS://TRUYVET.VN/Q/" + token, "https://truyvet.vn/q/" + lower,
		"http://127.0.0.1:8080/CHECK/" + token, "https://elsewhere.example/check/" + lower,
		"https://truyvet.vn/q/" + lower + "?utm_source=camera", "https://truyvet.vn/q/" + lower + "#top",
	} {
		if got, err := qrgen.FromURL(text); err != nil || got != token {
			t.Errorf("FromURL(%q) = %q, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "/", "https://truyvet.vn/", "https://truyvet.vn/q/", "https://truyvet.vn/q/" + token[1:], "/q/" + token, "truyvet.vn/q/" + token,
		"https://truyvet.vn/p/" + token, "https://truyvet.vn/q/" + token + "/", "https://truyvet.vn/x/q/" + token,
		"ftp://truyvet.vn/q/" + token, "https://truyvet.vn/q/%41" + token[1:], "https:///q/" + token, token + token,
		"https://truyvet.vn/Q/" + token[:153] + "ı", "://" + token,
	} {
		got, err := qrgen.FromURL(text)
		if !errors.Is(err, qrgen.ErrMalformed) {
			t.Errorf("FromURL(%q) = %q, %v", text, got, err)
		}
		if err != nil && strings.Contains(err.Error(), token[1:20]) {
			t.Errorf("the error quotes the token: %v", err)
		}
	}
}

func FuzzFromURL(f *testing.F) {
	token := readVectors(f).Accepted[0].Text
	f.Add(token)
	f.Add("HTTPS://TRUYVET.VN/Q/" + token)
	f.Add("https://truyvet.vn/check/" + strings.ToLower(token) + "?a=b#c")
	f.Add("https://truyvet.vn/q/%41")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := qrgen.FromURL(text)
		if err != nil {
			if got != "" || !errors.Is(err, qrgen.ErrMalformed) {
				t.Fatalf("%q gives %q, %v", text, got, err)
			}
			return
		}
		if len(got) != qrgen.TokenLength || strings.Trim(got, alphabet) != "" || !strings.Contains(strings.ToUpper(text), got) {
			t.Fatalf("%q gives %q", text, got)
		}
		built, err := qrgen.URL("https://truyvet.vn", got)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := qrgen.FromURL(built); err != nil || again != got {
			t.Fatalf("%q comes back as %q, %v", got, again, err)
		}
	})
}
