package poster

// point is a place on a page in millimetres from its top left corner, or in an outline's own units; y grows downwards.
type point struct{ x, y float64 }

// verb is what a segment of an outline does.
type verb uint8

// The verbs, and how many points each takes.
const (
	moveTo  verb = iota // 1: begins a contour
	lineTo              // 1
	quadTo              // 2: a control point and the end
	cubicTo             // 3: two control points and the end
)

func (v verb) points() int { return [...]int{1, 1, 2, 3}[v] }

// segment is one step of an outline.
type segment struct {
	verb verb
	at   [3]point
}

// outline is an area by its closed contours. What the contours wind round is filled (the non-zero rule), so a hole is a
// contour that runs the other way.
type outline []segment

// turn is an affine map: x' = a·x + c·y + e, y' = b·x + d·y + f.
type turn struct{ a, b, c, d, e, f float64 }

// shift moves by dx, dy.
func shift(dx, dy float64) turn { return turn{a: 1, d: 1, e: dx, f: dy} }

// headDown turns an area of the given size by half, in its place.
func headDown(width, height float64) turn { return turn{a: -1, d: -1, e: width, f: height} }

// then returns the map that does m and after it n.
func (m turn) then(n turn) turn {
	return turn{
		a: n.a*m.a + n.c*m.b, b: n.b*m.a + n.d*m.b,
		c: n.a*m.c + n.c*m.d, d: n.b*m.c + n.d*m.d,
		e: n.a*m.e + n.c*m.f + n.e, f: n.b*m.e + n.d*m.f + n.f,
	}
}

func (m turn) apply(p point) point { return point{m.a*p.x + m.c*p.y + m.e, m.b*p.x + m.d*p.y + m.f} }

// placed returns the outline scaled and then moved.
func (o outline) placed(scale, dx, dy float64) outline {
	out := make(outline, len(o))
	for i, s := range o {
		for j := range s.verb.points() {
			s.at[j] = point{s.at[j].x*scale + dx, s.at[j].y*scale + dy}
		}
		out[i] = s
	}
	return out
}

// box returns a rectangle.
func box(x, y, width, height float64) outline {
	return polygon(point{x, y}, point{x + width, y}, point{x + width, y + height}, point{x, y + height})
}

// polygon returns the area within a closed line.
func polygon(corners ...point) outline {
	o := make(outline, len(corners))
	for i, p := range corners {
		o[i] = segment{verb: lineTo, at: [3]point{p}}
	}
	o[0].verb = moveTo
	return o
}

// arc is how far control points lie from the ends of a quarter circle, by its radius: 4/3·(√2−1).
const arc = 0.5522847498

// rounded returns a rectangle with round corners; a circle where the radius is half of both sides.
func rounded(x, y, width, height, radius float64) outline {
	r, k := radius, radius*(1-arc)
	right, bottom := x+width, y+height
	curve := func(a, b, end point) segment { return segment{cubicTo, [3]point{a, b, end}} }
	line := func(x, y float64) segment { return segment{lineTo, [3]point{{x, y}}} }
	return outline{
		{moveTo, [3]point{{x + r, y}}},
		line(right-r, y),
		curve(point{right - k, y}, point{right, y + k}, point{right, y + r}),
		line(right, bottom-r),
		curve(point{right, bottom - k}, point{right - k, bottom}, point{right - r, bottom}),
		line(x+r, bottom),
		curve(point{x + k, bottom}, point{x, bottom - k}, point{x, bottom - r}),
		line(x, y+r),
		curve(point{x, y + k}, point{x + k, y}, point{x + r, y}),
	}
}

func circle(x, y, radius float64) outline {
	return rounded(x-radius, y-radius, 2*radius, 2*radius, radius)
}

// reversed returns the outline running the other way round, so that laid over another it is a hole.
func (o outline) reversed() outline {
	var out outline
	for start := 0; start < len(o); {
		end := start + 1
		for end < len(o) && o[end].verb != moveTo {
			end++
		}
		out = append(out, reverseContour(o[start:end])...)
		start = end
	}
	return out
}

func reverseContour(contour outline) outline {
	last := func(s segment) point { return s.at[s.verb.points()-1] }
	out := outline{{moveTo, [3]point{last(contour[len(contour)-1])}}}
	for i := len(contour) - 1; i > 0; i-- {
		s, end := contour[i], last(contour[i-1])
		switch s.verb {
		case lineTo:
			s.at[0] = end
		case quadTo:
			s.at[1] = end
		case cubicTo:
			s.at[0], s.at[1], s.at[2] = s.at[1], s.at[0], end
		}
		out = append(out, s)
	}
	return out
}

// frame returns the rim of a rounded rectangle, as wide as given, inside its edge.
func frame(x, y, width, height, radius, rim float64) outline {
	inner := rounded(x+rim, y+rim, width-2*rim, height-2*rim, max(radius-rim, 0))
	return append(rounded(x, y, width, height, radius), inner.reversed()...)
}
