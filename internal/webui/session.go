package webui

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/registry"
)

const (
	sessionSignIn  = "sign_in" // in the session: the id of the sign-in, which is the server's side of it
	sessionPending = "pending" // in the session: who has proved the password, and has the second factor to prove
	sessionGate    = "gate"    // in the session: the last scans at a gate
	staffKey       = "webui.staff"

	browserCookie   = "truyvet_browser" // says which login got in before in this browser
	browserLifetime = 180 * 24 * time.Hour

	// pendingLifetime is how long a proved password waits for the second factor.
	pendingLifetime = 5 * time.Minute
)

// Actor returns who is logged in, in the session of a request. The errors: account.ErrNotLoggedIn where nobody is, and
// account.ErrNoFactor for who has to set up a second factor first.
func (u *UI) Actor(ctx context.Context) (registry.Account, error) {
	session, err := u.session(ctx)
	switch {
	case err != nil:
		return registry.Account{}, err
	case session.Incomplete:
		return registry.Account{}, account.ErrNoFactor
	}
	return session.Account, nil
}

// session returns who is logged in, in the session of a request.
func (u *UI) session(ctx context.Context) (account.Session, error) {
	id, err := uuid.Parse(u.Sessions.GetString(ctx, sessionSignIn))
	if err != nil {
		return account.Session{}, account.ErrNotLoggedIn
	}
	return u.Accounts.Resume(ctx, id)
}

// loadAccount finds who is logged in.
func (u *UI) loadAccount(c *gin.Context) {
	switch session, err := u.session(c.Request.Context()); {
	case err == nil:
		c.Set(staffKey, session)
	case !errors.Is(err, account.ErrNotLoggedIn):
		u.Fail(c, err)
		return
	}
	c.Next()
}

// sessionOf returns the session of who is logged in.
func sessionOf(c *gin.Context) (account.Session, bool) {
	session, ok := c.Value(staffKey).(account.Session)
	return session, ok
}

// accountOf returns who is logged in.
func accountOf(c *gin.Context) (registry.Account, bool) {
	session, ok := sessionOf(c)
	return session.Account, ok
}

// actor returns who is logged in, on pages that only lets nobody else into.
func actor(c *gin.Context) registry.Account {
	a, _ := accountOf(c)
	return a
}

// only lets in who may do an act. Who is not logged in is led to the log-in page, and from there back; who needs a second factor
// first is led to where it is set up.
func (u *UI) only(act account.Act) gin.HandlerFunc {
	return func(c *gin.Context) {
		if session, _ := sessionOf(c); session.Incomplete {
			u.seeOther(c, factorPath)
			c.Abort()
			return
		}
		u.onlyEvenIncomplete(act)(c)
	}
}

// onlyEvenIncomplete is only for the pages on which a second factor is set up.
func (u *UI) onlyEvenIncomplete(act account.Act) gin.HandlerFunc {
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
	page := loginForm{Login: form.Get("login"), Next: localPath(form.Get("next"))}
	a, err := u.Accounts.LogIn(c.Request.Context(), account.Attempt{
		Login: page.Login, Password: form.Get("password"), Address: c.ClientIP(), Browser: u.knownBrowser(c, page.Login),
	})
	if err != nil {
		u.refuseLogin(c, page, err)
		return
	}
	if a.SecondFactor {
		u.askCode(c, a, page.Next)
		return
	}
	u.begin(c, a, page.Next)
}

// begin logs in who has proved all that is asked, and leads on.
func (u *UI) begin(c *gin.Context, a registry.Account, next string) {
	if detail, due := u.failures.rest(); due {
		u.record(c, "system", "login_failed", "", detail)
	}
	if err := u.beginSession(c, a); err != nil {
		u.Fail(c, err)
		return
	}
	if err := u.rememberBrowser(c, a.Login); err != nil {
		u.Fail(c, err)
		return
	}
	if next == "" {
		next = landing(a.Role)
	}
	u.seeOther(c, next)
}

// beginSession makes the session of a request that of an account. Its token is a new one, so that one planted before is worth
// nothing, and nothing of what it held stays.
func (u *UI) beginSession(c *gin.Context, a registry.Account) error {
	ctx := c.Request.Context()
	in, err := u.Accounts.Begin(ctx, a, browserName(c.Request.UserAgent()))
	if err != nil {
		return err
	}
	if err := u.Sessions.Clear(ctx); err != nil {
		return fmt.Errorf("clearing the session: %w", err)
	}
	if err := u.renewToken(ctx); err != nil {
		return err
	}
	u.Sessions.Put(ctx, sessionSignIn, in.ID.String())
	return nil
}

// renewToken gives the session of a request a new token, as after every change of what its holder may do.
func (u *UI) renewToken(ctx context.Context) error {
	if err := u.Sessions.RenewToken(ctx); err != nil {
		return fmt.Errorf("renewing the session: %w", err)
	}
	return nil
}

// knownLogin is what the cookie of a known browser says.
type knownLogin struct {
	Login   string    `json:"login"`
	Browser uuid.UUID `json:"browser"`
}

// knownBrowser returns the id of the browser if a login got in with it before. It opens nothing: it keeps others from using up
// the tries of this one.
func (u *UI) knownBrowser(c *gin.Context, login string) uuid.UUID {
	var known knownLogin
	text, err := c.Cookie(browserCookie)
	if err != nil || !u.seal.open(sealBrowser, uuid.Nil, text, &known) || !strings.EqualFold(known.Login, strings.TrimSpace(login)) {
		return uuid.Nil
	}
	return known.Browser
}

// sealBrowser is the purpose of the seal of a known browser.
const sealBrowser = "browser"

// rememberBrowser keeps in the browser that a login got in with it.
func (u *UI) rememberBrowser(c *gin.Context, login string) error {
	known := knownLogin{Login: login, Browser: u.knownBrowser(c, login)}
	if known.Browser == uuid.Nil {
		known.Browser = uuid.New()
	}
	text, err := u.seal.close(sealBrowser, uuid.Nil, known)
	if err != nil {
		return err
	}
	u.setCookie(c, browserCookie, text, browserLifetime)
	return nil
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
	if session, ok := sessionOf(c); ok {
		if err := u.Accounts.LogOut(ctx, session); err != nil {
			u.Fail(c, err)
			return
		}
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
