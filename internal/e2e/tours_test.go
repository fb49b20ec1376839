package e2e

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/png" // decodes what the owner downloads
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// css is a selector.
type css = chromedp.CSS

// tab is a tab of a browser of its own.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// browser starts chromium, the size of a small phone, with an empty profile.
func browser(t *testing.T, more ...chromedp.ExecAllocatorOption) tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not installed; install it with: apt-get install -y chromium")
	}
	allocator, stop := chromedp.NewExecAllocator(t.Context(), append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.NoFirstRun, chromedp.NoSandbox, chromedp.Headless, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.WindowSize(360, 640), chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(patience),
	}, more...)...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	// The browser lives as long as the context of the first run, which therefore has no time limit.
	if _, err := chromedp.Run(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	return tab{t, ctx}
}

// do runs steps; on a failure it says what was on the page.
func (b tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	read(b, what, chromedp.Steps(steps...))
}

// read runs an action that gives something.
func read[T any](b tab, what string, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	got, err := chromedp.Run(ctx, action)
	if err != nil {
		late, cancel := context.WithTimeout(b.ctx, patience)
		defer cancel()
		address, _ := chromedp.Run(late, chromedp.Location())
		text, _ := chromedp.Run(late, chromedp.Evaluate[string]("document.body.innerText"))
		b.t.Fatalf("%s: %v\nat %s:\n%.3000s", what, err, address, text)
	}
	return got
}

// text returns what stands in the first element that the selector finds.
func (b tab) text(selector css) string {
	b.t.Helper()
	// In one step inside the page: while a page still arrives, the browser gives its nodes other numbers.
	look := chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", string(selector)))
	var text string
	eventually(b.t, "there is a text at "+string(selector), func() error {
		if text = strings.TrimSpace(read(b, "reading "+string(selector), look)); text == "" {
			return errors.New("nothing yet")
		}
		return nil
	})
	return text
}

// press clicks what the selector finds and waits for the page that has the second.
func press(selector, then css) chromedp.Action[chromedp.Void] {
	return chromedp.Steps(chromedp.Click(selector), chromedp.WaitVisible(then))
}

// demoInfo is what the demo keeps of itself in the data folder.
type demoInfo struct {
	Place string
	Token string
	Run   string
	Phone string
	Onset string
}

// demoTown serves the small made-up district.
func demoTown(t *testing.T) (*installation, demoInfo) {
	t.Helper()
	in := newInstallation(t)
	in.serve("demo", "--small")
	text, err := os.ReadFile(filepath.Join(in.data, "demo.json"))
	if err != nil {
		t.Fatal(err)
	}
	var info demoInfo
	if err := json.Unmarshal(text, &info); err != nil {
		t.Fatal(err)
	}
	return in, info
}

// logIn follows the login's link on the home page, which has the name and the password filled in.
func (b tab) logIn(in *installation, login string, landing css) {
	b.t.Helper()
	b.do("logging in as "+login,
		chromedp.Navigate(in.base),
		press(css(`a[href="/login?login=`+login+`"]`), "#password"),
		press(`form[action="/login"] button[type=submit]`, landing),
	)
}

// TestTours goes the tours of the README, start to end, in a browser the size of a small phone, and that of an officer with many
// cases.
func TestTours(t *testing.T) {
	in, info := demoTown(t)
	t.Run("owner", func(t *testing.T) { tourOwner(t, in, info) })
	t.Run("new organisation", func(t *testing.T) { tourNewOrganisation(t, in) })
	t.Run("citizen", func(t *testing.T) { tourCitizen(t, in, info) })
	t.Run("driver", func(t *testing.T) { tourDriver(t, in) })
	t.Run("tracing team", func(t *testing.T) { tourTeam(t, in, info) })
	t.Run("many cases", func(t *testing.T) { tourManyCases(t, in) })
}

