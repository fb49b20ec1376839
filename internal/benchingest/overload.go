package benchingest

import (
	"context"
	"fmt"
	"io"
	"time"
)

// What the generator may have, which shares the machine with what it overloads: so many connections, and this long for an answer.
// Who finds no connection within a tenth of that is never sent.
const (
	crowd    = "8000"
	patience = "5s"
)

// Overload sends twice of what it can do to `truyvet serve` for a while, in the modes that Replay has. `truyvet loadgen
// --overload` sends it and sees that exactly what was acknowledged is stored. To out it writes lines "name value unit" of how
// that was borne, and of the memory that each process took before and at most.
func Overload(ctx context.Context, o Options, during time.Duration, out, progress io.Writer) error {
	return inEachMode(ctx, o, "overload", out, progress, func(w *whole) error {
		for _, p := range w.processes() {
			if err := w.sayMemory(p, "memory.before", memory); err != nil {
				return err
			}
		}
		fmt.Fprintf(progress, "%s: sending too much for %s\n", w.mode, during)
		if _, err := w.loadgen(ctx, "--overload", during.String(), "--connections", crowd, "--timeout", patience); err != nil {
			return err
		}
		for _, p := range w.processes() {
			if err := w.sayMemory(p, "memory.most", mostMemory); err != nil {
				return err
			}
		}
		return nil
	})
}
