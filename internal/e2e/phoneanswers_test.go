package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/serviceworker"
	"github.com/chromedp/chromedp"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing/stay"
)

const ownQueue = "/api/v1/me/queue"

// spoiler passes requests on to a server, and may answer some by itself.
type spoiler struct {
	*httptest.Server
	onwards http.Handler
	mu      sync.Mutex
	answer  func(w http.ResponseWriter, r *http.Request) bool // says whether it has answered
	queues  []time.Time                                       // when the phone's queue came
}

func newSpoiler(t *testing.T, base string) *spoiler {
	t.Helper()
	server, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	s := &spoiler{onwards: httputil.NewSingleHostReverseProxy(server), answer: honestly}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		answer := s.answer
		if r.URL.Path == ownQueue {
			s.queues = append(s.queues, time.Now())
		}
		s.mu.Unlock()
		if !answer(w, r) {
			s.onwards.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// spoil has requests be answered otherwise from now on, and forgets what came.
func (s *spoiler) spoil(answer func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer, s.queues = answer, nil
}

// came returns when the phone's queue came.
func (s *spoiler) came() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.queues)
}

func honestly(http.ResponseWriter, *http.Request) bool { return false }

// closed answers whatever is asked with a status.
func closed(w http.ResponseWriter, _ *http.Request) bool {
	w.WriteHeader(http.StatusBadGateway)
	return true
}

// busy answers a phone's queue with a status, and wants it back after some seconds.
func busy(status int, after string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != ownQueue {
			return false
		}
		w.Header().Set("Retry-After", after)
		w.WriteHeader(status)
		return true
	}
}

// TestPhoneAnswers has a phone meet what answers there may be while it delivers: none to a tap that has arrived, that there is too much
// at this moment, that the number has to be proved again, and one that comes when every page is closed. Each tap counts once.
func TestPhoneAnswers(t *testing.T) {
	t.Parallel()
	w := newBazaar(t)
	between := newSpoiler(t, w.base)
	b := browser(t)
	w.prove(b, between.URL, "0912345678")
	b.do("waiting until the phone can do without a network", chromedp.WaitReady(onPhone))
	code := func(i int) string { return between.URL + "/q/" + w.tokens[i] }

	t.Run("none", func(t *testing.T) { w.answerCut(b, between, code(1)) })
	t.Run("too much", func(t *testing.T) {
		for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
			w.answerBusy(b, between, code(2), status)
		}
	})
	t.Run("too much for a day", func(t *testing.T) { w.answerForever(b, between, code(2)) })
	t.Run("prove it", func(t *testing.T) { w.answerProve(b, between, code(1)) })
	t.Run("all closed", func(t *testing.T) { w.answerClosed(b, between, code(2)) })

	t.Run("taken back", func(t *testing.T) { w.answerCutUndone(b, between, code(2)) })
	t.Run("left behind", func(t *testing.T) { w.answerLeft(b, between, w.tokens[1]) })

	w.server.kill() // its files are looked at as it left them
	stored := storedScans(t, w.installation)
	if len(stored) != 9 || stored[8].Kind != stay.Void || stored[8].Voids != stored[7].ID {
		t.Fatalf("stored are %+v, want eight taps, and what takes the last back", stored)
	}
	var places []uuid.UUID
	for _, s := range stored[:7] {
		if s.Kind != stay.In || s.Place == uuid.Nil {
			t.Errorf("stored is %+v", s)
		}
		places = append(places, s.Place)
	}
	if places[1] != places[5] || slices.ContainsFunc([]int{3, 4, 6}, func(i int) bool { return places[i] != places[2] }) {
		t.Errorf("scans are stored of %v", places)
	}
}

// answerCut checks in with a network that breaks when the server has the tap: the phone keeps it, and it is the same one.
func (w bazaar) answerCut(b tab, between *spoiler, code string) {
	b.t.Helper()
	arrived := make(chan int, 8) // with which status; the browser may try again by itself
	between.spoil(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.HasSuffix(r.URL.Path, "/scan"):
			answer := httptest.NewRecorder()
			between.onwards.ServeHTTP(answer, r)
			arrived <- answer.Code
		case r.URL.Path != ownQueue:
			return false
		}
		panic(http.ErrAbortHandler)
	})
	b.do("checking in as the network breaks", chromedp.Navigate(code), chromedp.Click(css("button.huge")), stampIs("waiting"))
	if status := <-arrived; status != http.StatusOK {
		b.t.Errorf("the tap was answered with status %d", status)
	}
	between.spoil(honestly)
	b.do("mending it", chromedp.Evaluate[chromedp.Void](`dispatchEvent(new Event("online"))`), stampIs("delivered"))
	b.do("reading the page once more", chromedp.Reload(), chromedp.WaitVisible(css("form.tap button.huge")))
}

