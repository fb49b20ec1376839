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

// benchGate prints what `make bench-gate` asks for, as name, value and unit.
func benchGate(t *testing.T, b tab, personal string) {
	t.Helper()
	for name, picture := range map[string]image.Image{
		"card": frame(t, cardText), "personal_code": frame(t, personal), "nothing": image.NewGray(image.Rect(0, 0, filmWidth, filmHeight)),
	} {
		s := b.decoderSpeed(picture, *gateFrames)
		fmt.Printf("gate.decode.%s %.1f frames/s\ngate.read.%s %d of %d\ngate.begin.%s %.0f ms\n", name, s.Frames, name, s.Read, *gateFrames, name, s.Begun)
	}
}
