package webui

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/tracing/stay"
)

// proofCookie holds which one-time code is waited for.
const proofCookie = "truyvet_proof"

// pendingProof is what the browser keeps while it waits for the one-time code.
type pendingProof struct {
	Challenge uuid.UUID `json:"challenge"`
	Ending    string    `json:"ending"` // of the phone number: the last three digits
	Shown     string    `json:"shown,omitempty"`
	Expires   int64     `json:"expires"`
}

func (u *UI) startProof(c *gin.Context) {
	w, form, ok := u.formAt(c, "")
	if !ok {
		return
	}
	phone := form.Get("phone")
	if err := u.sendCode(c, phone); err != nil {
		u.refuseCitizen(c, checkInPage{wall: w, Phone: phone}, err)
		return
	}
	u.seeOther(c, w.Path("/code"))
}

// sendCode sends a one-time code to a phone number, and has the browser keep which one is waited for.
func (u *UI) sendCode(c *gin.Context, phone string) error {
	started, err := u.Proofs.Start(c.Request.Context(), phone, c.ClientIP())
	if err != nil {
		return err
	}
	pending := pendingProof{
		Challenge: started.ID, Ending: lastDigits(phone), Shown: started.Shown, Expires: started.Expires.Unix(),
	}
	text, err := u.seal.close(proofCookie, uuid.Nil, pending)
	if err != nil {
		return err
	}
	u.setCookie(c, proofCookie, text, started.Expires.Sub(u.Clock()))
	return nil
}

// lastDigits returns the last three digits of a number, enough to tell one's own.
func lastDigits(number string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
	return digits[max(0, len(digits)-3):]
}

// proofPage asks for the one-time code.
type proofPage struct {
	wall
	Nonce   string
	Ending  string
	Shown   string // the code itself, in a demonstration
	About   citizen.About
	Wards   []wardGroup
	Problem *problem
}

// mostWards is how many wards a menu may have that anybody can ask for: those of any city, and not those of the country.
const mostWards = 1000

// wards returns the wards that somebody may reside in, or ask for an account from; none where there are too many to choose from.
func (u *UI) wards() []wardGroup {
	groups, n := wardsOf(u.Map.Areas()), 0
	for _, group := range groups {
		n += len(group.Wards)
	}
	if n > mostWards {
		return nil
	}
	return groups
}

func (u *UI) showProof(c *gin.Context) {
	w, ok := u.wallOf(c)
	if !ok {
		return
	}
	pending, ok := u.pendingProof(c)
	if !ok {
		u.seeOther(c, w.Path(""))
		return
	}
	u.answerProof(c, http.StatusOK, proofPage{wall: w, Ending: pending.Ending, Shown: pending.Shown})
}

func (u *UI) answerProof(c *gin.Context, status int, page proofPage) {
	nonce, err := newNonce(u.Clock())
	if err != nil {
		u.Fail(c, err)
		return
	}
	page.Nonce, page.Wards = nonce, u.wards()
	u.show(c, status, "proof", page)
}

func (u *UI) pendingProof(c *gin.Context) (pendingProof, bool) {
	var pending pendingProof
	text, err := c.Cookie(proofCookie)
	ok := err == nil && u.seal.open(proofCookie, uuid.Nil, text, &pending) && u.Clock().Unix() < pending.Expires
	return pending, ok
}

func (u *UI) finishProof(c *gin.Context) {
	w, form, ok := u.formAt(c, "/code")
	if !ok {
		return
	}
	pending, ok := u.pendingProof(c)
	if !ok {
		u.refuseCitizen(c, checkInPage{wall: w}, citizen.ErrCodeExpired)
		return
	}
	about := citizen.About{Name: form.Get("name"), Ward: form.Get("ward")}
	credential, err := u.Proofs.Finish(c.Request.Context(), pending.Challenge, strings.TrimSpace(form.Get("code")), about)
	if err != nil {
		u.refuseProof(c, proofPage{wall: w, Ending: pending.Ending, Shown: pending.Shown, About: about}, err)
		return
	}
	if err := u.Notices.AcceptNotice(c.Request.Context(), credential.Alias, noticeVersion, u.Clock().Unix()); err != nil {
		u.failBackTo(c, err, w.Path(""))
		return
	}
	u.setCookie(c, proofCookie, "", 0)
	u.setCookie(c, CredentialCookie, credential.Text, credential.Expires.Sub(u.Clock()))
	if err := u.recallCompanions(c, credential.Alias); err != nil {
		u.logFault(c, err) // whoever is not recalled can be added again
	}
	u.scanAndStamp(c, w, []uuid.UUID{credential.Alias}, stay.In, form.Get("nonce"))
}

// refuseProof says what is wrong with a one-time code or with what was said beside it: that may be typed again, while a dead code
// needs a new one.
func (u *UI) refuseProof(c *gin.Context, page proofPage, err error) {
	switch {
	case errors.Is(err, citizen.ErrCodeWrong), errors.Is(err, citizen.ErrName), errors.Is(err, registry.ErrDangling):
		p := problemOf(u.texts(c), err)
		page.Problem = &p
		u.answerProof(c, p.Status, page)
	case errors.Is(err, citizen.ErrCodeExpired), errors.Is(err, citizen.ErrTooManyTries):
		u.setCookie(c, proofCookie, "", 0)
		u.refuseCitizen(c, checkInPage{wall: page.wall}, err)
	default:
		u.failBackTo(c, err, page.Path("/code"))
	}
}
