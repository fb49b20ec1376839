package poster

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"strconv"
)

const (
	// DefaultScale is the size of a module when Options.Scale is 0.
	DefaultScale = 8
	// MaxSide is the largest side of an image, in pixels.
	MaxSide = 4096

	// quietZone is the light margin that ISO/IEC 18004 asks for, in modules.
	quietZone = 4
)

// ErrTooLong means that the text does not fit the largest QR symbol.
var ErrTooLong = errors.New("the text is too long for a QR code")

// Options say how a symbol is drawn. The zero Options are good ones.
type Options struct {
	// Scale is the side of a module: whole pixels in a PNG, units of the nominal
	// width and height in an SVG. 0 means DefaultScale. An image whose side would
	// pass MaxSide is refused.
	Scale int
	// Title is the SVG's accessible name, read out instead of the picture. A PNG
	// has no place for it.
	Title string
}

// PNG writes the QR symbol of a text at error correction level M as a black and
// white PNG of one bit per pixel. The symbol is in alphanumeric mode if the text
// allows it (digits, upper-case letters, space and $%*+-./:) and in byte mode if
// not. The bytes depend on the text, the scale and the compressor of the Go
// release; the pixels on the first two only. It may be called concurrently.
func PNG(w io.Writer, text string, o Options) error {
	s, scale, err := prepare(text, o)
	if err != nil {
		return fmt.Errorf("drawing a PNG: %w", err)
	}
	side := (s.side + 2*quietZone) * scale
	// Index 0 is white, so that the new image is all quiet zone.
	img := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range side {
		for x := range side {
			if s.dark(x/scale-quietZone, y/scale-quietZone) {
				img.Pix[y*img.Stride+x] = 1
			}
		}
	}
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(w, img); err != nil {
		return fmt.Errorf("drawing a PNG: %w", err)
	}
	return nil
}

// SVG writes the QR symbol of a text, made as [PNG] makes it, as a stand-alone
// SVG: a white square and one black path on a grid of one unit per module. It may
// be called concurrently.
func SVG(w io.Writer, text string, o Options) error {
	s, scale, err := prepare(text, o)
	if err != nil {
		return fmt.Errorf("drawing an SVG: %w", err)
	}
	units := s.side + 2*quietZone
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="%d" height="%d" viewBox="0 0 %d %d" shape-rendering="crispEdges">`,
		units*scale, units*scale, units, units)
	if o.Title != "" {
		b.WriteString("<title>")
		if err := xml.EscapeText(&b, []byte(o.Title)); err != nil {
			return fmt.Errorf("drawing an SVG: %w", err)
		}
		b.WriteString("</title>")
	}
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/><path fill="#000" d="%s"/></svg>`, units, units, pathOf(s))
	b.WriteByte('\n')
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("drawing an SVG: %w", err)
	}
	return nil
}

// pathOf draws each run of dark modules in a row as one rectangle: M goes to its
// corner, h, v, h and z go round it.
func pathOf(s symbol) string {
	var d []byte
	for y := range s.side {
		for x := 0; x < s.side; x++ {
			start := x
			for s.dark(x, y) {
				x++
			}
			if x == start {
				continue
			}
			d = append(d, 'M')
			d = strconv.AppendInt(d, int64(start+quietZone), 10)
			d = append(d, ' ')
			d = strconv.AppendInt(d, int64(y+quietZone), 10)
			d = append(d, 'h')
			d = strconv.AppendInt(d, int64(x-start), 10)
			d = append(d, "v1h-"...)
			d = strconv.AppendInt(d, int64(x-start), 10)
			d = append(d, 'z')
		}
	}
	return string(d)
}

func prepare(text string, o Options) (symbol, int, error) {
	scale := o.Scale
	if scale == 0 {
		scale = DefaultScale
	}
	s, err := newSymbol(text)
	if err != nil {
		return symbol{}, 0, err
	}
	if largest := MaxSide / (s.side + 2*quietZone); scale < 1 || scale > largest {
		return symbol{}, 0, fmt.Errorf("scale %d is not from 1 to %d, the most for this text", scale, largest)
	}
	return s, scale, nil
}
