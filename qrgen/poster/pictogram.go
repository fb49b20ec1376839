package poster

// pictogram draws the picture of a step, counted from 0, into a square: a phone with its camera open, a phone before a
// code, and a hand's tap that brings a tick.
func (a *artist) pictogram(step int, x, y, side float64) {
	k := side / 24
	put := func(o outline, colour ink) { a.canvas.fill(o.placed(k, x, y), colour) }
	put(rounded(0, 0, 24, 24, 5), accent)
	switch step {
	case 0: // a camera
		put(rounded(4, 7.5, 16, 11.5, 2), white)
		put(polygon(point{8.5, 7.6}, point{10, 5}, point{14, 5}, point{15.5, 7.6}), white)
		put(append(circle(12, 13, 4), circle(12, 13, 2.4).reversed()...), accent)
	case 1: // a phone that has a code in its view
		put(frame(6, 2.5, 12, 19, 2.2, 1.4), white)
		for _, corner := range []point{{8.8, 7}, {12.6, 7}, {8.8, 10.8}} {
			put(frame(corner.x, corner.y, 2.8, 2.8, 0, 0.75), white)
		}
		for _, module := range []point{{12.8, 11.2}, {14.4, 12.7}, {12.8, 12.7}} {
			put(box(module.x, module.y, 1, 1), white)
		}
		put(box(10.5, 18, 3, 0.9), white)
	case 2: // a tick
		put(append(circle(12, 12, 9), circle(12, 12, 7.4).reversed()...), white)
		put(polygon(point{7.6, 12.2}, point{9.1, 10.7}, point{11, 12.6}, point{15.2, 8.3}, point{16.7, 9.8}, point{11, 15.6}), white)
	}
}
