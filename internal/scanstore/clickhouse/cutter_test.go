package clickhouse_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
)

// cutter stands between a store and its server and passes everything on, until a client sends a certain text: then it
// cuts the connection instead of passing that on.
type cutter struct {
	addr string

	mu    sync.Mutex
	text  string // none where it is ""
	times int    // how often the text is still to come, the last time of which is cut
}

func newCutter(t testing.TB, server string) *cutter {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{addr: listener.Addr().String()}
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() { c.serve(client, server) })
		}
	})
	t.Cleanup(func() { // after the store was closed, which was opened later
		_ = listener.Close()
		connections.Wait()
	})
	return c
}

// cutAt cuts every connection on which the text comes from now on; "" cuts none.
func (c *cutter) cutAt(text string) { c.cutAfter(text, 1) }

// cutAfter lets the text pass before, and cuts when it comes for the n-th time.
func (c *cutter) cutAfter(text string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text, c.times = text, n
}

func (c *cutter) cuts(sent []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.text == "" || !bytes.Contains(sent, []byte(c.text)) {
		return false
	}
	c.times = max(c.times-1, 0)
	return c.times == 0
}

func (c *cutter) serve(client net.Conn, server string) {
	defer func() { _ = client.Close() }()
	upstream, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(client, upstream) // until either side ends
		_ = client.Close()
	})
	defer back.Wait()
	defer func() { _ = upstream.Close() }()
	// The driver sends the text of a query in one piece.
	buffer := make([]byte, 1<<20)
	for {
		n, err := client.Read(buffer)
		if err != nil || c.cuts(buffer[:n]) {
			return
		}
		if _, err := upstream.Write(buffer[:n]); err != nil {
			return
		}
	}
}
