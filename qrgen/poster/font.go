package poster

import (
	"fmt"
	"strings"
	"sync"
	"unicode"

	"github.com/go-fonts/liberation/liberationsansbold"
	"github.com/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"
)

// weight is one of the two faces that posters are set in: Liberation Sans has every letter of Vietnamese.
type weight uint8

const (
	regular weight = iota
	bold
	weights = 2
)

// typeface is a parsed font and the file that it was read from.
type typeface struct {
	file []byte
	font *sfnt.Font
	em   float64 // units of the font's design that make its size
}

// typefaces are the parsed fonts by weight. They are read only and safe for concurrent use.
var typefaces = sync.OnceValue(func() [weights]*typeface {
	var faces [weights]*typeface
	for w, file := range [weights][]byte{liberationsansregular.TTF, liberationsansbold.TTF} {
		f, err := sfnt.Parse(file)
		if err != nil {
			panic(fmt.Sprintf("poster: a font that is part of the program cannot be read: %v", err))
		}
		faces[w] = &typeface{file: file, font: f, em: float64(f.UnitsPerEm())}
	}
	return faces
})

// glyph is the shape of a character: its number in the font and how far it moves on, in ems.
type glyph struct {
	index   sfnt.GlyphIndex
	advance float64
}

// typesetter measures and shapes text. It is not safe for concurrent use.
type typesetter struct {
	faces  [weights]*typeface
	glyphs [weights]map[rune]glyph
	shapes [weights]map[sfnt.GlyphIndex]outline
	buffer sfnt.Buffer

	// The symbol that was made last, and of what: sheets are filled with copies.
	code   string
	symbol symbol
}

func newTypesetter() *typesetter {
	t := &typesetter{faces: typefaces()}
	for w := range weights {
		t.glyphs[w] = make(map[rune]glyph)
		t.shapes[w] = make(map[sfnt.GlyphIndex]outline)
	}
	return t
}

// glyph returns the glyph of a character, number 0 where the font has none.
func (t *typesetter) glyph(w weight, r rune) glyph {
	if g, ok := t.glyphs[w][r]; ok {
		return g
	}
	face := t.faces[w]
	var g glyph
	var err error
	if g.index, err = face.font.GlyphIndex(&t.buffer, r); err == nil && g.index != 0 {
		var advance fixed.Int26_6
		advance, err = face.font.GlyphAdvance(&t.buffer, g.index, fixed.I(int(face.em)), font.HintingNone)
		g.advance = float64(advance) / 64 / face.em
	}
	if err != nil { // a character whose glyph is broken is one that the font lacks
		g = glyph{}
	}
	t.glyphs[w][r] = g
	return g
}

// width returns how long a line of text is, in ems.
func (t *typesetter) width(w weight, text string) float64 {
	total := 0.0
	for _, r := range text {
		total += t.glyph(w, r).advance
	}
	return total
}

// shape returns the outline of a glyph with its origin on the base line, in units of the font.
func (t *typesetter) shape(w weight, index sfnt.GlyphIndex) outline {
	if o, ok := t.shapes[w][index]; ok {
		return o
	}
	face := t.faces[w]
	segments, err := face.font.LoadGlyph(&t.buffer, index, fixed.I(int(face.em)), nil)
	if err != nil {
		segments = nil // as glyph has it
	}
	o := make(outline, len(segments))
	for i, s := range segments {
		o[i].verb = [...]verb{
			sfnt.SegmentOpMoveTo: moveTo, sfnt.SegmentOpLineTo: lineTo,
			sfnt.SegmentOpQuadTo: quadTo, sfnt.SegmentOpCubeTo: cubicTo,
		}[s.Op]
		for j := range o[i].verb.points() {
			o[i].at[j] = point{float64(s.Args[j].X) / 64, float64(s.Args[j].Y) / 64}
		}
	}
	t.shapes[w][index] = o
	return o
}

// printable returns what of a text can be set: composed (NFC), on one line, without control characters and without those
// that the font lacks. Lost has the latter, but for what only joins or dresses others (as in emoji).
func (t *typesetter) printable(text string) (line, lost string) {
	return printable(text, func(r rune) bool { return t.glyph(regular, r).index != 0 && t.glyph(bold, r).index != 0 })
}

func printable(text string, has func(rune) bool) (line, lost string) {
	var kept, missing strings.Builder
	for _, r := range norm.NFC.String(text) {
		switch {
		case unicode.IsSpace(r):
			kept.WriteByte(' ')
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Variation_Selector):
		case !has(r):
			missing.WriteRune(r)
		default:
			kept.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(kept.String()), " "), missing.String()
}

// Unprintable returns the characters of a text that posters leave out because their font has no shape for them, such as
// emoji; empty if there are none.
func Unprintable(text string) string {
	var buffer sfnt.Buffer
	_, lost := printable(text, func(r rune) bool {
		for _, face := range typefaces() {
			if index, err := face.font.GlyphIndex(&buffer, r); err != nil || index == 0 {
				return false
			}
		}
		return true
	})
	return lost
}
