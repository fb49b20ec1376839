package e2e

import (
	"bytes"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// tourNewOrganisation goes from asking for an account to the posters of a first place and a part of it.
func tourNewOrganisation(t *testing.T, in *installation) {
	const password = "quán nhỏ đầu ngõ 2026"
	b := browser(t)
	b.do("signing up",
		chromedp.Navigate(in.base), press(`a[href="/signup"]`, "#contact"),
		chromedp.SendKeys(css("#name"), "Quán bún cô Tư"),
		chromedp.SendKeys(css("#contact"), "024 3828 0000"),
		press(`form[action="/signup"] button[type=submit]`, ".box.made"),
	)
	link := b.text(".box.made code")
	b.logIn(in, "admin", `a[href="/applications"]`)
	b.do("admitting it",
		press(`a[href="/applications"]`, `form[action$="/admit"] button`),
		press(`form[action$="/admit"] button`, "main:not(:has(table))"),
		press(`form[action="/logout"] button`, `a[href="/signup"]`),
	)
	b.do("choosing a login",
		chromedp.Navigate(in.base+link[strings.Index(link, "/invitation/"):]),
		chromedp.WaitVisible(css("#login")),
		chromedp.SendKeys(css("#login"), "cotu"),
		chromedp.SendKeys(css("#password"), password),
		chromedp.SendKeys(css("#again"), password),
		press(`form[action^="/invitation/"] button[type=submit]`, `a.button[href="/login"]`),
		press(`a.button[href="/login"]`, "#password"),
		chromedp.SendKeys(css("#login"), "cotu"),
		chromedp.SendKeys(css("#password"), password),
		press(`form[action="/login"] button[type=submit]`, `a[href="/places/new"]`),
	)
	b.do("making the first place",
		press(`a[href="/places/new"]`, "#name"),
		chromedp.SendKeys(css("#name"), "Quán bún cô Tư"),
		chromedp.SetValue(css("#kind"), "restaurant"),
	)
	read(b, "choosing the first ward", chromedp.Evaluate[int](`document.querySelector("#area").selectedIndex = 1`))
	b.do("keeping it",
		press(`form[action="/places/new"] button[type=submit]`, "figure.paper img"),
	)
	b.do("making a part of it",
		press(`a[href^="/places/new?parent="]`, "#name"),
		chromedp.SendKeys(css("#name"), "Tầng hai"),
		chromedp.SetValue(css("#kind"), "other"),
		press(`form[action="/places/new"] button[type=submit]`, "figure.paper img"),
	)
	b.do("ordering both posters",
		press(`nav a[href="/places"]`, `a[href="/places/print"]`),
		press(`a[href="/places/print"]`, "#size"),
		chromedp.SetValue(css("#size"), "A6"),
		press(`form[action="/places/print"] button[type=submit]`, `a.button[href$="/file"]`),
	)
	file := read(b, "downloading them", chromedp.Evaluate[string](`(async () => {
		const r = await fetch(document.querySelector('a.button[href$="/file"]').href)
		return Array.from(new Uint8Array(await r.arrayBuffer()), b => String.fromCharCode(b)).join("")
	})()`, chromedp.EvalAwaitPromise))
	var raw []byte
	for _, r := range file {
		raw = append(raw, byte(r))
	}
	if pages := bytes.Count(raw, []byte("/Type/Page/")); !bytes.HasPrefix(raw, []byte("%PDF-")) || pages != 2 {
		t.Errorf("%d bytes with %d posters were downloaded", len(raw), pages)
	}
}
