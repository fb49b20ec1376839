package loadgen

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"text/tabwriter"
	"time"
)

// class is a kind of answer.
type class string

// The classes of answers, in the order of the report.
const (
	answeredTaken   class = "accepted"     // 200, each scan accepted or a duplicate
	answeredRefused class = "refused"      // 200 or 4xx, as the request deserved
	answeredTooMany class = "429"          // asked to wait
	answeredBusy    class = "503"          // not now
	answeredWrong   class = "wrong answer" // what the request did not deserve
	answeredNot     class = "no answer"    // within the time, or the connection failed
	answeredUnsent  class = "never sent"   // no connection was free for a tenth of the time that an answer may take
)

func classes() []class {
	return []class{answeredTaken, answeredRefused, answeredTooMany, answeredBusy, answeredWrong, answeredNot, answeredUnsent}
}

// latency is how long an answer took.
type latency struct {
	due  time.Duration // from when the request was due: what whoever scanned has waited
	sent time.Duration // from when there was a connection for it: what the server has of that
}

// latencies are those of one class of answers.
type latencies struct{ due, sent histogram }

func (l *latencies) merge(other *latencies) {
	l.due.merge(&other.due)
	l.sent.merge(&other.sent)
}

// tally counts answers by class, with their latencies. It is safe for concurrent use.
type tally struct {
	mu       sync.Mutex
	by       map[class]*latencies
	second   map[class]*latencies // since the last line of progress
	scans    int                  // that were accepted
	examples []string             // of wrong answers
}

func newTally() *tally {
	return &tally{by: make(map[class]*latencies), second: make(map[class]*latencies)}
}

// maxExamples bounds the wrong answers that are told.
const maxExamples = 5

func (t *tally) add(c class, took latency, scans int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.second[c] == nil {
		t.second[c] = new(latencies)
	}
	t.second[c].due.add(took.due)
	t.second[c].sent.add(took.sent)
	t.scans += scans
}

// example keeps a wrong answer, unless enough of them are kept.
func (t *tally) example(wrong Answer) {
	const enough = 300
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.examples) < maxExamples {
		t.examples = append(t.examples, fmt.Sprintf("%d %s", wrong.Status, wrong.Body[:min(len(wrong.Body), enough)]))
	}
}

// turn adds what was counted since the last turn to the whole and returns it.
func (t *tally) turn() map[class]*latencies {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := t.second
	t.second = make(map[class]*latencies)
	for c, l := range last {
		if t.by[c] == nil {
			t.by[c] = new(latencies)
		}
		t.by[c].merge(l)
	}
	return last
}

// classOf says what an answer with a status means for a request that should have got another.
func classOf(status, want int) class {
	switch {
	case status == http.StatusTooManyRequests:
		return answeredTooMany
	case status == http.StatusServiceUnavailable:
		return answeredBusy
	case status != want:
		return answeredWrong
	case want != http.StatusOK:
		return answeredRefused
	}
	return answeredTaken
}

// Report is what a run was answered.
type Report struct {
	During  time.Duration
	Classes []ClassReport // those that there were
	Scans   int           // that were accepted or duplicates
	Wrong   []string      // some of the wrong answers
}

// ClassReport is one class of answers.
type ClassReport struct {
	Class    string
	Requests uint64
	Due      Quantiles // of the latencies from when each request was due
	Sent     Quantiles // of those from when there was a connection for it
}

// Quantiles are how long half, nine tenths and so on of some answers took at most.
type Quantiles struct{ P50, P90, P99, P999, Max time.Duration }

func quantilesOf(h *histogram) Quantiles {
	return Quantiles{P50: h.quantile(0.5), P90: h.quantile(0.9), P99: h.quantile(0.99), P999: h.quantile(0.999), Max: h.longest}
}

// Requests returns how many requests were answered in a class.
func (r Report) Requests(class string) uint64 { return r.of(class).Requests }

// of returns what is known of a class, nothing where no answer was of it.
func (r Report) of(class string) ClassReport {
	i := slices.IndexFunc(r.Classes, func(c ClassReport) bool { return c.Class == class })
	if i < 0 {
		return ClassReport{Class: class}
	}
	return r.Classes[i]
}

func (t *tally) report(during time.Duration) Report {
	t.turn()
	r := Report{During: during, Scans: t.scans, Wrong: t.examples}
	for _, c := range classes() {
		if l := t.by[c]; l != nil {
			r.Classes = append(r.Classes, ClassReport{
				Class: string(c), Requests: l.due.count, Due: quantilesOf(&l.due), Sent: quantilesOf(&l.sent),
			})
		}
	}
	return r
}

// Write writes the report as a table.
func (r Report) Write(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "answer\trequests\ta second\tp50\tp90\tp99\tp99.9\tmax\tsent p50\tsent p99\t")
	for _, c := range r.Classes {
		fmt.Fprintf(table, "%s\t%d\t%.0f\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", c.Class, c.Requests, float64(c.Requests)/r.During.Seconds(),
			millis(c.Due.P50), millis(c.Due.P90), millis(c.Due.P99), millis(c.Due.P999), millis(c.Due.Max), millis(c.Sent.P50), millis(c.Sent.P99))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	fmt.Fprintf(out, "%d scans taken, %.0f a second; latencies are counted from when each request was due, the last two from when it was sent\n",
		r.Scans, float64(r.Scans)/r.During.Seconds())
	for _, example := range r.Wrong {
		fmt.Fprintln(out, "wrong answer:", example)
	}
	return nil
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
