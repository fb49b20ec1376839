package clickhousetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
)

// Tap stands between a store and its servers and passes everything on, until the store sends a certain text: then it cuts
// the connection instead of passing that on. It is safe for concurrent use.
type Tap struct {
	mu    sync.Mutex
	text  string // none where it is ""
	times int    // how often the text is still to come, the last time of which is cut
}

// CutAt cuts every connection on which the text comes from now on; "" cuts none.
func (t *Tap) CutAt(text string) { t.CutAfter(text, 1) }

// CutAfter lets the text pass before, and cuts when it comes for the n-th time and from then on.
func (t *Tap) CutAfter(text string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text, t.times = text, n
}

var errCut = errors.New("cut by the test")

// pass says whether what is sent may pass.
func (t *Tap) pass(sent []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text == "" || !bytes.Contains(sent, []byte(t.text)) {
		return nil
	}
	if t.times = max(t.times-1, 0); t.times > 0 {
		return nil
	}
	return errCut
}

// dial connects to a server through the tap.
func (t *Tap) dial(ctx context.Context, address string) (net.Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return tapped{conn, t}, nil
}

type tapped struct {
	net.Conn
	tap *Tap
}

// Write relies on the driver to send the text of a query in one piece.
func (c tapped) Write(sent []byte) (int, error) {
	if err := c.tap.pass(sent); err != nil {
		_ = c.Close()
		return 0, err
	}
	return c.Conn.Write(sent)
}

// through sends requests on through the tap.
func (t *Tap) through(next http.RoundTripper) http.RoundTripper { return transport{next, t} }

type transport struct {
	next http.RoundTripper
	tap  *Tap
}

func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err := errors.Join(err, request.Body.Close()); err != nil {
		return nil, fmt.Errorf("reading a request: %w", err)
	}
	// A query stands in the body, or in the address where the body holds rows.
	if err := errors.Join(t.tap.pass(body), t.tap.pass([]byte(request.URL.Query().Get("query")))); err != nil {
		return nil, err
	}
	request = request.Clone(request.Context())
	request.Body = io.NopCloser(bytes.NewReader(body))
	return t.next.RoundTrip(request)
}
