package chart

import "github.com/truyvet/truyvet/internal/turnout"

// OfTurnout draws the hours one after the other. Hours of few, whose number is not told, are as high as a half of the least
// that is.
func OfTurnout(t *turnout.Table) *Chart {
	hours, top := 0, turnout.Fewest
	for _, d := range t.Days {
		hours += max(len(d.Hours), 24)
		for _, h := range d.Hours {
			top = max(top, h.People)
		}
	}
	unit := niceStep(top)
	top = (top + unit - 1) / unit * unit
	c := &Chart{Width: chartWidth, Height: chartHeight, Base: chartHeight - chartBottom, Left: chartLeft, Right: chartWidth - chartRight}
	room, tall := c.Right-c.Left, c.Base-chartTop
	first := 0
	for _, d := range t.Days {
		c.Labels = append(c.Labels, Mark{X: c.Left + (first+12)*room/hours, Y: chartHeight - 10, Start: d.Start})
		for n, h := range d.Hours {
			b := Bar{Generation: 1, X: c.Left + (first+n)*room/hours, W: max(room/hours-1, 1), H: h.People * tall / top}
			if h.Few {
				b.Generation, b.H = 2, turnout.Fewest*tall/top/2
			}
			b.Y = c.Base - b.H
			c.Bars = append(c.Bars, b)
		}
		first += max(len(d.Hours), 24)
	}
	for value := 0; value <= top; value += unit {
		c.Scale = append(c.Scale, Mark{X: chartLeft - 8, Y: c.Base - value*tall/top, Value: value})
	}
	return c
}
