// Package owner is the pages of who keeps places: their places and parts, the codes and posters for their walls, and how many people
// came.
package owner

import (
	"sync"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/webui/page"
)

// Pages is these pages. It is safe for concurrent use.
type Pages struct {
	*page.Site
	Deps
	logos sync.Mutex // held while one is read
}

// New makes the pages.
func New(site *page.Site, deps Deps) *Pages { return &Pages{Site: site, Deps: deps} }

// Register adds the routes of the pages to known, whose forms are small, and to unbounded, whose routes bound what they take
// themselves. In both it has been found who is logged in.
func (p *Pages) Register(known, unbounded gin.IRouter) {
	places := known.Group("/places", p.Only(account.ActManagePlaces))
	p.registerPlaces(places)
	open := unbounded.Group("/places", p.Only(account.ActManagePlaces))
	p.registerPrint(places, open.Group("", page.LimitBody(maxUpload)))
	p.registerPlaceFiles(open)
}
