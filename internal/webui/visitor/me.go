package visitor

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
	"github.com/truyvet/truyvet/internal/webui/page"
)

const (
	meCookie = "truyvet_me" // whose phone number was proved to see their own check-ins
	// meLifetime is how long they may be seen then: a phone is lent, lost and looked at by others, and what stands on these pages
	// is where somebody was.
	meLifetime = 15 * time.Minute
)

// registerMe adds the pages on which people see what is known of them. Whose they are is proved anew, also where the browser
// holds a credential; no address says whose they are.
func (p *Pages) registerMe(r gin.IRouter) {
	page.Serve(r, "", p.showMe)
	r.POST("/phone", p.startMe)
	page.Serve(r, "/proof", p.showMeProof)
	r.POST("/proof", p.finishMe)
	r.POST("/leave", p.leaveMe)
	page.Serve(r, "/opened", p.asMe(p.showOpened))
	page.Serve(r, "/check-ins.csv", p.asMe(p.serveVisitsCSV))
	page.Serve(r, "/check-ins.json", p.asMe(p.serveVisitsJSON))
	page.Serve(r, "/declarations", p.asMe(p.showDeclarations))
	page.Serve(r, "/declare/:form", p.showDeclare(p.declareMine))
	r.POST("/declare/:form", p.submitDeclare(p.declareMine))
	page.Serve(r, "/erase", p.asMe(p.showErase))
	r.POST("/erase", p.asMe(p.erase))
	for _, form := range []string{"/phone", "/leave"} {
		page.Serve(r, form, func(c *gin.Context) { p.SeeOther(c, "/me") })
	}
}

// myself is what the browser keeps after the proof.
type myself struct {
	Credential string `json:"credential"`
	At         int64  `json:"at"`
}

// meOf returns who has proved who they are a moment ago.
func (p *Pages) meOf(c *gin.Context) (uuid.UUID, bool) {
	var me myself
	text, err := c.Cookie(meCookie)
	if err != nil || !p.Seal.Open(meCookie, uuid.Nil, text, &me) || p.Clock().Sub(time.Unix(me.At, 0)) > meLifetime {
		return uuid.Nil, false
	}
	alias, err := p.Credentials.Verify(me.Credential)
	return alias, err == nil
}

