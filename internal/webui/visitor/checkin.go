package visitor

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/qrgen"
)

// CredentialCookie is the name of the cookie that holds a citizen's credential.
const CredentialCookie = "truyvet_citizen"

var (
	errUnknownPlace = errs.New(errs.NotFound, "place_gone", "The code is a good one, but its place is not kept here any more.")
	errNoCredential = errs.New(errs.Unauthenticated, "credential_needed", "The phone number has to be proved first.")
)

// registerCheckIn adds the pages behind a code on a wall. The token stands in the path and nowhere else.
func (p *Pages) registerCheckIn(r gin.IRouter) {
	page.Serve(r, "", p.showCheckIn)
	page.Serve(r, "/code", p.showProof)
	page.Serve(r, "/stamp", p.showStamp)
	r.POST("/phone", p.startProof)
	r.POST("/code", p.finishProof)
	r.POST("/scan", p.submitScan)
	page.Serve(r, "/declare", p.showDeclare(p.declareHere))
	r.POST("/declare", p.submitDeclare(p.declareHere))
	r.POST("/undo", p.undoScan)
	r.POST("/forget", p.forget)
	p.registerCompanions(r)
	// A reload or a change of language on the answer to a form asks for its address.
	for _, form := range []string{"/phone", "/scan", "/undo", "/forget"} {
		page.Serve(r, form, func(c *gin.Context) { p.SeeOther(c, checkInPath(c.Param("token"))) })
	}
}

// checkInPath returns the address of a code's page. A token that is none leads to the page that says so.
func checkInPath(token string) string {
	text, err := qrgen.FromURL(token)
	if err != nil {
		return "/"
	}
	return "/q/" + text
}

// wall is a good code and the place that it hangs at.
type wall struct {
	Text  string // of the token, in upper case
	Token qrgen.Token
	Place places.Name
	Short string // the check code that the poster bears
	Seen  int64  // when this browser opened the code of a screen that has expired since; 0 for one that is good now
}

// Screen says whether the code is shown on a screen, which signs it anew all the time.
func (w wall) Screen() bool { return !w.Token.ExpiresAt.IsZero() }

// Path returns the address of a page behind the code.
func (w wall) Path(body string) string { return "/q/" + w.Text + body }

// wallOf reads the code in the path. On false the refusal has been answered.
func (p *Pages) wallOf(c *gin.Context) (wall, bool) {
	var w wall
	var token qrgen.Token
	var err error
	if w.Text, err = qrgen.FromURL(c.Param("token")); err == nil {
		token, err = p.Codes.Verify(w.Text, p.Clock())
	}
	if errors.Is(err, qrgen.ErrExpired) {
		if w.Seen = p.seenAt(c, w.Text); w.Seen != 0 {
			token, err = p.Codes.Verify(w.Text, time.Unix(w.Seen, 0))
		}
	}
	if err != nil {
		p.refuseCode(c, token, err)
		return w, false
	}
	w.Token = token
	if w.Short, err = qrgen.CheckCode(w.Text); err != nil {
		p.Fail(c, fmt.Errorf("working out a check code: %w", err))
		return w, false
	}
	var known bool
	if w.Place, known = p.Map.Name(token.Place); !known {
		p.Fail(c, errUnknownPlace)
		return w, false
	}
	return w, true
}

// refusedCode is the page of a code that is no good. Place is empty unless the code is authentic all the same.
type refusedCode struct {
	page.Problem
	Place places.Name
	Code  string // the refusal's
}

func (p *Pages) refuseCode(c *gin.Context, token qrgen.Token, err error) {
	p.LogFault(c, ingest.CodeError(err))
	body := refusedCode{Problem: page.ProblemOf(p.Texts(c), ingest.CodeError(err)), Code: qrgen.CodeOf(err)}
	var refusal qrgen.Refusal
	if errors.As(err, &refusal) && refusal.Authentic() {
		body.Place, _ = p.Map.Name(token.Place)
	}
	p.Show(c, body.Status, "refused", body)
}

// formAt reads the code in the path and the form that a page behind it sent. On false the refusal has been answered.
func (p *Pages) formAt(c *gin.Context, body string) (wall, url.Values, bool) {
	w, ok := p.wallOf(c)
	if !ok {
		return w, nil, false
	}
	form, err := page.FormOf(c)
	if err != nil {
		p.FailBackTo(c, err, w.Path(body))
		return w, nil, false
	}
	return w, form, true
}

// checkInPage is the page behind a code: one button for who is known here, else the field for the phone number.
type checkInPage struct {
	wall
	Known    bool
	Browser  browser       // of who is known
	Asks     *declareOffer // where the place asks for a declaration
	With     []companion   // who may be with them
	Nonce    string
	Phone    string
	KeptDays int // for how many days scans are kept
	Problem  *page.Problem
}

func (p *Pages) showCheckIn(c *gin.Context) {
	w, ok := p.wallOf(c)
	if !ok {
		return
	}
	if err := p.rememberSeen(c, w); err != nil {
		p.Fail(c, err)
		return
	}
	p.answerCheckIn(c, http.StatusOK, checkInPage{wall: w})
}

func (p *Pages) answerCheckIn(c *gin.Context, status int, body checkInPage) {
	alias, err := p.reachable(c)
	if body.Known = err == nil; body.Known {
		body.With = p.companionsOf(c.Request, alias)
		body.Browser = p.browserOf(alias, body.With)
		body.Asks = p.offerOf(c, alias, body.wall)
	}
	if err != nil && body.Problem == nil && !errors.Is(err, errNoCredential) {
		told := page.ProblemOf(p.Texts(c), err)
		body.Problem = &told
	}
	nonce, err := page.NewNonce(p.Clock())
	if err != nil {
		p.Fail(c, err)
		return
	}
	body.Nonce, body.KeptDays = nonce, p.keptDays()
	if body.Phone == "" {
		p.ShowPacked(c, status, "checkin", body)
		return
	}
	p.Show(c, status, "checkin", body) // the number is what the request said
}

// citizenOf returns whose credential the browser presents.
func (p *Pages) citizenOf(c *gin.Context) (uuid.UUID, error) {
	text, err := c.Cookie(CredentialCookie)
	if err != nil || text == "" {
		return uuid.Nil, errNoCredential
	}
	return p.Credentials.Verify(text)
}

// reachable is citizenOf for who is about to be recorded: the number has to be kept still, for a list that would name them.
func (p *Pages) reachable(c *gin.Context) (uuid.UUID, error) {
	alias, err := p.citizenOf(c)
	if err != nil {
		return uuid.Nil, err
	}
	kept, err := p.Proofs.Kept(c.Request.Context(), alias)
	if err != nil {
		p.Logger.WarnContext(c, "not seen whether a citizen's number is kept", slog.Any("error", err))
	}
	if !kept {
		return uuid.Nil, citizen.ErrNotKept
	}
	return alias, nil
}

// refuseCitizen shows the page behind the code again, with what is wrong.
func (p *Pages) refuseCitizen(c *gin.Context, body checkInPage, err error) {
	p.LogFault(c, err)
	told := page.ProblemOf(p.Texts(c), err)
	told.Tell(c)
	body.Problem = &told
	p.answerCheckIn(c, told.Status, body)
}

// forget takes the credential from the browser: somebody else will use it.
func (p *Pages) forget(c *gin.Context) {
	for _, name := range []string{CredentialCookie, stampCookie, proofCookie, seenCookie, meCookie, withCookie, declaredCookie} {
		p.SetCookie(c, name, "", 0)
	}
	p.SeeOther(c, checkInPath(c.Param("token")))
}
