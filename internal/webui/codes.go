package webui

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
)

// registerCodes adds the pages of the life of a place's codes, and that of the screen at its door.
func (u *UI) registerCodes(r gin.IRouter) {
	serve(r, "/codes", u.showCodes)
	serve(r, "/reissue", u.showReissue)
	r.POST("/reissue", u.reissue)
	serve(r, "/revoke", u.showRevoke)
	r.POST("/revoke", u.revoke)
	serve(r, "/screen", u.showDoor)
	r.POST("/screen", u.inviteScreen)
}

// codesPage lists every code that a place ever had.
type codesPage struct {
	registry.Place
	Codes []places.Issued
}

func (u *UI) showCodes(c *gin.Context) {
	if page, ok := u.codesOf(c); ok {
		u.show(c, http.StatusOK, "codes", page)
	}
}

// codesOf reads the place in the path with its codes. On false the refusal has been answered.
func (u *UI) codesOf(c *gin.Context) (page codesPage, ok bool) {
	if page.Place, ok = u.placeOf(c); !ok {
		return page, false
	}
	var err error
	if page.Codes, err = u.Places.Codes(actor(c), page.ID); err != nil {
		u.Fail(c, fmt.Errorf("reading the codes of a place: %w", err))
		return page, false
	}
	return page, true
}

// reissuePage asks when the old code shall end.
type reissuePage struct {
	registry.Place
	Day         string // the last day on which it is good; empty where it ends at once
	First, Last string // the days that may be chosen
	Problem     *problem
}

func (u *UI) showReissue(c *gin.Context) {
	if place, ok := u.placeOf(c); ok {
		u.answerReissue(c, http.StatusOK, reissuePage{Place: place})
	}
}

func (u *UI) answerReissue(c *gin.Context, status int, page reissuePage) {
	today := u.Clock().In(u.Location)
	page.First, page.Last = today.Format(time.DateOnly), today.AddDate(0, 0, 364).Format(time.DateOnly)
	u.show(c, status, "reissue", page)
}

func (u *UI) reissue(c *gin.Context) {
	place, ok := u.placeOf(c)
	if !ok {
		return
	}
	back := placePath(place)
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, back)
		return
	}
	// The form names the serial that it was shown for, so that a second tap does not kill the new code as well.
	if form.Get("serial") != strconv.FormatUint(uint64(place.Serial), 10) {
		u.failBackTo(c, registry.ErrChanged, back)
		return
	}
	page := reissuePage{Place: place}
	var until int64
	if form.Get("end") == "day" {
		page.Day = form.Get("day")
		until, err = u.endOfDay(page.Day)
	}
	var renewed registry.Place
	if err == nil {
		renewed, err = u.Places.Reissue(c.Request.Context(), actor(c), place.ID, until)
	}
	if err != nil {
		u.logFault(c, err)
		p := problemOf(u.texts(c), err)
		p.tell(c)
		page.Problem = &p
		u.answerReissue(c, p.Status, page)
		return
	}
	u.record(c, actor(c).Login, "code_reissued", place.ID.String(),
		fmt.Sprintf("serial %d, the one before ends %s", renewed.Serial, u.reader.stamp(cmp.Or(until, renewed.Issued))))
	u.seeOther(c, back)
}

// endOfDay returns when a day ends that was typed as 2006-01-02. The error is places.ErrEnd.
func (u *UI) endOfDay(day string) (int64, error) {
	t, err := time.ParseInLocation(time.DateOnly, day, u.Location)
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

func (u *UI) showRevoke(c *gin.Context) {
	page, ok := u.codesOf(c)
	if !ok {
		return
	}
	for _, code := range page.Codes {
		if strconv.FormatUint(uint64(code.Serial), 10) == c.Query("serial") {
			u.show(c, http.StatusOK, "revoke", revokePage{page.Place, code})
			return
		}
	}
	u.failBackTo(c, registry.ErrNotFound, placePath(page.Place)+"/codes")
}

func (u *UI) revoke(c *gin.Context) {
	place, ok := u.placeOf(c)
	if !ok {
		return
	}
	back := placePath(place) + "/codes"
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, back)
		return
	}
	serial, err := strconv.ParseUint(form.Get("serial"), 10, 32)
	if err != nil {
		u.failBackTo(c, registry.ErrNotFound.Because(err), back)
		return
	}
	if err := u.Places.Revoke(c.Request.Context(), actor(c), place.ID, uint32(serial)); err != nil {
		u.failBackTo(c, fmt.Errorf("revoking a code: %w", err), back)
		return
	}
	u.record(c, actor(c).Login, "code_revoked", place.ID.String(), fmt.Sprintf("serial %d", serial))
	u.seeOther(c, back)
}
