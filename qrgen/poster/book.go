package poster

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"strings"

	"golang.org/x/image/draw"
	"golang.org/x/image/font/sfnt"
)

// Book writes posters into one PDF, in the order in which they are added. What it keeps in memory does not grow with their
// number but for some bytes each: 10,000 take as much as 100. It is not safe for concurrent use.
type Book struct {
	artist   *artist
	file     *pdfFile
	waiting  []prepared // for the next sheet
	pages    []int
	tree     int
	resource int
	fonts    [weights]*pdfFont
	forms    map[string]string // what is repeated, by its name: how it is drawn
	pictures map[*Logo]string  // how each is drawn
	objects  strings.Builder   // the entries of both in the resources
	content  *bytes.Buffer     // of what is being drawn
}

// NewBook begins a book of a style. It must be closed with [Book.Close].
func NewBook(w io.Writer, style Style) (*Book, error) {
	if err := style.check(); err != nil {
		return nil, fmt.Errorf("drawing posters: %w", err)
	}
	b := &Book{
		file: newPDFFile(w), forms: make(map[string]string), pictures: make(map[*Logo]string), content: new(bytes.Buffer),
	}
	b.artist = &artist{typesetter: newTypesetter(), style: style, canvas: b}
	b.tree, b.resource = b.file.reserve(), b.file.reserve()
	for w := range b.fonts {
		b.fonts[w] = &pdfFont{
			face: b.artist.faces[w], number: b.file.reserve(),
			used: make(map[sfnt.GlyphIndex]rune), widths: make(map[sfnt.GlyphIndex]float64),
		}
	}
	return b, nil
}

// Add adds a poster. An error that is [ErrName] or [ErrTooLong] is of this poster alone, which is then left out: the book
// can go on. After any other it cannot.
func (b *Book) Add(p Poster) error {
	ready, err := b.artist.prepare(p)
	if err != nil {
		return fmt.Errorf("drawing a poster: %w", err)
	}
	b.waiting = append(b.waiting, ready)
	if len(b.waiting) == b.artist.style.Format.PerSheet() {
		return b.page()
	}
	return nil
}

// Close writes what is left. A book without posters is refused.
func (b *Book) Close() error {
	if len(b.waiting) > 0 {
		if err := b.page(); err != nil {
			return err
		}
	}
	if len(b.pages) == 0 {
		return errors.New("drawing posters: a book without posters")
	}
	f, sheet := b.file, formats[b.artist.style.Format]
	var kids, names strings.Builder
	for _, page := range b.pages {
		fmt.Fprintf(&kids, "%d 0 R ", page)
	}
	f.object(b.tree, fmt.Sprintf("<</Type/Pages/Count %d/MediaBox[0 0 %s %s]/Resources %d 0 R/Kids[%s]>>",
		len(b.pages), number(sheet.width*pointsPerMM, 3), number(sheet.height*pointsPerMM, 3), b.resource, kids.String()))
	for w, font := range b.fonts {
		if len(font.used) > 0 {
			font.write(f)
			fmt.Fprintf(&names, "/F%d %d 0 R", w, font.number)
		} else {
			f.object(font.number, "null")
		}
	}
	f.object(b.resource, fmt.Sprintf("<</Font<<%s>>/XObject<<%s>>>>", names.String(), b.objects.String()))
	catalogue, info := f.reserve(), f.reserve()
	language := "vi"
	if b.artist.style.Language == English {
		language = "en"
	}
	f.object(catalogue, fmt.Sprintf("<</Type/Catalog/Pages %d 0 R/Lang(%s)/ViewerPreferences<</PrintScaling/None>>>>", b.tree, language))
	f.object(info, "<</Producer(truyvet)>>")
	if err := f.end(catalogue, info); err != nil {
		return fmt.Errorf("drawing posters: %w", err)
	}
	return nil
}

// PDF writes a book of some posters. It may be called concurrently.
func PDF(w io.Writer, style Style, posters ...Poster) error {
	b, err := NewBook(w, style)
	if err != nil {
		return err
	}
	for _, p := range posters {
		if err := b.Add(p); err != nil {
			return err
		}
	}
	return b.Close()
}

const pointsPerMM = 72 / millimetresPerInch

