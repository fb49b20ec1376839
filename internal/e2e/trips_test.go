package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"
)

// newPlace has the owner, who is logged in, make a place that asks for a form, and returns its page, that of its code, and what makes a
// device its gate.
func (b tab) newPlace(in *installation, name, kind, form string) (place, code, gate string) {
	b.t.Helper()
	b.do("opening the form of a place", chromedp.Navigate(in.base+"/places/new"), chromedp.WaitVisible(css("#name")))
	made := read(b, "making a place and inviting its gate", chromedp.Evaluate[[]string](fmt.Sprintf(`(async () => {
		const post = (to, fields) => fetch(to, { method: "POST", body: new URLSearchParams(fields) });
		const area = [...document.querySelectorAll("[name=area] option")].map((o) => o.value).find((v) => v);
		const made = await post("/places/new", { name: %q, kind: %q, form: %q, address: "Số 1", area, parent: "", dwell: "" });
		const code = /https?:[^"<\s]*(\/Q\/[A-Z2-7]+)/i.exec(await made.text())[1];
		const place = new URL(made.url).pathname;
		const invited = await post("/accounts", { role: "gate", place: place.split("/").pop() });
		return [place, code, /class="code">([^<]+)</.exec(await invited.text())[1]];
	})()`, name, kind, form), chromedp.EvalAwaitPromise))
	return made[0], made[1], made[2]
}

// getsOn has somebody show their ID card to the driver, and waits until the server knows: a page that is opened anew sends it anew.
func (b tab) getsOn(card string) {
	b.t.Helper()
	b.do("waiting for the gate", chromedp.WaitVisible(css("#gate[data-ready]"))) // the list is another before
	lines := read(b, "counting lines", chromedp.Evaluate[int](`document.querySelectorAll(".ledger li").length`))
	b.do("scanning a card", chromedp.SendKeys(css("#number"), card+"\r"), chromedp.WaitVisible(css(fmt.Sprintf(".ledger li:nth-child(%d)", lines+1))),
		chromedp.WaitReady(css(`#gate[data-waiting="0"]`)))
}

// tourDriver has a bus run twice. Somebody with a phone and somebody with a card are on the first trip, somebody else is on the next:
// the trace of the first finds the second and nobody else.
func tourDriver(t *testing.T, in *installation) {
	owner, driver := browser(t), browser(t)
	owner.logIn(in, "owner", `a[href="/places/new"]`)
	_, code, gate := owner.newPlace(in, "Xe khách 51B-123.45", "vehicle", "")
	driver.enrols(in, gate)
	driver.do("beginning a trip",
		chromedp.SendKeys(css("#route"), "Cửa Lạch – Hà Nội"), press(`.trip form[action$="/begin"] button`, `.trip form[action$="/end"] button`))
	owner.do("checking in on the bus with a phone",
		chromedp.Navigate(in.base+code), chromedp.SendKeys(css("#phone"), "0977 000 111"),
		press(`form[action$="/phone"] button[type=submit]`, ".demo-code .code"))
	owner.do("proving the phone", chromedp.SendKeys(css("#code"), owner.text(".demo-code .code")), press(`form[action$="/code"] button[type=submit]`, ".stamp"))
	driver.getsOn("079000000001")
	eventually(t, "two people are aboard", func() error {
		driver.do("looking who is aboard", chromedp.Navigate(in.base+"/gate"), chromedp.WaitVisible(css(".trip")))
		if said := driver.text(".trip p"); !strings.Contains(said, "2 người trên xe") {
			return errors.New(said)
		}
		return nil
	})
	driver.do("ending the trip and beginning the next",
		press(`.trip form[action$="/end"] button:enabled`, ".trip.idle"), press(`.trip.idle button[name=route]:enabled`, `.trip form[action$="/end"] button:enabled`))
	driver.getsOn("079000000002")

	city := browser(t)
	city.logIn(in, "city", `a[href="/cases/new"]`)
	city.do("entering the case of who had the phone",
		chromedp.Navigate(in.base+"/cases/new"),
		chromedp.SendKeys(css("#phone"), "0977000111"), chromedp.SetValue(css("#onset"), time.Now().In(time.FixedZone("", 7*3600)).Format(time.DateOnly)),
		chromedp.SendKeys(css("#lab_ref"), "XN-BUS-1"),
		press(`form[action="/cases/new"] button[type=submit]`, `form[action="/runs"] button[type=submit]`),
		chromedp.Click(css(`input[name=profile][value=vn-5053]`)),
		press(`form[action="/runs"] button[type=submit]`, "h1.answer"))
	if f1, f2 := city.text("h1.answer span:nth-of-type(1) b"), city.text("h1.answer span:nth-of-type(2) b"); f1 != "1" || f2 != "0" {
		t.Errorf("the trace has %s F1 and %s F2", f1, f2)
	}
	if evidence := city.text("#list details[open]"); !strings.Contains(evidence, "Chuyến Cửa Lạch – Hà Nội") {
		t.Errorf("the evidence names no trip:\n%s", evidence)
	}
}

