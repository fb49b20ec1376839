// Package visitor is the pages of who comes to a place: the check-in behind a code on a wall and the stamp that it gives, those who
// are with them, what is known of them, and whether a code is a true one.
//
// A GET stores no scan. The pages want no login: a cookie holds a citizen's credential, and no address says who they are.
package visitor

import (
	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/webui/page"
)

// Pages is these pages. It is safe for concurrent use.
type Pages struct {
	*page.Site
	Deps
}

// New makes the pages.
func New(site *page.Site, deps Deps) *Pages { return &Pages{Site: site, Deps: deps} }

// Register adds the routes of the pages to r.
func (p *Pages) Register(r gin.IRouter) {
	for _, prefix := range []string{"/q", "/Q"} {
		p.registerCheckIn(r.Group(prefix + "/:token"))
	}
	for _, prefix := range []string{"/check", "/CHECK"} {
		page.Serve(r, prefix+"/:token", p.showCheck)
	}
	page.Serve(r, shellPath, p.showShell)
	page.Serve(r, "/me/code", p.showMyCode)
	p.registerMe(r.Group("/me"))
	page.Serve(r, "/notice", p.showNotice)
}
