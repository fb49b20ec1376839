package webui

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
)

const (
	sessionAccount = "account" // in the session: the account's id
	sessionGate    = "gate"    // in the session: the last scans at a gate
	accountKey     = "webui.account"
)

// errNotLoggedIn refuses a request of nobody.
var errNotLoggedIn = errs.New(errs.Unauthenticated, "not_logged_in", "Log in first.")

// Actor returns who is logged in, in the session of a request; its error is of kind errs.Unauthenticated where nobody is. A
// session whose account is gone or disabled is nobody's.
func (u *UI) Actor(ctx context.Context) (registry.Account, error) {
	id, err := uuid.Parse(u.Sessions.GetString(ctx, sessionAccount))
	if err != nil {
		return registry.Account{}, errNotLoggedIn
	}
	a, err := u.Accounts.Account(ctx, id)
	switch {
	case err == nil && a.Disabled, err != nil && errs.Of(err).Kind == errs.NotFound:
		return registry.Account{}, errNotLoggedIn
	case err != nil:
		return registry.Account{}, fmt.Errorf("loading the account of the session: %w", err)
	}
	return a, nil
}

// loadAccount finds who is logged in.
func (u *UI) loadAccount(c *gin.Context) {
	switch a, err := u.Actor(c.Request.Context()); {
	case err == nil:
		c.Set(accountKey, a)
	case !errors.Is(err, errNotLoggedIn):
		u.Fail(c, err)
		return
	}
	c.Next()
}

// accountOf returns who is logged in.
func accountOf(c *gin.Context) (registry.Account, bool) {
	a, ok := c.Value(accountKey).(registry.Account)
	return a, ok
}

// actor returns who is logged in, on pages that only lets nobody else into.
func actor(c *gin.Context) registry.Account {
	a, _ := accountOf(c)
	return a
}

// only lets in who may do an act. Who is not logged in is led to the log-in page, and from there back.
func (u *UI) only(act account.Act) gin.HandlerFunc {
	return func(c *gin.Context) {
		a, known := accountOf(c)
		switch {
		case !known:
			u.seeOther(c, "/login?"+url.Values{"next": {returnAddress(c)}}.Encode())
			c.Abort()
		case !account.May(a.Role, act):
			u.Fail(c, cases.ErrRole)
		default:
			c.Next()
		}
	}
}

// returnAddress is where to go back to after logging in: the page asked for, or where a form came from is not known, its
// own address.
func returnAddress(c *gin.Context) string {
	if c.Request.Method == http.MethodGet {
		return c.Request.URL.RequestURI()
	}
	return c.Request.URL.Path
}

// localPath returns the path if it leads to one of our own pages, and nothing otherwise: a log-in page that leads
// elsewhere is a tool for fraud.
func localPath(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") ||
		strings.ContainsAny(path, "\\\r\n\t") {
		return ""
	}
	return path
}

// loginForm is the log-in page.
type loginForm struct {
	Login    string
	Password string // of a login that anybody may use; what was typed is never sent back
	Next     string
	Problem  *problem
}

func (u *UI) showLogin(c *gin.Context) {
	if a, ok := accountOf(c); ok && c.Query("login") == "" {
		u.seeOther(c, landing(a.Role))
		return
	}
	login := c.Query("login")
	u.show(c, http.StatusOK, "login", loginForm{Login: login, Password: u.Demo.passwordOf(login), Next: localPath(c.Query("next"))})
}

func (u *UI) logIn(c *gin.Context) {
	form, err := formOf(c)
	if err != nil {
		u.Fail(c, err)
		return
	}
	ctx := c.Request.Context()
	page := loginForm{Login: form.Get("login"), Next: localPath(form.Get("next"))}
	a, err := u.Accounts.LogIn(ctx, page.Login, form.Get("password"))
	if err != nil {
		u.refuseLogin(c, page, err)
		return
	}
	if detail, due := u.failures.rest(); due {
		u.record(c, "system", "login_failed", "", detail)
	}
	if err := u.Audit.Append(ctx, a.Login, "login", a.ID.String(), ""); err != nil {
		u.Fail(c, fmt.Errorf("recording a log-in: %w", err))
		return
	}
	// A new token, so that one planted before the log-in is worth nothing.
	if err := u.Sessions.RenewToken(ctx); err != nil {
		u.Fail(c, fmt.Errorf("renewing the session: %w", err))
		return
	}
	u.Sessions.Put(ctx, sessionAccount, a.ID.String())
	u.Sessions.Remove(ctx, sessionGate)
	if page.Next == "" {
		page.Next = landing(a.Role)
	}
	u.seeOther(c, page.Next)
}

// refuseLogin says that a log-in failed. What was typed is not recorded: people type passwords into the wrong field.
func (u *UI) refuseLogin(c *gin.Context, page loginForm, err error) {
	u.logFault(c, err)
	if errors.Is(err, account.ErrWrongLogin) {
		if detail, due := u.failures.add(u.Clock()); due {
			u.record(c, "system", "login_failed", "", detail)
		}
	}
	p := problemOf(u.texts(c), err)
	page.Problem = &p
	p.tell(c)
	u.show(c, p.Status, "login", page)
}

func (u *UI) logOut(c *gin.Context) {
	ctx := c.Request.Context()
	if a, ok := accountOf(c); ok {
		u.record(c, a.Login, "logout", a.ID.String(), "")
	}
	if err := u.Sessions.Destroy(ctx); err != nil {
		u.Fail(c, fmt.Errorf("ending the session: %w", err))
		return
	}
	u.seeOther(c, "/")
}

// record writes an audit entry of what was already done. That it could not be written is a fault to be looked at, but
// undoes nothing.
func (u *UI) record(c *gin.Context, who, action, subject, detail string) {
	if err := u.Audit.Append(c.Request.Context(), who, action, subject, detail); err != nil {
		u.Logger.ErrorContext(c, "audit entry lost", slog.String("action", action), slog.Any("error", err))
	}
}
