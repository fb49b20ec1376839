package webui

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/turnout"
)

// turnoutPage is how many people came to a place, hour by hour.
type turnoutPage struct {
	Place  registry.Place
	AsOf   int64
	Days   []turnoutDay // the latest first
	Rows   []turnoutRow // by the hour of the day, from the first to the last in which anybody came
	Chart  *chart
	Nobody bool // came on any of the days
}

// turnoutDay is a day as it heads its column. More says that there were hours of few, which are not in People.
type turnoutDay struct {
	Start  int64
	People int
	More   bool
}

// turnoutRow is one hour of the day, on each of the days. There is none where it has not begun.
type turnoutRow struct {
	Start int64
	Cells []*turnout.Hour
}

func (u *UI) showTurnout(c *gin.Context) {
	place, ok := u.placeOf(c)
	if !ok {
		return
	}
	table, err := u.Turnout.Table(c.Request.Context(), place.ID)
	if err != nil {
		u.failBackTo(c, fmt.Errorf("counting who came: %w", err), "/places/"+place.ID.String())
		return
	}
	page := turnoutPage{Place: place, AsOf: table.AsOf, Nobody: true, Chart: turnoutChart(table)}
	for _, d := range slices.Backward(table.Days) {
		people, more := d.AtLeast()
		page.Nobody = page.Nobody && people == 0 && !more
		page.Days = append(page.Days, turnoutDay{d.Start, people, more})
	}
	page.Rows = turnoutRows(table.Days)
	u.show(c, http.StatusOK, "turnout", &page)
}

// turnoutRows lays the hours of days out beside one another.
func turnoutRows(days []turnout.Day) (rows []turnoutRow) {
	first, last := -1, -1
	for column, d := range slices.Backward(days) {
		for n := range d.Hours {
			if n == len(rows) {
				rows = append(rows, turnoutRow{Start: d.Hours[n].Start, Cells: make([]*turnout.Hour, len(days))})
			}
			h := &d.Hours[n]
			rows[n].Cells[len(days)-1-column] = h
			if h.People > 0 || h.Few {
				last = max(last, n)
				if first < 0 || n < first {
					first = n
				}
			}
		}
	}
	if first < 0 {
		return nil
	}
	return rows[first : last+1]
}

// turnoutChart draws the hours one after the other. Hours of few, whose number is not told, are as high as a half of the least
// that is.
func turnoutChart(t *turnout.Table) *chart {
	hours, top := 0, turnout.Fewest
	for _, d := range t.Days {
		hours += max(len(d.Hours), 24)
		for _, h := range d.Hours {
			top = max(top, h.People)
		}
	}
	unit := niceStep(top)
	top = (top + unit - 1) / unit * unit
	c := &chart{Width: chartWidth, Height: chartHeight, Base: chartHeight - chartBottom, Left: chartLeft, Right: chartWidth - chartRight}
	room, tall := c.Right-c.Left, c.Base-chartTop
	first := 0
	for _, d := range t.Days {
		c.Labels = append(c.Labels, mark{X: c.Left + (first+12)*room/hours, Y: chartHeight - 10, Start: d.Start})
		for n, h := range d.Hours {
			b := bar{Generation: 1, X: c.Left + (first+n)*room/hours, W: max(room/hours-1, 1), H: h.People * tall / top}
			if h.Few {
				b.Generation, b.H = 2, turnout.Fewest*tall/top/2
			}
			b.Y = c.Base - b.H
			c.Bars = append(c.Bars, b)
		}
		first += max(len(d.Hours), 24)
	}
	for value := 0; value <= top; value += unit {
		c.Scale = append(c.Scale, mark{X: chartLeft - 8, Y: c.Base - value*tall/top, Value: value})
	}
	return c
}

// remindWithin is how long a page waits to know where nobody came.
const remindWithin = 2 * time.Second

// reminders are the places to which nobody came for a day. Unknown says that it could not be seen, which spoils no page.
type reminders struct {
	turnout.QuietPlaces
	Unknown bool
}

// remind looks where nobody came, among places that are asked about under an id.
func (u *UI) remind(c *gin.Context, about uuid.UUID, places ...registry.Place) reminders {
	ctx, cancel := context.WithTimeout(c.Request.Context(), remindWithin)
	defer cancel()
	quiet, err := u.Turnout.Quiet(ctx, about, places)
	return reminders{QuietPlaces: quiet, Unknown: err != nil}
}

// suspect says whether a place's code may have been photographed. Where it cannot be seen now nothing is said: the owner looks
// again another day, and traces know it anyway.
func (u *UI) suspect(c *gin.Context, place registry.Place) turnout.Suspicion {
	ctx, cancel := context.WithTimeout(c.Request.Context(), remindWithin)
	defer cancel()
	found, err := u.Turnout.Suspect(ctx, place)
	if err != nil {
		return turnout.Suspicion{}
	}
	return found
}
