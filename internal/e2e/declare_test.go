package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestDeclaration has a citizen declare their health where a place asks for it, with one tap, and the gate of the place see it.
func TestDeclaration(t *testing.T) {
	const phone = "0977000111"
	g := newGateway(t)
	in := install(t, "TRUYVET_SMS_WEBHOOK="+g.URL)
	in.serve()
	owner := in.account("--login", "cho-mau", "--role", "owner", "--organisation", "Chợ Mẫu")
	_, landed := owner.post("/places/new", "name", "Chợ Mẫu", "kind", "market", "address", "Số 1", "area", "31101", "parent", "", "dwell", "", "form", "general")
	place := find(t, landed, `/places/([0-9a-f-]{36})`)
	token := olderCode(t, in, place)

	b := browser(t)
	b.do("giving a phone number", chromedp.Navigate(in.base+"/q/"+token), chromedp.SendKeys(css("#phone"), phone), press("button.huge", "#code"))
	eventually(t, "the code arrives", func() error { return g.arrived(phone) })
	b.do("proving it", chromedp.SendKeys(css("#code"), g.code(phone)), press("main form button[type=submit]", ".stamp"))
	b.do("opening the form", chromedp.Click(css(`a[href$="/declare"]`)), chromedp.WaitVisible(css(".declare")))
	b.do("pressing Enter in a field", chromedp.SendKeys(css("#q-where"), "x\r"))
	if at := read(b, "looking where it is", chromedp.Evaluate[bool](`!!document.querySelector(".quick")`)); !at {
		t.Error("Enter has sent the form")
	}
	b.do("declaring that there is nothing", press(".quick button", ".box.success"))
	if text := b.text(".box.success"); !strings.Contains(text, "Đã khai báo y tế hôm nay") {
		t.Errorf("the page says %q", text)
	}
	b.do("going back to the stamp", chromedp.Click(css("main a.button")), chromedp.WaitVisible(css(".stamp ~ .declared")))

	device := browser(t)
	device.do("enrolling the gate",
		chromedp.Navigate(in.base+"/gate/enrol"), chromedp.SendKeys(css("#code"), invitedGate(owner, place)),
		press(`form[action="/gate/enrol"] button`, `a[href="/gate"].button`), chromedp.Click(css(`a[href="/gate"].button`)),
		chromedp.WaitVisible(onGate))
	for number, want := range map[string]string{phone: "Đã khai báo y tế", "0977000222": "Chưa khai báo y tế"} {
		device.do("typing a number", chromedp.SendKeys(css("#number"), number+"\r"))
		eventually(t, "the guard sees how it stands", func() error {
			look := chromedp.Evaluate[string](`document.querySelector(".ledger li span")?.textContent ?? ""`)
			if line := read(device, "reading the list", look); !strings.HasSuffix(line, " · "+want) {
				return fmt.Errorf("the last line is %q, want %q", line, want)
			}
			return nil
		})
	}
}
