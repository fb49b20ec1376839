package loadgen

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestConn speaks with net/http in every way in which it frames answers, many over one connection.
func TestConn(t *testing.T) {
	long := strings.Repeat("long ", 10_000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch string(body) {
		case "long": // in chunks
			_, _ = io.WriteString(w, long)
		case "flushed":
			_, _ = io.WriteString(w, "one,")
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, "two")
		case "busy":
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			_, _ = w.Write(body)
		}
	}))
	defer server.Close()
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := Dial(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	q := requests{target: target.Host}
	for range 3 {
		for body, want := range map[string]Answer{
			"hello": {200, []byte("hello")}, "long": {200, []byte(long)}, "flushed": {200, []byte("one,two")}, "busy": {503, nil},
		} {
			q.body = []byte(body)
			got, err := conn.Do(q.post("nobody"), time.Now().Add(time.Minute))
			if err != nil || got.Status != want.Status || string(got.Body) != string(want.Body) {
				t.Errorf("%s: %d, %d bytes, %v", body, got.Status, len(got.Body), err)
			}
		}
	}
}

// FuzzAnswer holds the reader of answers to net/http, where both take an answer.
func FuzzAnswer(f *testing.F) {
	for _, text := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", "",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := Conn{in: bufio.NewReader(strings.NewReader(text))}
		got, err := c.read()
		if err != nil {
			return
		}
		want, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), nil)
		if err != nil {
			return
		}
		defer want.Body.Close()
		body, err := io.ReadAll(want.Body)
		if err != nil || want.ContentLength < 0 && len(want.TransferEncoding) == 0 {
			return
		}
		if got.Status != want.StatusCode || want.StatusCode == http.StatusOK && string(got.Body) != string(body) {
			t.Fatalf("%q: %d %q, want %d %q", text, got.Status, got.Body, want.StatusCode, body)
		}
	})
}
