package webui

import (
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
)

const (
	invitationPath = "/invitation/"
	enrolPath      = "/gate/enrol"

	deviceCookie   = "truyvet_gate" // the key of a gate
	deviceLifetime = 400 * 24 * time.Hour
)

// errTyped says that a password was typed in two ways.
var errTyped = errs.New(errs.Invalid, "passwords_differ", "The two passwords are not the same.")

// registerInvited adds the pages of whoever was invited. They need no login: the token says who it is.
func (u *UI) registerInvited(r gin.IRouter) {
	serve(r, invitationPath+":token", u.showInvitation)
	r.POST(invitationPath+":token", u.acceptInvitation)
	serve(r, enrolPath, u.showEnrol)
	r.POST(enrolPath, u.enrolDevice)
}

// invitedPage is what the invited are asked.
type invitedPage struct {
	account.Invited
	Token    string
	Scope    string
	Chosen   string // the login that was typed
	Accepted *registry.Account
	Problem  *problem
}

func (u *UI) showInvitation(c *gin.Context) {
	u.answerInvitation(c, http.StatusOK, invitedPage{Token: c.Param("token")})
}

func (u *UI) answerInvitation(c *gin.Context, status int, page invitedPage) {
	var err error
	if page.Invited, err = u.Accounts.Open(c.Request.Context(), page.Token, c.ClientIP()); err != nil {
		u.Fail(c, err)
		return
	}
	names, _, err := u.scopesOf(c)
	if err != nil {
		u.Fail(c, err)
		return
	}
	page.Scope = names.of(page.Organisation, page.Place, page.Area)
	u.show(c, status, "invitation", page)
}

func (u *UI) acceptInvitation(c *gin.Context) {
	form, err := formOf(c)
	if err != nil {
		u.Fail(c, err)
		return
	}
	page := invitedPage{Token: c.Param("token"), Chosen: strings.TrimSpace(form.Get("login"))}
	if form.Get("device") != "" {
		u.enrolWith(c, page.Token)
		return
	}
	var made registry.Account
	if form.Get("password") != form.Get("again") {
		err = errTyped
	} else {
		made, err = u.Accounts.Accept(c.Request.Context(), page.Token, c.ClientIP(), page.Chosen, form.Get("password"))
	}
	switch kind := errs.Of(err).Kind; {
	case err == nil:
		u.show(c, http.StatusCreated, "invitation", invitedPage{Accepted: &made})
	case kind == errs.Invalid, kind == errs.Conflict && errs.Of(err).Code != account.ErrUnconfirmed.Code:
		p := problemOf(u.texts(c), err)
		page.Problem = &p
		u.answerInvitation(c, p.Status, page)
	default:
		u.Fail(c, err)
	}
}

// enrolPage asks for the code with which a device becomes a gate or a screen.
type enrolPage struct {
	Device  *registry.Account // that it has become
	Place   string
	Problem *problem
}

func (u *UI) showEnrol(c *gin.Context) { u.show(c, http.StatusOK, "enrol", enrolPage{}) }

func (u *UI) enrolDevice(c *gin.Context) {
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, enrolPath)
		return
	}
	u.enrolWith(c, form.Get("code"))
}

// enrolWith makes this browser a gate or a screen, and keeps the key in it.
func (u *UI) enrolWith(c *gin.Context, token string) {
	device, key, err := u.Accounts.EnrolDevice(c.Request.Context(), token, c.ClientIP())
	if err != nil {
		u.logFault(c, err)
		p := problemOf(u.texts(c), err)
		p.tell(c)
		u.show(c, p.Status, "enrol", enrolPage{Problem: &p})
		return
	}
	cookie := deviceCookie
	if device.Role == registry.RoleScreen {
		cookie = screenCookie
	}
	u.setCookie(c, cookie, key, deviceLifetime)
	name, _ := u.Map.Name(device.Place)
	u.show(c, http.StatusCreated, "enrol", enrolPage{Device: &device, Place: name.Name})
}

// resumeDevice logs a gate's device in with the key that it holds, where nobody is logged in. A key that is good no more is
// passed over: the log-in page follows.
func (u *UI) resumeDevice(c *gin.Context) {
	key, err := c.Cookie(deviceCookie)
	if _, known := accountOf(c); known || err != nil {
		c.Next()
		return
	}
	gate, err := u.Accounts.Device(c.Request.Context(), key)
	if err == nil {
		err = u.beginSession(c, gate)
	}
	switch {
	case err == nil:
		u.loadAccount(c)
	case errs.Of(err).Kind == errs.Unauthenticated:
		c.Next()
	default:
		u.Fail(c, err)
	}
}