// asMe lets in who has proved who they are; others are led to where they do.
func (p *Pages) asMe(show func(c *gin.Context, me uuid.UUID)) gin.HandlerFunc {
	return func(c *gin.Context) {
		me, ok := p.meOf(c)
		if !ok {
			p.SeeOther(c, "/me")
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
	Problem *page.Problem
}

// showMe shows somebody's check-ins, or asks who they are.
func (p *Pages) showMe(c *gin.Context) {
	me, ok := p.meOf(c)
	if !ok {
		p.Show(c, http.StatusOK, "me-phone", provePage{})
		return
	}
	p.showVisits(c, me)
}

func (p *Pages) startMe(c *gin.Context) {
	form, err := page.FormOf(c)
	if err != nil {
		p.FailBackTo(c, err, "/me")
		return
	}
	phone := form.Get("phone")
	if err := p.sendCode(c, phone); err != nil {
		p.refuseMe(c, phone, err)
		return
	}
	p.SeeOther(c, "/me/proof")
}

// refuseMe shows the field for the phone number again, with what is wrong.
func (p *Pages) refuseMe(c *gin.Context, phone string, err error) {
	p.LogFault(c, err)
	told := page.ProblemOf(p.Texts(c), err)
	told.Tell(c)
	p.Show(c, told.Status, "me-phone", provePage{Phone: phone, Problem: &told})
}

func (p *Pages) showMeProof(c *gin.Context) {
	pending, ok := p.pendingProof(c)
	if !ok {
		p.SeeOther(c, "/me")
		return
	}
	p.Show(c, http.StatusOK, "me-proof", provePage{Ending: pending.Ending, Shown: pending.Shown})
}

func (p *Pages) finishMe(c *gin.Context) {
	form, err := page.FormOf(c)
	if err != nil {
		p.FailBackTo(c, err, "/me/proof")
		return
	}
	pending, ok := p.pendingProof(c)
	if !ok {
		p.refuseMe(c, "", citizen.ErrCodeExpired)
		return
	}
	credential, err := p.Proofs.Finish(c.Request.Context(), pending.Challenge, strings.TrimSpace(form.Get("code")), citizen.About{})
	switch {
	case errors.Is(err, citizen.ErrCodeWrong):
		told := page.ProblemOf(p.Texts(c), err)
		p.Show(c, told.Status, "me-proof", provePage{Ending: pending.Ending, Shown: pending.Shown, Problem: &told})
		return
	case errors.Is(err, citizen.ErrCodeExpired), errors.Is(err, citizen.ErrTooManyTries):
		p.SetCookie(c, proofCookie, "", 0)
		p.refuseMe(c, "", err)
		return
	case err != nil:
		p.FailBackTo(c, err, "/me/proof")
		return
	}
	text, err := p.Seal.Close(meCookie, uuid.Nil, myself{credential.Text, p.Clock().Unix()})
	if err != nil {
		p.Fail(c, err)
		return
	}
	p.SetCookie(c, proofCookie, "", 0)
	p.SetCookie(c, meCookie, text, meLifetime)
	if form.Get("mine") != "" { // else the phone may be somebody else's, who is to be recorded with it
		p.signIn(c, credential)
	}
	p.SeeOther(c, "/me")
}

// leaveMe has the browser forget who it was.
func (p *Pages) leaveMe(c *gin.Context) {
	p.SetCookie(c, meCookie, "", 0)
	p.SeeOther(c, "/me")
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

func (p *Pages) visitsOf(ctx context.Context, me uuid.UUID) ([]visit, error) {
	own, err := p.History.Visits(ctx, me)
	if err != nil {
		return nil, err
	}
	visits := make([]visit, len(own))
	for i, v := range own {
		visits[i].Visit = v
		visits[i].Name, _ = p.Map.Name(v.Place.ID)
	}
	return visits, nil
}

func (p *Pages) showVisits(c *gin.Context, me uuid.UUID) {
	visits, err := p.visitsOf(c.Request.Context(), me)
	if err != nil {
		p.FailBackTo(c, err, "/me")
		return
	}
	body := visitsPage{Count: len(visits), KeptDays: p.keptDays()}
	for _, v := range visits {
		if n := len(body.Days); n == 0 || p.Reader.Day(body.Days[n-1].Start) != p.Reader.Day(v.Enter) {
			body.Days = append(body.Days, visitDay{Start: v.Enter})
		}
		day := &body.Days[len(body.Days)-1]
		day.Visits = append(day.Visits, v)
	}
	p.Show(c, http.StatusOK, "me", body)
}

// openedPage says who opened somebody's details.
type openedPage struct {
	Opened []citizen.Opening
	Delay  int // days
}

func (p *Pages) showOpened(c *gin.Context, me uuid.UUID) {
	opened, err := p.History.Opened(c.Request.Context(), me)
	if err != nil {
		p.FailBackTo(c, err, "/me")
		return
	}
	p.Show(c, http.StatusOK, "opened", openedPage{Opened: opened, Delay: int(p.OpenedDelay / (24 * time.Hour))})
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

func (p *Pages) showErase(c *gin.Context, me uuid.UUID) { p.answerErase(c, me, http.StatusOK) }

func (p *Pages) answerErase(c *gin.Context, me uuid.UUID, status int) {
	held, err := p.Erasures.Held(c.Request.Context(), me)
	if err != nil {
		p.FailBackTo(c, err, "/me")
		return
	}
	p.Show(c, status, "erase", erasePage{KeptDays: p.keptDays(), Held: held})
}

func (p *Pages) erase(c *gin.Context, me uuid.UUID) {
	form, err := page.FormOf(c)
	if err != nil {
		p.FailBackTo(c, err, "/me/erase")
		return
	}
	done, err := p.Erasures.Erase(c.Request.Context(), citizen.Wish{
		Alias: me, Under: form.Get("under") != "", By: "asked by the citizen",
	})
	switch {
	case errors.Is(err, citizen.ErrHeld):
		p.answerErase(c, me, http.StatusConflict)
	case err != nil:
		p.FailBackTo(c, fmt.Errorf("erasing one's own check-ins: %w", err), "/me/erase")
	default:
		p.SetCookie(c, stampCookie, "", 0) // it shows a scan that is gone
		p.Show(c, http.StatusOK, "erase", erasePage{KeptDays: p.keptDays(), Held: done.Held, Done: &done, At: p.Clock().Unix()})
	}
}
