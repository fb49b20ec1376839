package e2e

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

// presents has something shown at the gate, and returns the answer in large.
func (b tab) presents(shown string) string {
	b.t.Helper()
	return read(b, "presenting something", chromedp.Evaluate[string](fmt.Sprintf(`(async () => {
		const field = document.getElementById("number");
		const verdict = () => document.querySelector(".verdict:not(.waiting)");
		const before = verdict();
		field.value = %q;
		field.form.requestSubmit();
		while (verdict() === before) await new Promise((resolve) => setTimeout(resolve, 20));
		return verdict().className + ": " + verdict().innerText;
	})()`, shown), chromedp.EvalAwaitPromise))
}

// shows waits until a part of the gate's page says something.
func (b tab) shows(selector, text string) {
	b.t.Helper()
	look := chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%q)?.innerText ?? ""`, selector))
	eventually(b.t, selector+" says "+text, func() error {
		if got := read(b, "looking at "+selector, look); !strings.Contains(got, text) || text == "" && got != "" {
			return errors.New("it says " + got)
		}
		return nil
	})
}

// TestGateInside scans people into places inside the gate's own, with a network and without, and has the device become the gate of one
// of those, and what it was before again.
func TestGateInside(t *testing.T) {
	in := install(t)
	server := in.serve()
	owner := in.account("--login", "cho-mau", "--role", "owner", "--organisation", "Chợ Mẫu")
	market := owner.makes("Chợ Mẫu", "market", "")
	herbs, fish := owner.makes("Sạp rau", "stall", market), owner.makes("Sạp cá", "stall", market)
	shop := owner.makes("Tiệm ngoài", "shop", "")
	keys, err := qrgen.ReadKeyFile(filepath.Join(in.data, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	codes, short := make(map[string]string), ""
	for _, place := range []string{herbs, fish, shop} {
		token := qrgen.Token{Kind: qrgen.KindStall, Place: uuid.MustParse(place), IssuedAt: time.Now().Add(-time.Minute), Serial: 1}
		if codes[place], err = keys.Sign(token); err != nil {
			t.Fatal(err)
		}
	}
	if short, err = qrgen.CheckCode(codes[fish]); err != nil {
		t.Fatal(err)
	}
	b := browser(t)
	b.enrols(in, invitedGate(owner, market))
	b.do("waiting for the decoder", chromedp.WaitVisible(onGate), chromedp.WaitVisible(css("#gate[data-aside]")))
	says := func(shown, want string) {
		t.Helper()
		if got := b.presents(shown); !strings.Contains(got, want) {
			t.Errorf("%.20s is answered %q, want %q", shown, got, want)
		}
	}

	says(codes[shop], "không nằm trong")
	says("HTTP://TRUYVET.VN/Q/"+codes[herbs], "Sạp rau")
	b.shows(".where", "Sạp rau")
	says("079000000001", "VÀO")
	b.shows(".inside b", "1")
	b.do("letting people out", chromedp.Click(css(`.modes a[data-mode="out"]`)))
	says("079000000001", "RA")
	b.shows(".inside b", "0")
	b.delivered(2)

	b.do("cutting the network", chromedp.Click(css(`.modes a[data-mode="in"]`)), cut(true))
	says("079000000002", "VÀO")
	says("079000000003", "VÀO")
	b.shows(".line", "Mất kết nối")
	b.shows(".inside b", "2")
	b.do("undoing without a network", chromedp.Click(css(".ledger li:first-child button")), chromedp.WaitVisible(css(".verdict.undone")))
	b.shows(".inside b", "1")
	says(codes[fish], short) // nobody has told this device yet how it is called
	b.shows(".where .unsure", "chưa kiểm tra")
	says("079000000004", "VÀO")
	server.kill()
	b.do("coming back to no server", chromedp.Navigate("about:blank"), cut(false), chromedp.Navigate(in.base+"/gate"), chromedp.WaitVisible(onGate))
	b.shows(".where", short)
	b.shows(".undelivered b", "4")
	b.do("going back to the gate's own place", chromedp.Click(css(".where button")), chromedp.WaitNotVisible(css(".where")))
	says("079000000005", "VÀO")
	b.shows(".ledger li:nth-child(2)", short)
	server.begin()
	in.await(server)
	b.delivered(6)
	b.shows(".line", "Đã kết nối")

	// Another place's from now on, with something that is not delivered.
	b.do("cutting the network again", cut(true))
	says("079000000006", "VÀO")
	b.do("leaving the page, and having the network again", chromedp.Navigate("about:blank"), cut(false), chromedp.Navigate(in.base+"/gate/enrol"))
	b.shows(".left", "1 lượt của “Chợ Mẫu”")
	b.enrols(in, invitedGate(owner, herbs))
	b.do("waiting for the decoder", chromedp.WaitVisible(onGate))
	b.shows("h1", "Sạp rau")
	b.shows(".left", "1 lượt của “Chợ Mẫu”")
	says("079000000007", "VÀO")
	b.delivered(1)
	b.enrols(in, invitedGate(owner, market))
	b.do("waiting for the decoder", chromedp.WaitVisible(onGate))
	b.delivered(7)

	server.kill()
	type at struct {
		place string
		kind  stay.Kind
	}
	want := []at{
		{herbs, stay.In},
		{herbs, stay.Out},
		{herbs, stay.In},
		{herbs, stay.In},
		{market, stay.Void},
		{fish, stay.In},
		{market, stay.In},
		{herbs, stay.In},
		{market, stay.In},
	}
	got := storedScans(t, in)
	if len(got) != len(want) {
		t.Fatalf("%d scans are stored, want %d", len(got), len(want))
	}
	for i, s := range got {
		if s.Place.String() != want[i].place || s.Kind != want[i].kind {
			t.Errorf("scan %d is a %v at %v, want %v at %s", i, s.Kind, s.Place, want[i].kind, want[i].place)
		}
		if s.How != scan.GateTyped && s.How != scan.GateTypedOffline {
			t.Errorf("scan %d: how %v", i, s.How)
		}
	}
}
