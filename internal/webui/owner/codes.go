package owner

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/page"
)

// registerCodes adds the pages of the life of a place's codes, and that of the screen at its door.
func (p *Pages) registerCodes(r gin.IRouter) {
	page.Serve(r, "/codes", p.showCodes)
	page.Serve(r, "/reissue", p.showReissue)
	r.POST("/reissue", p.reissue)
	page.Serve(r, "/revoke", p.showRevoke)
	r.POST("/revoke", p.revoke)
	page.Serve(r, "/screen", p.showDoor)
	r.POST("/screen", p.inviteScreen)
}

// codesPage lists every code that a place ever had.
type codesPage struct {
	registry.Place
	Codes []places.Issued
}

func (p *Pages) showCodes(c *gin.Context) {
	if body, ok := p.codesOf(c); ok {
		p.Show(c, http.StatusOK, "codes", body)
	}
}

// codesOf reads the place in the path with its codes. On false the refusal has been answered.
func (p *Pages) codesOf(c *gin.Context) (body codesPage, ok bool) {
	if body.Place, ok = p.placeOf(c); !ok {
		return body, false
	}
	var err error
	if body.Codes, err = p.Places.Codes(page.Actor(c), body.ID); err != nil {
		p.Fail(c, fmt.Errorf("reading the codes of a place: %w", err))
		return body, false
	}
	return body, true
}

// reissuePage asks when the old code shall end.
type reissuePage struct {
	registry.Place
	Day         string // the last day on which it is good; empty where it ends at once
	First, Last string // the days that may be chosen
	Problem     *page.Problem
}

func (p *Pages) showReissue(c *gin.Context) {
	if place, ok := p.placeOf(c); ok {
		p.answerReissue(c, http.StatusOK, reissuePage{Place: place})
	}
}

func (p *Pages) answerReissue(c *gin.Context, status int, body reissuePage) {
	today := p.Clock().In(p.Location)
	body.First, body.Last = today.Format(time.DateOnly), today.AddDate(0, 0, 364).Format(time.DateOnly)
	p.Show(c, status, "reissue", body)
}

func (p *Pages) reissue(c *gin.Context) {
	place, ok := p.placeOf(c)
	if !ok {
		return
	}
	back := placePath(place)
	form, err := page.FormOf(c)
	if err != nil {
		p.FailBackTo(c, err, back)
		return
	}
	// The form names the serial that it was shown for, so that a second tap does not kill the new code as well.
	if form.Get("serial") != strconv.FormatUint(uint64(place.Serial), 10) {
		p.FailBackTo(c, registry.ErrChanged, back)
		return
	}
	body := reissuePage{Place: place}
	var until int64
	if form.Get("end") == "day" {
		body.Day = form.Get("day")
		until, err = p.endOfDay(body.Day)
	}
	var renewed registry.Place
	if err == nil {
		renewed, err = p.Places.Reissue(c.Request.Context(), page.Actor(c), place.ID, until)
	}
	if err != nil {
		p.LogFault(c, err)
		told := page.ProblemOf(p.Texts(c), err)
		told.Tell(c)
		body.Problem = &told
		p.answerReissue(c, told.Status, body)
		return
	}
	p.Record(c, page.Actor(c).Login, "code_reissued", place.ID.String(),
		fmt.Sprintf("serial %d, the one before ends %s", renewed.Serial, p.Reader.Stamp(cmp.Or(until, renewed.Issued))))
	p.SeeOther(c, back)
}

// endOfDay returns when a day ends that was typed as 2006-01-02. The error is places.ErrEnd.
func (p *Pages) endOfDay(day string) (int64, error) {
	t, err := time.ParseInLocation(time.DateOnly, day, p.Location)
	if err != nil {
		return 0, places.ErrEnd.Because(err)
	}
	return t.AddDate(0, 0, 1).Unix(), nil
}

func placePath(p registry.Place) string { return "/places/" + p.ID.String() }

// revokePage asks whether a code shall really be taken back.
type revokePage struct {
	registry.Place
	Code places.Issued
}

// Newest says whether the place is without a code then.
func (p revokePage) Newest() bool { return p.Code.Serial == p.Serial }

func (p *Pages) showRevoke(c *gin.Context) {
	body, ok := p.codesOf(c)
	if !ok {
		return
	}
	for _, code := range body.Codes {
		if strconv.FormatUint(uint64(code.Serial), 10) == c.Query("serial") {
			p.Show(c, http.StatusOK, "revoke", revokePage{body.Place, code})
			return
		}
	}
	p.FailBackTo(c, registry.ErrNotFound, placePath(body.Place)+"/codes")
}

func (p *Pages) revoke(c *gin.Context) {
	place, ok := p.placeOf(c)
	if !ok {
		return
	}
	back := placePath(place) + "/codes"
	form, err := page.FormOf(c)
	if err != nil {
		p.FailBackTo(c, err, back)
		return
	}
	serial, err := strconv.ParseUint(form.Get("serial"), 10, 32)
	if err != nil {
		p.FailBackTo(c, registry.ErrNotFound.Because(err), back)
		return
	}
	if err := p.Places.Revoke(c.Request.Context(), page.Actor(c), place.ID, uint32(serial)); err != nil {
		p.FailBackTo(c, fmt.Errorf("revoking a code: %w", err), back)
		return
	}
	p.Record(c, page.Actor(c).Login, "code_revoked", place.ID.String(), fmt.Sprintf("serial %d", serial))
	p.SeeOther(c, back)
}
