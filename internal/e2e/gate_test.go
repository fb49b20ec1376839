package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/google/uuid"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanstore/sqlite"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

// The size of a camera's pictures, and of the code in them.
const (
	filmWidth, filmHeight = 640, 480
	filmCode              = 320
)

// frame draws the code of a text in the middle of a picture.
func frame(t *testing.T, text string) *image.Gray {
	t.Helper()
	code, err := qrcode.NewQRCodeWriter().Encode(text, gozxing.BarcodeFormat_QR_CODE, filmCode, filmCode,
		map[gozxing.EncodeHintType]any{gozxing.EncodeHintType_CHARACTER_SET: "UTF-8"})
	if err != nil {
		t.Fatal(err)
	}
	picture := image.NewGray(image.Rect(0, 0, filmWidth, filmHeight))
	draw.Draw(picture, picture.Rect, image.NewUniform(color.Gray{Y: 140}), image.Point{}, draw.Src)
	draw.Draw(picture, code.Bounds().Add(image.Pt((filmWidth-filmCode)/2, (filmHeight-filmCode)/2)), code, image.Point{}, draw.Src)
	return picture
}

// film writes a film for the browser to take for its camera: each text's code for a second, again and again.
func film(t *testing.T, texts ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "film.y4m")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriter(f)
	fmt.Fprintf(out, "YUV4MPEG2 W%d H%d F5:1 Ip A1:1 C420jpeg\n", filmWidth, filmHeight)
	gray := bytes.Repeat([]byte{128}, filmWidth*filmHeight/2) // no colour
	for _, text := range texts {
		picture := frame(t, text)
		for range 5 {
			fmt.Fprintf(out, "FRAME\n%s%s", picture.Pix, gray)
		}
	}
	if err := errors.Join(out.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// camera has a browser see a film.
func camera(path string) []chromedp.ExecAllocatorOption {
	return []chromedp.ExecAllocatorOption{
		chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-video-capture", path),
	}
}

// emulateNetwork is the command that cuts a tab's network.
var emulateNetwork = cdp.Command[network.OverrideNetworkStateParams, cdp.Empty]{Method: "Network.emulateNetworkConditions"}

// cut cuts the network of a tab, or mends it.
func cut(offline bool) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, emulateNetwork, network.OverrideNetworkStateParams{Offline: offline, DownloadThroughput: -1, UploadThroughput: -1})
		return err
	})
}

// delivered waits until the gate's page has delivered all it keeps, and its list has so many lines.
func (b tab) delivered(lines int) {
	b.t.Helper()
	look := chromedp.Evaluate[string](fmt.Sprintf(`(() => {
		const lines = [...document.querySelectorAll(".ledger li")], left = document.getElementById("gate").dataset.waiting;
		const done = left === "0" && lines.length === %d && !lines.some((line) => line.dataset.state === "kept");
		return done ? "" : lines.length + " lines, " + left + " waiting; " + document.querySelector(".alone").innerText;
	})()`, lines))
	eventually(b.t, "everything is delivered", func() error {
		if left := read(b, "looking what is left", look); left != "" {
			return errors.New(left)
		}
		return nil
	})
}

// invitedGate invites a device to be the gate of a place, and returns the code with which it becomes that.
func invitedGate(owner *person, place string) string {
	owner.t.Helper()
	res, err := owner.client.PostForm(owner.base+"/accounts", url.Values{"role": {"gate"}, "place": {place}})
	if err != nil {
		owner.t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		owner.t.Fatal(err)
	}
	return find(owner.t, string(page), `class="code">([^<]+)<`)
}

// makes makes a place, inside another one unless that is empty, and returns its id.
func (p *person) makes(name, kind, parent string) string {
	p.t.Helper()
	area := "31101"
	if parent != "" {
		area = ""
	}
	_, landed := p.post("/places/new", "name", name, "kind", kind, "address", "Số 1", "area", area, "parent", parent, "dwell", "")
	return find(p.t, landed, `/places/([0-9a-f-]{36})`)
}

// enrols makes the browser a gate, and opens its page.
func (b tab) enrols(in *installation, code string) {
	b.t.Helper()
	b.do("enrolling the device",
		chromedp.Navigate(in.base+"/gate/enrol"), chromedp.SendKeys(css("#code"), code),
		press(`form[action="/gate/enrol"] button`, `a[href="/gate"].button`), chromedp.Click(css(`a[href="/gate"].button`)),
		chromedp.WaitVisible(css("#gate[data-ready]")))
}

// onGate waits until the gate's page can go on without a network.
const onGate = css(`#gate[data-ready=alone] .alone`)

// mishaps has people come to a gate whose decoder dies, whose browser has no room, and whose clock is set an hour ahead; the last one
// shows a personal code. It returns how each is answered: who comes as the decoder dies, when there is a new one, who finds no room, who
// then does, and who comes after the clock was set.
func (b tab) mishaps(personal string) string {
	b.t.Helper()
	return read(b, "meeting mishaps", chromedp.Evaluate[string](fmt.Sprintf(`(async () => {
		const field = document.getElementById("number");
		const answer = async (shown) => {
			const verdict = () => document.querySelector(".verdict:not(.waiting)");
			const before = verdict();
			field.value = shown;
			field.form.requestSubmit();
			while (verdict() === before) await new Promise((resolve) => setTimeout(resolve, 20));
			return verdict().classList.contains("yes") ? "yes" : "no";
		};
		const post = Worker.prototype.postMessage, add = IDBObjectStore.prototype.add, now = Date.now;
		Worker.prototype.postMessage = function () {
			Worker.prototype.postMessage = post;
			this.onerror();
		};
		const answers = [await answer("078000000001")];
		while ((await answer("078000000002")) === "no");
		answers.push("yes");
		IDBObjectStore.prototype.add = () => { throw new DOMException("no room", "QuotaExceededError"); };
		answers.push(await answer("078000000003"));
		IDBObjectStore.prototype.add = add;
		answers.push(await answer("078000000003"));
		Date.now = () => now() + 3_600_000;
		answers.push(await answer(%q));
		Date.now = now;
		return answers.join(" ");
	})()`, personal), chromedp.EvalAwaitPromise))
}

