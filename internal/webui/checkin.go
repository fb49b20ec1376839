package webui

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/qrgen"
)

// CredentialCookie is the name of the cookie that holds a citizen's credential.
const CredentialCookie = "truyvet_citizen"

var (
	errUnknownPlace = errs.New(errs.NotFound, "place_gone", "The code is a good one, but its place is not kept here any more.")
	errNoCredential = errs.New(errs.Unauthenticated, "credential_needed", "The phone number has to be proved first.")
	errNotKept      = errs.New(errs.Unauthenticated, "number_not_kept", "The phone number is kept no more; it has to be proved again.")
)

// registerCheckIn adds the pages behind a code on a wall. The token stands in the path and nowhere else.
func (u *UI) registerCheckIn(r gin.IRouter) {
	serve(r, "", u.showCheckIn)
	serve(r, "/code", u.showProof)
	serve(r, "/stamp", u.showStamp)
	r.POST("/phone", u.startProof)
	r.POST("/code", u.finishProof)
	r.POST("/scan", u.submitScan)
	r.POST("/forget", u.forget)
	u.registerCompanions(r)
	// A reload or a change of language on the answer to a form asks for its address.
	for _, form := range []string{"/phone", "/scan", "/forget"} {
		serve(r, form, func(c *gin.Context) { u.seeOther(c, checkInPath(c.Param("token"))) })
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
func (w wall) Path(page string) string { return "/q/" + w.Text + page }

// wallOf reads the code in the path. On false the refusal has been answered.
func (u *UI) wallOf(c *gin.Context) (wall, bool) {
	var w wall
	var token qrgen.Token
	var err error
	if w.Text, err = qrgen.FromURL(c.Param("token")); err == nil {
		token, err = u.Codes.Verify(w.Text, u.Clock())
	}
	if errors.Is(err, qrgen.ErrExpired) {
		if w.Seen = u.seenAt(c, w.Text); w.Seen != 0 {
			token, err = u.Codes.Verify(w.Text, time.Unix(w.Seen, 0))
		}
	}
	if err != nil {
		u.refuseCode(c, token, err)
		return w, false
	}
	w.Token = token
	if w.Short, err = qrgen.CheckCode(w.Text); err != nil {
		u.Fail(c, fmt.Errorf("working out a check code: %w", err))
		return w, false
	}
	var known bool
	if w.Place, known = u.Map.Name(token.Place); !known {
		u.Fail(c, errUnknownPlace)
		return w, false
	}
	return w, true
}

// refusedCode is the page of a code that is no good. Place is empty unless the code is authentic all the same.
type refusedCode struct {
	problem
	Place places.Name
	Code  string // the refusal's
}

func (u *UI) refuseCode(c *gin.Context, token qrgen.Token, err error) {
	u.logFault(c, ingest.CodeError(err))
	page := refusedCode{problem: problemOf(u.texts(c), ingest.CodeError(err)), Code: qrgen.CodeOf(err)}
	var refusal qrgen.Refusal
	if errors.As(err, &refusal) && refusal.Authentic() {
		page.Place, _ = u.Map.Name(token.Place)
	}
	u.show(c, page.Status, "refused", page)
}

// formAt reads the code in the path and the form that a page behind it sent. On false the refusal has been answered.
func (u *UI) formAt(c *gin.Context, page string) (wall, url.Values, bool) {
	w, ok := u.wallOf(c)
	if !ok {
		return w, nil, false
	}
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, w.Path(page))
		return w, nil, false
	}
	return w, form, true
}

// checkInPage is the page behind a code: one button for who is known here, else the field for the phone number.
type checkInPage struct {
	wall
	Known    bool
	With     []companion // who may be with them
	Nonce    string
	Phone    string
	KeptDays int // for how many days scans are kept
	Problem  *problem
}

func (u *UI) showCheckIn(c *gin.Context) {
	w, ok := u.wallOf(c)
	if !ok {
		return
	}
	if err := u.rememberSeen(c, w); err != nil {
		u.Fail(c, err)
		return
	}
	u.answerCheckIn(c, http.StatusOK, checkInPage{wall: w})
}

func (u *UI) answerCheckIn(c *gin.Context, status int, page checkInPage) {
	alias, err := u.reachable(c)
	if page.Known = err == nil; page.Known {
		page.With = u.companionsOf(c, alias)
	}
	if err != nil && page.Problem == nil && !errors.Is(err, errNoCredential) {
		p := problemOf(u.texts(c), err)
		page.Problem = &p
	}
	nonce, err := newNonce(u.Clock())
	if err != nil {
		u.Fail(c, err)
		return
	}
	page.Nonce, page.KeptDays = nonce, u.keptDays()
	u.show(c, status, "checkin", page)
}

// citizenOf returns whose credential the browser presents.
func (u *UI) citizenOf(c *gin.Context) (uuid.UUID, error) {
	text, err := c.Cookie(CredentialCookie)
	if err != nil || text == "" {
		return uuid.Nil, errNoCredential
	}
	return u.Credentials.Verify(text)
}

// mostLooking is for how long a check-in waits to learn whether the citizen's number is kept.
const mostLooking = time.Second

// reachable is citizenOf for who is about to be recorded: the number has to be kept still, for a list that would name them. Where
// that cannot be seen it is taken to be: nobody is kept from checking in because the registry is away.
func (u *UI) reachable(c *gin.Context) (uuid.UUID, error) {
	alias, err := u.citizenOf(c)
	if err != nil {
		return uuid.Nil, err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), mostLooking)
	defer cancel()
	kept, err := u.Proofs.Kept(ctx, alias)
	switch {
	case err != nil:
		u.Logger.WarnContext(c, "not seen whether a citizen's number is kept", slog.Any("error", err))
	case !kept:
		return uuid.Nil, errNotKept
	}
	return alias, nil
}

// refuseCitizen shows the page behind the code again, with what is wrong.
func (u *UI) refuseCitizen(c *gin.Context, page checkInPage, err error) {
	u.logFault(c, err)
	p := problemOf(u.texts(c), err)
	p.tell(c)
	page.Problem = &p
	u.answerCheckIn(c, p.Status, page)
}

// forget takes the credential from the browser: somebody else will use it.
func (u *UI) forget(c *gin.Context) {
	for _, name := range []string{CredentialCookie, stampCookie, proofCookie, seenCookie, meCookie, withCookie} {
		u.setCookie(c, name, "", 0)
	}
	u.seeOther(c, checkInPath(c.Param("token")))
}
