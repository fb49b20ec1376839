package webui

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

// CredentialCookie is the name of the cookie that holds a citizen's credential.
const CredentialCookie = "truyvet_citizen"

const (
	proofCookie = "truyvet_proof" // which one-time code is waited for
	stampCookie = "truyvet_stamp" // the last scan that was accepted

	// stampLifetime is how long a stamp may be shown. It says when the scan was, and is not for the next visit.
	stampLifetime = 15 * time.Minute
)

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

// refuseCitizen shows the page behind the code again, with what is wrong.
func (u *UI) refuseCitizen(c *gin.Context, page checkInPage, err error) {
	u.logFault(c, err)
	p := problemOf(u.texts(c), err)
	p.tell(c)
	page.Problem = &p
	u.answerCheckIn(c, p.Status, page)
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

// mostWards is how many wards a menu on a phone may have: those of any city, and not those of the country.
const mostWards = 1000

// wards returns the wards that somebody may reside in; none where there are too many to choose from.
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

func (u *UI) submitScan(c *gin.Context) {
	w, form, ok := u.formAt(c, "")
	if !ok {
		return
	}
	kind, ok := kindOfScan(form.Get("kind"))
	if !ok {
		u.failBackTo(c, errForm, w.Path(""))
		return
	}
	if w.Seen != 0 && kind != stay.In {
		u.refuseCode(c, w.Token, qrgen.ErrExpired) // who leaves, or is still there, is so now and not when the page was opened
		return
	}
	alias, err := u.reachable(c)
	if err != nil {
		u.refuseCitizen(c, checkInPage{wall: w}, err)
		return
	}
	people := append([]uuid.UUID{alias}, u.chosenCompanions(c, alias, form["with"])...)
	u.scanAndStamp(c, w, people, kind, form.Get("nonce"))
}

// kindOfScan reads what a person may say at a code.
func kindOfScan(name string) (stay.Kind, bool) {
	switch name {
	case "in":
		return stay.In, true
	case "out":
		return stay.Out, true
	case "renew":
		return stay.Renew, true
	}
	return 0, false
}

// stamp is a scan that was accepted, as the browser keeps it to show it.
type stamp struct {
	PlaceID uuid.UUID `json:"place"`
	Kind    stay.Kind `json:"kind"`
	At      int64     `json:"at"`
	With    string    `json:"with,omitempty"` // the positions of those who were there too, apart by spaces
}

// Companions are the positions of those who were there too.
func (s stamp) Companions() []string { return strings.Fields(s.With) }

// scanAndStamp submits a scan of everybody who is there, the citizen first, and, once all are durable, leads to the stamp.
func (u *UI) scanAndStamp(c *gin.Context, w wall, people []uuid.UUID, kind stay.Kind, nonce string) {
	alias, done := people[0], stamp{PlaceID: w.Token.Place, Kind: kind}
	for _, person := range people {
		id := u.seal.scanID(nonce, person, w.Text, kind, u.Clock())
		result, err := u.submit(c.Request.Context(), person, ingest.Submission{ID: id, Token: w.Text, Kind: kind, How: scan.Phone, At: w.Seen})
		if err != nil {
			u.failBackTo(c, err, w.Path(""))
			return
		}
		done.At = result.At
	}
	for i, known := range u.companionsOf(c, alias) {
		if slices.Contains(people[1:], known.Alias) {
			done.With += strconv.Itoa(i) + " "
		}
	}
	text, err := u.seal.close(stampCookie, alias, done)
	if err != nil {
		u.Fail(c, err)
		return
	}
	u.setCookie(c, stampCookie, text, stampLifetime)
	u.seeOther(c, w.Path("/stamp"))
}

// submit submits one scan whose id was made by scanID. Its error says why it is not recorded.
func (u *UI) submit(ctx context.Context, alias uuid.UUID, s ingest.Submission) (ingest.Result, error) {
	results, err := u.Scans.Submit(ctx, alias, []ingest.Submission{s})
	if err != nil {
		return ingest.Result{}, fmt.Errorf("submitting a scan: %w", err)
	}
	result := results[0]
	// A form sent twice has the same id, a few seconds apart. The id stands for this very scan, so it is recorded.
	if result.Status == ingest.Refused && !errors.Is(result.Err, ingest.ErrConflict) {
		return result, result.Err
	}
	return result, nil
}

// stampPage shows a scan that was accepted.
type stampPage struct {
	wall
	stamp
	Word     string // in, out or renew: the part of the keys of its texts
	Now      int64
	Zone     int   // seconds by which the reader's clock is ahead of UTC, for the moving clock
	Lifetime int64 // seconds from its scan for which it moves
	Nonce    string
}

// showStamp shows the last scan that was accepted here, of whoever holds the credential, and nothing that an address
// could say.
func (u *UI) showStamp(c *gin.Context) {
	w, ok := u.wallOf(c)
	if !ok {
		return
	}
	page := stampPage{wall: w}
	alias, err := u.citizenOf(c)
	if err == nil {
		var text string
		text, err = c.Cookie(stampCookie)
		ok = err == nil && u.seal.open(stampCookie, alias, text, &page.stamp)
	}
	page.Now, page.Lifetime = u.Clock().Unix(), int64(stampLifetime.Seconds())
	age := u.Clock().Sub(time.Unix(page.At, 0))
	if err != nil || !ok || page.PlaceID != w.Token.Place || age > stampLifetime {
		u.seeOther(c, w.Path(""))
		return
	}
	if page.Nonce, err = newNonce(u.Clock()); err != nil {
		u.Fail(c, err)
		return
	}
	page.Word = wordOf(page.Kind)
	_, page.Zone = u.reader.in(page.At).Zone()
	u.show(c, http.StatusOK, "stamp", page)
}

func wordOf(kind stay.Kind) string {
	switch kind {
	case stay.Out:
		return "out"
	case stay.Renew:
		return "renew"
	default:
		return "in"
	}
}

// forget takes the credential from the browser: somebody else will use it.
func (u *UI) forget(c *gin.Context) {
	for _, name := range []string{CredentialCookie, stampCookie, proofCookie, seenCookie, meCookie, withCookie} {
		u.setCookie(c, name, "", 0)
	}
	u.seeOther(c, checkInPath(c.Param("token")))
}
