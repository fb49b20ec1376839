package staff

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/page"
)

// errTyped says that a password was typed in two ways.
var errTyped = errs.New(errs.Invalid, "passwords_differ", "The two passwords are not the same.")

// registerInvited adds the pages of whoever was invited. They need no login: the token says who it is.
func (p *Pages) registerInvited(r gin.IRouter) {
	page.Serve(r, page.InvitationPath+":token", p.showInvitation)
	r.POST(page.InvitationPath+":token", p.acceptInvitation)
}

// invitedPage is what the invited are asked.
type invitedPage struct {
	account.Invited
	Token    string
	Scope    string
	Chosen   string // the login that was typed
	Accepted *registry.Account
	Problem  *page.Problem
}

func (p *Pages) showInvitation(c *gin.Context) {
	p.answerInvitation(c, http.StatusOK, invitedPage{Token: c.Param("token")})
}

func (p *Pages) answerInvitation(c *gin.Context, status int, body invitedPage) {
	var err error
	if body.Invited, err = p.Accounts.Open(c.Request.Context(), body.Token, c.ClientIP()); err != nil {
		p.Fail(c, err)
		return
	}
	names, _, err := p.scopesOf(c)
	if err != nil {
		p.Fail(c, err)
		return
	}
	body.Scope = names.of(body.Organisation, body.Place, body.Area)
	p.Show(c, status, "invitation", body)
}

func (p *Pages) acceptInvitation(c *gin.Context) {
	form, err := page.FormOf(c)
	if err != nil {
		p.Fail(c, err)
		return
	}
	body := invitedPage{Token: c.Param("token"), Chosen: strings.TrimSpace(form.Get("login"))}
	if form.Get("device") != "" {
		p.Enrol(c, body.Token)
		return
	}
	var made registry.Account
	if form.Get("password") != form.Get("again") {
		err = errTyped
	} else {
		made, err = p.Accounts.Accept(c.Request.Context(), body.Token, c.ClientIP(), body.Chosen, form.Get("password"))
	}
	switch kind := errs.Of(err).Kind; {
	case err == nil:
		p.Show(c, http.StatusCreated, "invitation", invitedPage{Accepted: &made})
	case kind == errs.Invalid, kind == errs.Conflict && errs.Of(err).Code != account.ErrUnconfirmed.Code:
		told := page.ProblemOf(p.Texts(c), err)
		body.Problem = &told
		p.answerInvitation(c, told.Status, body)
	default:
		p.Fail(c, err)
	}
}
