package loadgen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Options say what to send, and where.
type Options struct {
	Target      *url.URL
	Seed        uint64
	Rate        float64       // requests a second, the mean
	During      time.Duration // of the morning
	Rush        bool          // the rate rises to its double at the middle; else it stays
	People      int
	Places      []Place
	Credential  func(alias uuid.UUID) string // called from one goroutine
	Shares      Shares
	Connections int           // at most so many at a time
	Timeout     time.Duration // for an answer, from when the request was due
	Progress    io.Writer     // a line a second; may be nil
}

// maxRequests bounds what one run sends, and so its memory: the ledger takes ten bytes a scan.
const maxRequests = 200_000_000

func (o Options) validate() error {
	switch {
	case o.Rate <= 0 || o.During <= 0 || o.Rate*o.During.Seconds() > maxRequests:
		return fmt.Errorf("rate and duration must be positive, and their product at most %d requests", maxRequests)
	case o.People <= 0 || len(o.Places) == 0 || o.Connections <= 0 || o.Timeout <= 0:
		return errors.New("there must be people, places, connections and a time to answer")
	case o.Shares.Bad < 0 || o.Shares.Duplicates < 0 || o.Shares.Offline < 0 || o.Shares.Bad+o.Shares.Duplicates+o.Shares.Offline > 100:
		return errors.New("the shares must not be negative, and at most 100 together")
	}
	return nil
}

// Generator runs one morning.
type Generator struct {
	o        Options
	requests *requests
	arrivals *arrivals
	ledger   *ledger
	tally    *tally
	start    time.Time
	ready    chan request
}

// New makes a generator.
func New(o Options) (*Generator, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(o.Seed, 0x6c6f6164)) //nolint:gosec // it guards nothing
	// Two runs from one seed must not send the same ids, so the tag is drawn anew.
	l := &ledger{tag: rand.Uint32() & (1<<tagBits - 1)} //nolint:gosec // it guards nothing
	return &Generator{
		o: o, ledger: l, tally: newTally(), ready: make(chan request),
		arrivals: &arrivals{random: random, rate: o.Rate, during: o.During, rush: o.Rush},
		requests: &requests{
			morning: newMorning(o.Seed, o.People, len(o.Places)), random: random, shares: o.Shares, places: o.Places,
			credential: o.Credential, target: o.Target.Host, ledger: l,
		},
	}, nil
}

// Run sends the morning and returns what was answered. It ends when the last answer came or its time was over; when ctx ends
// before, no further request is sent. It is called once.
func (g *Generator) Run(ctx context.Context) (Report, error) {
	probe, err := Dial(ctx, g.o.Target)
	if err != nil {
		return Report{}, err
	}
	_ = probe.Close()
	g.start = time.Now()
	g.requests.start = g.start
	told := make(chan struct{})
	progress, stop := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(told)
		g.tell(progress)
	}()
	g.send(ctx)
	during := time.Since(g.start)
	stop()
	<-told
	return g.tally.report(during), nil
}

// Compare compares what was sent with what is stored: each calls its argument with every stored scan, in any order, those
// of others included. It is called once, after Run.
func (g *Generator) Compare(each func(take func(Scan)) error) (Check, error) {
	return g.ledger.compare(each)
}

// Start returns when the first request was due.
func (g *Generator) Start() time.Time { return g.start }

// send hands out the requests as they are due, each to a sender that is free. A sender is added where none is and there may
// be more.
func (g *Generator) send(ctx context.Context) {
	var senders sync.WaitGroup
	defer senders.Wait()
	defer close(g.ready)
	running := 0
	for ctx.Err() == nil {
		due, more := g.arrivals.next()
		if !more {
			return
		}
		r := g.requests.next(due)
		if wait := due - time.Since(g.start); wait > 0 {
			pause := time.NewTimer(wait)
			select {
			case <-pause.C:
			case <-ctx.Done():
				pause.Stop()
				return
			}
		}
		select {
		case g.ready <- r:
			continue
		default:
		}
		if running < g.o.Connections {
			running++
			senders.Go(func() { g.sendAll(ctx, r) })
			continue
		}
		g.ready <- r // late from now on, which its latency shows
	}
}

// sendAll sends a request, and then others until there are no more, over one connection as long as it holds.
func (g *Generator) sendAll(ctx context.Context, r request) {
	var conn *Conn
	defer func() {
		if conn != nil {
			_ = conn.Close()
		}
	}()
	for more := true; more; r, more = <-g.ready {
		deadline := g.start.Add(r.due + g.o.Timeout)
		if waited := time.Since(g.start) - r.due; waited > g.o.Timeout/10 {
			// Sent now, it would only keep the server busy with what nobody will wait for.
			g.tally.add(answeredUnsent, waited, 0, "")
			continue
		}
		if conn == nil {
			// A run that is told to stop still waits for the answers to what it has sent.
			dialled, err := Dial(context.WithoutCancel(ctx), g.o.Target)
			if err != nil {
				g.tally.add(answeredNot, time.Since(g.start)-r.due, 0, "")
				continue
			}
			conn = dialled
		}
		answer, err := conn.Do(r.text, deadline)
		latency := time.Since(g.start) - r.due
		if err != nil {
			_ = conn.Close()
			conn = nil
			g.tally.add(answeredNot, latency, 0, "")
			continue
		}
		g.judge(r, answer, latency)
	}
}

// judge enters an answer.
func (g *Generator) judge(r request, answer Answer, latency time.Duration) {
	c := classOf(answer.Status, r.status)
	taken := 0
	if c == answeredTaken {
		statuses := statusesIn(string(answer.Body))
		if len(statuses) != r.scans {
			c = answeredWrong
		}
		for i, status := range statuses {
			if i < r.scans {
				g.ledger.answered(r.first+uint64(i), status)
			}
			if took := status == "accepted" || status == "duplicate"; took != (r.result == "taken") {
				c = answeredWrong
			} else if took {
				taken++
			}
		}
		if c == answeredTaken && r.result == "refused" {
			c = answeredRefused
		}
	} else if c == answeredRefused {
		g.ledger.answered(r.first, "refused")
	}
	const enough = 300
	g.tally.add(c, latency, taken, fmt.Sprintf("%d %s", answer.Status, answer.Body[:min(len(answer.Body), enough)]))
}

// statusesIn returns the status of each result of an answer, in order. A quote inside a message is escaped, so what looks like
// a status is one.
func statusesIn(body string) []string {
	const mark = `"status":"`
	var statuses []string
	for {
		_, rest, there := strings.Cut(body, mark)
		if !there {
			return statuses
		}
		status, after, _ := strings.Cut(rest, `"`)
		statuses = append(statuses, status)
		body = after
	}
}

// tell writes a line of progress a second until ctx ends.
func (g *Generator) tell(ctx context.Context) {
	turn := time.NewTicker(time.Second)
	defer turn.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-turn.C:
		}
		last := g.tally.turn()
		if g.o.Progress == nil {
			continue
		}
		line := fmt.Sprintf("%3.0f s", time.Since(g.start).Seconds())
		for _, c := range classes() {
			if h := last[c]; h != nil {
				line += fmt.Sprintf("   %s %d (p99 %s)", c, h.count, millis(h.quantile(0.99)))
			}
		}
		fmt.Fprintln(g.o.Progress, line)
	}
}
