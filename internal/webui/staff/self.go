package staff

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/qrgen/poster"
)

const selfPath = "/account"

// registerSelf adds the pages on which somebody keeps their own account.
func (p *Pages) registerSelf(r gin.IRouter) {
	own := r.Group(selfPath, p.Only(account.ActKeepAccount))
	page.Serve(own, "", p.showSelf)
	own.POST("/password", p.taking(selfPath, p.changePassword))
	own.POST("/end", p.taking(selfPath, p.endSession))
	own.POST("/factor/drop", p.taking(selfPath, p.dropFactor))
	for _, path := range []string{"/password", "/end", "/factor/drop"} { // a page that is switched to the other language there
		page.Serve(own, path, func(c *gin.Context) { p.SeeOther(c, selfPath) })
	}
	factor := r.Group(page.FactorPath, p.OnlyEvenIncomplete(account.ActKeepAccount))
	page.Serve(factor, "", p.showFactor)
	factor.POST("", p.taking(page.FactorPath, p.setFactor))
}

// selfPage is the page of one's own account.
type selfPage struct {
	Account registry.Account
	Factor  account.FactorState
	SignIns []registry.SignIn
	Present uuid.UUID // which of them this is
	Done    string    // the key of a text that says what was done
	Problem *page.Problem
}

func (p *Pages) showSelf(c *gin.Context) { p.answerSelf(c, http.StatusOK, selfPage{}) }

func (p *Pages) answerSelf(c *gin.Context, status int, body selfPage) {
	ctx := c.Request.Context()
	session, _ := page.SessionOf(c)
	body.Account, body.Present = session.Account, session.ID
	var err error
	if body.Factor, err = p.Accounts.FactorOf(ctx, session.Account); err != nil {
		p.Fail(c, err)
		return
	}
	if body.SignIns, err = p.Accounts.SignIns(ctx, session.Account, session.Account.ID); err != nil {
		p.Fail(c, err)
		return
	}
	p.Show(c, status, "self", body)
}

// failSelf shows the page of one's own account with what went wrong.
func (p *Pages) failSelf(c *gin.Context, err error) {
	p.LogFault(c, err)
	told := page.ProblemOf(p.Texts(c), err)
	told.Tell(c)
	p.answerSelf(c, told.Status, selfPage{Problem: &told})
}

// taking reads the form that a page of one's own account sent, and hands it on; where it cannot be read it leads back.
func (p *Pages) taking(back string, take func(*gin.Context, account.Session, url.Values)) gin.HandlerFunc {
	return func(c *gin.Context) {
		form, err := page.FormOf(c)
		if err != nil {
			p.FailBackTo(c, err, back)
			return
		}
		session, _ := page.SessionOf(c)
		take(c, session, form)
	}
}

// changed shows what became of a change of what somebody logs in with, after which their session goes on under another token.
func (p *Pages) changed(c *gin.Context, err error, done string) {
	if err != nil {
		p.failSelf(c, err)
		return
	}
	if err := p.RenewToken(c.Request.Context()); err != nil {
		p.Fail(c, err)
		return
	}
	p.answerSelf(c, http.StatusOK, selfPage{Done: done})
}

func (p *Pages) changePassword(c *gin.Context, session account.Session, form url.Values) {
	err := p.Accounts.ChangePassword(c.Request.Context(), session, form.Get("present"), form.Get("password"))
	p.changed(c, err, "self.password_changed")
}

// endSession ends one of one's own sessions, or all others where none is named.
func (p *Pages) endSession(c *gin.Context, session account.Session, form url.Values) {
	ctx := c.Request.Context()
	var err error
	if form.Get("id") == "" {
		_, err = p.Accounts.EndSessions(ctx, session, session.Account.ID)
	} else {
		var id uuid.UUID
		if id, err = uuid.Parse(form.Get("id")); err != nil {
			err = registry.ErrNotFound
		} else {
			err = p.Accounts.EndSession(ctx, session.Account, id)
		}
	}
	if err != nil {
		p.FailBackTo(c, err, selfPath)
		return
	}
	p.SeeOther(c, selfPath)
}

// factorPage is the page on which a second factor is set up; with Codes, that it was.
type factorPage struct {
	Enrolment account.Enrolment
	Picture   template.URL // of the address for an authenticator
	Sealed    string       // the secret, for this account alone
	Replaces  bool
	Needed    bool
	Codes     []string
	Problem   *page.Problem
}

// sealFactor is the purpose of the seal of a second factor that is being set up.
const sealFactor = "second factor"

func (p *Pages) showFactor(c *gin.Context) {
	enrolment, err := p.Accounts.Enrol(page.Actor(c))
	if err != nil {
		p.Fail(c, err)
		return
	}
	p.answerFactor(c, http.StatusOK, enrolment, nil)
}

func (p *Pages) answerFactor(c *gin.Context, status int, enrolment account.Enrolment, told *page.Problem) {
	session, _ := page.SessionOf(c)
	body := factorPage{
		Enrolment: enrolment, Replaces: session.Account.SecondFactor, Needed: session.Incomplete, Problem: told,
	}
	var picture bytes.Buffer
	err := poster.SVG(&picture, enrolment.URL, poster.Options{Scale: 5})
	if err == nil {
		body.Sealed, err = p.Seal.Close(sealFactor, session.Account.ID, enrolment.Secret)
	}
	if err != nil {
		p.Fail(c, fmt.Errorf("drawing a second factor: %w", err))
		return
	}
	body.Picture = template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(picture.Bytes())) //nolint:gosec // ours
	p.Show(c, status, "factor", body)
}

func (p *Pages) setFactor(c *gin.Context, session account.Session, form url.Values) {
	ctx := c.Request.Context()
	var secret string
	if !p.Seal.Open(sealFactor, session.Account.ID, form.Get("secret"), &secret) {
		p.FailBackTo(c, page.ErrForm, page.FactorPath)
		return
	}
	codes, err := p.Accounts.SetFactor(ctx, session, account.NewFactor{
		Password: form.Get("password"), Secret: secret, Code: form.Get("code"),
	})
	if err != nil {
		p.LogFault(c, err)
		told := page.ProblemOf(p.Texts(c), err)
		told.Tell(c)
		p.answerFactor(c, told.Status, account.EnrolmentOf(session.Account, secret), &told)
		return
	}
	if err := p.RenewToken(ctx); err != nil {
		p.Fail(c, err)
		return
	}
	// Shown in the answer itself: the codes are not kept anywhere for a page to come.
	p.Show(c, http.StatusOK, "factor", factorPage{Codes: codes})
}

func (p *Pages) dropFactor(c *gin.Context, session account.Session, form url.Values) {
	p.changed(c, p.Accounts.DropFactor(c.Request.Context(), session, form.Get("present")), "self.factor_dropped")
}
