// Package door is the pages of the devices at a place's door: the gate that a guard types into, the screen that shows the place's
// code, and how a browser becomes one of them.
package door

import (
	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/webui/page"
)

// Pages is these pages. It is safe for concurrent use.
type Pages struct {
	*page.Site
	Deps
}

// New makes the pages.
func New(site *page.Site, deps Deps) *Pages { return &Pages{Site: site, Deps: deps} }

// Register adds the routes of the pages to open, and to known. In known it has been found who is logged in.
func (p *Pages) Register(open, known gin.IRouter) {
	page.Serve(open, screenPath, p.showScreen)
	p.registerEnrolment(known)
	p.registerGate(known.Group("/gate", p.resumeDevice, p.Only(account.ActGateScan)))
}
