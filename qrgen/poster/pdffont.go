package poster

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// pdfFont gathers which glyphs of a face a document uses, and at its end writes the face with these alone.
type pdfFont struct {
	face   *typeface
	number int
	used   map[sfnt.GlyphIndex]rune
	widths map[sfnt.GlyphIndex]float64 // ems
}

// use returns a line as the numbers of its glyphs, in hexadecimal.
func (p *pdfFont) use(t *typesetter, w weight, line string) string {
	var hex strings.Builder
	for _, r := range line {
		g := t.glyph(w, r)
		p.used[g.index], p.widths[g.index] = r, g.advance
		fmt.Fprintf(&hex, "%04x", uint16(g.index))
	}
	return hex.String()
}

// write writes the font under the number that was reserved for it: a composite font whose codes are the glyphs' numbers
// (ISO 32000-1, 9.7), with the map back to characters that searching and copying take.
func (p *pdfFont) write(f *pdfFile) {
	file, err := p.face.subset(p.used)
	if err != nil {
		f.fail(err)
		return
	}
	name, err := p.name(file)
	if err != nil {
		f.fail(err)
		return
	}
	font, descriptor, data, characters := f.reserve(), f.reserve(), f.reserve(), f.reserve()
	f.object(p.number, fmt.Sprintf("<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/Identity-H/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>",
		name, font, characters))
	f.object(font, fmt.Sprintf("<</Type/Font/Subtype/CIDFontType2/BaseFont/%s/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)"+
		"/Supplement 0>>/FontDescriptor %d 0 R/CIDToGIDMap/Identity/W[%s]>>", name, descriptor, p.widthList()))
	metrics, err := p.metrics()
	if err != nil {
		f.fail(err)
		return
	}
	f.object(descriptor, fmt.Sprintf("<</Type/FontDescriptor/FontName/%s/Flags 4/ItalicAngle 0/StemV 80%s/FontFile2 %d 0 R>>",
		name, metrics, data))
	f.stream(data, fmt.Sprintf("/Length1 %d", len(file)), file)
	f.stream(characters, "", []byte(p.characterMap()))
}

// name returns the font's name with the tag that a subset has: six letters made from its content.
func (p *pdfFont) name(file []byte) (string, error) {
	var buffer sfnt.Buffer
	full, err := p.face.font.Name(&buffer, sfnt.NameIDPostScript)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(file)
	tag := make([]byte, 6)
	for i := range tag {
		tag[i] = 'A' + sum[i]%26
	}
	return string(tag) + "+" + full, nil
}

// metrics are the entries of the font descriptor that tell the size of its letters, in thousandths of an em.
func (p *pdfFont) metrics() (string, error) {
	var buffer sfnt.Buffer
	em := fixed.I(1000)
	box, err := p.face.font.Bounds(&buffer, em, font.HintingNone)
	if err != nil {
		return "", err
	}
	m, err := p.face.font.Metrics(&buffer, em, font.HintingNone)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("/FontBBox[%d %d %d %d]/Ascent %d/Descent %d/CapHeight %d", // a font's y grows upwards there
		box.Min.X.Floor(), -box.Max.Y.Ceil(), box.Max.X.Ceil(), -box.Min.Y.Floor(),
		m.Ascent.Round(), -m.Descent.Round(), m.CapHeight.Round()), nil
}

func (p *pdfFont) widthList() string {
	var list strings.Builder
	for _, index := range slices.Sorted(maps.Keys(p.used)) {
		fmt.Fprintf(&list, "%d[%s]", index, number(1000*p.widths[index], 0))
	}
	return list.String()
}

// characterMap returns the CMap from glyphs to characters (ISO 32000-1, 9.10.3), a hundred at a time as it must be.
func (p *pdfFont) characterMap() string {
	var m strings.Builder
	m.WriteString("/CIDInit/ProcSet findresource begin 12 dict begin begincmap\n/CIDSystemInfo<</Registry(Adobe)/Ordering(UCS)" +
		"/Supplement 0>>def\n/CMapName/Adobe-Identity-UCS def/CMapType 2 def\n1 begincodespacerange<0000><ffff>endcodespacerange\n")
	for some := range slices.Chunk(slices.Sorted(maps.Keys(p.used)), 100) {
		fmt.Fprintf(&m, "%d beginbfchar\n", len(some))
		for _, index := range some {
			fmt.Fprintf(&m, "<%04x><", index)
			for _, unit := range utf16.Encode([]rune{p.used[index]}) {
				fmt.Fprintf(&m, "%04x", unit)
			}
			m.WriteString(">\n")
		}
		m.WriteString("endbfchar\n")
	}
	m.WriteString("endcmap CMapName currentdict/CMap defineresource pop end end\n")
	return m.String()
}
