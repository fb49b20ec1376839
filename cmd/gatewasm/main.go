//go:build js && wasm

// Command gatewasm is package gate for a browser: built for WebAssembly by `make wasm`, run by the worker of the gate's page. It
// gives that worker one object, truyvetGate, whose functions answer an object each; one that has failed has an error.
package main

import (
	"syscall/js"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/gate"
	"github.com/truyvet/truyvet/internal/shown"
)

func main() {
	w := &worker{}
	js.Global().Set("truyvetGate", js.ValueOf(map[string]any{
		"keys":     js.FuncOf(w.keys),
		"revoked":  js.FuncOf(w.revoked),
		"decode":   js.FuncOf(w.decode),
		"typed":    js.FuncOf(w.typed),
		"personal": js.FuncOf(personal),
		"keep":     js.FuncOf(w.keep),
	}))
	select {} // the functions are called for as long as the worker lives
}

type worker struct {
	device gate.Device
	pixels []byte
}

func failed(err error) any { return map[string]any{"error": err.Error()} }

// keys takes the place, and the documents of the keys of codes and of boxes, as texts. It answers as revoked does.
func (w *worker) keys(_ js.Value, args []js.Value) any {
	if err := w.device.SetKeys(args[0].String(), []byte(args[1].String()), []byte(args[2].String())); err != nil {
		return failed(err)
	}
	return w.known()
}

// revoked takes the list of revoked codes, as a text, and the server's time in milliseconds. It answers as of what second the list is
// that is believed from now on, 0 where there is none.
func (w *worker) revoked(_ js.Value, args []js.Value) any {
	if err := w.device.SetRevoked([]byte(args[0].String()), time.UnixMilli(int64(args[1].Float()))); err != nil {
		return failed(err)
	}
	return w.known()
}

func (w *worker) known() any {
	asOf := w.device.RevokedAsOf()
	if asOf.IsZero() {
		return map[string]any{"as_of": 0}
	}
	return map[string]any{"as_of": asOf.Unix()}
}

// decode takes the pixels of a picture, its width and its height, and answers the text of the code in it, or an empty one.
func (w *worker) decode(_ js.Value, args []js.Value) any {
	if n := args[0].Length(); n != len(w.pixels) {
		w.pixels = make([]byte, n)
	}
	js.CopyBytesToGo(w.pixels, args[0])
	text, err := w.device.Decode(w.pixels, args[1].Int(), args[2].Int())
	if err != nil {
		return failed(err)
	}
	return map[string]any{"text": text}
}

// typed takes what was typed, the names of the keys, and in how many milliseconds; it answers what was meant, what kind of
// thing that is, and whether a reader typed it.
func (w *worker) typed(_ js.Value, args []js.Value) any {
	took := time.Duration(args[2].Float() * float64(time.Millisecond))
	text, kind, reader := w.device.Typed(args[0].String(), args[1].String(), took)
	return map[string]any{"text": text, "kind": string(kind), "reader": reader}
}

// personal takes a text that is to name something, and answers whether it may be of somebody instead.
func personal(_ js.Value, args []js.Value) any {
	return map[string]any{"personal": shown.Personal(args[0].String())}
}

// keep takes the id of a scan, what was shown, and when by the server's clock, in milliseconds. It answers what
// kind of thing that is, and a problem, the box, or the place.
func (w *worker) keep(_ js.Value, args []js.Value) any {
	id, err := uuid.Parse(args[0].String())
	if err != nil {
		return failed(err)
	}
	kept, err := w.device.Keep(id, args[1].String(), time.UnixMilli(int64(args[2].Float())))
	if err != nil {
		return failed(err)
	}
	answer := map[string]any{"kind": string(kept.Kind)}
	switch {
	case kept.Problem != "":
		answer["problem"] = kept.Problem
	case kept.Place.Token != "":
		answer["place"] = map[string]any{
			"token": kept.Place.Token, "id": kept.Place.ID.String(), "kind": kept.Place.Kind.String(), "short": kept.Place.Short,
		}
	default:
		box := js.Global().Get("Uint8Array").New(len(kept.Box))
		js.CopyBytesToJS(box, kept.Box)
		answer["box"] = box
	}
	return answer
}
