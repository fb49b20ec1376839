package staff

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/page"
)

const (
	browserCookie   = "truyvet_browser" // says which login got in before in this browser
	browserLifetime = 180 * 24 * time.Hour
)

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
	Problem  *page.Problem
}

func (p *Pages) showLogin(c *gin.Context) {
	if a, ok := page.AccountOf(c); ok && c.Query("login") == "" {
		p.SeeOther(c, page.Landing(a.Role))
		return
	}
	login := c.Query("login")
	p.Show(c, http.StatusOK, "login", loginForm{Login: login, Password: p.Demo.passwordOf(login), Next: localPath(c.Query("next"))})
}

func (p *Pages) logIn(c *gin.Context) {
	form, err := page.FormOf(c)
	if err != nil {
		p.Fail(c, err)
		return
	}
	body := loginForm{Login: form.Get("login"), Next: localPath(form.Get("next"))}
	a, err := p.Accounts.LogIn(c.Request.Context(), account.Attempt{
		Login: body.Login, Password: form.Get("password"), Address: c.ClientIP(), Browser: p.knownBrowser(c, body.Login),
	})
	if err != nil {
		p.refuseLogin(c, body, err)
		return
	}
	if a.SecondFactor {
		p.askCode(c, a, body.Next)
		return
	}
	p.begin(c, a, body.Next)
}

// begin logs in who has proved all that is asked, and leads on.
func (p *Pages) begin(c *gin.Context, a registry.Account, next string) {
	if detail, due := p.failures.rest(); due {
		p.Record(c, "system", "login_failed", "", detail)
	}
	if err := p.BeginSession(c, a); err != nil {
		p.Fail(c, err)
		return
	}
	if err := p.rememberBrowser(c, a.Login); err != nil {
		p.Fail(c, err)
		return
	}
	if next == "" {
		next = page.Landing(a.Role)
	}
	p.SeeOther(c, next)
}

// knownLogin is what the cookie of a known browser says.
type knownLogin struct {
	Login   string    `json:"login"`
	Browser uuid.UUID `json:"browser"`
}

// knownBrowser returns the id of the browser if a login got in with it before. It opens nothing: it keeps others from using up
// the tries of this one.
func (p *Pages) knownBrowser(c *gin.Context, login string) uuid.UUID {
	var known knownLogin
	text, err := c.Cookie(browserCookie)
	if err != nil || !p.Seal.Open(sealBrowser, uuid.Nil, text, &known) || !strings.EqualFold(known.Login, strings.TrimSpace(login)) {
		return uuid.Nil
	}
	return known.Browser
}

// sealBrowser is the purpose of the seal of a known browser.
const sealBrowser = "browser"

// rememberBrowser keeps in the browser that a login got in with it.
func (p *Pages) rememberBrowser(c *gin.Context, login string) error {
	known := knownLogin{Login: login, Browser: p.knownBrowser(c, login)}
	if known.Browser == uuid.Nil {
		known.Browser = uuid.New()
	}
	text, err := p.Seal.Close(sealBrowser, uuid.Nil, known)
	if err != nil {
		return err
	}
	p.SetCookie(c, browserCookie, text, browserLifetime)
	return nil
}

// refuseLogin says that a log-in failed. What was typed is not recorded: people type passwords into the wrong field.
func (p *Pages) refuseLogin(c *gin.Context, body loginForm, err error) {
	p.LogFault(c, err)
	if errors.Is(err, account.ErrWrongLogin) {
		if detail, due := p.failures.add(p.Clock()); due {
			p.Record(c, "system", "login_failed", "", detail)
		}
	}
	told := page.ProblemOf(p.Texts(c), err)
	body.Problem = &told
	told.Tell(c)
	p.Show(c, told.Status, "login", body)
}

func (p *Pages) logOut(c *gin.Context) {
	ctx := c.Request.Context()
	if session, ok := page.SessionOf(c); ok {
		if err := p.Accounts.LogOut(ctx, session); err != nil {
			p.Fail(c, err)
			return
		}
	}
	if err := p.Sessions.Destroy(ctx); err != nil {
		p.Fail(c, fmt.Errorf("ending the session: %w", err))
		return
	}
	p.SeeOther(c, "/")
}

// registerLogin adds the pages on which somebody logs in.
func (p *Pages) registerLogin(r gin.IRouter) {
	page.Serve(r, page.LoginPath, p.showLogin)
	r.POST(page.LoginPath, p.logIn)
	page.Serve(r, codePath, p.showCode)
	r.POST(codePath, p.proveCode)
	r.POST("/logout", p.logOut)
}
