package owner

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/qrgen/poster"
)

func (p *Pages) registerPlaces(r gin.IRouter) {
	page.Serve(r, "", p.showPlaces)
	page.Serve(r, "/new", p.showNewPlace)
	r.POST("/new", p.createPlace)
	page.Serve(r, "/:id", p.showPlace)
	page.Serve(r, "/:id/code.svg", p.serveCode("image/svg+xml", poster.SVG))
	page.Serve(r, "/:id/code.png", p.serveCode("image/png", poster.PNG))
	page.Serve(r, "/:id/edit", p.showEditPlace)
	r.POST("/:id/edit", p.editPlace)
	page.Serve(r, "/:id/poster.pdf", p.servePoster("application/pdf", ".pdf", poster.PDF))
	page.Serve(r, "/:id/poster.svg", p.servePoster("image/svg+xml", ".svg", poster.SheetSVG))
	page.Serve(r, "/:id/turnout", p.showTurnout)
	page.Serve(r, "/:id/trips.csv", p.serveRides)
	p.registerCodes(r.Group("/:id"))
}

// placesPage lists an organisation's places: all as a tree where they are few, else a page of them by name.
type placesPage struct {
	Roots []*placeNode
	Count int
	Words string           // what was looked for
	Area  string           // code of the area that it was looked for in
	Areas []registry.Area  // to choose from: those that have places in them; none where that is no choice
	Found []registry.Place // nil where all are shown
	Next  string           // the address of the next page; empty on the last
	Quiet reminders
}

const (
	fewEnough  = 300 // places that are shown at once, as a tree
	foundAPage = 100
)

func (p *Pages) showPlaces(c *gin.Context) {
	body := placesPage{
		Count: p.Places.Count(page.Actor(c)), Words: strings.TrimSpace(c.Query("name")), Area: c.Query("area"), Areas: realChoice(p.Places.AreasOf(page.Actor(c))),
	}
	if body.Words == "" && body.Area == "" && body.Count <= fewEnough {
		all := p.Places.Tree(page.Actor(c))
		body.Roots = treeOf(page.InOrder(all))
		body.Quiet = p.remind(c, page.Actor(c).Organisation, all...)
		p.Show(c, http.StatusOK, "places", &body)
		return
	}
	after, err := uuid.Parse(cmp.Or(c.Query("after"), uuid.Nil.String()))
	if err != nil {
		p.Fail(c, registry.ErrNotFound.Because(err))
		return
	}
	found, err := p.Records.SearchPlaces(c.Request.Context(), registry.Search{
		Organisation: page.Actor(c).Organisation, Area: body.Area, Text: body.Words, After: after, Limit: foundAPage,
	})
	if err != nil {
		p.Fail(c, fmt.Errorf("looking for places: %w", err))
		return
	}
	body.Found = found.Places
	if body.Words == "" && body.Area == "" && after == uuid.Nil {
		body.Quiet = p.remind(c, page.Actor(c).Organisation, p.Places.Tree(page.Actor(c))...)
	}
	if found.Next != uuid.Nil {
		body.Next = "/places?" + url.Values{"name": {body.Words}, "area": {body.Area}, "after": {found.Next.String()}}.Encode()
	}
	p.Show(c, http.StatusOK, "places", &body)
}

// realChoice returns the areas, or none where each lies in the one before it, so that there is nothing to choose.
func realChoice(areas []registry.Area) []registry.Area {
	for i := 1; i < len(areas); i++ {
		if areas[i].Parent != areas[i-1].Code {
			return areas
		}
	}
	return nil
}

// placeOf reads the place in the path, which must be one of the actor's. On false the refusal has been answered.
func (p *Pages) placeOf(c *gin.Context) (registry.Place, bool) {
	id, err := page.IDParameter(c)
	if err != nil {
		p.Fail(c, err)
		return registry.Place{}, false
	}
	place, err := p.Places.Place(page.Actor(c), id)
	if err != nil {
		p.Fail(c, fmt.Errorf("reading a place: %w", err))
		return registry.Place{}, false
	}
	return place, true
}
