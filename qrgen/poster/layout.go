package poster

import "fmt"

// The base line lies this far below the top of a line's room, by the size of its text.
const baseline = 0.93

// left sets the lines of a block from its top left corner and returns its bottom.
func (a *artist) left(b block, x, top float64, colour ink) float64 {
	for _, line := range b.lines {
		a.canvas.text(point{x, top + baseline*b.size}, b.size, b.face, colour, line)
		top += b.size * leading
	}
	return top
}

// centred sets the lines of a block about a middle and returns its bottom.
func (a *artist) centred(b block, middle, top float64, colour ink) float64 {
	for _, line := range b.lines {
		x := middle - a.width(b.face, line)*b.size/2
		a.canvas.text(point{x, top + baseline*b.size}, b.size, b.face, colour, line)
		top += b.size * leading
	}
	return top
}

// symbol draws a symbol with its quiet zone into a square on white ground.
func (a *artist) symbol(s symbol, x, y, side float64) {
	module := side / float64(s.side+2*quietZone)
	a.canvas.fill(box(x, y, side, side), white)
	a.canvas.code(s, point{x + quietZone*module, y + quietZone*module}, module)
}

// tall lays a poster of the A series out, higher than wide. All lengths are those of A4 by its scale.
func (a *artist) tall(p *prepared, width float64) {
	k := width / 210
	a.canvas.repeated(fmt.Sprintf("tall %g", width), func() {
		a.band(0, 0, width, 21*k)
		a.steps(8*k, 245*k, width-16*k, 17*k)
		a.noPhone(8*k, 264*k, width-16*k, 11*k)
	})
	a.logo(p, width-3*k, 2.5*k, 16*k)
	a.names(p, 8*k, 22*k, width-16*k, 28*k)
	a.symbol(p.symbol, 8*k, 50*k, 194*k)
	a.foot(p, 8*k, 277*k, width-16*k, 17*k)
}

// wide lays a poster out with the code on the left and the words on the right.
func (a *artist) wide(p *prepared, width, height float64) {
	const margin = 4
	side := height - 2*margin
	x := side + 2*margin
	w := width - x - 2*margin
	a.canvas.repeated(fmt.Sprintf("wide %g", width), func() {
		a.band(x-margin, 0, width-x+margin, 15)
		a.steps(x, 49, w, 27)
		a.noPhone(x, 78, w, 11)
	})
	a.logo(p, width-2, 1.5, 12)
	a.names(p, x, 16, w, 32)
	a.symbol(p.symbol, margin, margin, side)
	a.foot(p, x, 90, w, height-92)
}

// square lays a sticker out.
func (a *artist) square(p *prepared, side float64) {
	const margin, top, code = 3, 2, 76
	w := side - 2*margin
	titled := *p
	titled.Address = "" // there is no room to write it legibly
	a.names(&titled, margin, top, w, 11)
	a.symbol(p.symbol, (side-code)/2, top+11, code)
	first, beside := sayTitle.in(a.style.Language)
	if beside != "" {
		first += "  ·  " + beside
	}
	y := a.centred(a.fit(first, bold, w, 5, 3.8, 2), side/2, top+11+code, accent)
	a.centred(a.fit(sayProof(&p.Poster, a.style), regular, w, 4, 2.9, 2), side/2, y, black)
}

// band draws the title on dark ground.
func (a *artist) band(x, y, width, height float64) {
	a.canvas.fill(box(x, y, width, height), accent)
	inner := width - 1.4*height // leaves room for a logo
	first, beside := sayTitle.in(a.style.Language)
	if beside == "" {
		b := a.fit(first, bold, inner, height, 0.5*height, 1)
		a.left(b, x+0.25*height, y+(height-b.height())/2, white)
		return
	}
	b := a.fit(first, bold, inner, 0.6*height, 0.42*height, 1)
	bottom := a.left(b, x+0.25*height, y+0.1*height, white)
	a.left(a.fit(beside, regular, inner, 0.3*height, 0.24*height, 1), x+0.25*height, bottom, white)
}