// TestGateAlone enrols a device, has it see an ID card and a personal code, has a reader type in the wrong layout, and keeps five
// hundred people while there is no network. It needs what `make wasm` builds.
func TestGateAlone(t *testing.T) {
	in := install(t)
	server := in.serve()
	owner := in.account("--login", "cho-mau", "--role", "owner", "--organisation", "Chợ Mẫu")
	code := invitedGate(owner, owner.makes("Chợ Mẫu", "market", ""))

	keys, err := qrgen.ReadKeyFile(filepath.Join(in.data, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	alias, issued := uuid.New(), time.Now().Add(qrgen.ClockTolerance-time.Minute) // good for as long as a slow browser takes
	personal, err := keys.SignPersonal(qrgen.PersonalCode{Alias: alias, IssuedAt: issued, ExpiresAt: issued.Add(qrgen.PersonalCodeLife)})
	if err != nil {
		t.Fatal(err)
	}
	b := browser(t, camera(film(t, cardText, personal))...)
	b.enrols(in, code)
	if without := read(b, "looking for the decoder", chromedp.Evaluate[bool](`!document.getElementById("gate").dataset.wasm`)); without {
		t.Fatal("the gate's decoder is not built; build it with: make wasm")
	}
	if *gateFrames > 0 {
		b.do("waiting for the decoder", chromedp.WaitVisible(onGate))
		benchGate(t, b, personal)
		return
	}
	b.do("letting the camera see a card and a personal code",
		chromedp.WaitVisible(onGate), chromedp.Click(css(".camera button")), chromedp.WaitVisible(css(".ledger li:nth-child(2)")), chromedp.Click(css(".camera button")))
	b.delivered(2)
	b.do("typing as a reader does on a French keyboard", chromedp.SendKeys(css("#number"), "àà&àéé&é\"'('\r"))
	b.delivered(3)
	if refused := read(b, "counting refusals", chromedp.Evaluate[int](`document.querySelectorAll(".verdict.no, .ledger li.no").length`)); refused != 0 {
		t.Errorf("%d are refused", refused)
	}

	other := uuid.New()
	again, err := keys.SignPersonal(qrgen.PersonalCode{Alias: other, IssuedAt: issued, ExpiresAt: issued.Add(qrgen.PersonalCodeLife)})
	if err != nil {
		t.Fatal(err)
	}
	if answers := b.mishaps(again); answers != "no yes no yes yes" {
		t.Errorf("with mishaps people are answered %q", answers)
	}
	const before = 3 + 3
	b.delivered(before)

	const people = 500
	b.do("cutting the network", chromedp.WaitVisible(css("#gate[data-aside]")), cut(true))
	kept := read(b, "keeping people", chromedp.Evaluate[string](fmt.Sprintf(`(async () => {
		const field = document.getElementById("number"), root = document.getElementById("gate");
		for (let i = 0; i < %d; i++) {
			field.value = String(79000000000 + i).padStart(12, "0");
			field.form.requestSubmit();
		}
		while (root.dataset.waiting !== "%d") await new Promise((resolve) => setTimeout(resolve, 50));
		return document.querySelector(".undelivered").textContent;
	})()`, people, people), chromedp.EvalAwaitPromise))
	server.kill()
	b.do("leaving the page, and coming back to no server", chromedp.Navigate("about:blank"), cut(false),
		chromedp.Navigate(in.base+"/gate"), chromedp.WaitVisible(onGate))
	if after := b.text(".undelivered"); !strings.Contains(after, fmt.Sprint(people)) {
		t.Errorf("it kept %q, and %q after it was opened again", kept, after)
	}
	server.begin()
	in.await(server)
	b.delivered(10)
	b.do("taking back the last", chromedp.Click(css(".ledger li:first-child button")), chromedp.WaitVisible(css(".verdict.undone")))
	b.delivered(10)

	server.kill() // its files are looked at as it left them
	got := storedScans(t, in)
	ids, aliases := make(map[uuid.UUID]bool), make(map[uuid.UUID]int)
	for i, s := range got {
		ids[s.ID] = true
		aliases[s.Alias]++
		if i > 0 && s.At < got[i-1].At-1 { // the two clocks are compared anew for each delivery, in whole seconds
			t.Errorf("scan %d is of %d s before the one before it", i, got[i-1].At-s.At)
		}
	}
	if len(got) != before+people+1 || len(ids) != len(got) || len(aliases) != before+people || aliases[alias] != 1 || aliases[other] != 1 {
		t.Errorf("%s: %d scans under %d ids of %d people are stored, want %d of %d", kept, len(got), len(ids), len(aliases), before+people+1, before+people)
	}
	if last := got[len(got)-1]; last.Kind != stay.Void || last.Voids != got[len(got)-2].ID {
		t.Errorf("the last scan is a %v", last.Kind)
	}
}

// storedScans reads what a server has stored that runs no more.
func storedScans(t *testing.T, in *installation) []scan.Scan {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(in.data, "scans"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	tail, err := store.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []scan.Scan
	if err := store.Read(t.Context(), scanlog.Watermark{}, tail, func(block []scan.Scan) error {
		got = append(got, block...)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return got
}
