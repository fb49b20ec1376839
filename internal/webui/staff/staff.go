// Package staff is the pages of accounts: logging in, one's own account, invitations, other people's accounts, organisations, and the
// home page that leads to all the rest.
package staff

import (
	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/webui/page"
)

// Pages is these pages. It is safe for concurrent use.
type Pages struct {
	*page.Site
	Deps
	failures failures // to log in
}

// New makes the pages.
func New(site *page.Site, deps Deps) *Pages { return &Pages{Site: site, Deps: deps} }

// Register adds the routes of the pages to known. In known it has been found who is logged in.
func (p *Pages) Register(known gin.IRouter) {
	page.Serve(known, "/", p.home)
	p.registerLogin(known)
	p.registerInvited(known)
	p.registerSelf(known)
	p.registerSignUp(known)
	p.registerAccounts(known)
	p.registerOrganisations(known.Group(organisationsPath, p.Only(account.ActManageOrganisations)))
}
