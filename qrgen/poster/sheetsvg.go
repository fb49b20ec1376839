package poster

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"image/png"
	"io"
	"strings"

	"golang.org/x/image/font/sfnt"
)

// SheetSVG writes a sheet with up to Format.PerSheet posters as a stand-alone SVG in millimetres. Text is drawn as shapes,
// so that it looks the same everywhere; what a screen reader says is the first poster's name. It may be called concurrently.
func SheetSVG(w io.Writer, style Style, posters ...Poster) error {
	if err := style.check(); err != nil {
		return fmt.Errorf("drawing a poster: %w", err)
	}
	c := &svgCanvas{typesetter: newTypesetter(), drawn: make(map[glyphKey]bool)}
	a := &artist{typesetter: c.typesetter, style: style, canvas: c}
	if err := a.sheet(posters); err != nil {
		return fmt.Errorf("drawing a poster: %w", err)
	}
	if c.err != nil {
		return fmt.Errorf("drawing a poster: %w", c.err)
	}
	f := formats[style.Format]
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="%gmm" height="%gmm" viewBox="0 0 %g %g"><title>`,
		f.width, f.height, f.width, f.height)
	title, _ := c.printable(posters[0].Name + " " + posters[0].Part)
	if err := xml.EscapeText(&out, []byte(title)); err != nil {
		return fmt.Errorf("drawing a poster: %w", err)
	}
	fmt.Fprintf(&out, `</title><defs>%s</defs><rect width="%g" height="%g" fill="#fff"/>%s</svg>`+"\n",
		c.defs.String(), f.width, f.height, c.body.String())
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("drawing a poster: %w", err)
	}
	return nil
}

// glyphKey names the shape of a glyph.
type glyphKey struct {
	face  weight
	index sfnt.GlyphIndex
}

func (k glyphKey) id() string { return fmt.Sprintf("g%d.%d", k.face, k.index) }

// svgCanvas writes SVG elements. Glyphs are defined once and used by their ids.
type svgCanvas struct {
	*typesetter
	defs, body strings.Builder
	drawn      map[glyphKey]bool
	err        error
}

func (c *svgCanvas) fill(o outline, colour ink) {
	fmt.Fprintf(&c.body, `<path fill="#%06x" d="%s"/>`, uint32(colour), svgPath(o, 3))
}

func (c *svgCanvas) text(at point, size float64, face weight, colour ink, line string) {
	scale := size / c.faces[face].em
	fmt.Fprintf(&c.body, `<g fill="#%06x" transform="translate(%s %s) scale(%s)">`,
		uint32(colour), number(at.x, 3), number(at.y, 3), number(scale, 6))
	x := 0.0
	for _, r := range line {
		g := c.glyph(face, r)
		key := glyphKey{face, g.index}
		if shape := c.shape(face, g.index); len(shape) > 0 {
			if !c.drawn[key] {
				c.drawn[key] = true
				fmt.Fprintf(&c.defs, `<path id="%s" d="%s"/>`, key.id(), svgPath(shape, 0))
			}
			fmt.Fprintf(&c.body, `<use href="#%s" x="%s"/>`, key.id(), number(x, 0))
		}
		x += g.advance * c.faces[face].em
	}
	c.body.WriteString("</g>")
}

func (c *svgCanvas) code(s symbol, at point, module float64) {
	// The path of a bare code begins within its quiet zone.
	x, y := at.x-quietZone*module, at.y-quietZone*module
	fmt.Fprintf(&c.body, `<path shape-rendering="crispEdges" transform="translate(%s %s) scale(%s)" d="%s"/>`,
		number(x, 3), number(y, 3), number(module, 5), pathOf(s))
}

func (c *svgCanvas) picture(l *Logo, at point, width, height float64) {
	var file bytes.Buffer
	if err := png.Encode(&file, l.image); err != nil {
		c.err = err
		return
	}
	fmt.Fprintf(&c.body, `<image x="%s" y="%s" width="%s" height="%s" href="data:image/png;base64,%s"/>`,
		number(at.x, 3), number(at.y, 3), number(width, 3), number(height, 3), base64.StdEncoding.EncodeToString(file.Bytes()))
}

func (c *svgCanvas) turned(by turn, draw func()) {
	fmt.Fprintf(&c.body, `<g transform="matrix(%g %g %g %g %g %g)">`, by.a, by.b, by.c, by.d, by.e, by.f)
	draw()
	c.body.WriteString("</g>")
}

func (c *svgCanvas) repeated(_ string, draw func()) { draw() }

// svgPath writes an outline as path data with up to so many decimals.
func svgPath(o outline, decimals int) string {
	var d strings.Builder
	for i, s := range o {
		if s.verb == moveTo && i > 0 {
			d.WriteByte('Z')
		}
		d.WriteByte("MLQC"[s.verb])
		for j := range s.verb.points() {
			if j > 0 {
				d.WriteByte(' ')
			}
			d.WriteString(number(s.at[j].x, decimals) + " " + number(s.at[j].y, decimals))
		}
	}
	d.WriteByte('Z')
	return d.String()
}
