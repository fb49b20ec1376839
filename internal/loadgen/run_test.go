package loadgen_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/loadgen"
)

// shop is a server that takes scans as ours does, in memory, with the faults that a test gives it.
type shop struct {
	before func(n int, w http.ResponseWriter) bool // may answer the n-th request in its place
	after  func(n int, s *loadgen.Scan) bool       // may change what is stored, or say that nothing is

	mu     sync.Mutex
	n      int
	places map[string]uuid.UUID // by code
	rows   []loadgen.Scan
	known  map[uuid.UUID]bool
}

const codeLength = 154

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	if s.before != nil && s.before(s.n, w) {
		return
	}
	alias, err := uuid.Parse(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var batch struct {
		Scans []struct {
			ID               uuid.UUID
			Token, Kind, How string
			At               int64
		}
	}
	if json.NewDecoder(r.Body).Decode(&batch) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var results []string
	for _, sent := range batch.Scans {
		place, good := s.places[sent.Token]
		status := "refused"
		if good && sent.At < time.Now().Unix()+300 {
			status = "accepted"
			if s.known[sent.ID] {
				status = "duplicate"
			}
			kind := map[string]loadgen.Kind{"in": loadgen.In, "out": loadgen.Out}[sent.Kind]
			row := loadgen.Scan{ID: sent.ID, Alias: alias, Place: place, At: sent.At, Kind: kind, Offline: sent.How == "phone_offline"}
			if !s.known[sent.ID] && (s.after == nil || s.after(s.n, &row)) {
				s.rows = append(s.rows, row)
			}
			s.known[sent.ID] = true
		}
		results = append(results, fmt.Sprintf(`{"id":%q,"status":%q}`, sent.ID, status))
	}
	_, _ = fmt.Fprintf(w, `{"results":[%s]}`, strings.Join(results, ","))
}

