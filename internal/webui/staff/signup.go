package staff

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/webui/page"
)

const (
	signUpPath       = "/signup"
	applicationsPath = "/applications"
)

// registerSignUp adds the page on which an organisation asks for an account, and those on which that is decided.
func (p *Pages) registerSignUp(r gin.IRouter) {
	page.Serve(r, signUpPath, p.showSignUp)
	r.POST(signUpPath, p.signUp)
	admit := r.Group(applicationsPath, p.Only(account.ActAdmit))
	page.Serve(admit, "", p.showApplications)
	for path, decide := range map[string]func(*gin.Context) error{
		"/:id/admit": func(c *gin.Context) error {
			id, err := page.IDParameter(c)
			if err != nil {
				return err
			}
			return p.Accounts.Admit(c.Request.Context(), page.Actor(c), id)
		},
		"/:id/refuse": func(c *gin.Context) error {
			id, err := page.IDParameter(c)
			if err != nil {
				return err
			}
			return p.Accounts.Refuse(c.Request.Context(), page.Actor(c), id)
		},
	} {
		admit.POST(path, func(c *gin.Context) {
			if err := decide(c); err != nil {
				p.FailBackTo(c, err, applicationsPath)
				return
			}
			p.SeeOther(c, applicationsPath)
		})
		page.Serve(admit, path, func(c *gin.Context) { p.SeeOther(c, applicationsPath) })
	}
}

// signUpPage is the form of an organisation that asks for an account, or, once it has, the link that leads on.
type signUpPage struct {
	Form    account.Applicant
	Wards   []page.WardGroup // none where there are too many to choose from: the address says it
	Link    string
	Path    string // the same, here
	Problem *page.Problem
}

func (p *Pages) showSignUp(c *gin.Context) {
	p.Show(c, http.StatusOK, "signup", signUpPage{Wards: p.Wards()})
}

// signUp keeps an application. The link is shown in the answer itself: its token is not kept anywhere for a page to come.
func (p *Pages) signUp(c *gin.Context) {
	form, err := page.FormOf(c)
	if err != nil {
		p.FailBackTo(c, err, signUpPath)
		return
	}
	body := signUpPage{Form: account.Applicant{
		Name: form.Get("name"), Address: form.Get("address"), Area: form.Get("area"), Contact: form.Get("contact"),
	}}
	token, err := p.Accounts.Apply(c.Request.Context(), body.Form, c.ClientIP())
	switch kind := errs.Of(err).Kind; {
	case err == nil:
		p.Show(c, http.StatusCreated, "signup", signUpPage{Link: p.BaseURL + page.InvitationPath + token, Path: page.InvitationPath + token})
	case kind == errs.Invalid:
		told := page.ProblemOf(p.Texts(c), err)
		body.Problem, body.Wards = &told, p.Wards()
		p.Show(c, told.Status, "signup", body)
	default:
		p.FailBackTo(c, err, signUpPath)
	}
}

func (p *Pages) showApplications(c *gin.Context) {
	waiting, err := p.Accounts.Applications(c.Request.Context(), page.Actor(c))
	if err != nil {
		p.Fail(c, err)
		return
	}
	p.Show(c, http.StatusOK, "applications", waiting)
}
