package visitor

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/page"
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

func (p *Pages) startProof(c *gin.Context) {
	w, form, ok := p.formAt(c, "")
	if !ok {
		return
	}
	phone := form.Get("phone")
	if err := p.sendCode(c, phone); err != nil {
		p.refuseCitizen(c, checkInPage{wall: w, Phone: phone}, err)
		return
	}
	p.SeeOther(c, w.Path("/code"))
}

// sendCode sends a one-time code to a phone number, and has the browser keep which one is waited for.
func (p *Pages) sendCode(c *gin.Context, phone string) error {
	started, err := p.Proofs.Start(c.Request.Context(), phone, c.ClientIP())
	if err != nil {
		return err
	}
	pending := pendingProof{
		Challenge: started.ID, Ending: lastDigits(phone), Shown: started.Shown, Expires: started.Expires.Unix(),
	}
	text, err := p.Seal.Close(proofCookie, uuid.Nil, pending)
	if err != nil {
		return err
	}
	p.SetCookie(c, proofCookie, text, started.Expires.Sub(p.Clock()))
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
	Wards   []page.WardGroup
	Problem *page.Problem
}

func (p *Pages) showProof(c *gin.Context) {
	w, ok := p.wallOf(c)
	if !ok {
		return
	}
	pending, ok := p.pendingProof(c)
	if !ok {
		p.SeeOther(c, w.Path(""))
		return
	}
	p.answerProof(c, http.StatusOK, proofPage{wall: w, Ending: pending.Ending, Shown: pending.Shown})
}

func (p *Pages) answerProof(c *gin.Context, status int, body proofPage) {
	nonce, err := page.NewNonce(p.Clock())
	if err != nil {
		p.Fail(c, err)
		return
	}
	body.Nonce, body.Wards = nonce, p.Wards()
	p.Show(c, status, "proof", body)
}

func (p *Pages) pendingProof(c *gin.Context) (pendingProof, bool) {
	var pending pendingProof
	text, err := c.Cookie(proofCookie)
	ok := err == nil && p.Seal.Open(proofCookie, uuid.Nil, text, &pending) && p.Clock().Unix() < pending.Expires
	return pending, ok
}

func (p *Pages) finishProof(c *gin.Context) {
	w, form, ok := p.formAt(c, "/code")
	if !ok {
		return
	}
	pending, ok := p.pendingProof(c)
	if !ok {
		p.refuseCitizen(c, checkInPage{wall: w}, citizen.ErrCodeExpired)
		return
	}
	about := citizen.About{Name: form.Get("name"), Ward: form.Get("ward")}
	credential, err := p.Proofs.Finish(c.Request.Context(), pending.Challenge, strings.TrimSpace(form.Get("code")), about)
	if err != nil {
		p.refuseProof(c, proofPage{wall: w, Ending: pending.Ending, Shown: pending.Shown, About: about}, err)
		return
	}
	if err := p.Notices.AcceptNotice(c.Request.Context(), credential.Alias, noticeVersion, p.Clock().Unix()); err != nil {
		p.FailBackTo(c, err, w.Path(""))
		return
	}
	p.SetCookie(c, proofCookie, "", 0)
	p.signIn(c, credential)
	if _, ok := p.scanAndStamp(c, w, []uuid.UUID{credential.Alias}, stay.In, form); ok {
		p.SeeOther(c, w.Path("/stamp")) // the one-time code is used: the form cannot be sent again
	}
}

// refuseProof says what is wrong with a one-time code or with what was said beside it: that may be typed again, while a dead code
// needs a new one.
func (p *Pages) refuseProof(c *gin.Context, body proofPage, err error) {
	switch {
	case errors.Is(err, citizen.ErrCodeWrong), errors.Is(err, citizen.ErrName), errors.Is(err, registry.ErrDangling):
		told := page.ProblemOf(p.Texts(c), err)
		body.Problem = &told
		p.answerProof(c, told.Status, body)
	case errors.Is(err, citizen.ErrCodeExpired), errors.Is(err, citizen.ErrTooManyTries):
		p.SetCookie(c, proofCookie, "", 0)
		p.refuseCitizen(c, checkInPage{wall: body.wall}, err)
	default:
		p.FailBackTo(c, err, body.Path("/code"))
	}
}

// signIn has the browser check in who has proved their number.
func (p *Pages) signIn(c *gin.Context, credential citizen.Credential) {
	p.SetCookie(c, CredentialCookie, credential.Text, credential.Expires.Sub(p.Clock()))
	if err := p.recallCompanions(c, credential.Alias); err != nil {
		p.LogFault(c, err) // whoever is not recalled can be added again
	}
}
