package webui

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	eraseCookie = "truyvet_erased" // when check-ins were erased
	// erasedLifetime is how long the page that says so may be shown.
	erasedLifetime = 15 * time.Minute
)

// registerErase adds, behind a code, the pages on which a citizen erases what was scanned of the proved phone number.
func (u *UI) registerErase(r gin.IRouter) {
	serve(r, "/erase", u.showErase)
	serve(r, "/erased", u.showErased)
	r.POST("/erase", u.erase)
}

// erasePage asks whether to erase, or says that it was done.
type erasePage struct {
	wall
	KeptDays int   // for how many days scans are kept
	At       int64 // when it was done
}

func (u *UI) showErase(c *gin.Context) {
	w, ok := u.wallOf(c)
	if !ok {
		return
	}
	if _, err := u.citizenOf(c); err != nil {
		u.seeOther(c, w.Path(""))
		return
	}
	u.show(c, http.StatusOK, "erase", erasePage{wall: w, KeptDays: u.keptDays()})
}

func (u *UI) erase(c *gin.Context) {
	w, _, ok := u.formAt(c, "/erase")
	if !ok {
		return
	}
	alias, err := u.citizenOf(c)
	if err != nil {
		u.refuseCitizen(c, checkInPage{wall: w}, err)
		return
	}
	if err := u.Erasures.Erase(c.Request.Context(), alias, "asked by the citizen"); err != nil {
		u.failBackTo(c, err, w.Path("/erase"))
		return
	}
	text, err := u.seal.close(eraseCookie, alias, u.Clock().Unix())
	if err != nil {
		u.Fail(c, err)
		return
	}
	u.setCookie(c, stampCookie, "", 0) // it shows a scan that is gone
	u.setCookie(c, eraseCookie, text, erasedLifetime)
	u.seeOther(c, w.Path("/erased"))
}

// showErased says that it was done, to whoever holds the credential that it was done with.
func (u *UI) showErased(c *gin.Context) {
	w, ok := u.wallOf(c)
	if !ok {
		return
	}
	page := erasePage{wall: w, KeptDays: u.keptDays()}
	alias, err := u.citizenOf(c)
	if err == nil {
		var text string
		text, err = c.Cookie(eraseCookie)
		ok = err == nil && u.seal.open(eraseCookie, alias, text, &page.At)
	}
	if err != nil || !ok || u.Clock().Sub(time.Unix(page.At, 0)) > erasedLifetime {
		u.seeOther(c, w.Path(""))
		return
	}
	u.show(c, http.StatusOK, "erased", page)
}

// keptDays returns for how many days scans are kept.
func (u *UI) keptDays() int { return int(u.Retention / (24 * time.Hour)) }
