package poster

import "fmt"

// ink is a colour, 0xRRGGBB. Those of posters are dark or white, so that a printer without colour does as well.
type ink uint32

const (
	black  ink = 0x000000
	white  ink = 0xffffff
	grey   ink = 0x404040
	shade  ink = 0xe8eef5
	accent ink = 0x0b3f7a
)

func (i ink) rgb() (r, g, b uint8) { return uint8(i >> 16), uint8(i >> 8), uint8(i) }

// canvas is a sheet of paper that is drawn on from the back to the front. Lengths are millimetres from the top left.
type canvas interface {
	// fill fills an outline.
	fill(o outline, colour ink)
	// text sets a line of printable text with its base line's left end at a point.
	text(at point, size float64, face weight, colour ink, line string)
	// code draws a symbol, without its quiet zone, with its top left at a point.
	code(s symbol, at point, module float64)
	// picture draws a logo into a rectangle.
	picture(l *Logo, at point, width, height float64)
	// turned draws with coordinates that go through a turn.
	turned(by turn, draw func())
	// repeated draws what is the same under the same name in every sheet of a document.
	repeated(name string, draw func())
}

// artist lays posters out on sheets of one style. It is not safe for concurrent use.
type artist struct {
	*typesetter
	style  Style
	canvas canvas
}

// sheet draws up to Format.PerSheet posters on one sheet.
func (a *artist) sheet(posters []Poster) error {
	if n := a.style.Format.PerSheet(); len(posters) == 0 || len(posters) > n {
		return fmt.Errorf("a sheet of %v takes up to %d posters and not %d", a.style.Format, n, len(posters))
	}
	for i, p := range posters {
		ready, err := a.prepare(p)
		if err != nil {
			return err
		}
		a.draw(&ready, i)
	}
	return nil
}

// draw draws a poster at its position on the sheet.
func (a *artist) draw(p *prepared, position int) {
	c := a.canvas
	switch f := formats[a.style.Format]; a.style.Format {
	case Tent:
		c.repeated("folds", a.folds)
		face := func() { a.wide(p, tentWidth, tentHeight) }
		c.turned(headDown(tentWidth, tentHeight).then(shift(0, tentFlap)), face)
		c.turned(shift(0, tentFlap+tentHeight), face)
	case Sticker:
		c.repeated("cuts", a.stickerCuts)
		x := (f.width-2*stickerSide)/2 + float64(position%2)*stickerSide
		y := (f.height-2*stickerSide)/2 + float64(position/2)*stickerSide
		c.turned(shift(x, y), func() { a.square(p, stickerSide) })
	case Strip:
		c.repeated("cut", a.stripCut)
		c.turned(shift(0, float64(position)*f.height/2), func() { a.wide(p, f.width, f.height/2) })
	default:
		a.tall(p, f.width)
	}
}

// The measures of folded and cut sheets, in millimetres.
const (
	tentWidth, tentHeight, tentFlap = 210, 110, 38.5
	stickerSide                     = 100
	markLength, markWidth           = 3, 0.2
)

// folds marks where a tent is folded, and says so on the flap that is glued under.
func (a *artist) folds() {
	for _, y := range []float64{tentFlap, tentFlap + tentHeight, tentFlap + 2*tentHeight} {
		for x := 0.0; x < 12; x += 4 {
			a.canvas.fill(box(x, y-markWidth/2, 2, markWidth), grey)
			a.canvas.fill(box(tentWidth-x-2, y-markWidth/2, 2, markWidth), grey)
		}
	}
	first, beside := sayFold.in(a.style.Language)
	y := 297 - tentFlap/2.0
	a.centred(block{[]string{first}, 4, regular}, tentWidth/2, y, grey)
	if beside != "" {
		a.centred(block{[]string{beside}, 3.4, regular}, tentWidth/2, y+5.5, grey)
	}
}

// stickerCuts marks the edges of stickers in the margins of the sheet.
func (a *artist) stickerCuts() {
	f := formats[Sticker]
	left, top := (f.width-2*stickerSide)/2, (f.height-2*stickerSide)/2
	for i := range 3 {
		x, y := left+float64(i)*stickerSide, top+float64(i)*stickerSide
		a.canvas.fill(box(x-markWidth/2, top-2-markLength, markWidth, markLength), black)
		a.canvas.fill(box(x-markWidth/2, f.height-top+2, markWidth, markLength), black)
		a.canvas.fill(box(left-1-markLength, y-markWidth/2, markLength, markWidth), black)
		a.canvas.fill(box(f.width-left+1, y-markWidth/2, markLength, markWidth), black)
	}
}

// stripCut marks where the two strips of a sheet are cut apart.
func (a *artist) stripCut() {
	f := formats[Strip]
	for _, x := range []float64{0, f.width - 2*markLength} {
		a.canvas.fill(box(x, f.height/2-markWidth/2, 2*markLength, markWidth), black)
	}
}
