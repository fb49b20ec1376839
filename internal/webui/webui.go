// Package webui puts the pages together: what a citizen sees after scanning a code, what an owner prints, what a guard types into,
// what a tracing team works through at night. Each of its rooms is the pages of somebody, and all stand on the room page; they
// know nothing of one another.
//
// A GET stores no scan and changes no record; reading a list leaves its entry in the audit log. Cross-site requests, security
// headers, panics and the request log are the engine's business, not these pages'.
package webui

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/webui/desk"
	"github.com/truyvet/truyvet/internal/webui/door"
	"github.com/truyvet/truyvet/internal/webui/owner"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/internal/webui/staff"
	"github.com/truyvet/truyvet/internal/webui/visitor"
)

// Deps is what the rooms are made from. What one room needs of another New puts in: Page.MadeUp and Staff.Enrol.
type Deps struct {
	Page    page.Deps
	Visitor visitor.Deps
	Owner   owner.Deps
	Door    door.Deps
	Desk    desk.Deps
	Staff   staff.Deps
}

// UI is the pages. It is safe for concurrent use.
type UI struct {
	*page.Site
	visitor *visitor.Pages
	owner   *owner.Pages
	door    *door.Pages
	desk    *desk.Pages
	staff   *staff.Pages
}

// New makes the pages. An error means that what is embedded in the binary does not fit together.
func New(deps Deps) (*UI, error) {
	deps.Page.MadeUp = deps.Staff.Demo != nil
	site, err := page.New(deps.Page)
	if err != nil {
		return nil, err
	}
	devices := door.New(site, deps.Door)
	deps.Staff.Enrol = devices.Enrol
	return &UI{
		Site: site, visitor: visitor.New(site, deps.Visitor), owner: owner.New(site, deps.Owner), door: devices,
		desk: desk.New(site, deps.Desk), staff: staff.New(site, deps.Staff),
	}, nil
}

// Mark and Companions are those of the visitors' pages: what a citizen's browser keeps beside the credential.
func (u *UI) Mark(alias uuid.UUID) string { return u.visitor.Mark(alias) }

// Companions returns the people under the phone of a citizen whose browser sends a request.
func (u *UI) Companions(r *http.Request, alias uuid.UUID) []uuid.UUID {
	return u.visitor.Companions(r, alias)
}

// Register adds the routes of the pages. For addresses and methods that nobody has registered the engine should answer
// with NotFound and MethodNotAllowed.
func (u *UI) Register(r gin.IRouter) {
	u.Site.Register(r)
	open := r.Group("", u.RememberLanguage, page.LimitBody(page.MaxForm))
	known := open.Group("", u.LoadAccount)
	u.visitor.Register(open)
	u.door.Register(open, known)
	u.owner.Register(known, r.Group("", u.RememberLanguage, u.LoadAccount))
	u.desk.Register(known)
	u.staff.Register(known)
}
