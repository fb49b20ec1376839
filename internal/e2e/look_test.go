package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// pictures is a folder that gets a picture of every page that is looked over, in three sizes.
var pictures = flag.String("pages.pictures", "", "put pictures of every page into this folder")

// axe returns the source of axe-core, which deploy/dev/axe.sh installs; TRUYVET_AXE names another one.
func axe(t *testing.T) string {
	t.Helper()
	path := os.Getenv("TRUYVET_AXE")
	if path == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(cache, "truyvet", "axe", "node_modules", "axe-core", "axe.min.js")
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("axe-core is not installed; install it with: deploy/dev/axe.sh (%v)", err)
	}
	return string(source)
}

// looker looks over every page that its tab is shown.
type looker struct {
	tab
	in               *installation
	axe              string
	language, scheme string
	seen             int
}

// lookOver opens a browser that reads in a language and a colour scheme, light or dark.
func lookOver(t *testing.T, in *installation, language, scheme string) *looker {
	t.Helper()
	l := &looker{tab: browser(t), in: in, axe: axe(t), language: language, scheme: scheme}
	l.motion("reduce")
	l.forget()
	return l
}

// motion says whether the reader wants that anything moves: reduce or no-preference.
func (l *looker) motion(wanted string) {
	l.t.Helper()
	l.do("choosing how to read", call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: l.scheme}, {Name: "prefers-reduced-motion", Value: wanted},
	}}))
}

// stamped holds that a stamp moves for whoever has nothing against it, and that its clock goes on for whoever has.
func (l *looker) stamped(clock css) {
	l.t.Helper()
	l.motion("no-preference")
	if moving := read(l.tab, "looking what moves", chromedp.Evaluate[string](moves)); moving == "" {
		l.t.Error("the stamp does not move")
	}
	l.motion("reduce")
	l.ticks(clock)
}

// ticks waits until a clock has gone on.
func (l *looker) ticks(clock css) {
	l.t.Helper()
	before := l.text(clock)
	eventually(l.t, "the clock goes on", func() error {
		if now := l.text(clock); now == before {
			return errors.New("it says " + now)
		}
		return nil
	})
}

// forget takes every cookie but the language from the browser.
func (l *looker) forget() {
	l.t.Helper()
	l.do("becoming somebody else", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, storage.ClearCookies, storage.ClearCookiesParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, network.SetCookie, network.SetCookieParams{Name: "truyvet_lang", Value: l.language, URL: l.in.base})
		return err
	}))
}

// open goes to an address and looks the page over.
func (l *looker) open(name, path string) {
	l.t.Helper()
	l.do("opening "+path, chromedp.Navigate(l.in.base+path))
	l.look(name)
}

// follow goes where a link of the page leads, and looks that page over.
func (l *looker) follow(name string, link css) {
	l.t.Helper()
	l.open(name, read(l.tab, "finding "+string(link), chromedp.Evaluate[string](
		fmt.Sprintf(`(() => { const u = new URL(document.querySelector(%q).href); return u.pathname + u.search })()`, string(link)))))
}

// send sends the form of a button as it stands, whatever the browser thinks of it, and looks the answer over.
func (l *looker) send(name string, button, then css) {
	l.t.Helper()
	l.do("sending "+string(button), chromedp.Evaluate[chromedp.Void](
		fmt.Sprintf(`(() => { const b = document.querySelector(%q); b.form.noValidate = true; b.form.requestSubmit(b) })()`, string(button))),
		chromedp.WaitVisible(then))
	l.look(name)
}

// sizes are those in which pictures are taken: a tablet, a desk, a small phone.
var sizes = [][2]int64{{768, 1024}, {1440, 900}, {360, 640}}

// look holds that nobody is kept out of a page: no rule of WCAG 2.2 A and AA that axe-core can see is broken, nothing is wider
// than a small phone, nor than the same at 200 %, and nothing moves, of which the browser says that the reader does not want it.
func (l *looker) look(name string) {
	l.t.Helper()
	l.seen++
	for _, width := range []int64{180, 360} {
		l.do("looking at "+name, chromedp.EmulateViewport(width, 640))
		if wide := read(l.tab, "measuring "+name, chromedp.Evaluate[string](tooWide)); wide != "" {
			l.t.Errorf("%s, %s, %s: wider than %d: %s", name, l.language, l.scheme, width, wide)
		}
	}
	if *pictures != "" {
		for _, size := range sizes {
			l.do("looking at "+name, chromedp.EmulateViewport(size[0], size[1]))
			l.picture(fmt.Sprintf("%02d-%s-%s-%d", l.seen, name, l.scheme, size[0]))
		}
	}
	if moving := read(l.tab, "looking what moves on "+name, chromedp.Evaluate[string](moves)); moving != "" {
		l.t.Errorf("%s, %s, %s: it moves, and should not: %s", name, l.language, l.scheme, moving)
	}
	broken := read(l.tab, "looking over "+name, chromedp.Evaluate[string](l.axe+";\n"+lookForFaults, chromedp.EvalAwaitPromise))
	if broken != "" {
		l.t.Errorf("%s, %s, %s:\n%s", name, l.language, l.scheme, broken)
	}
}

// tooWide tells what is wider than the window; nothing where nothing is.
const tooWide = `(() => {
	const d = document.documentElement
	if (d.scrollWidth <= d.clientWidth) return ""
	const out = [...document.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > d.clientWidth + 0.5 && !e.closest(".scroll *"))
	return d.scrollWidth + ": " + out.slice(0, 4).map(e => e.outerHTML.slice(0, 120)).join(" | ")
})()`

// moves tells what is moved by the style sheet; nothing where nothing is.
const moves = `[...document.querySelectorAll("*")].flatMap((e) => ["", "::before", "::after"].map((part) => [e, getComputedStyle(e, part || null)]))
	.filter(([, s]) => s.display !== "none" && (s.animationName !== "none" && parseFloat(s.animationDuration) > 0 || parseFloat(s.transitionDuration) > 0))
	.slice(0, 4).map(([e, s]) => e.outerHTML.slice(0, 80) + ": " + s.animationName).join(" | ")`

// lookForFaults lists the rules that are broken, and where.
const lookForFaults = `axe.run(document, {runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}})
	.then(r => r.violations.map(v => v.id + ": " + v.help + "\n" +
		v.nodes.map(n => "  " + n.target + "\n    " + n.html.slice(0, 200) + "\n    " + n.failureSummary.replaceAll("\n", " ")).join("\n")).join("\n"))`

// picture keeps a picture of the whole page.
func (l *looker) picture(name string) {
	l.t.Helper()
	png := read(l.tab, "taking a picture", chromedp.FullScreenshot(100))
	file := filepath.Join(*pictures, strings.ReplaceAll(name, " ", "-")+".png")
	if err := os.WriteFile(file, png, 0o600); err != nil {
		l.t.Fatal(err)
	}
}
