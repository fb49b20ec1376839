package owner

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
	"github.com/truyvet/truyvet/internal/webui/chart"
	"github.com/truyvet/truyvet/qrgen"
)

// turnoutPage is how many people came to a place, hour by hour.
type turnoutPage struct {
	Place  registry.Place
	AsOf   int64
	Days   []turnoutDay // the latest first
	Rows   []turnoutRow // by the hour of the day, from the first to the last in which anybody came
	Chart  *chart.Chart
	Nobody bool           // came on any of the days
	Rides  *turnout.Rides // nil but of a vehicle
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

func (p *Pages) showTurnout(c *gin.Context) {
	place, ok := p.placeOf(c)
	if !ok {
		return
	}
	table, err := p.Turnout.Table(c.Request.Context(), place.ID)
	if err != nil {
		p.FailBackTo(c, fmt.Errorf("counting who came: %w", err), "/places/"+place.ID.String())
		return
	}
	body := turnoutPage{Place: place, AsOf: table.AsOf, Nobody: true, Chart: chart.OfTurnout(table)}
	for _, d := range slices.Backward(table.Days) {
		people, more := d.AtLeast()
		body.Nobody = body.Nobody && people == 0 && !more
		body.Days = append(body.Days, turnoutDay{d.Start, people, more})
	}
	body.Rows = turnoutRows(table.Days)
	if place.Kind == qrgen.KindVehicle {
		if body.Rides, err = p.Turnout.Rides(c.Request.Context(), place.ID); err != nil {
			p.FailBackTo(c, err, "/places/"+place.ID.String())
			return
		}
	}
	p.Show(c, http.StatusOK, "turnout", &body)
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

// remindWithin is how long a page waits to know where nobody came.
const remindWithin = 2 * time.Second

// reminders are the places to which nobody came for a day. Unknown says that it could not be seen, which spoils no page.
type reminders struct {
	turnout.QuietPlaces
	Unknown bool
}

// remind looks where nobody came, among places that are asked about under an id.
func (p *Pages) remind(c *gin.Context, about uuid.UUID, places ...registry.Place) reminders {
	ctx, cancel := context.WithTimeout(c.Request.Context(), remindWithin)
	defer cancel()
	quiet, err := p.Turnout.Quiet(ctx, about, places)
	return reminders{QuietPlaces: quiet, Unknown: err != nil}
}

// suspect says whether a place's code may have been photographed. Where it cannot be seen now nothing is said: the owner looks
// again another day, and traces know it anyway.
func (p *Pages) suspect(c *gin.Context, place registry.Place) turnout.Suspicion {
	ctx, cancel := context.WithTimeout(c.Request.Context(), remindWithin)
	defer cancel()
	found, err := p.Turnout.Suspect(ctx, place)
	if err != nil {
		return turnout.Suspicion{}
	}
	return found
}
