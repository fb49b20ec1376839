package e2e

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
)

// line is a connection between two processes that a test may cut, stall, slow down and corrupt.
type line struct {
	t     *testing.T
	proxy *toxiproxy.Proxy
}

// newLine makes a line to a server, in order until something is done to it.
func newLine(t *testing.T, name, upstream string) *line {
	t.Helper()
	log := zerolog.Nop()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), log)
	l := &line{t: t, proxy: toxiproxy.NewProxy(server, name, "127.0.0.1:0", upstream)}
	if err := l.proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.proxy.Stop)
	return l
}

// addr is where the line begins. It stays the same when the line is cut and mended.
func (l *line) addr() string { return l.proxy.Listen }

// cut drops every connection and takes no new ones.
func (l *line) cut() { l.proxy.Stop() }

func (l *line) mend() {
	l.t.Helper()
	if err := l.proxy.Start(); err != nil {
		l.t.Fatal(err)
	}
}

// spoil does something to what passes, as the JSON of a toxic says, until the line is cleaned. Both directions have toxics
// of their own.
func (l *line) spoil(toxic string) {
	l.t.Helper()
	for _, stream := range []string{"upstream", "downstream"} {
		text := strings.Replace(toxic, "{", `{"name":"`+stream+`","stream":"`+stream+`",`, 1)
		if _, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(text)); err != nil {
			l.t.Fatal(err)
		}
	}
}

// clean takes the toxics out. Connections that they held up end: what was lost on them would be missing in the middle.
func (l *line) clean() { l.proxy.Toxics.ResetToxics(context.Background()) }

// corruptToxic changes one bit of one in so many pieces that pass. It stands for hardware that TCP's checksum did not
// see through.
type corruptToxic struct {
	OneIn uint64 `json:"one_in"`
}

// Pipe implements toxics.Toxic.
func (c *corruptToxic) Pipe(stub *toxics.ToxicStub) {
	for {
		select {
		case <-stub.Interrupt:
			return
		case chunk := <-stub.Input:
			if chunk == nil {
				stub.Close()
				return
			}
			if len(chunk.Data) > 0 && rand.Uint64N(c.OneIn) == 0 {
				chunk.Data[rand.IntN(len(chunk.Data))] ^= 1 << rand.IntN(8)
			}
			stub.Output <- chunk
		}
	}
}

func init() { toxics.Register("corrupt", new(corruptToxic)) }