func tourOwner(t *testing.T, in *installation, info demoInfo) {
	b := browser(t)
	b.logIn(in, "owner", `a[href="/places/new"]`)
	b.do("adding a stall",
		chromedp.Navigate(in.base+"/places/new?parent="+info.Place),
		chromedp.SendKeys(css("#name"), "Sạp bún cá số 99"),
		chromedp.SetValue(css("#kind"), "stall"),
		press(`form[action="/places/new"] button[type=submit]`, "figure.paper img"),
	)
	link := b.text("code.long")
	width := read(b, "looking at the code", chromedp.Evaluate[int](
		`(async () => { const i = document.querySelector("figure.paper img"); await i.decode(); return i.naturalWidth })()`,
		chromedp.EvalAwaitPromise))
	if name := b.text("h1"); name != "Sạp bún cá số 99" || width == 0 {
		t.Errorf("the page of %q shows a code %d pixels wide", name, width)
	}
	png := read(b, "downloading the code", chromedp.Evaluate[string](`(async () => {
		const r = await fetch(document.querySelector('a[href*="code.png"]').href)
		return Array.from(new Uint8Array(await r.arrayBuffer()), b => String.fromCharCode(b)).join("")
	})()`, chromedp.EvalAwaitPromise))
	var file []byte
	for _, r := range png {
		file = append(file, byte(r))
	}
	if said := decode(t, file); said != link {
		t.Errorf("the code says %s, the page %s", said, link)
	}

	// Re-issuing: the next serial, and the old code is dead at once.
	b.do("re-issuing",
		press(`a[href$="/reissue"]`, `form[action$="/reissue"] button[type=submit]`),
		press(`form[action$="/reissue"] button[type=submit]`, "figure.paper img"),
	)
	if serial := b.text("dl.facts dd"); serial != "2" {
		t.Errorf("serial %s after re-issuing", serial)
	}
	res, err := in.person().client.Get(in.base + link[strings.LastIndex(link, "/Q/"):])
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusGone {
		t.Errorf("the old code is answered with status %d", res.StatusCode)
	}
}

