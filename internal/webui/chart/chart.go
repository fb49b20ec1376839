// Package chart draws the pictures of the pages: how many were first exposed on each day, how each case went on, and how many people
// came to a place. They are measures alone, which templates write as SVG with the same facts as a table beneath.
package chart

import (
	"cmp"
	"slices"
	"time"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/tracing"
)

// The measures of a chart, in the units of its own picture.
const (
	chartWidth  = 720
	chartHeight = 240
	chartLeft   = 64 // room for the numbers of the scale: 100.000
	chartRight  = 16 // room for half of the last day
	chartTop    = 12
	chartBottom = 30 // room for the days
	chartGap    = 2  // between bars
	chartBar    = 72 // the width of a bar at most
	// chartLabels is how many days are written out at most: more would touch.
	chartLabels = 10
	// chartDays is how many days are drawn at most, the latest ones: bars thinner than that cannot be told apart.
	chartDays = 90
)

// Chart is how many people of each generation were first exposed on each local day: bars for who looks, Days for who
// listens.
type Chart struct {
	Width, Height int
	Base          int // where bars stand
	Left, Right   int
	Bars          []Bar
	Scale         []Mark
	Labels        []Mark
	Days          []Day
}

// Day is one local day; Start is an instant in it.
type Day struct {
	Start  int64
	F1, F2 int
}

// add counts somebody of a generation.
func (d *Day) add(generation int) {
	switch generation {
	case 1:
		d.F1++
	case 2:
		d.F2++
	}
}

// Bar is a rectangle of one generation.
type Bar struct {
	Generation int
	X, Y, W, H int
}

// Mark is a number or a day written at a point. Value belongs to the scale, Start to a day.
type Mark struct {
	X, Y  int
	Value int
	Start int64
}

// Of draws the first exposures of the first two generations. It returns nil where there is nothing to compare: fewer
// than two days.
func Of(r page.Reader, rows []cases.Row) *Chart {
	days := daysOf(r, rows)
	if len(days) < 2 {
		return nil
	}
	top := 0
	for _, d := range days {
		top = max(top, d.F1+d.F2)
	}
	unit := niceStep(top)
	top = (top + unit - 1) / unit * unit
	c := &Chart{
		Width: chartWidth, Height: chartHeight, Base: chartHeight - chartBottom,
		Left: chartLeft, Right: chartWidth - chartRight, Days: days,
	}
	tall := c.Base - chartTop
	room := c.Right - c.Left
	width := min(max(1, room/len(days)-chartGap), chartBar)
	every := (len(days) + chartLabels - 1) / chartLabels
	for i, d := range days {
		x := c.Left + (2*i+1)*room/(2*len(days)) - width/2 // in the middle of the day's share
		h1 := d.F1 * tall / top
		h2 := (d.F1+d.F2)*tall/top - h1
		c.Bars = append(c.Bars, Bar{1, x, c.Base - h1, width, h1}, Bar{2, x, c.Base - h1 - h2, width, h2})
		if i%every == 0 {
			c.Labels = append(c.Labels, Mark{X: x + width/2, Y: chartHeight - 10, Start: d.Start})
		}
	}
	for value := 0; value <= top; value += unit {
		c.Scale = append(c.Scale, Mark{X: chartLeft - 8, Y: c.Base - value*tall/top, Value: value})
	}
	return c
}

// daysOf counts the people by the local day of their first exposure, with the days between on which there was none.
func daysOf(r page.Reader, rows []cases.Row) []Day {
	counts := make(map[tracing.Date]*Day)
	for _, row := range rows {
		date := r.Date(row.FirstExposure)
		d := counts[date]
		if d == nil {
			d = &Day{Start: date.Start(r.Location)}
			counts[date] = d
		}
		d.add(row.Generation)
	}
	if len(counts) == 0 {
		return nil
	}
	var dates []tracing.Date
	for date := range counts {
		dates = append(dates, date)
	}
	slices.SortFunc(dates, func(a, b tracing.Date) int { return cmp.Compare(a.Start(time.UTC), b.Start(time.UTC)) })
	last := dates[len(dates)-1]
	first := dates[0]
	if earliest := last.AddDays(1 - chartDays); first.Start(time.UTC) < earliest.Start(time.UTC) {
		first = earliest
	}
	var days []Day
	for date := first; date.Start(time.UTC) <= last.Start(time.UTC); date = date.AddDays(1) {
		if d := counts[date]; d != nil {
			days = append(days, *d)
		} else {
			days = append(days, Day{Start: date.Start(r.Location)})
		}
	}
	return days
}

// niceStep returns a step that is good to read on a scale, of which three to five reach the top.
func niceStep(top int) int {
	for unit := 1; ; unit *= 10 {
		for _, factor := range []int{1, 2, 5} {
			if 5*unit*factor >= top {
				return unit * factor
			}
		}
	}
}