// logo draws the organisation's logo with its right top corner at a point, on white ground.
func (a *artist) logo(p *prepared, right, top, side float64) {
	if p.Logo == nil {
		return
	}
	bounds := p.Logo.image.Bounds()
	pad := 0.06 * side
	a.canvas.fill(rounded(right-side, top, side, side, pad), white)
	room := side - 2*pad
	scale := room / float64(max(bounds.Dx(), bounds.Dy()))
	w, h := scale*float64(bounds.Dx()), scale*float64(bounds.Dy())
	a.canvas.picture(p.Logo, point{right - side/2 - w/2, top + side/2 - h/2}, w, h)
}

// names sets the place's name, the part's and the address, centred in a box.
func (a *artist) names(p *prepared, x, y, width, height float64) {
	type line struct {
		b      block
		colour ink
	}
	var lines []line
	add := func(text string, face weight, share, most float64, colour ink) {
		if text != "" {
			lines = append(lines, line{a.fit(text, face, width, share*height, most*height, 0.09*height), colour})
		}
	}
	switch {
	case p.Part == "":
		add(p.Name, bold, 0.8, 0.42, black)
	default:
		add(p.Name, bold, 0.4, 0.3, black)
		add(p.Part, bold, 0.42, 0.34, accent)
	}
	add(p.Address, regular, 0.18, 0.15, grey)
	total := 0.0
	for _, l := range lines {
		total += l.b.height()
	}
	top := y + (height-total)/2
	for _, l := range lines {
		top = a.centred(l.b, x+width/2, top, l.colour)
	}
}

// steps draws the three pictured steps: beside one another where there is room, else one under another.
func (a *artist) steps(x, y, width, height float64) {
	cell, next := point{width / 3, height}, point{width / 3, 0}
	if width < 6*height {
		cell, next = point{width, height / 3}, point{0, height / 3}
	}
	side := min(0.95*cell.y, 0.3*cell.x)
	room := cell.x - 1.3*side
	first, beside := a.captions(room, cell.y)
	for i := range saySteps {
		cx, cy := x+float64(i)*next.x, y+float64(i)*next.y
		a.pictogram(i, cx, cy+(cell.y-side)/2, side)
		tx := cx + 1.15*side
		bottom := a.left(first[i], tx, cy+(cell.y-first[i].height()-beside[i].height())/2, black)
		a.left(beside[i], tx, bottom, grey)
	}
}

// captions breaks what the steps say into a width and height, all in one size.
func (a *artist) captions(width, height float64) (first, beside [len(saySteps)]block) {
	share := 0.95
	if _, second := saySteps[0].in(a.style.Language); second != "" {
		share = 0.58
	}
	small, smaller := 0.38*height, 0.28*height
	for _, say := range saySteps {
		one, two := say.in(a.style.Language)
		small = min(small, a.fit(one, bold, width, share*height, small, 1).size)
		smaller = min(smaller, a.fit(two, regular, width, 0.4*height, smaller, 1).size)
	}
	for i, say := range saySteps {
		one, two := say.in(a.style.Language)
		first[i] = block{a.wrap(one, bold, width/small), small, bold}
		beside[i] = block{a.wrap(two, regular, width/smaller), smaller, regular}
	}
	return first, beside
}

// noPhone says what to do without a phone.
func (a *artist) noPhone(x, y, width, height float64) {
	a.canvas.fill(rounded(x, y, width, height, 0.2*height), shade)
	first, beside := sayNoPhone.in(a.style.Language)
	share := 0.8
	if beside != "" {
		share = 0.5
	}
	b := a.fit(first, bold, width-0.6*height, share*height, 0.45*height, 1)
	var under block
	if beside != "" {
		under = a.fit(beside, regular, width-0.6*height, 0.4*height, 0.34*height, 1)
	}
	bottom := a.centred(b, x+width/2, y+(height-b.height()-under.height())/2, black)
	a.centred(under, x+width/2, bottom, grey)
}

// foot says what proves the poster, and whom to tell of a wrong one.
func (a *artist) foot(p *prepared, x, y, width, height float64) {
	report, beside := sayReport(&p.Poster).in(a.style.Language)
	proof := a.fit(sayProof(&p.Poster, a.style), bold, width, 0.36*height, 0.27*height, 1)
	top := a.centred(proof, x+width/2, y, black)
	top = a.centred(a.fit(report, regular, width, 0.34*height, 0.25*height, 1), x+width/2, top, black)
	if beside != "" {
		a.centred(a.fit(beside, regular, width, 0.3*height, 0.22*height, 1), x+width/2, top, grey)
	}
}
