package webui

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/places"
)

const (
	meCookie = "truyvet_me" // whose phone number was proved to see their own check-ins
	// meLifetime is how long they may be seen then: a phone is lent, lost and looked at by others, and what stands on these pages
	// is where somebody was.
	meLifetime = 15 * time.Minute
)

// registerMe adds the pages on which people see what is known of them. Whose they are is proved anew, also where the browser
// holds a credential; no address says whose they are.
func (u *UI) registerMe(r gin.IRouter) {
	serve(r, "", u.showMe)
	r.POST("/phone", u.startMe)
	serve(r, "/proof", u.showMeProof)
	r.POST("/proof", u.finishMe)
	r.POST("/leave", u.leaveMe)
	serve(r, "/opened", u.asMe(u.showOpened))
	serve(r, "/check-ins.csv", u.asMe(u.serveVisitsCSV))
	serve(r, "/check-ins.json", u.asMe(u.serveVisitsJSON))
	serve(r, "/erase", u.asMe(u.showErase))
	r.POST("/erase", u.asMe(u.erase))
	for _, form := range []string{"/phone", "/leave"} {
		serve(r, form, func(c *gin.Context) { u.seeOther(c, "/me") })
	}
}

// myself is what the browser keeps after the proof.
type myself struct {
	Credential string `json:"credential"`
	At         int64  `json:"at"`
}

// meOf returns who has proved who they are a moment ago.
func (u *UI) meOf(c *gin.Context) (uuid.UUID, bool) {
	var me myself
	text, err := c.Cookie(meCookie)
	if err != nil || !u.seal.open(meCookie, uuid.Nil, text, &me) || u.Clock().Sub(time.Unix(me.At, 0)) > meLifetime {
		return uuid.Nil, false
	}
	alias, err := u.Credentials.Verify(me.Credential)
	return alias, err == nil
}

// asMe lets in who has proved who they are; others are led to where they do.
func (u *UI) asMe(show func(c *gin.Context, me uuid.UUID)) gin.HandlerFunc {
	return func(c *gin.Context) {
		me, ok := u.meOf(c)
		if !ok {
			u.seeOther(c, "/me")
			return
		}
		show(c, me)
	}
}

// provePage asks for a phone number, or for the code that was sent to it.
type provePage struct {
	Phone   string
	Ending  string
	Shown   string // the code itself, in a demonstration
	Problem *problem
}

// showMe shows somebody's check-ins, or asks who they are.
func (u *UI) showMe(c *gin.Context) {
	me, ok := u.meOf(c)
	if !ok {
		u.show(c, http.StatusOK, "me-phone", provePage{})
		return
	}
	u.showVisits(c, me)
}

func (u *UI) startMe(c *gin.Context) {
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, "/me")
		return
	}
	phone := form.Get("phone")
	if err := u.sendCode(c, phone); err != nil {
		u.refuseMe(c, phone, err)
		return
	}
	u.seeOther(c, "/me/proof")
}

// refuseMe shows the field for the phone number again, with what is wrong.
func (u *UI) refuseMe(c *gin.Context, phone string, err error) {
	u.logFault(c, err)
	p := problemOf(u.texts(c), err)
	p.tell(c)
	u.show(c, p.Status, "me-phone", provePage{Phone: phone, Problem: &p})
}

func (u *UI) showMeProof(c *gin.Context) {
	pending, ok := u.pendingProof(c)
	if !ok {
		u.seeOther(c, "/me")
		return
	}
	u.show(c, http.StatusOK, "me-proof", provePage{Ending: pending.Ending, Shown: pending.Shown})
}

func (u *UI) finishMe(c *gin.Context) {
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, "/me/proof")
		return
	}
	pending, ok := u.pendingProof(c)
	if !ok {
		u.refuseMe(c, "", citizen.ErrCodeExpired)
		return
	}
	credential, err := u.Proofs.Finish(c.Request.Context(), pending.Challenge, strings.TrimSpace(form.Get("code")), citizen.About{})
	switch {
	case errors.Is(err, citizen.ErrCodeWrong):
		p := problemOf(u.texts(c), err)
		u.show(c, p.Status, "me-proof", provePage{Ending: pending.Ending, Shown: pending.Shown, Problem: &p})
		return
	case errors.Is(err, citizen.ErrCodeExpired), errors.Is(err, citizen.ErrTooManyTries):
		u.setCookie(c, proofCookie, "", 0)
		u.refuseMe(c, "", err)
		return
	case err != nil:
		u.failBackTo(c, err, "/me/proof")
		return
	}
	text, err := u.seal.close(meCookie, uuid.Nil, myself{credential.Text, u.Clock().Unix()})
	if err != nil {
		u.Fail(c, err)
		return
	}
	u.setCookie(c, proofCookie, "", 0)
	u.setCookie(c, meCookie, text, meLifetime)
	u.seeOther(c, "/me")
}