// closes closes the browser, which keeps its profile.
func (b tab) closes() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Cancel(ctx); err != nil {
		b.t.Fatal(err)
	}
}

// goesBack sets the clock of the page so many seconds back.
func (b tab) goesBack(seconds int) {
	b.t.Helper()
	read(b, "setting the clock", chromedp.Evaluate[bool](fmt.Sprintf(`(() => {
		window.now ??= Date.now;
		Date.now = () => now() - %d * 1000;
		return true;
	})()`, seconds)))
}

// The buttons with which a driver begins a trip and ends it.
const (
	beginsAgain = css(`.trip.idle button[name=route]:enabled`)
	ends        = css(`.trip form[action$="/end"] button:enabled`)
)

// TestGateTrips has a driver run twice with no server, and close the browser. Once there is a server again both trips are there once, and
// who got on is on the right one.
func TestGateTrips(t *testing.T) {
	in := install(t)
	server := in.serve()
	owner := in.account("--login", "nha-xe", "--role", "owner", "--organisation", "Nhà xe Mẫu")
	bus := owner.makes("Xe khách 51B-123.45", "vehicle", "")
	profile := chromedp.UserDataDir(t.TempDir())
	b := browser(t, profile)
	b.enrols(in, invitedGate(owner, bus))
	b.do("waiting for the decoder", chromedp.WaitVisible(onGate), chromedp.WaitVisible(css("#gate[data-aside]")))
	card := "079000000000|024000000|Nguyễn Thị Ánh|01021990|Nữ|" + strings.Repeat("Số 12, ", 10) + "Hà Nội|15032021"
	b.do("letting a reader type where the route goes", chromedp.SendKeys(css("#route"), card+"\r"), chromedp.WaitVisible(css(".verdict.yes")))
	b.delivered(1)
	server.kill()
	b.goesBack(600)
	b.do("typing a route", chromedp.SendKeys(css("#route"), " Cửa Lạch –  Hà Nội "))
	b.run("tapping twice while the route is looked at", aReader+`; hold("personal");
		for (const tap of [1, 2]) document.querySelector(".trip.idle details button").click();
		while (!held()) await new Promise((resolve) => setTimeout(resolve, 20));
		let()`)
	b.do("beginning a trip", chromedp.WaitVisible(ends))
	b.shows(".trip h2", "Cửa Lạch – Hà Nội")
	b.shows(".trip .kept", "Chưa gửi")
	b.goesBack(540)
	for _, card := range []string{"079000000001", "079000000002", "079000000003"} {
		b.presents(card)
	}
	b.shows(".inside b", "3")
	b.goesBack(300)
	b.do("ending it", press(ends, beginsAgain))
	b.shows(".inside b", "0")
	b.goesBack(240)
	b.do("beginning the next", press(beginsAgain, ends))
	b.goesBack(200)
	b.presents("079000000004")
	b.closes()

	b = browser(t, profile)
	b.do("opening the browser again", chromedp.Navigate(in.base+"/gate"), chromedp.WaitVisible(onGate), chromedp.WaitVisible(ends))
	b.shows(".trip .kept", "Chưa gửi")
	b.shows(".undelivered b", "7")
	server.begin()
	in.await(server)
	b.delivered(5)
	b.do("seeing that it is told", chromedp.WaitNotVisible(css(".trip .kept")), chromedp.WaitVisible(ends))
	lines := strings.Split(strings.TrimSpace(owner.get("/places/"+bus+"/trips.csv")), "\n")
	if len(lines) != 3 || !strings.Contains(lines[1], "Cửa Lạch – Hà Nội") || !strings.Contains(lines[2], "Cửa Lạch – Hà Nội") {
		t.Errorf("the trips are %q", lines)
	}

	b.do("ending it too", press(ends, beginsAgain))
	read(b, "giving trips no id", chromedp.Evaluate[bool](`(() => { crypto.randomUUID = () => "00000000-0000-0000-0000-000000000000"; return true; })()`))
	b.do("beginning what the server refuses", press(beginsAgain, `.trip.idle .not-taken`))
	b.shows(".trip .not-taken", "Máy chủ không nhận")

	server.kill()
	got := storedScans(t, in)
	if len(got) != 5 || got[0].Trip != uuid.Nil {
		t.Fatalf("%d scans are stored, want 5, and the first on the trip %v, want none", len(got), got[0].Trip)
	}
	got = got[1:]
	for i, s := range got {
		if s.Trip == uuid.Nil || (s.Trip == got[0].Trip) != (i < 3) {
			t.Errorf("scan %d, of %d, is on the trip %v", i, s.At, s.Trip)
		}
	}
}
