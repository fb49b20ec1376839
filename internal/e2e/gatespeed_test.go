package e2e

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"image"
	"image/png"
	"testing"

	"github.com/chromedp/chromedp"
)

// gateFrames is on how many pictures `make bench-gate` measures a gate's decoder.
var gateFrames = flag.Int("gate.frames", 0, "measure a gate's decoder on so many pictures of each kind")

// speed is how a gate's decoder does in a browser.
type speed struct {
	Begun  float64 // milliseconds until it was ready, from the browser's cache
	Frames float64 // a second
	Read   int     // of the pictures
}

// decoderSpeed runs the gate's decoder in a worker of its own, on one picture again and again.
func (b tab) decoderSpeed(picture image.Image, frames int) speed {
	b.t.Helper()
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		b.t.Fatal(err)
	}
	return read(b, "measuring the decoder", chromedp.Evaluate[speed](fmt.Sprintf(`(async (address, frames) => {
		const root = document.getElementById("gate").dataset;
		const worker = new Worker(root.worker);
		const ask = (name, ...args) => new Promise((resolve) => {
			worker.onmessage = ({ data }) => resolve(data.answer);
			worker.postMessage({ n: 1, name, args });
		});
		const from = performance.now();
		await ask("begin", { exec: root.exec, wasm: root.wasm });
		const begun = performance.now() - from;
		const image = new Image();
		image.src = address;
		await image.decode();
		const canvas = new OffscreenCanvas(image.width, image.height);
		const context = canvas.getContext("2d", { willReadFrequently: true });
		let read = 0;
		const start = performance.now();
		for (let i = 0; i < frames; i++) {
			context.drawImage(image, 0, 0);
			const pixels = context.getImageData(0, 0, image.width, image.height);
			if ((await ask("decode", pixels.data, image.width, image.height)).text) read++;
		}
		const took = performance.now() - start;
		worker.terminate();
		return { Begun: begun, Frames: 1000 * frames / took, Read: read };
	})(%q, %d)`, "data:image/png;base64,"+base64.StdEncoding.EncodeToString(file.Bytes()), frames), chromedp.EvalAwaitPromise))
}

// queueSpeed is how a line of people gets through a gate whose reader types.
type queueSpeed struct {
	PerMinute   float64 // people, who stand there one behind the other
	Median, Max float64 // milliseconds from the last key to the answer
}

// lineSpeed has so many people show a card, each as soon as the one before is answered, to a reader that types a key every 5 ms.
func (b tab) lineSpeed(people int) queueSpeed {
	b.t.Helper()
	return read(b, "measuring a line of people", chromedp.Evaluate[queueSpeed](fmt.Sprintf(`(async (people, text) => {
		const field = document.getElementById("number");
		const verdict = () => document.querySelector(".verdict:not(.waiting)");
		const key = (c) => field.dispatchEvent(new KeyboardEvent("keydown", { key: c, code: /\d/.test(c) ? "Digit" + c : "KeyA", bubbles: true }));
		const took = [];
		const start = performance.now();
		for (let i = 0; i < people; i++) {
			const card = String(79000000000 + i).padStart(12, "0") + text;
			const before = verdict();
			field.focus();
			for (const c of card) {
				key(c);
				field.value += c;
				await new Promise((resolve) => setTimeout(resolve, 5));
			}
			const last = performance.now();
			field.form.requestSubmit();
			while (verdict() === before) await new Promise((resolve) => requestAnimationFrame(resolve));
			if (!verdict().classList.contains("yes")) throw new Error("person " + i + " of " + people + ": " + verdict().innerText);
			took.push(performance.now() - last);
		}
		const all = performance.now() - start;
		took.sort((a, b) => a - b);
		return { PerMinute: 60_000 * people / all, Median: took[people >> 1], Max: took[people - 1] };
	})(%d, %q)`, people, cardText[12:]), chromedp.EvalAwaitPromise))
}

// benchGate prints what `make bench-gate` asks for, as name, value and unit.
func benchGate(t *testing.T, b tab, personal string) {
	t.Helper()
	for name, picture := range map[string]image.Image{
		"card": frame(t, cardText), "personal_code": frame(t, personal), "nothing": image.NewGray(image.Rect(0, 0, filmWidth, filmHeight)),
	} {
		s := b.decoderSpeed(picture, *gateFrames)
		fmt.Printf("gate.decode.%s %.1f frames/s\ngate.read.%s %d of %d\ngate.begin.%s %.0f ms\n", name, s.Frames, name, s.Read, *gateFrames, name, s.Begun)
	}
	l := b.lineSpeed(100)
	fmt.Printf("gate.line %.0f people/minute\ngate.answer.median %.0f ms\ngate.answer.max %.0f ms\n", l.PerMinute, l.Median, l.Max)
}
