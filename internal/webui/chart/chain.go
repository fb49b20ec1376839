package chart

import (
	"math"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/tracing"
)

// The measures of the chain, in the units of its own picture.
const (
	chainLeft   = 180 // room for the codes of cases
	chainTop    = 8
	chainRow    = 44
	chainBottom = 30 // room for the days
	chainRadius = 18 // of the largest number
	chainSmall  = 3  // and of the smallest
	// chainRows is how many cases have a row of their own, those with most people; the others share one.
	chainRows = 12
	// chainDays is how many days are drawn at most, the latest ones.
	chainDays = 31
)

// Chain is how each case went on: the case at its onset, then day by day how many of its F1 and F2 were first exposed. It is
// bounded whatever the length of the list: cases beyond the first are one row, with a scale of its own, and days beyond the last are
// left out.
type Chain struct {
	Width, Height int
	Left, Right   int
	Rows          []Line
	Labels        []Mark
}

// Line is one case, or the others together.
type Line struct {
	Case   *registry.Case // nil for the others
	Others int            // how many cases share the row; 0 for a case
	Y      int
	Onset  *Mark // where and when the case fell ill; nil where that is not among the days
	Days   []Cell
}

// Cell is a day on which somebody was first exposed: F1 above the line, F2 beneath it, as half discs.
type Cell struct {
	X, R1, R2 int
	Day
}

// Last is where the line of a row ends.
func (l Line) Last() int {
	last := chainLeft
	if l.Onset != nil {
		last = l.Onset.X
	}
	if n := len(l.Days); n > 0 {
		last = max(last, l.Days[n-1].X)
	}
	return last
}

// ChainOf draws the chain of a list, nil where there is nothing to compare: fewer than two days.
func ChainOf(r page.Reader, list *cases.List) *Chain {
	own := list.ByCase[:min(len(list.ByCase), chainRows)]
	days := chainDaysOf(r, list, own)
	if len(days) < 2 {
		return nil
	}
	grid := chainCounts(r, list, own, days)
	c := &Chain{Width: chartWidth, Left: chainLeft, Right: chartWidth - chartRight}
	top := mostOf(grid[:len(own)]...)
	largest := min(chainRadius, (c.Right-c.Left)/(2*len(days))) // discs of two days do not touch
	for n, row := range grid {
		if n == len(own) {
			top = mostOf(row) // thousands of cases beside one would leave nothing of it to be seen
		}
		line := Line{Y: chainTop + n*chainRow + chainRow/2}
		if n < len(own) {
			line.Case = &own[n].Case
			line.Onset = onsetOf(r, own[n].Case, days, line.Y)
		} else if line.Others = len(list.Run.Cases) - len(own); line.Others == 0 {
			continue
		}
		for i, d := range row {
			if d.F1+d.F2 > 0 {
				line.Days = append(line.Days, Cell{chainX(i, len(days)), radius(d.F1, top, largest), radius(d.F2, top, largest), d})
			}
		}
		c.Rows = append(c.Rows, line)
	}
	bottom := chainTop + len(c.Rows)*chainRow
	c.Height = bottom + chainBottom
	every := (len(days) + chartLabels - 1) / chartLabels
	for i := 0; i < len(days); i += every {
		c.Labels = append(c.Labels, Mark{X: chainX(i, len(days)), Y: c.Height - 10, Start: days[i].Start})
	}
	return c
}

// chainDaysOf returns the days on which somebody was first exposed, from any of the cases, with the days between.
func chainDaysOf(r page.Reader, list *cases.List, own []cases.CaseCount) []Day {
	days := daysOf(r, list.People)
	if len(days) == 0 {
		return nil
	}
	last := days[len(days)-1].Start
	for _, row := range list.People {
		for n := range own {
			if row.Roots.Has(own[n].Root) {
				last = max(last, list.FirstFrom(row, own[n].Root))
			}
		}
	}
	for {
		next := r.Date(days[len(days)-1].Start).AddDays(1).Start(r.Location)
		if next > last {
			return days[max(0, len(days)-chainDays):]
		}
		days = append(days, Day{Start: next})
	}
}

// chainCounts counts the people of each case on the day of their first exposure from it, and of all other cases together, in
// the last row, those whom none of the first ones led to.
func chainCounts(r page.Reader, list *cases.List, own []cases.CaseCount, days []Day) [][]Day {
	at := make(map[tracing.Date]int, len(days))
	for i, d := range days {
		at[r.Date(d.Start)] = i
	}
	grid := make([][]Day, len(own)+1)
	for n := range grid {
		grid[n] = make([]Day, len(days))
		for i, d := range days {
			grid[n][i].Start = d.Start
		}
	}
	add := func(n int, first int64, generation int) {
		if i, drawn := at[r.Date(first)]; drawn {
			grid[n][i].add(generation)
		}
	}
	for _, row := range list.People {
		mine := false
		for n := range own {
			if row.Roots.Has(own[n].Root) {
				mine = true
				add(n, list.FirstFrom(row, own[n].Root), row.Generation)
			}
		}
		if !mine {
			add(len(own), row.FirstExposure, row.Generation)
		}
	}
	return grid
}

// onsetOf is where a case fell ill, or where that is not known gave its sample.
func onsetOf(r page.Reader, c registry.Case, days []Day, y int) *Mark {
	text := c.Onset
	if text == "" {
		text = c.Sample
	}
	day, err := tracing.ParseDate(text)
	if err != nil {
		return nil
	}
	for i, d := range days {
		if r.Date(d.Start) == day {
			return &Mark{X: chainX(i, len(days)), Y: y, Start: d.Start}
		}
	}
	return nil
}

// mostOf is the largest number of some rows, at least 1.
func mostOf(rows ...[]Day) int {
	most := 1
	for _, row := range rows {
		for _, d := range row {
			most = max(most, d.F1, d.F2)
		}
	}
	return most
}

// chainX is the middle of a day's share of the width.
func chainX(i, days int) int {
	return chainLeft + (2*i+1)*(chartWidth-chartRight-chainLeft)/(2*days)
}

// radius makes areas as numbers are to one another, down to what can still be seen.
func radius(n, top, largest int) int {
	if n == 0 {
		return 0
	}
	return max(chainSmall, int(math.Round(float64(largest)*math.Sqrt(float64(n)/float64(top)))))
}
