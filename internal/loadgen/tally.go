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

// tally counts answers by class, with their latencies. It is safe for concurrent use.
type tally struct {
	mu       sync.Mutex
	by       map[class]*histogram
	second   map[class]*histogram // since the last line of progress
	scans    int                  // that were accepted
	examples []string             // of wrong answers
}

func newTally() *tally {
	return &tally{by: make(map[class]*histogram), second: make(map[class]*histogram)}
}

// maxExamples bounds the wrong answers that are told.
const maxExamples = 5

func (t *tally) add(c class, latency time.Duration, scans int, example string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.second[c] == nil {
		t.second[c] = new(histogram)
	}
	t.second[c].add(latency)
	t.scans += scans
	if c == answeredWrong && len(t.examples) < maxExamples {
		t.examples = append(t.examples, example)
	}
}

// turn adds what was counted since the last turn to the whole and returns it.
func (t *tally) turn() map[class]*histogram {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := t.second
	t.second = make(map[class]*histogram)
	for c, h := range last {
		if t.by[c] == nil {
			t.by[c] = new(histogram)
		}
		t.by[c].merge(h)
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
	Class                    string
	Requests                 uint64
	P50, P90, P99, P999, Max time.Duration
}

// Requests returns how many requests were answered in a class.
func (r Report) Requests(class string) uint64 {
	i := slices.IndexFunc(r.Classes, func(c ClassReport) bool { return c.Class == class })
	if i < 0 {
		return 0
	}
	return r.Classes[i].Requests
}

func (t *tally) report(during time.Duration) Report {
	t.turn()
	r := Report{During: during, Scans: t.scans, Wrong: t.examples}
	for _, c := range classes() {
		if h := t.by[c]; h != nil {
			r.Classes = append(r.Classes, ClassReport{
				Class: string(c), Requests: h.count, Max: h.longest,
				P50: h.quantile(0.5), P90: h.quantile(0.9), P99: h.quantile(0.99), P999: h.quantile(0.999),
			})
		}
	}
	return r
}

// Write writes the report as a table.
func (r Report) Write(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "answer\trequests\ta second\tp50\tp90\tp99\tp99.9\tmax\t")
	for _, c := range r.Classes {
		fmt.Fprintf(table, "%s\t%d\t%.0f\t%s\t%s\t%s\t%s\t%s\t\n", c.Class, c.Requests, float64(c.Requests)/r.During.Seconds(),
			millis(c.P50), millis(c.P90), millis(c.P99), millis(c.P999), millis(c.Max))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	fmt.Fprintf(out, "%d scans taken, %.0f a second; latencies are counted from when each request was due\n", r.Scans, float64(r.Scans)/r.During.Seconds())
	for _, example := range r.Wrong {
		fmt.Fprintln(out, "wrong answer:", example)
	}
	return nil
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
