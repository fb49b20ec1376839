package poster

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"

	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
	"golang.org/x/image/vector"
)

// MaxDPI is the finest that a sheet is drawn as pixels.
const MaxDPI = 600

const millimetresPerInch = 25.4

// SheetPNG writes a sheet with up to Format.PerSheet posters as a PNG of so many dots an inch, from 50 to MaxDPI. The edges
// of a code's modules lie on whole pixels. It may be called concurrently, and takes 4 bytes of memory a pixel: 35 MB for A4
// at 300.
func SheetPNG(w io.Writer, style Style, dpi int, posters ...Poster) error {
	img, err := sheetImage(style, dpi, posters)
	if err == nil {
		err = png.Encode(w, img)
	}
	if err != nil {
		return fmt.Errorf("drawing a poster: %w", err)
	}
	return nil
}

func sheetImage(style Style, dpi int, posters []Poster) (image.Image, error) {
	if err := style.check(); err != nil {
		return nil, err
	}
	if dpi < 50 || dpi > MaxDPI {
		return nil, fmt.Errorf("%d dots an inch are not from 50 to %d", dpi, MaxDPI)
	}
	f, scale := formats[style.Format], float64(dpi)/millimetresPerInch
	size := image.Rect(0, 0, int(math.Round(f.width*scale)), int(math.Round(f.height*scale)))
	c := &pixelCanvas{typesetter: newTypesetter(), img: image.NewRGBA(size), by: turn{a: scale, d: scale}}
	draw.Draw(c.img, size, image.White, image.Point{}, draw.Src)
	a := &artist{typesetter: c.typesetter, style: style, canvas: c}
	if err := a.sheet(posters); err != nil {
		return nil, err
	}
	return c.img, nil
}

// pixelCanvas draws into an image.
type pixelCanvas struct {
	*typesetter
	img *image.RGBA
	by  turn // from millimetres, as turned, to pixels
}

func (c *pixelCanvas) fill(o outline, colour ink) {
	low, high := point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	placed := make(outline, len(o))
	for i, s := range o {
		for j := range s.verb.points() {
			s.at[j] = c.by.apply(s.at[j])
			low = point{min(low.x, s.at[j].x), min(low.y, s.at[j].y)}
			high = point{max(high.x, s.at[j].x), max(high.y, s.at[j].y)}
		}
		placed[i] = s
	}
	area := image.Rect(int(low.x), int(low.y), int(high.x)+1, int(high.y)+1).Intersect(c.img.Bounds())
	if len(o) == 0 || area.Empty() {
		return
	}
	z := vector.NewRasterizer(area.Dx(), area.Dy())
	at := func(p point) (float32, float32) {
		return float32(p.x - float64(area.Min.X)), float32(p.y - float64(area.Min.Y))
	}
	for _, s := range placed {
		x1, y1 := at(s.at[0])
		x2, y2 := at(s.at[1])
		switch s.verb {
		case moveTo:
			z.ClosePath()
			z.MoveTo(x1, y1)
		case lineTo:
			z.LineTo(x1, y1)
		case quadTo:
			z.QuadTo(x1, y1, x2, y2)
		case cubicTo:
			x3, y3 := at(s.at[2])
			z.CubeTo(x1, y1, x2, y2, x3, y3)
		}
	}
	z.ClosePath()
	r, g, b := colour.rgb()
	z.Draw(c.img, area, image.NewUniform(color.RGBA{r, g, b, 255}), image.Point{})
}

func (c *pixelCanvas) text(at point, size float64, face weight, colour ink, line string) {
	scale := size / c.faces[face].em
	for _, r := range line {
		g := c.glyph(face, r)
		if shape := c.shape(face, g.index); len(shape) > 0 {
			c.fill(shape.placed(scale, at.x, at.y), colour)
		}
		at.x += g.advance * size
	}
}

func (c *pixelCanvas) code(s symbol, at point, module float64) {
	edge := func(column, row int) image.Point {
		p := c.by.apply(point{at.x + float64(column)*module, at.y + float64(row)*module})
		return image.Pt(int(math.Round(p.x)), int(math.Round(p.y)))
	}
	for y := range s.side {
		for x := range s.side {
			if s.dark(x, y) {
				area := image.Rectangle{edge(x, y), edge(x+1, y+1)}.Canon()
				draw.Draw(c.img, area, image.Black, image.Point{}, draw.Src)
			}
		}
	}
}

func (c *pixelCanvas) picture(l *Logo, at point, width, height float64) {
	img := l.image
	a, b := c.by.apply(at), c.by.apply(point{at.x + width, at.y + height})
	area := image.Rect(int(math.Round(a.x)), int(math.Round(a.y)), int(math.Round(b.x)), int(math.Round(b.y)))
	if a.x <= b.x { // upright
		draw.CatmullRom.Scale(c.img, area, img, img.Bounds(), draw.Over, nil)
		return
	}
	source := img.Bounds()
	sx, sy := float64(area.Dx())/float64(source.Dx()), float64(area.Dy())/float64(source.Dy())
	half := f64.Aff3{-sx, 0, float64(area.Max.X) + sx*float64(source.Min.X), 0, -sy, float64(area.Max.Y) + sy*float64(source.Min.Y)}
	draw.CatmullRom.Transform(c.img, half, img, source, draw.Over, nil)
}

func (c *pixelCanvas) turned(by turn, draw func()) {
	before := c.by
	c.by = by.then(before)
	draw()
	c.by = before
}

func (c *pixelCanvas) repeated(_ string, draw func()) { draw() }
