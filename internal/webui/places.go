package webui

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen/poster"
)

func (u *UI) registerPlaces(r gin.IRouter) {
	serve(r, "", u.showPlaces)
	serve(r, "/new", u.showNewPlace)
	r.POST("/new", u.createPlace)
	serve(r, "/:id", u.showPlace)
	serve(r, "/:id/code.svg", u.serveCode("image/svg+xml", poster.SVG))
	serve(r, "/:id/code.png", u.serveCode("image/png", poster.PNG))
	serve(r, "/:id/edit", u.showEditPlace)
	r.POST("/:id/edit", u.editPlace)
	serve(r, "/:id/poster.pdf", u.servePoster("application/pdf", ".pdf", poster.PDF))
	serve(r, "/:id/poster.svg", u.servePoster("image/svg+xml", ".svg", poster.SheetSVG))
	serve(r, "/:id/turnout", u.showTurnout)
	u.registerCodes(r.Group("/:id"))
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

func (u *UI) showPlaces(c *gin.Context) {
	page := placesPage{
		Count: u.Places.Count(actor(c)), Words: strings.TrimSpace(c.Query("name")), Area: c.Query("area"), Areas: realChoice(u.Places.AreasOf(actor(c))),
	}
	if page.Words == "" && page.Area == "" && page.Count <= fewEnough {
		all := u.Places.Tree(actor(c))
		page.Roots = treeOf(inOrder(all))
		page.Quiet = u.remind(c, actor(c).Organisation, all...)
		u.show(c, http.StatusOK, "places", &page)
		return
	}
	after, err := uuid.Parse(cmp.Or(c.Query("after"), uuid.Nil.String()))
	if err != nil {
		u.Fail(c, registry.ErrNotFound.Because(err))
		return
	}
	found, err := u.Records.SearchPlaces(c.Request.Context(), registry.Search{
		Organisation: actor(c).Organisation, Area: page.Area, Text: page.Words, After: after, Limit: foundAPage,
	})
	if err != nil {
		u.Fail(c, fmt.Errorf("looking for places: %w", err))
		return
	}
	page.Found = found.Places
	if page.Words == "" && page.Area == "" && after == uuid.Nil {
		page.Quiet = u.remind(c, actor(c).Organisation, u.Places.Tree(actor(c))...)
	}
	if found.Next != uuid.Nil {
		page.Next = "/places?" + url.Values{"name": {page.Words}, "area": {page.Area}, "after": {found.Next.String()}}.Encode()
	}
	u.show(c, http.StatusOK, "places", &page)
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
func (u *UI) placeOf(c *gin.Context) (registry.Place, bool) {
	id, err := idParameter(c)
	if err != nil {
		u.Fail(c, err)
		return registry.Place{}, false
	}
	place, err := u.Places.Place(actor(c), id)
	if err != nil {
		u.Fail(c, fmt.Errorf("reading a place: %w", err))
		return registry.Place{}, false
	}
	return place, true
}
