package webui

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/errs"
)

const (
	signUpPath       = "/signup"
	applicationsPath = "/applications"
)

// registerSignUp adds the page on which an organisation asks for an account, and those on which that is decided.
func (u *UI) registerSignUp(r gin.IRouter) {
	serve(r, signUpPath, u.showSignUp)
	r.POST(signUpPath, u.signUp)
	admit := r.Group(applicationsPath, u.only(account.ActAdmit))
	serve(admit, "", u.showApplications)
	for path, decide := range map[string]func(*gin.Context) error{
		"/:id/admit": func(c *gin.Context) error {
			id, err := idParameter(c)
			if err != nil {
				return err
			}
			return u.Accounts.Admit(c.Request.Context(), actor(c), id)
		},
		"/:id/refuse": func(c *gin.Context) error {
			id, err := idParameter(c)
			if err != nil {
				return err
			}
			return u.Accounts.Refuse(c.Request.Context(), actor(c), id)
		},
	} {
		admit.POST(path, func(c *gin.Context) {
			if err := decide(c); err != nil {
				u.failBackTo(c, err, applicationsPath)
				return
			}
			u.seeOther(c, applicationsPath)
		})
		serve(admit, path, func(c *gin.Context) { u.seeOther(c, applicationsPath) })
	}
}

// signUpPage is the form of an organisation that asks for an account, or, once it has, the link that leads on.
type signUpPage struct {
	Form    account.Applicant
	Wards   []wardGroup // none where there are too many to choose from: the address says it
	Link    string
	Path    string // the same, here
	Problem *problem
}

func (u *UI) showSignUp(c *gin.Context) {
	u.show(c, http.StatusOK, "signup", signUpPage{Wards: u.wards()})
}

// signUp keeps an application. The link is shown in the answer itself: its token is not kept anywhere for a page to come.
func (u *UI) signUp(c *gin.Context) {
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, signUpPath)
		return
	}
	page := signUpPage{Form: account.Applicant{
		Name: form.Get("name"), Address: form.Get("address"), Area: form.Get("area"), Contact: form.Get("contact"),
	}}
	token, err := u.Accounts.Apply(c.Request.Context(), page.Form, c.ClientIP())
	switch kind := errs.Of(err).Kind; {
	case err == nil:
		u.show(c, http.StatusCreated, "signup", signUpPage{Link: u.BaseURL + invitationPath + token, Path: invitationPath + token})
	case kind == errs.Invalid:
		p := problemOf(u.texts(c), err)
		page.Problem, page.Wards = &p, u.wards()
		u.show(c, p.Status, "signup", page)
	default:
		u.failBackTo(c, err, signUpPath)
	}
}

func (u *UI) showApplications(c *gin.Context) {
	waiting, err := u.Accounts.Applications(c.Request.Context(), actor(c))
	if err != nil {
		u.Fail(c, err)
		return
	}
	u.show(c, http.StatusOK, "applications", waiting)
}