// decode reads a code in a PNG with a decoder that is not ours.
func decode(t *testing.T, png []byte) string {
	t.Helper()
	picture, _, err := image.Decode(bytes.NewReader(png))
	if err != nil {
		t.Fatal(err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
	if err != nil {
		t.Fatal(err)
	}
	return result.GetText()
}

func tourCitizen(t *testing.T, in *installation, info demoInfo) {
	b := browser(t)
	b.do("opening the code", chromedp.Navigate(in.base), press(`a.button[href^="/q/"]`, "#phone"))
	place := b.text("h1.place")
	b.do("asking for a one-time code",
		chromedp.SendKeys(css("#phone"), "0912 345 678"),
		press(`form[action$="/phone"] button[type=submit]`, ".demo-code .code"),
	)
	b.do("proving the phone",
		chromedp.SendKeys(css("#code"), b.text(".demo-code .code")),
		press(`form[action$="/code"] button[type=submit]`, ".stamp"),
	)
	if stamped := b.text(".stamp-place"); stamped != place || place == "" {
		t.Errorf("the stamp is for %q, the code for %q", stamped, place)
	}
	b.do("checking in again, in one tap", chromedp.Navigate(in.base+"/q/"+info.Token), press("button.huge", ".stamp"))
	if stamped := b.text(".stamp-place"); stamped != place {
		t.Errorf("the second stamp is for %q", stamped)
	}
	before := b.text("#stamp")
	b.do("checking out", press("button[name=kind][value=out]", "button[name=kind][value=in]"))
	if after := b.text("#stamp"); before == after {
		t.Errorf("checking out looks like checking in: %q", after)
	}
}

func tourTeam(t *testing.T, in *installation, info demoInfo) {
	b := browser(t)
	b.logIn(in, "city", `a[href="/cases/new"]`)
	b.do("reading the finished trace", chromedp.Navigate(in.base), press(css(`a[href="/runs/`+info.Run+`"]`), "h1.answer"))
	f1, f2 := b.text("h1.answer span:nth-of-type(1) b"), b.text("h1.answer span:nth-of-type(2) b")
	if f1 == "0" || f2 == "0" {
		t.Errorf("the finished trace has %s F1 and %s F2", f1, f2)
	}
	b.do("entering a case",
		chromedp.Navigate(in.base+"/cases/new"),
		chromedp.SendKeys(css("#phone"), info.Phone),
		chromedp.SetValue(css("#onset"), info.Onset),
		chromedp.SendKeys(css("#lab_ref"), "XN-2021-0001"),
		press(`form[action="/cases/new"] button[type=submit]`, `form[action="/runs"] button[type=submit]`),
		press(`form[action="/runs"] button[type=submit]`, "h1.answer"),
	)
	shown, err := strconv.Atoi(b.text("h1.answer span:nth-of-type(1) b"))
	if err != nil || shown == 0 {
		t.Fatalf("the new case has %d F1: %v", shown, err)
	}
	b.do("opening the evidence of the first contact", chromedp.Click(css("#list details summary")))
	if evidence := b.text("#list details[open]"); !strings.Contains(evidence, "F0") {
		t.Errorf("the evidence names no F0:\n%s", evidence)
	}
	list := read(b, "downloading the list", chromedp.Evaluate[string](
		`(async () => (await fetch(document.querySelector('a[href$="list.csv"]').href)).text())()`, chromedp.EvalAwaitPromise))
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(list, "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	people := make(map[string]bool)
	for _, row := range rows[1:] {
		if row[1] == "1" {
			people[row[0]] = true
		}
	}
	if len(people) != shown {
		t.Errorf("%d F1 in the CSV, %d on the page", len(people), shown)
	}
}

// tourManyCases counts for all cases, traces them by a profile of the table, narrows the list to one case, and opens the evidence.
func tourManyCases(t *testing.T, in *installation) {
	b := browser(t)
	b.logIn(in, "city", `a[href="/cases/new"]`)
	b.do("choosing every case",
		chromedp.Click(css(`input[name=which][value=all]`)),
		press(`button[formaction="/dry-run"]`, "table.dry"),
	)
	b.do("trying numbers of one's own",
		chromedp.SetValue(css("#overlap"), "30"),
		press(`form[action^="/dry-run"] button[type=submit]`, "#own"),
	)
	counted := b.text("table.dry tbody tr:first-child td.count")
	b.do("tracing by the first profile", press(`table.dry tbody tr:first-child button[name=profile]`, "h1.answer"))
	if listed := b.text("h1.answer span:nth-of-type(1) b"); listed != counted || listed == "0" {
		t.Errorf("the dry run counted %s F1, the run lists %s", counted, listed)
	}
	b.do("choosing the case with most people", press(`section[aria-labelledby=by-case] ul li:first-child a`, `main:has(a[href*="list.csv?case="]) details.how`))
	code := read(b, "reading which case it is", chromedp.Evaluate[string](
		`document.querySelector("section[aria-labelledby=by-case] a[aria-current] b").innerText`))
	b.do("opening the evidence of their first contact", chromedp.Click(css("#list details summary")))
	if evidence := b.text("#list details[open]"); !strings.Contains(evidence, code) {
		t.Errorf("the evidence does not name the case %s:\n%s", code, evidence)
	}
	file := read(b, "downloading the list of the case", chromedp.Evaluate[string](
		`(async () => (await fetch(document.querySelector('a[href*="list.csv?case="]').href)).text())()`, chromedp.EvalAwaitPromise))
	whole := read(b, "downloading the whole list", chromedp.Evaluate[string](
		`(async () => (await fetch(document.querySelector('a[href$="list.csv"]').href)).text())()`, chromedp.EvalAwaitPromise))
	if n, all := strings.Count(file, "\n"), strings.Count(whole, "\n"); n < 2 || n >= all {
		t.Errorf("the file of one case has %d lines, that of all %d", n, all)
	}
	answer := read(b, "asking the API", chromedp.Evaluate[string](`(async () => {
		const r = await fetch("/api/v1/dry-runs", {method: "POST", headers: {"Content-Type": "application/json"}, body: '{"all":true}'})
		return r.status + " " + await r.text()
	})()`, chromedp.EvalAwaitPromise))
	if !strings.HasPrefix(answer, "200 ") || !strings.Contains(answer, "vn-2021-12") {
		t.Errorf("the API answers %s", answer)
	}
}
