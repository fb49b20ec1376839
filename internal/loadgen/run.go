package loadgen

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
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
	// Replay is of how many scans a day is that is sent in place of a morning: the 24 hours before now, as fast as they are
	// answered. Rate, During and Rush then say nothing. The last request may bring a few more.
	Replay int
}

// maxRequests bounds what one run sends, and so its memory: the ledger takes ten bytes a scan.
const maxRequests = 200_000_000

func (o Options) validate() error {
	switch {
	case o.Replay < 0 || o.Replay > maxRequests:
		return fmt.Errorf("a day has at most %d scans", maxRequests)
	case o.Replay == 0 && (o.Rate <= 0 || o.During <= 0 || o.Rate*o.During.Seconds() > maxRequests):
		return fmt.Errorf("rate and duration must be positive, and their product at most %d requests", maxRequests)
	case o.People <= 0 || len(o.Places) == 0 || o.Connections <= 0 || o.Timeout <= 0:
		return errors.New("there must be people, places, connections and a time to answer")
	case o.Shares.Bad < 0 || o.Shares.Duplicates < 0 || o.Shares.Offline < 0 || o.Shares.Bad+o.Shares.Duplicates+o.Shares.Offline > 100:
		return errors.New("the shares must not be negative, and at most 100 together")
	}
	return nil
}

// Generator runs one morning, one day, or one overload.
type Generator struct {
	o        Options
	requests *requests
	ledger   *ledger
	random   *rand.Rand
	began    time.Time // what was scanned first that no phone had kept
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
		o: o, ledger: l, random: random,
		requests: &requests{
			morning: newMorning(o.Seed, o.People, len(o.Places)), random: random, shares: o.Shares, places: o.Places,
			credential: o.Credential, target: o.Target.Host, ledger: l,
		},
	}, nil
}

// Run sends the morning or the day and returns what was answered. It ends when the last answer came or its time was over; when
// ctx ends before, no further request is sent. Of Run and Overload one is called, once.
func (g *Generator) Run(ctx context.Context) (Report, error) {
	if err := g.probe(ctx); err != nil {
		return Report{}, err
	}
	if g.o.Replay > 0 {
		g.began = time.Now().Add(-24 * time.Hour)
		return g.stage(ctx, func(s *stage) { s.replay(ctx) }), nil
	}
	g.began = time.Now()
	return g.stage(ctx, func(s *stage) {
		s.send(ctx, &arrivals{random: g.random, rate: g.o.Rate, during: g.o.During, rush: g.o.Rush})
	}), nil
}

// probe says whether there is a server at all.
func (g *Generator) probe(ctx context.Context) error {
	probe, err := Dial(ctx, g.o.Target)
	if err != nil {
		return err
	}
	return probe.Close()
}

// Compare compares what was sent with what is stored: each calls its argument with every stored scan, in any order, those
// of others included. It is called once, after Run or Overload.
func (g *Generator) Compare(each func(take func(Scan)) error) (Check, error) {
	return g.ledger.compare(each)
}

// Start returns when the first scan was made that no phone had kept; of a morning that is when the first request was due.
func (g *Generator) Start() time.Time { return g.began }

// stage is some requests that belong together and are reported together.
type stage struct {
	g     *Generator
	tally *tally
	start time.Time
}

// stage has something sent, and returns what was answered. Progress is told meanwhile.
func (g *Generator) stage(ctx context.Context, send func(*stage)) Report {
	s := &stage{g: g, tally: newTally(), start: time.Now()}
	g.requests.start = s.start
	if g.o.Replay > 0 {
		g.requests.start = g.began
	}
	told := make(chan struct{})
	progress, stop := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(told)
		s.tell(progress)
	}()
	send(s)
	during := time.Since(s.start)
	stop()
	<-told
	return s.tally.report(during)
}

// line is a connection to the server, made when it is first needed, and anew after it failed. It is for one goroutine.
type line struct {
	s    *stage
	conn *Conn
}

func (l *line) close() {
	if l.conn != nil {
		_ = l.conn.Close()
		l.conn = nil
	}
}

// send sends a request that was due at an instant and enters its answer. It says whether the server took or refused it, and
// so is done with it.
func (l *line) send(ctx context.Context, r request, due time.Time) bool {
	sent := time.Now()
	took := func() latency { return latency{due: time.Since(due), sent: time.Since(sent)} }
	if l.conn == nil {
		// A run that is told to stop still waits for the answers to what it has sent.
		dialled, err := Dial(context.WithoutCancel(ctx), l.s.g.o.Target)
		if err != nil {
			l.s.tally.add(answeredNot, took(), 0)
			return false
		}
		l.conn = dialled
	}
	answer, err := l.conn.Do(r.text, due.Add(l.s.g.o.Timeout))
	if err != nil {
		l.close()
		l.s.tally.add(answeredNot, took(), 0)
		return false
	}
	return l.s.judge(r, answer, took())
}

// judge enters an answer. It says whether the request needs not be sent again.
func (s *stage) judge(r request, answer Answer, took latency) bool {
	c := classOf(answer.Status, r.status)
	taken := 0
	if c == answeredTaken {
		statuses := statusesIn(answer.Body)
		if len(statuses) != r.scans {
			c = answeredWrong
		}
		for i, status := range statuses {
			if i < r.scans {
				s.g.ledger.answered(r.first+uint64(i), status)
			}
			if is := status == "accepted" || status == "duplicate"; is != (r.result == "taken") {
				c = answeredWrong
			} else if is {
				taken++
			}
		}
		if c == answeredTaken && r.result == "refused" {
			c = answeredRefused
		}
	} else if c == answeredRefused {
		s.g.ledger.answered(r.first, "refused")
	}
	s.tally.add(c, took, taken)
	if c == answeredWrong {
		s.tally.example(answer)
	}
	return c != answeredTooMany && c != answeredBusy
}

// statusesIn returns the status of each result of an answer, in order. A quote inside a message is escaped, so what looks like
// a status is one.
func statusesIn(body []byte) []string {
	mark := []byte(`"status":"`)
	var statuses []string
	for {
		_, rest, there := bytes.Cut(body, mark)
		if !there {
			return statuses
		}
		status, after, _ := bytes.Cut(rest, []byte{'"'})
		statuses = append(statuses, string(status))
		body = after
	}
}

// tell writes a line of progress a second until ctx ends.
func (s *stage) tell(ctx context.Context) {
	turn := time.NewTicker(time.Second)
	defer turn.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-turn.C:
		}
		last := s.tally.turn()
		if s.g.o.Progress == nil {
			continue
		}
		line := fmt.Sprintf("%3.0f s", time.Since(s.start).Seconds())
		if g := s.g; g.o.Replay > 0 {
			line += fmt.Sprintf("   %2.0f %% of the day", 100*float64(g.requests.made.Load())/float64(g.o.Replay))
		}
		for _, c := range classes() {
			if l := last[c]; l != nil {
				line += fmt.Sprintf("   %s %d (p99 %s)", c, l.due.count, millis(l.due.quantile(0.99)))
			}
		}
		fmt.Fprintln(s.g.o.Progress, line)
	}
}
