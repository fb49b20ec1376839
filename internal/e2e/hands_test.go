package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// focus tells what has the focus: whether it is what a selector finds, and whether somebody who looks can see that it has it.
const focus = `(() => {
	const at = document.activeElement, box = at.getBoundingClientRect(), seen = getComputedStyle(at)
	return {
		There: at.matches(%q), What: at.outerHTML.slice(0, 150),
		Seen: at === document.body || seen.outlineStyle !== "none" && parseFloat(seen.outlineWidth) > 0 && box.bottom > 0 && box.top < innerHeight,
	}
})()`

// tabTo goes to what a selector finds, by the keyboard alone, and holds that the way there can be seen.
func (b tab) tabTo(selector css) {
	b.t.Helper()
	for range 120 {
		at := read(b, "looking where the focus is", chromedp.Evaluate[struct {
			There, Seen bool
			What        string
		}](fmt.Sprintf(focus, string(selector))))
		if at.There {
			return
		}
		b.do("pressing Tab", chromedp.KeyEvent(kb.Tab))
		if !at.Seen {
			b.t.Errorf("nobody sees that the focus is on %s", at.What)
		}
	}
	b.t.Fatalf("Tab does not lead to %s", selector)
}

// enter goes to a link or a button and presses Enter, which leads to the page that has the second.
func (b tab) enter(selector, then css) {
	b.t.Helper()
	b.tabTo(selector)
	b.do("pressing Enter on "+string(selector), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(then))
}

// typed goes to a field and types into it.
func (b tab) typed(field css, keys string) {
	b.t.Helper()
	b.tabTo(field)
	b.do("typing into "+string(field), chromedp.KeyEvent(keys))
}

// keyboard goes the ways of a citizen, a guard, an owner and a tracing team with Tab, Enter and the arrows alone.
func keyboard(t *testing.T, in *installation) {
	b := browser(t)
	b.do("coming", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		return err
	}), chromedp.Navigate(in.base))
	b.enter(`a.button[href^="/q/"]`, "#phone")
	b.typed("#phone", "0987654321")
	b.do("asking for a code", chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(css(".demo-code .code")))
	b.typed("#code", b.text(".demo-code .code"))
	b.do("proving it", chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(css(".stamp")))
	b.enter("button[value=out]", "button[value=in]")

	logIn := func(login string, landing css) {
		b.do("leaving", chromedp.Navigate(in.base))
		b.enter(css(`a[href="/login?login=`+login+`"]`), "#password")
		b.enter(`form[action="/login"] button`, landing)
	}
	logIn("owner", `a[href="/places/new"]`)
	b.enter(`a[href="/places/new"]`, "#name")
	b.typed("#name", "Nhà sách")
	b.typed("#kind", kb.ArrowDown)
	b.typed("#area", kb.ArrowDown)
	b.enter(`form[action="/places/new"] button`, "figure.paper img")
	b.enter(`form[action="/logout"] button`, `a[href="/signup"]`)

	logIn("city", `a[href="/cases/new"]`)
	b.typed("input[name=which]", kb.ArrowDown)
	b.enter(`form[action="/runs"] button[type=submit]:not([formaction])`, "h1.answer")
	b.enter("#list details summary", "#list details[open]")
	b.enter(`#list details[open] a[href*="/people/"]`, "input[name=purpose]")
	b.typed("input[name=purpose]", " ")
	b.enter(`form[action*="/people/"] button`, "dl.details")
	b.enter(`form[action="/logout"] button`, `a[href="/signup"]`)

	logIn("gate", `form.till`)
	b.typed("#number", "0912345678")
	b.do("sending it", chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(css(".answers .verdict.yes")))
	b.enter(".ledger li:first-child button", ".answers .verdict.undone")
}

// scriptless has a citizen check in and an owner print where the browser runs no script.
func scriptless(t *testing.T, in *installation, info demoInfo) {
	b := browser(t)
	b.do("switching scripts off", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	b.do("asking for a code", chromedp.Navigate(in.base+"/q/"+info.Token), chromedp.SendKeys(css("#phone"), "0987 654 322"),
		press(`form[action$="/phone"] button`, ".demo-code .code"))
	b.do("checking in", chromedp.SendKeys(css("#code"), b.text(".demo-code .code")), press(`form[action$="/code"] button`, ".stamp"))
	b.do("leaving", press("button[value=out]", "button[value=in]"))
	b.do("showing a code of one's own", chromedp.Navigate(in.base+"/me/code"), chromedp.WaitVisible(css(".my-code svg")))

	b.logIn(in, "owner", `a[href="/places/new"]`)
	b.do("seeing the paper", chromedp.Navigate(in.base+"/places/"+info.Place), chromedp.WaitVisible(css(`form[action$="/poster.pdf"] button`)))
	b.do("ordering all posters", chromedp.Navigate(in.base+"/places/print"),
		press(`form[action="/places/print"] button`, `progress, a.button[href$="/file"]`))
	eventually(t, "the posters are drawn", func() error {
		if read(b, "looking for the file", chromedp.Evaluate[bool](`!!document.querySelector('a.button[href$="/file"]')`)) {
			return nil
		}
		b.do("asking how far they are", press(".look a", "main h1"))
		return errors.New("still drawing")
	})
	if title := b.text("h1"); !strings.Contains(title, "sẵn sàng") {
		t.Errorf("the order says %q", title)
	}
}