// leaveMe has the browser forget who it was.
func (u *UI) leaveMe(c *gin.Context) {
	u.setCookie(c, meCookie, "", 0)
	u.seeOther(c, "/me")
}

// visitsPage is the receipt of somebody's check-ins, the newest day first.
type visitsPage struct {
	Days     []visitDay
	Count    int
	KeptDays int
}

// visitDay is the visits that began on one local day, the latest first.
type visitDay struct {
	Start  int64
	Visits []visit
}

// visit is a stay and what its place is called.
type visit struct {
	citizen.Visit
	Name places.Name
}

func (u *UI) visitsOf(ctx context.Context, me uuid.UUID) ([]visit, error) {
	own, err := u.History.Visits(ctx, me)
	if err != nil {
		return nil, err
	}
	visits := make([]visit, len(own))
	for i, v := range own {
		visits[i].Visit = v
		visits[i].Name, _ = u.Map.Name(v.Place.ID)
	}
	return visits, nil
}

func (u *UI) showVisits(c *gin.Context, me uuid.UUID) {
	visits, err := u.visitsOf(c.Request.Context(), me)
	if err != nil {
		u.failBackTo(c, err, "/me")
		return
	}
	page := visitsPage{Count: len(visits), KeptDays: u.keptDays()}
	for _, v := range visits {
		if n := len(page.Days); n == 0 || u.reader.day(page.Days[n-1].Start) != u.reader.day(v.Enter) {
			page.Days = append(page.Days, visitDay{Start: v.Enter})
		}
		day := &page.Days[len(page.Days)-1]
		day.Visits = append(day.Visits, v)
	}
	u.show(c, http.StatusOK, "me", page)
}

// openedPage says who opened somebody's details.
type openedPage struct {
	Opened []citizen.Opening
	Delay  int // days
}

func (u *UI) showOpened(c *gin.Context, me uuid.UUID) {
	opened, err := u.History.Opened(c.Request.Context(), me)
	if err != nil {
		u.failBackTo(c, err, "/me")
		return
	}
	u.show(c, http.StatusOK, "opened", openedPage{Opened: opened, Delay: int(u.OpenedDelay / (24 * time.Hour))})
}

// erasePage asks whether to erase, says why that cannot be, or that it was done.
type erasePage struct {
	KeptDays int
	Held     citizen.Held
	Done     *citizen.Erased
	At       int64 // when it was done
}

// HeldUnder returns of how many of those under the phone a list holds the check-ins.
func (p erasePage) HeldUnder() int { return len(p.Held.Under) - p.Held.Free() }

// Nothing says that there is nobody whose check-ins can be erased.
func (p erasePage) Nothing() bool { return p.Held.Own != 0 && p.Held.Free() == 0 }

func (u *UI) showErase(c *gin.Context, me uuid.UUID) { u.answerErase(c, me, http.StatusOK) }

func (u *UI) answerErase(c *gin.Context, me uuid.UUID, status int) {
	held, err := u.Erasures.Held(c.Request.Context(), me)
	if err != nil {
		u.failBackTo(c, err, "/me")
		return
	}
	u.show(c, status, "erase", erasePage{KeptDays: u.keptDays(), Held: held})
}

func (u *UI) erase(c *gin.Context, me uuid.UUID) {
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, "/me/erase")
		return
	}
	done, err := u.Erasures.Erase(c.Request.Context(), citizen.Wish{
		Alias: me, Under: form.Get("under") != "", By: "asked by the citizen",
	})
	switch {
	case errors.Is(err, citizen.ErrHeld):
		u.answerErase(c, me, http.StatusConflict)
	case err != nil:
		u.failBackTo(c, fmt.Errorf("erasing one's own check-ins: %w", err), "/me/erase")
	default:
		u.setCookie(c, stampCookie, "", 0) // it shows a scan that is gone
		u.show(c, http.StatusOK, "erase", erasePage{KeptDays: u.keptDays(), Held: done.Held, Done: &done, At: u.Clock().Unix()})
	}
}

// keptDays returns for how many days scans are kept.
func (u *UI) keptDays() int { return int(u.Retention / (24 * time.Hour)) }

// noticeVersion is that of the notice, which people accept when they register. It goes up with what the notice says.
const noticeVersion = 1

// noticePage tells what is kept, for how long, and who may look.
type noticePage struct{ KeptDays, ListDays, Delay int }

func (u *UI) showNotice(c *gin.Context) {
	days := func(d time.Duration) int { return int(d / (24 * time.Hour)) }
	u.show(c, http.StatusOK, "notice", noticePage{u.keptDays(), days(u.ListAge), days(u.OpenedDelay)})
}