// open makes a generator for the shop, which is open until the test ends.
func (s *shop) open(t *testing.T, change func(*loadgen.Options)) *loadgen.Generator {
	t.Helper()
	s.places, s.known = make(map[string]uuid.UUID), make(map[uuid.UUID]bool)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	o := loadgen.Options{
		Target: target, Seed: 7, Rate: 1000, During: time.Second, Rush: true, People: 500, Connections: 20, Timeout: time.Minute,
		Shares: loadgen.Shares{Offline: 10, Duplicates: 10, Bad: 10}, Credential: uuid.UUID.String,
	}
	for i := range 50 {
		p := loadgen.Place{ID: uuid.New(), Code: fmt.Sprintf("%0*d", codeLength, i)}
		s.places[p.Code] = p.ID
		o.Places = append(o.Places, p)
	}
	if change != nil {
		change(&o)
	}
	g, err := loadgen.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// compare compares what was sent with what the shop has, and a scan of somebody else.
func (s *shop) compare(t *testing.T, g *loadgen.Generator) loadgen.Check {
	t.Helper()
	s.rows = append(s.rows, loadgen.Scan{ID: uuid.New(), At: 1})
	c, err := g.Compare(func(take func(loadgen.Scan)) error {
		for _, row := range s.rows {
			take(row)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// morning runs a short one against a shop and compares.
func morning(t *testing.T, s *shop, change func(*loadgen.Options)) (loadgen.Report, loadgen.Check) {
	t.Helper()
	g := s.open(t, change)
	report, err := g.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report, s.compare(t, g)
}

func TestExactShop(t *testing.T) {
	report, c := morning(t, new(shop), nil)
	if !c.Exact() || c.Repeated != 0 || c.Unsettled != 0 || len(report.Wrong) != 0 {
		t.Errorf("%+v, wrong answers %q", c, report.Wrong)
	}
	if c.Acknowledged < 500 || c.Stored != c.Acknowledged || c.Sent <= c.Stored || report.Scans <= c.Acknowledged {
		t.Errorf("it should have scans, duplicates and bad ones: %+v, %d taken", c, report.Scans)
	}
	for _, class := range report.Classes {
		if class.Class != "accepted" && class.Class != "refused" {
			t.Errorf("%+v", class)
		}
		for _, q := range []loadgen.Quantiles{class.Due, class.Sent} {
			if q.P50 > q.P90 || q.P90 > q.P99 || q.P99 > q.P999 || q.P999 > q.Max {
				t.Errorf("quantiles fall: %+v", class)
			}
		}
		if class.Due.P50 < class.Sent.P50 || class.Due.Max < class.Sent.Max || class.Sent.P50 == 0 {
			t.Errorf("from when it was sent an answer took longer than from when it was due: %+v", class)
		}
	}
	if text := new(strings.Builder); report.Write(text) != nil || !strings.Contains(text.String(), "p99.9") {
		t.Errorf("the report is %q", text)
	}
}

func TestBusyShop(t *testing.T) {
	report, c := morning(t, &shop{before: func(n int, w http.ResponseWriter) bool {
		switch {
		case n%5 == 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		case n%7 == 0:
			w.WriteHeader(http.StatusTooManyRequests)
		case n%11 == 0:
			panic(http.ErrAbortHandler) // the connection breaks
		default:
			return false
		}
		return true
	}}, nil)
	if !c.Exact() || len(report.Wrong) != 0 {
		t.Errorf("%+v, wrong answers %q", c, report.Wrong)
	}
	for _, class := range []string{"accepted", "refused", "429", "503", "no answer"} {
		if report.Requests(class) == 0 {
			t.Errorf("nothing is counted as %s: %+v", class, report.Classes)
		}
	}
}

// TestReplayedDay replays a day to a shop that now and then takes nothing, and sees that all of it is taken in the end, in the
// order of its time but for what was put off.
func TestReplayedDay(t *testing.T) {
	const scans = 3000
	flaky := &shop{before: func(n int, w http.ResponseWriter) bool {
		switch {
		case n%301 == 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		case n%401 == 0:
			panic(http.ErrAbortHandler) // the connection breaks
		default:
			return false
		}
		return true
	}}
	begin := time.Now().Unix()
	report, c := morning(t, flaky, func(o *loadgen.Options) { o.Rate, o.During, o.Replay = 0, 0, scans })
	if !c.Exact() || c.Repeated != 0 || c.Unsettled != 0 || len(report.Wrong) != 0 {
		t.Errorf("%+v, wrong answers %q", c, report.Wrong)
	}
	if c.Acknowledged < scans || c.Acknowledged >= scans+20 || c.Stored != c.Acknowledged || report.Requests("503") == 0 || report.Requests("refused") == 0 {
		t.Errorf("%+v, %+v", c, report.Classes)
	}
	var hours [24]int
	for _, row := range flaky.rows[:len(flaky.rows)-1] {
		if hour := 24 - (begin-row.At+3599)/3600; !row.Offline && hour >= 0 && hour < 24 {
			hours[hour]++
		}
	}
	if hours[7] < 3*hours[5] || hours[7] < 3*hours[21] || hours[2]*20 > hours[17] {
		t.Errorf("scans by hour: %v", hours)
	}
}

// TestFaultyShops sees that each fault of a store is found.
func TestFaultyShops(t *testing.T) {
	_, lost := morning(t, &shop{after: func(n int, _ *loadgen.Scan) bool { return n%100 != 0 }}, nil)
	if lost.Lost == 0 || lost.Exact() {
		t.Errorf("lost scans are not missed: %+v", lost)
	}
	_, altered := morning(t, &shop{after: func(_ int, s *loadgen.Scan) bool { s.At++; return true }}, nil)
	if altered.Altered != altered.Stored || altered.Exact() {
		t.Errorf("altered scans are not seen: %+v", altered)
	}
	keepAll := new(shop)
	keepAll.before = func(n int, w http.ResponseWriter) bool {
		if n%50 == 0 && len(keepAll.rows) > 0 {
			keepAll.rows = append(keepAll.rows, keepAll.rows[len(keepAll.rows)-1])
		}
		return false
	}
	_, again := morning(t, keepAll, nil)
	if again.Repeated == 0 || !again.Exact() {
		t.Errorf("rows that come again: %+v", again)
	}
	forgetful := new(shop)
	forgetful.before = func(int, http.ResponseWriter) bool { clear(forgetful.known); return false }
	_, twice := morning(t, forgetful, nil)
	if twice.Twice == 0 || twice.Exact() {
		t.Errorf("scans accepted twice: %+v", twice)
	}
	refuses := &shop{before: func(n int, w http.ResponseWriter) bool {
		if n == 10 {
			w.WriteHeader(http.StatusTeapot)
		}
		return n == 10
	}}
	if report, _ := morning(t, refuses, nil); len(report.Wrong) != 1 || report.Requests("wrong answer") != 1 {
		t.Errorf("a wrong answer: %+v", report)
	}
}

// TestStandstill has a shop that answers nobody: what could not be sent in time is counted and not forgotten, and the run
// ends.
func TestStandstill(t *testing.T) {
	hold := make(chan struct{})
	s := &shop{before: func(int, http.ResponseWriter) bool { <-hold; return true }}
	defer close(hold)
	report, c := morning(t, s, func(o *loadgen.Options) { o.Connections, o.Timeout, o.Rush = 3, 300*time.Millisecond, false })
	if report.Requests("never sent") == 0 || report.Requests("no answer") == 0 || report.Scans != 0 || !c.Exact() {
		t.Errorf("%+v, %+v", report, c)
	}
}

// TestOverload overloads a shop that now and then has no time, and sees every part of it in the report.
func TestOverload(t *testing.T) {
	busy := &shop{before: func(n int, w http.ResponseWriter) bool {
		if n%5 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return n%5 == 0
	}}
	g := busy.open(t, func(o *loadgen.Options) { o.During = 600 * time.Millisecond })
	report, err := g.Overload(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]loadgen.Report{"capacity": report.Capacity, "half": report.Half, "twice": report.Twice} {
		if part.Requests("accepted") == 0 || part.Requests("503") == 0 || part.Requests("wrong answer") > 0 {
			t.Errorf("%s: %+v", name, part)
		}
	}
	var text strings.Builder
	if err := report.Write(&text); err != nil || report.Wrong() {
		t.Error(err, report)
	}
	for line := range strings.Lines(text.String()) {
		if fields := strings.Fields(line); len(fields) != 3 || !strings.HasPrefix(fields[0], "overload.") {
			t.Errorf("%q is no figure", line)
		}
	}
	for _, name := range []string{"capacity", "half.accepted.p99", "twice.accepted.sent.p99", "twice.503", "twice.never_sent", "again.after", "again"} {
		if !strings.Contains(text.String(), "overload."+name+" ") {
			t.Errorf("it does not say %s: %s", name, &text)
		}
	}
	if c := busy.compare(t, g); !c.Exact() || c.Acknowledged == 0 || c.Stored != c.Acknowledged {
		t.Errorf("%+v", c)
	}
}

// TestOverloadOfNothing sees that a server that can do nothing is not sent twice of that.
func TestOverloadOfNothing(t *testing.T) {
	closed := &shop{before: func(_ int, w http.ResponseWriter) bool { w.WriteHeader(http.StatusServiceUnavailable); return true }}
	g := closed.open(t, func(o *loadgen.Options) { o.During = 100 * time.Millisecond })
	if report, err := g.Overload(t.Context()); err == nil || report.Twice.During != 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestOptionsAreJudged(t *testing.T) {
	for name, o := range map[string]loadgen.Options{
		"nothing":  {},
		"too many": {Rate: 1e9, During: time.Hour, People: 1, Places: make([]loadgen.Place, 1), Connections: 1, Timeout: 1},
		"long day": {Replay: 1e9, People: 1, Places: make([]loadgen.Place, 1), Connections: 1, Timeout: 1},
		"shares": {
			Rate: 1, During: time.Second, People: 1, Places: make([]loadgen.Place, 1), Connections: 1, Timeout: 1,
			Shares: loadgen.Shares{Bad: 60, Duplicates: 41},
		},
	} {
		if _, err := loadgen.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
