package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/truyvet/truyvet/tracing/stay"
)

// bazaar is an installation with a market and two stalls in it, whose codes are the tokens.
type bazaar struct {
	*installation
	server *process
	codes  *gateway
	tokens [3]string
}

func newBazaar(t *testing.T) bazaar {
	t.Helper()
	codes := newGateway(t)
	in := install(t, "TRUYVET_SMS_WEBHOOK="+codes.URL)
	w := bazaar{installation: in, server: in.serve(), codes: codes}
	owner := in.account("--login", "cho-mau", "--role", "owner", "--organisation", "Chợ Mẫu")
	market := ""
	for i, name := range []string{"Chợ Mẫu", "Sạp cá số 1", "Sạp rau số 2"} {
		form := []string{"name", name, "kind", "stall", "address", "Số 1", "area", "31101", "parent", market, "dwell", ""}
		if i == 0 {
			form[3] = "market"
		}
		page, landed := owner.post("/places/new", form...)
		if i == 0 {
			market = find(t, landed, `/places/([0-9a-f-]{36})`)
		}
		w.tokens[i] = find(t, page, `/Q/([A-Z2-7]{154})`)
	}
	return w
}

// another opens another tab of the browser.
func (b tab) another() tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	// The tab lives as long as the context of the first run, which therefore has no time limit.
	if _, err := chromedp.Run(ctx, chromedp.Navigate("about:blank")); err != nil {
		b.t.Fatal(err)
	}
	return tab{b.t, ctx}
}

// onPhone waits until the phone can do without a network.
const onPhone = css(`#visitor[data-ready=yes]`)

// prove has a browser check in for the first time.
func (w bazaar) prove(b tab, base, phone string) {
	b.t.Helper()
	b.do("asking for a one-time code",
		chromedp.Navigate(base+"/q/"+w.tokens[0]), chromedp.SendKeys(css("#phone"), phone), press(`form[action$="/phone"] button`, "#code"))
	b.do("proving the phone", chromedp.SendKeys(css("#code"), w.codes.code(phone)), press(`form[action$="/code"] button.huge`, ".stamp"))
}

// stampIs waits for the stamp of the page that needs no network to be in a state.
func stampIs(state string) chromedp.Action[chromedp.Void] {
	return chromedp.WaitVisible(css(".stamp[data-state=" + state + "]"))
}

// tapIn is the button on the page that needs no network.
const tapIn = css("#part-tap button[value=in]")

// openedAgain checks in where there is no network, closes every page, and opens the one that lists what the phone has kept.
func (w bazaar) openedAgain(b tab) {
	b.t.Helper()
	w.server.kill()
	b.do("checking in before everything is closed",
		chromedp.Navigate(w.base+"/q/"+w.tokens[1]), chromedp.Click(tapIn), stampIs("waiting"), chromedp.Navigate("about:blank"))
	w.server.begin()
	w.await(w.server)
	b.do("opening what the phone keeps", chromedp.Navigate(w.base+"/q"), chromedp.WaitVisible(css("#part-list .none")))
}

// TestPhoneAlone checks in, goes where there is no network, keeps what is tapped there, through codes that are none, what is taken
// back, a clock that is set, and two tabs, and delivers it once when the server is there again.
func TestPhoneAlone(t *testing.T) {
	w := newBazaar(t)
	b := browser(t)
	w.prove(b, w.base, "0912345678")
	b.do("adding a child",
		chromedp.WaitReady(onPhone), chromedp.Navigate(w.base+"/q/"+w.tokens[0]+"/with"), chromedp.SendKeys(css("#name"), "Bé Na"),
		press(`form[action$="/with"] button`, "input[name=with]"), chromedp.WaitReady(onPhone))

	b.do("cutting the network", cut(true))
	w.server.kill()
	b.do("opening a known code, and checking in with the child",
		chromedp.Navigate(w.base+"/Q/"+w.tokens[0]), chromedp.Click(css("#part-tap input[name=with]")), chromedp.Click(tapIn), stampIs("waiting"))
	if said := b.text("#part-stamp"); !strings.Contains(said, "Chợ Mẫu") || !strings.Contains(said, "CHƯA GỬI") || !strings.Contains(said, "1 người đi cùng") {
		t.Errorf("the stamp says %q", said)
	}
	b.do("opening what is no code", chromedp.Navigate(w.base+"/q/"+w.tokens[1][:153]+"B"), chromedp.WaitVisible(css("#part-refused")))
	b.do("checking in at a forged code", chromedp.Navigate(w.base+"/q/"+w.tokens[1][:120]+"AAAA"+w.tokens[1][124:]), chromedp.Click(tapIn), stampIs("waiting"))
	b.do("opening a code that the phone does not know", chromedp.Navigate(w.base+"/q/"+w.tokens[1]), chromedp.WaitVisible(tapIn))
	if place := b.text("#part-tap .place"); place != "Quầy, sạp" {
		t.Errorf("an unknown place is called %q", place)
	}
	b.do("taking it back", chromedp.Click(tapIn), stampIs("waiting"), chromedp.Click(css("button.undo")), chromedp.Click(tapIn), stampIs("waiting"))
	second := b.another()
	second.do("opening another tab", chromedp.Navigate(w.base+"/q"), chromedp.WaitVisible(css("#part-list .ledger li:nth-child(3)")))
	w.server.begin()
	w.await(w.server)
	b.do("mending the network", cut(false), stampIs("delivered"))
	second.do("reading what was refused", chromedp.WaitVisible(css("#part-list .ledger li[data-state=refused]:only-child")))
	if why := second.text("#part-list .ledger .why"); !strings.Contains(why, "Chữ ký") {
		t.Errorf("it was refused because %q", why)
	}
	second.do("having understood", chromedp.Click(css("#part-list .ledger button")), chromedp.WaitVisible(css("#part-list .none")))

	second.do("leaving the second tab", chromedp.Navigate("about:blank"))

	w.openedAgain(b)

	b.do("cutting the network again", cut(true))
	w.server.kill()
	b.do("checking in once more", chromedp.Navigate(w.base+"/q/"+w.tokens[2]), chromedp.Click(tapIn), stampIs("waiting"))
	kept := time.Now().Unix()
	read(b, "setting the clock three hours ahead", chromedp.Evaluate[bool](`(() => { const now = Date.now; Date.now = () => now() + 10_800_000; return true; })()`))
	w.server.begin()
	w.await(w.server)
	b.do("mending the network again", cut(false), stampIs("delivered"))

	w.server.kill() // its files are looked at as it left them
	got := storedScans(t, w.installation)
	if len(got) != 6 {
		t.Fatalf("%d scans are stored, want the first, one of two people, and three more: %+v", len(got), got)
	}
	first, mine, theirs, last := got[0], got[1], got[2], got[5]
	if first.Place != mine.Place || mine.Place != theirs.Place || theirs.At != mine.At || theirs.Alias == mine.Alias || got[3].Place == first.Place {
		t.Errorf("stored are %+v", got)
	}
	for _, s := range got {
		if s.Kind != stay.In || s.At > kept+2 || s.At < kept-int64(patience/time.Second) {
			t.Errorf("a %v is stored as of %d s before the last tap", s.Kind, kept-s.At)
		}
	}
	if last.At < kept-5 {
		t.Errorf("the last is as of %d s before it was tapped", kept-last.At)
	}
}
