package webui

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen/poster"
)

const (
	selfPath   = "/account"
	factorPath = "/account/factor"
)

// registerSelf adds the pages on which somebody keeps their own account.
func (u *UI) registerSelf(r gin.IRouter) {
	own := r.Group(selfPath, u.only(account.ActKeepAccount))
	serve(own, "", u.showSelf)
	own.POST("/password", u.changePassword)
	own.POST("/end", u.endSession)
	own.POST("/factor/drop", u.dropFactor)
	for _, path := range []string{"/password", "/end", "/factor/drop"} { // a page that is switched to the other language there
		serve(own, path, func(c *gin.Context) { u.seeOther(c, selfPath) })
	}
	factor := r.Group(factorPath, u.onlyEvenIncomplete(account.ActKeepAccount))
	serve(factor, "", u.showFactor)
	factor.POST("", u.setFactor)
}

// selfPage is the page of one's own account.
type selfPage struct {
	Account registry.Account
	Factor  account.FactorState
	SignIns []registry.SignIn
	Present uuid.UUID // which of them this is
	Done    string    // the key of a text that says what was done
	Problem *problem
}

func (u *UI) showSelf(c *gin.Context) { u.answerSelf(c, http.StatusOK, selfPage{}) }

func (u *UI) answerSelf(c *gin.Context, status int, page selfPage) {
	ctx := c.Request.Context()
	session, _ := sessionOf(c)
	page.Account, page.Present = session.Account, session.ID
	var err error
	if page.Factor, err = u.Accounts.FactorOf(ctx, session.Account); err != nil {
		u.Fail(c, err)
		return
	}
	if page.SignIns, err = u.Accounts.SignIns(ctx, session.Account, session.Account.ID); err != nil {
		u.Fail(c, err)
		return
	}
	u.show(c, status, "self", page)
}

// failSelf shows the page of one's own account with what went wrong.
func (u *UI) failSelf(c *gin.Context, err error) {
	u.logFault(c, err)
	p := problemOf(u.texts(c), err)
	p.tell(c)
	u.answerSelf(c, p.Status, selfPage{Problem: &p})
}

func (u *UI) changePassword(c *gin.Context) {
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, selfPath)
		return
	}
	session, _ := sessionOf(c)
	ctx := c.Request.Context()
	if err := u.Accounts.ChangePassword(ctx, session, form.Get("present"), form.Get("password")); err != nil {
		u.failSelf(c, err)
		return
	}
	if err := u.renewToken(ctx); err != nil {
		u.Fail(c, err)
		return
	}
	u.answerSelf(c, http.StatusOK, selfPage{Done: "self.password_changed"})
}

// endSession ends one of one's own sessions, or all others where none is named.
func (u *UI) endSession(c *gin.Context) {
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, selfPath)
		return
	}
	session, _ := sessionOf(c)
	ctx := c.Request.Context()
	if form.Get("id") == "" {
		_, err = u.Accounts.EndSessions(ctx, session, session.Account.ID)
	} else {
		var id uuid.UUID
		if id, err = uuid.Parse(form.Get("id")); err != nil {
			err = registry.ErrNotFound
		} else {
			err = u.Accounts.EndSession(ctx, session.Account, id)
		}
	}
	if err != nil {
		u.failBackTo(c, err, selfPath)
		return
	}
	u.seeOther(c, selfPath)
}

// factorPage is the page on which a second factor is set up; with Codes, that it was.
type factorPage struct {
	Enrolment account.Enrolment
	Picture   template.URL // of the address for an authenticator
	Sealed    string       // the secret, for this account alone
	Replaces  bool
	Needed    bool
	Codes     []string
	Problem   *problem
}

// sealFactor is the purpose of the seal of a second factor that is being set up.
const sealFactor = "second factor"

func (u *UI) showFactor(c *gin.Context) {
	enrolment, err := u.Accounts.Enrol(actor(c))
	if err != nil {
		u.Fail(c, err)
		return
	}
	u.answerFactor(c, http.StatusOK, enrolment, nil)
}

func (u *UI) answerFactor(c *gin.Context, status int, enrolment account.Enrolment, p *problem) {
	session, _ := sessionOf(c)
	page := factorPage{
		Enrolment: enrolment, Replaces: session.Account.SecondFactor, Needed: session.Incomplete, Problem: p,
	}
	var picture bytes.Buffer
	err := poster.SVG(&picture, enrolment.URL, poster.Options{Scale: 5})
	if err == nil {
		page.Sealed, err = u.seal.close(sealFactor, session.Account.ID, enrolment.Secret)
	}
	if err != nil {
		u.Fail(c, fmt.Errorf("drawing a second factor: %w", err))
		return
	}
	page.Picture = template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(picture.Bytes())) //nolint:gosec // ours
	u.show(c, status, "factor", page)
}

func (u *UI) setFactor(c *gin.Context) {
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, factorPath)
		return
	}
	session, _ := sessionOf(c)
	ctx := c.Request.Context()
	var secret string
	if !u.seal.open(sealFactor, session.Account.ID, form.Get("secret"), &secret) {
		u.failBackTo(c, errForm, factorPath)
		return
	}
	codes, err := u.Accounts.SetFactor(ctx, session, account.NewFactor{
		Password: form.Get("password"), Secret: secret, Code: form.Get("code"),
	})
	if err != nil {
		u.logFault(c, err)
		p := problemOf(u.texts(c), err)
		p.tell(c)
		u.answerFactor(c, p.Status, account.EnrolmentOf(session.Account, secret), &p)
		return
	}
	if err := u.renewToken(ctx); err != nil {
		u.Fail(c, err)
		return
	}
	// Shown in the answer itself: the codes are not kept anywhere for a page to come.
	u.show(c, http.StatusOK, "factor", factorPage{Codes: codes})
}

func (u *UI) dropFactor(c *gin.Context) {
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, selfPath)
		return
	}
	session, _ := sessionOf(c)
	ctx := c.Request.Context()
	if err := u.Accounts.DropFactor(ctx, session, form.Get("present")); err != nil {
		u.failSelf(c, err)
		return
	}
	if err := u.renewToken(ctx); err != nil {
		u.Fail(c, err)
		return
	}
	u.answerSelf(c, http.StatusOK, selfPage{Done: "self.factor_dropped"})
}
