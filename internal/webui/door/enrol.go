package door

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/page"
)

const (
	enrolPath = "/gate/enrol"

	deviceCookie   = "truyvet_gate" // the key of a gate
	deviceLifetime = 400 * 24 * time.Hour
)

// registerEnrolment adds the page on which a device becomes a gate or a screen. It needs no login: the code says what it is.
func (p *Pages) registerEnrolment(r gin.IRouter) {
	page.Serve(r, enrolPath, p.showEnrol)
	r.POST(enrolPath, p.enrolDevice)
}

// enrolPage asks for the code with which a device becomes a gate or a screen.
type enrolPage struct {
	Device  *registry.Account // that it has become
	Place   string
	Problem *page.Problem
}

func (p *Pages) showEnrol(c *gin.Context) { p.Show(c, http.StatusOK, "enrol", enrolPage{}) }

func (p *Pages) enrolDevice(c *gin.Context) {
	form, err := page.FormOf(c)
	if err != nil {
		p.FailBackTo(c, err, enrolPath)
		return
	}
	p.Enrol(c, form.Get("code"))
}

// Enrol makes this browser a gate or a screen, and keeps the key in it. Whoever was logged in with it as another gate is no more.
func (p *Pages) Enrol(c *gin.Context, token string) {
	device, key, err := p.Devices.EnrolDevice(c.Request.Context(), token, c.ClientIP())
	if err != nil {
		p.LogFault(c, err)
		told := page.ProblemOf(p.Texts(c), err)
		told.Tell(c)
		p.Show(c, told.Status, "enrol", enrolPage{Problem: &told})
		return
	}
	cookie := deviceCookie
	if device.Role == registry.RoleScreen {
		cookie = screenCookie
	}
	p.SetCookie(c, cookie, key, deviceLifetime)
	if was, known := page.AccountOf(c); known && was.Role == registry.RoleGate && device.Role == registry.RoleGate {
		if err := p.BeginSession(c, device); err != nil {
			p.Fail(c, err)
			return
		}
	}
	name, _ := p.Map.Name(device.Place)
	p.Show(c, http.StatusCreated, "enrol", enrolPage{Device: &device, Place: name.Name})
}

// resumeDevice logs a gate's device in with the key that it holds, where nobody is logged in. A key that is good no more is
// passed over: the log-in page follows.
func (p *Pages) resumeDevice(c *gin.Context) {
	key, err := c.Cookie(deviceCookie)
	if _, known := page.AccountOf(c); known || err != nil {
		c.Next()
		return
	}
	gate, err := p.Devices.Device(c.Request.Context(), key)
	if err == nil {
		err = p.BeginSession(c, gate)
	}
	switch {
	case err == nil:
		p.LoadAccount(c)
	case errs.Of(err).Kind == errs.Unauthenticated:
		c.Next()
	default:
		p.Fail(c, err)
	}
}
