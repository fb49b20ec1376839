package loadgen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// The course of an overload, as parts of how long it lasts; in brackets what a minute gives.
const (
	pressPart   = 6  // for so long it is found out what the server can do (10 s),
	halfPart    = 3  // for so long half of that is sent (20 s),
	againPart   = 60 // for so long each look at whether it is back lasts (1 s),
	againWithin = 4  // and for so long they go on (15 s)

	pressConnections = 64  // that find out what the server can do
	again            = 0.9 // of that counts as being back
)

// Overload is how a server bore twice of what it can do.
type Overload struct {
	Capacity Report // 64 at a time, each connection with its next request once the one before is answered
	Half     Report // of half as many requests a second, each sent when it was due
	Twice    Report // of twice as many
	// After is how long after the last request of Twice was due a look was over in which the server did again nine tenths of what
	// it can do, and Again how many it did a second. After is -1 s where there was none.
	After time.Duration
	Again float64
}

// Overload finds out what the server can do, sends half of that for a while, then twice of that for Options.During, and sees
// how soon it is back. When ctx ends nothing further is sent, and the rest of the report is empty.
func (g *Generator) Overload(ctx context.Context) (Overload, error) {
	if err := g.probe(ctx); err != nil {
		return Overload{}, err
	}
	g.began = time.Now()
	o := Overload{After: -time.Second}
	o.Capacity = g.press(ctx, g.o.During/pressPart)
	can := o.Capacity.done()
	if can == 0 {
		return o, errors.New("the server answers nothing as it should")
	}
	if most := can * 2 * g.o.During.Seconds(); most > maxRequests {
		return o, fmt.Errorf("%.0f requests are too many for one run: at most %d", most, maxRequests)
	}
	o.Half = g.due(ctx, can/2, g.o.During/halfPart)
	began := time.Now()
	o.Twice = g.due(ctx, can*2, g.o.During)
	end := began.Add(g.o.During)
	for o.After < 0 && ctx.Err() == nil && time.Since(end) < g.o.During/againWithin {
		if look := g.press(ctx, g.o.During/againPart); look.done() >= can*again {
			o.After, o.Again = time.Since(end), look.done()
		}
	}
	return o, nil
}

// press has the server answer as fast as it can for a while.
func (g *Generator) press(ctx context.Context, during time.Duration) Report {
	return g.stage(ctx, func(s *stage) {
		s.press(ctx, pressConnections, func() (request, bool) {
			due := time.Since(s.start)
			if due >= during {
				return request{}, false
			}
			return g.requests.next(due), true
		}, func(l *line, r request) { l.send(ctx, r, s.start.Add(r.due)) })
	})
}

// due sends so many requests a second, whatever becomes of them.
func (g *Generator) due(ctx context.Context, rate float64, during time.Duration) Report {
	return g.stage(ctx, func(s *stage) {
		s.send(ctx, &arrivals{random: g.random, rate: rate, during: during})
	})
}

// rate is how many requests a second were answered in a class.
func (r Report) rate(c class) float64 {
	if r.During == 0 {
		return 0
	}
	return float64(r.Requests(string(c))) / r.During.Seconds()
}

// done is how many requests a second the server had no more to do with.
func (r Report) done() float64 { return r.rate(answeredTaken) + r.rate(answeredRefused) }

// Wrong says whether any answer was what its request did not deserve.
func (o Overload) Wrong() bool {
	return len(o.Capacity.Wrong)+len(o.Half.Wrong)+len(o.Twice.Wrong) > 0
}

// Write writes the report as lines "name value unit", and some of the wrong answers. Of latencies those with "sent" are counted
// from when a request was sent, the others from when it was due: they hold its wait for a connection of the generator's own too.
func (o Overload) Write(out io.Writer) error {
	var text strings.Builder
	line := func(name string, value float64, unit string) {
		digits := 0
		if value < 100 {
			digits = 1
		}
		fmt.Fprintf(&text, "overload.%s %.*f %s\n", name, digits, value, unit)
	}
	line("capacity", o.Capacity.done(), "requests/s")
	for _, part := range []struct {
		name   string
		report Report
	}{{"half", o.Half}, {"twice", o.Twice}} {
		taken := part.report.of(string(answeredTaken))
		line(part.name+".accepted", part.report.rate(answeredTaken), "requests/s")
		for _, q := range []struct {
			name string
			took time.Duration
		}{
			{"p50", taken.Due.P50},
			{"p99", taken.Due.P99},
			{"max", taken.Due.Max},
			{"sent.p50", taken.Sent.P50},
			{"sent.p99", taken.Sent.P99},
			{"sent.max", taken.Sent.Max},
		} {
			line(part.name+".accepted."+q.name, float64(q.took)/float64(time.Millisecond), "ms")
		}
		for _, c := range []class{answeredTooMany, answeredBusy, answeredWrong, answeredNot, answeredUnsent} {
			line(part.name+"."+strings.ReplaceAll(string(c), " ", "_"), float64(part.report.Requests(string(c))), "requests")
		}
	}
	line("again.after", o.After.Seconds(), "s")
	line("again", o.Again, "requests/s")
	for _, r := range []Report{o.Capacity, o.Half, o.Twice} {
		for _, example := range r.Wrong {
			fmt.Fprintln(&text, "wrong answer:", example)
		}
	}
	if _, err := io.WriteString(out, text.String()); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
