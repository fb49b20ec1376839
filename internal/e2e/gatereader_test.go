package e2e

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// aReader lets a page have a reader type, as a browser has its keys: each goes where the focus is, and writes where that is after the
// page has seen it. Typed is without a rest. Hold has the decoder wait with what it is asked by a name, until let.
const aReader = `(() => {
	const press = (key) => {
		const code = /\d/.test(key) ? "Digit" + key : key;
		const event = new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true });
		(document.activeElement ?? document.body).dispatchEvent(event);
		const at = document.activeElement;
		if (/\d/.test(key) && at.matches("input")) at.value += key;
		if (key === "Enter") at.form && at.matches("input") ? at.form.requestSubmit() : at.click();
		if (key === "Tab") document.querySelector(".till button").focus();
	};
	window.typed = (text, end) => [...text, ...(end ? [end] : [])].forEach(press);
	const post = Worker.prototype.postMessage;
	let held = [];
	window.hold = (name) => {
		Worker.prototype.postMessage = function (message) {
			if (message.name === name) held.push([this, message]);
			else post.call(this, message);
		};
	};
	window.let = () => {
		Worker.prototype.postMessage = post;
		for (const [worker, message] of held.splice(0)) post.call(worker, message);
	};
	window.held = () => held.length;
	return true;
})()`

// lines waits until the list has so many lines, and looks that none is a refusal and that the field is empty.
func (b tab) lines(n int) {
	b.t.Helper()
	b.do("waiting for the list", chromedp.WaitVisible(css(fmt.Sprintf(".ledger li:nth-child(%d)", n))))
	wrong := read(b, "looking for what is wrong", chromedp.Evaluate[string](`document.getElementById("number").value +
		[...document.querySelectorAll(".verdict.no, .ledger li.no")].map((e) => e.innerText).join(" ")`))
	if wrong != "" {
		b.t.Errorf("with %d lines there is %q", n, wrong)
	}
}

// run runs a script in the page.
func (b tab) run(what, script string) {
	b.t.Helper()
	read(b, what, chromedp.Evaluate[bool](`(async () => { `+script+`; return true; })()`, chromedp.EvalAwaitPromise))
}

// letGo takes the databases away from the pages of an origin.
func letGo(origin string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, storage.ClearDataForOrigin, storage.ClearDataForOriginParams{Origin: origin, StorageTypes: "indexeddb"})
		return err
	})
}

// TestGateReader has a reader type while the focus is elsewhere, while a verdict is shown, behind what was left in the field, and while
// what it typed of the person before is still looked at: everybody is taken down, and nobody mixed with somebody else. So is who comes
// after the browser has let go of what the page kept.
func TestGateReader(t *testing.T) {
	in := install(t)
	server := in.serve()
	owner := in.account("--login", "cho-mau", "--role", "owner", "--organisation", "Chợ Mẫu")
	b := browser(t)
	b.enrols(in, invitedGate(owner, owner.makes("Chợ Mẫu", "market", "")))
	b.do("waiting for the decoder", chromedp.WaitVisible(onGate))
	read(b, "plugging a reader in", chromedp.Evaluate[bool](aReader))

	b.run("typing while a button has the focus", `document.querySelector(".camera button").focus(); typed("079000000001", "Enter")`)
	b.lines(1)
	b.run("typing while the button has it that takes the last one back", `document.querySelector(".ledger button").focus(); typed("079000000002", "Enter")`)
	b.lines(2)
	b.run("typing with a tabulator behind", `typed("079000000003", "Tab")`)
	b.lines(3)
	b.run("typing again, twice at once", `typed("079000000004", "Enter"); typed("079000000005", "Enter")`)
	b.lines(5)
	b.run("leaving a slip in the field", `typed("07"); await new Promise((resolve) => setTimeout(resolve, 400)); typed("079000000006", "Enter")`)
	b.lines(6)
	b.run("leaving one that no key ends", `typed("09"); await new Promise((resolve) => setTimeout(resolve, 400)); typed("079000000007")`)
	b.lines(7)
	b.run("typing of the next while the last is looked at", `
		hold("typed");
		typed("079000000008");
		while (!held()) await new Promise((resolve) => setTimeout(resolve, 20));
		typed("079000000009");
		let()`)
	b.lines(9)
	b.run("answering in the order in which they came", `
		hold("keep");
		document.querySelector('.modes a[data-mode="out"]').click();
		typed("079000000001", "Enter");
		document.querySelector('.modes a[data-mode="in"]').click();
		typed("079000000010", "Enter");
		while (!held()) await new Promise((resolve) => setTimeout(resolve, 20));
		let()`)
	b.do("waiting for the last", chromedp.WaitVisible(css(".verdict.in")))
	b.lines(10)
	b.shows(".ledger li:first-child", "Vào")
	b.shows(".ledger li:nth-child(2)", "Ra")
	b.delivered(10)
	b.do("having the browser let go of what it keeps", letGo(in.base), chromedp.WaitVisible(css("#gate .none")), chromedp.WaitVisible(onGate))
	b.presents("079000000011")
	b.delivered(1)

	server.kill()
	got := storedScans(t, in)
	people := make(map[string]int)
	for _, s := range got {
		people[s.Alias.String()]++
	}
	if len(got) != 12 || len(people) != 11 || people[got[0].Alias.String()] != 2 {
		t.Errorf("%d scans of %d people are stored, want 12 of 11", len(got), len(people))
	}
}

