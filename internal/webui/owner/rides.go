package owner

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/sheet"
	"github.com/truyvet/truyvet/internal/webui/page"
)

// serveRides gives an owner the runs of a vehicle and how many people came aboard as a table. Of few it says only that there were some.
func (p *Pages) serveRides(c *gin.Context) {
	place, ok := p.placeOf(c)
	if !ok {
		return
	}
	rides, err := p.Turnout.Rides(c.Request.Context(), place.ID)
	if err != nil {
		p.FailBackTo(c, err, "/places/"+place.ID.String()+"/turnout")
		return
	}
	out := csv.NewWriter(page.NewDownload(c, "truyvet-trips.csv"))
	// The writer keeps its first error, which Error returns below.
	_ = out.Write([]string{"vehicle", "route", "began", "over", "people", "few"})
	for _, r := range rides.Rides {
		_ = out.Write([]string{
			sheet.Plain(place.Name), sheet.Plain(r.Route), p.Reader.Stamp(r.Began), p.Reader.Stamp(r.Over()), strconv.Itoa(r.People), strconv.FormatBool(r.Few),
		})
	}
	out.Flush()
	if err := out.Error(); err != nil {
		p.LogFault(c, fmt.Errorf("writing the trips of a vehicle: %w", err))
		panic(http.ErrAbortHandler)
	}
}
