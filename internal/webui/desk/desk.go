// Package desk is the pages of who traces: cases, runs and their lists, the details of who is on one, and the audit log of all that.
//
// A GET changes no record; reading a list leaves its entry in the audit log.
package desk

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

// Register adds the routes of the pages to known. In known it has been found who is logged in.
func (p *Pages) Register(known gin.IRouter) {
	tracing := known.Group("", p.Only(account.ActTrace))
	p.registerTracing(tracing)
	p.registerDetails(tracing)
	p.registerAudit(known.Group("/audit", p.Only(account.ActReadAudit)))
}
