package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/qrgen"
)

// hasList is there once the gate's page has fetched a list of revoked codes that it did not have.
const hasList = css(".taken-back[data-tag]")

// TestGateRevoked has a gate refuse a code that its owner took back, where there is no network and after it was opened anew, and say how
// old its list is when that is old.
func TestGateRevoked(t *testing.T) {
	in := install(t)
	server := in.serve()
	owner := in.account("--login", "cho-mau", "--role", "owner", "--organisation", "Chợ Mẫu")
	market := owner.makes("Chợ Mẫu", "market", "")
	stall := owner.makes("Sạp rau", "stall", market)
	keys, err := qrgen.ReadKeyFile(filepath.Join(in.data, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	var codes [3]string
	for serial := range codes {
		token := qrgen.Token{Kind: qrgen.KindStall, Place: uuid.MustParse(stall), IssuedAt: time.Now().Add(-time.Minute), Serial: uint32(serial)}
		if codes[serial], err = keys.Sign(token); err != nil {
			t.Fatal(err)
		}
	}
	b := browser(t)
	says := func(shown, want string) {
		t.Helper()
		if got := b.presents(shown); !strings.Contains(got, want) {
			t.Errorf("%.20s is answered %q, want %q", shown, got, want)
		}
	}
	b.enrols(in, invitedGate(owner, market))
	b.do("waiting for the decoder", chromedp.WaitVisible(onGate), chromedp.WaitReady(hasList))
	says(codes[1], "Sạp rau")
	b.do("going back to the gate's own place", chromedp.Click(css(".where button")), chromedp.WaitNotVisible(css(".where")))
	owner.post("/places/"+stall+"/reissue", "serial", "1", "end", "now")
	b.do("opening the page anew", chromedp.Navigate(in.base+"/gate"), chromedp.WaitReady(hasList), chromedp.WaitVisible(css("#gate[data-aside]")))
	server.kill()
	says(codes[1], "thu hồi")
	says(codes[2], "Sạp rau")
	b.do("going back again", chromedp.Click(css(".where button")), chromedp.WaitNotVisible(css(".where")))
	b.do("opening the page without a network", chromedp.Navigate("about:blank"), chromedp.Navigate(in.base+"/gate"), chromedp.WaitVisible(onGate))
	says(codes[1], "thu hồi")
	if old := read(b, "looking for the mark", chromedp.Evaluate[bool](`!document.querySelector(".taken-back").hidden`)); old {
		t.Error("a list of this hour is said to be old")
	}
	b.goesBack(-25 * 3600)
	says("079000000001", "VÀO")
	b.shows(".taken-back", "Danh sách mã bị thu hồi trên máy này được lập lúc")
}

// TestGateClosed opens a gate's page while what stands before the server says that there is none: who comes is kept, and told of later.
func TestGateClosed(t *testing.T) {
	in := install(t)
	in.serve()
	owner := in.account("--login", "cho-mau", "--role", "owner", "--organisation", "Chợ Mẫu")
	invited := invitedGate(owner, owner.makes("Chợ Mẫu", "market", ""))
	between := newSpoiler(t, in.base)
	b := browser(t)
	b.enrols(&installation{base: between.URL}, invited)
	b.do("waiting until the page is put aside", chromedp.WaitVisible(onGate), chromedp.WaitVisible(css("#gate[data-aside]")))
	between.spoil(closed)
	b.do("opening the page while all is closed", chromedp.Navigate("about:blank"), chromedp.Navigate(between.URL+"/gate"), chromedp.WaitVisible(onGate))
	b.presents("079000000001")
	b.shows(".undelivered b", "1")
	between.spoil(honestly)
	b.delivered(1)
}