// detector is a browser's own detector of codes for a browser that has none: it asks a decoder of its own. One that is broken says that it
// reads codes, and cannot. Of what the page's decoder is asked for meanwhile the pictures are counted.
const detector = `
	window.pictures = 0;
	window.detected = 0;
	const post = Worker.prototype.postMessage;
	Worker.prototype.postMessage = function (message) {
		if (message.name === "decode") window.pictures++;
		post.call(this, message);
	};
	window.BarcodeDetector = class {
		static async getSupportedFormats() { return ["aztec", "qr_code"]; }
		async detect(video) {
			window.detected++;
			if (%t) throw new DOMException("there is no service", "NotSupportedError");
			const ask = (name, ...args) => new Promise((resolve) => {
				this.worker.onmessage = ({ data }) => resolve(data.answer);
				post.call(this.worker, { n: 1, name, args });
			});
			if (!this.worker) {
				const { worker, exec, wasm } = document.getElementById("gate").dataset;
				this.worker = new Worker(worker);
				await ask("begin", { exec, wasm });
			}
			const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
			const context = canvas.getContext("2d");
			context.drawImage(video, 0, 0);
			const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
			const { text } = await ask("decode", pixels.data, canvas.width, canvas.height);
			return text ? [{ format: "qr_code", rawValue: text }] : [];
		}
	};`

// TestGateDetector has a gate see two cards with the browser's own detector, and then with one that is broken.
func TestGateDetector(t *testing.T) {
	in := install(t)
	in.serve()
	owner := in.account("--login", "cho-mau", "--role", "owner", "--organisation", "Chợ Mẫu")
	b := browser(t, camera(film(t, cardText, "079000000001"))...)
	b.enrols(in, invitedGate(owner, owner.makes("Chợ Mẫu", "market", "")))
	for i, broken := range []bool{false, true} {
		b.do("letting the camera see two cards", onEveryPage(fmt.Sprintf("{"+detector+"}", broken)),
			chromedp.Navigate(in.base+"/gate"), chromedp.WaitVisible(onGate), chromedp.Click(css(".camera button")),
			chromedp.WaitVisible(css(fmt.Sprintf(".ledger li:nth-child(%d)", 2*i+2))), chromedp.Click(css(".camera button")))
		b.delivered(2*i + 2)
		used := read(b, "counting pictures", chromedp.Evaluate[[2]int](`[window.detected, window.pictures]`))
		if used[0] == 0 || broken && used[0] > 1 || (used[1] > 0) != broken {
			t.Errorf("broken: %v; the detector saw %d pictures, the decoder %d", broken, used[0], used[1])
		}
	}
}