// answerCutUndone takes a tap back of which no answer came before anything more could be sent: it has arrived, and has to be told.
func (w bazaar) answerCutUndone(b tab, between *spoiler, code string) {
	b.t.Helper()
	between.spoil(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.HasSuffix(r.URL.Path, "/scan"):
			between.onwards.ServeHTTP(httptest.NewRecorder(), r)
		case r.URL.Path != ownQueue && r.URL.Path != "/healthz":
			return false
		}
		panic(http.ErrAbortHandler)
	})
	b.do("checking in as the network breaks, and taking it back", chromedp.Navigate(code), chromedp.Click(css("button.huge")), stampIs("waiting"),
		chromedp.Click(css("button.undo")), chromedp.WaitVisible(tapIn))
	between.spoil(honestly)
	b.do("delivering that", chromedp.Navigate(between.URL+"/q"), chromedp.WaitVisible(css("#part-list .none")))
}

// answerLeft opens a code without a network of which the worker has left a tap of an hour ago: it is kept, and is no stamp of now. One of
// somebody else is not taken up. It is delivered as of its time, at which there was no such code yet.
func (w bazaar) answerLeft(b tab, between *spoiler, token string) {
	b.t.Helper()
	at := time.Now().Add(-time.Hour).Unix()
	leave := func(whose string) chromedp.Action[chromedp.Void] {
		return chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(async () => {
			const visits = await truyvetVisits();
			const { whose } = await visits.stored("person");
			await visits.store("tap", { token: %q, id: truyvetId(%d), kind: "in", along: [], whose: %s });
		})()`, token, at, whose), chromedp.EvalAwaitPromise)
	}
	for _, whose := range []string{`"another"`, "whose"} {
		between.spoil(honestly)
		b.do("leaving a tap", chromedp.Navigate(between.URL+"/q"), chromedp.WaitVisible(css("#part-list .none")), leave(whose))
		between.spoil(closed)
		b.do("opening its code without a server", chromedp.Navigate(between.URL+"/q/"+token), chromedp.WaitVisible(css("#shell[data-ready=yes]")), chromedp.WaitVisible(tapIn))
		want := map[string]int{"whose": 1}[whose]
		if n := read(b, "counting what is kept", chromedp.Evaluate[int](`document.querySelectorAll("#part-list .ledger li").length`)); n != want {
			b.t.Errorf("%d taps of %s are kept, want %d", n, whose, want)
		}
	}
	between.spoil(honestly)
	b.do("delivering it", chromedp.Navigate(between.URL+"/q"), chromedp.WaitVisible(css("#part-list .ledger li[data-state=refused]")))
	if why := b.text("#part-list .ledger .why"); !strings.Contains(why, "ở tương lai") {
		b.t.Errorf("it was refused because %q", why)
	}
}

// keptAt has the phone keep a tap while nothing is answered.
func (w bazaar) keptAt(b tab, between *spoiler, code string) {
	b.t.Helper()
	between.spoil(closed)
	b.do("checking in without a server", chromedp.Navigate(code), chromedp.Click(tapIn), stampIs("waiting"))
}

// answerBusy has the server be too busy for what the phone keeps: it comes again as the server wants, and not before.
func (w bazaar) answerBusy(b tab, between *spoiler, code string, status int) {
	b.t.Helper()
	w.keptAt(b, between, code)
	between.spoil(busy(status, "1"))
	nudge := chromedp.Evaluate[chromedp.Void](`dispatchEvent(new Event("online"))`)
	eventually(b.t, "the phone tries", func() error {
		b.do("saying that there is a network", nudge)
		if len(between.came()) < 2 {
			return errors.New("not twice yet")
		}
		return nil
	})
	if came := between.came(); came[1].Sub(came[0]) < time.Second {
		b.t.Errorf("%d: it came again after %v", status, came[1].Sub(came[0]))
	}
	between.spoil(honestly)
	b.do("waiting until it is taken", stampIs("delivered"))
}

// answerForever has the server be too busy for a day: the phone comes again after ten minutes. In its page a minute takes a tenth of a second.
func (w bazaar) answerForever(b tab, between *spoiler, code string) {
	b.t.Helper()
	w.keptAt(b, between, code)
	between.spoil(busy(http.StatusServiceUnavailable, "86400"))
	b.do("letting the time pass quickly", chromedp.Evaluate[chromedp.Void](`(() => {
		const real = window.setTimeout;
		window.setTimeout = (then, wait) => {
			window.longest = Math.max(window.longest ?? 0, wait);
			return real(then, wait / 600);
		};
		dispatchEvent(new Event("online"));
	})()`))
	eventually(b.t, "the phone has tried again", func() error {
		if len(between.came()) < 2 {
			return errors.New("not twice yet")
		}
		return nil
	})
	if longest := read(b, "asking how long it waited", chromedp.Evaluate[int](`window.longest`)); longest != 600_000 {
		b.t.Errorf("it waited for %d ms", longest)
	}
	between.spoil(honestly)
	b.do("waiting until it is taken", chromedp.Reload(), chromedp.WaitVisible(css("form.tap button.huge")))
	b.do("opening the list", chromedp.Navigate(between.URL+"/q"), chromedp.WaitVisible(css("#part-list .none")))
}

// answerProve has the credential end while the phone keeps something: the list says what to do, and keeps all until it is done.
func (w bazaar) answerProve(b tab, between *spoiler, code string) {
	b.t.Helper()
	const phone = "0912345678"
	w.keptAt(b, between, code)
	b.do("losing the credential", forget())
	between.spoil(honestly)
	b.do("opening the list", chromedp.Navigate(between.URL+"/q"), chromedp.WaitVisible(css("#part-list .prove")))
	if n := read(b, "counting what is kept", chromedp.Evaluate[int](`document.querySelectorAll("#part-list .ledger li[data-state=waiting]").length`)); n != 1 {
		b.t.Errorf("%d taps wait", n)
	}
	before := w.codes.code(phone)
	b.do("giving the number", press("#part-list .prove a", "#phone"), chromedp.SendKeys(css("#phone"), phone), press(`form[action="/me/phone"] button`, "#code"))
	eventually(b.t, "another code comes", func() error {
		if w.codes.code(phone) == before {
			return errors.New("it is the old one")
		}
		return nil
	})
	b.do("proving it", chromedp.WaitVisible(css("[name=mine]:checked")), chromedp.SendKeys(css("#code"), w.codes.code(phone)), press(`form[action="/me/proof"] button`, `form[action="/me/leave"]`))
	b.do("opening the list again", chromedp.Navigate(between.URL+"/q"), chromedp.WaitVisible(css("#part-list .none")))
}

// answerClosed has the browser wake the worker where no page is open.
func (w bazaar) answerClosed(b tab, between *spoiler, code string) {
	b.t.Helper()
	w.keptAt(b, between, code)
	b.do("closing the page", chromedp.Navigate("about:blank"))
	between.spoil(honestly)
	ours := func(r *serviceworker.Registration) bool { return strings.HasPrefix(r.ScopeURL, between.URL) }
	known := read(b, "looking for the worker", chromedp.WaitEvent(serviceworker.WorkerRegistrationUpdated,
		func(e serviceworker.EventWorkerRegistrationUpdated) bool {
			return slices.ContainsFunc(e.Registrations, ours)
		},
		call(serviceworker.Enable, cdp.Empty{})))
	b.do("waking it", call(serviceworker.DispatchSyncEvent, serviceworker.DispatchSyncEventParams{
		Origin: between.URL, RegistrationID: known.Registrations[slices.IndexFunc(known.Registrations, ours)].RegistrationID,
		Tag: "truyvet-visits", LastChance: true,
	}))
	eventually(b.t, "the worker delivers", func() error {
		if len(between.came()) == 0 {
			return errors.New("nothing has come")
		}
		return nil
	})
	b.do("opening the list", chromedp.Navigate(between.URL+"/q"), chromedp.WaitVisible(css("#part-list .none")))
}

// call sends a command to the browser that answers nothing.
func call[P any](command cdp.Command[P, cdp.Empty], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, command, params)
		return err
	})
}