// page draws the sheet of the posters that wait.
func (b *Book) page() error {
	b.content.Reset()
	sheet := formats[b.artist.style.Format]
	// From points upwards to millimetres downwards.
	fmt.Fprintf(b.content, "%s 0 0 -%[1]s 0 %s cm\n", number(pointsPerMM, 6), number(sheet.height*pointsPerMM, 3))
	for i := range b.waiting {
		b.artist.draw(&b.waiting[i], i)
	}
	b.waiting = b.waiting[:0]
	page, content := b.file.reserve(), b.file.reserve()
	b.pages = append(b.pages, page)
	b.file.object(page, fmt.Sprintf("<</Type/Page/Parent %d 0 R/Contents %d 0 R>>", b.tree, content))
	b.file.stream(content, "", b.content.Bytes())
	if b.file.err != nil {
		return fmt.Errorf("drawing a poster: %w", b.file.err)
	}
	return nil
}

func (b *Book) ink(colour ink) {
	r, g, blue := colour.rgb()
	fmt.Fprintf(b.content, "%s %s %s rg ", number(float64(r)/255, 3), number(float64(g)/255, 3), number(float64(blue)/255, 3))
}

func (b *Book) fill(o outline, colour ink) {
	b.ink(colour)
	for i, s := range o {
		if s.verb == moveTo && i > 0 {
			b.content.WriteString("h ")
		}
		for j := range s.verb.points() {
			fmt.Fprintf(b.content, "%s %s ", number(s.at[j].x, 3), number(s.at[j].y, 3))
		}
		b.content.WriteString([...]string{moveTo: "m ", lineTo: "l ", cubicTo: "c "}[s.verb])
	}
	b.content.WriteString("h f\n")
}

func (b *Book) text(at point, size float64, face weight, colour ink, line string) {
	b.ink(colour)
	fmt.Fprintf(b.content, "BT /F%d %s Tf 1 0 0 -1 %s %s Tm <%s> Tj ET\n", face, number(size, 3), number(at.x, 3), number(at.y, 3),
		b.fonts[face].use(b.artist.typesetter, face, line))
}

func (b *Book) code(s symbol, at point, module float64) {
	fmt.Fprintf(b.content, "q %s 0 0 %[1]s %s %s cm 0 g ", number(module, 5), number(at.x, 3), number(at.y, 3))
	for y := range s.side {
		for x := 0; x < s.side; x++ {
			start := x
			for s.dark(x, y) {
				x++
			}
			if x > start {
				fmt.Fprintf(b.content, "%d %d %d 1 re ", start, y, x-start)
			}
		}
	}
	b.content.WriteString("f Q\n")
}

func (b *Book) picture(l *Logo, at point, width, height float64) {
	name, ok := b.pictures[l]
	if !ok {
		name = fmt.Sprintf("/P%d", len(b.pictures))
		b.pictures[l] = name
		b.embed(name, l.image)
	}
	// An image fills the unit square, whose y grows upwards.
	fmt.Fprintf(b.content, "q %s 0 0 %s %s %s cm %s Do Q\n",
		number(width, 3), number(-height, 3), number(at.x, 3), number(at.y+height, 3), name)
}

// embed writes an image, on white where it is clear.
func (b *Book) embed(name string, img image.Image) {
	bounds := img.Bounds()
	flat := image.NewRGBA(image.Rect(0, 0, bounds.Dx(), bounds.Dy()))
	draw.Draw(flat, flat.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(flat, flat.Bounds(), img, bounds.Min, draw.Over)
	samples := make([]byte, 0, 3*bounds.Dx()*bounds.Dy())
	for i := 0; i < len(flat.Pix); i += 4 {
		samples = append(samples, flat.Pix[i:i+3]...)
	}
	object := b.file.reserve()
	b.file.stream(object, fmt.Sprintf("/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8",
		bounds.Dx(), bounds.Dy()), samples)
	fmt.Fprintf(&b.objects, "%s %d 0 R", name, object)
}

func (b *Book) turned(by turn, draw func()) {
	fmt.Fprintf(b.content, "q %g %g %g %g %g %g cm\n", by.a, by.b, by.c, by.d, by.e, by.f)
	draw()
	b.content.WriteString("Q\n")
}

func (b *Book) repeated(name string, draw func()) {
	form, ok := b.forms[name]
	if !ok {
		form = fmt.Sprintf("/R%d", len(b.forms))
		b.forms[name] = form
		outer := b.content
		b.content = new(bytes.Buffer)
		draw()
		object := b.file.reserve()
		b.file.stream(object, fmt.Sprintf("/Type/XObject/Subtype/Form/BBox[-20 -20 320 320]/Resources %d 0 R", b.resource), b.content.Bytes())
		fmt.Fprintf(&b.objects, "%s %d 0 R", form, object)
		b.content = outer
	}
	fmt.Fprintf(b.content, "%s Do\n", form)
}
