package visitor

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

const (
	stampCookie = "truyvet_stamp" // the last scan that was accepted

	// stampLifetime is how long a stamp may be shown. It says when the scan was, and is not for the next visit.
	stampLifetime = 15 * time.Minute
)

func (p *Pages) submitScan(c *gin.Context) {
	w, form, ok := p.formAt(c, "")
	if !ok {
		return
	}
	kind, ok := kindOfScan(form.Get("kind"))
	if !ok {
		p.FailBackTo(c, page.ErrForm, w.Path(""))
		return
	}
	if w.Seen != 0 && kind != stay.In {
		p.refuseCode(c, w.Token, qrgen.ErrExpired) // who leaves, or is still there, is so now and not when the page was opened
		return
	}
	alias, err := p.reachable(c)
	if err != nil {
		p.refuseCitizen(c, checkInPage{wall: w}, err)
		return
	}
	people := append([]uuid.UUID{alias}, p.chosenCompanions(c, alias, form["with"])...)
	done, ok := p.scanAndStamp(c, w, people, kind, form)
	switch {
	case !ok:
	case form.Get("here") != "": // the page's script sees to it that a reload does not send the form again
		p.answerStamp(c, w, alias, done)
	default:
		p.SeeOther(c, w.Path("/stamp"))
	}
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
	Scan    uuid.UUID `json:"scan"`           // the citizen's, from which those of the others are made
	Made    int64     `json:"made"`           // when it was recorded; At of the code of a screen is before that
	Undone  bool      `json:"undone,omitempty"`
}

// Companions are the positions of those who were there too.
func (s stamp) Companions() []string { return strings.Fields(s.With) }

// UndoUntil is until when the stamp can be taken back.
func (s stamp) UndoUntil() int64 { return s.Made + int64(citizen.UndoFor/time.Second) }

// scanAndStamp submits a scan of everybody who is there, the citizen first, and, once all are durable, has the browser keep the stamp.
// It is under the id of the tap, where the form has one, and of its time: the phone keeps a tap under that of which it sees no answer.
// On false the refusal has been answered.
func (p *Pages) scanAndStamp(c *gin.Context, w wall, people []uuid.UUID, kind stay.Kind, form url.Values) (done stamp, ok bool) {
	alias, now := people[0], p.Clock()
	done = stamp{PlaceID: w.Token.Place, Kind: kind, Made: now.Unix()}
	at, byTap := w.Seen, false
	if id, tapped, given := page.TapOf(form.Get("tap"), now); given && at == 0 {
		done.Scan, at, byTap = id, tapped, true
	} else {
		done.Scan = p.Seal.ScanID(form.Get("nonce"), alias, w.Text, kind, now)
	}
	for _, person := range people {
		id := done.Scan
		if person != alias {
			id = citizen.CompanionScan(id, person)
		}
		result, err := p.Submit(c.Request.Context(), person, ingest.Submission{ID: id, Token: w.Text, Kind: kind, How: scan.Phone, At: at})
		if err == nil && byTap && result.Status == ingest.Refused {
			err = result.Err // another scan has this id, which is not made of this one as ScanID's is
		}
		if err != nil {
			p.FailBackTo(c, err, w.Path(""))
			return done, false
		}
		done.At = result.At
	}
	for i, known := range p.companionsOf(c.Request, alias) {
		if slices.Contains(people[1:], known.Alias) {
			done.With += strconv.Itoa(i) + " "
		}
	}
	return done, p.keepStamp(c, alias, done)
}

// keepStamp has the browser keep a stamp. On false the fault has been answered.
func (p *Pages) keepStamp(c *gin.Context, alias uuid.UUID, done stamp) bool {
	text, err := p.Seal.Close(stampCookie, alias, done)
	if err != nil {
		p.Fail(c, err)
		return false
	}
	p.SetCookie(c, stampCookie, text, stampLifetime)
	return true
}

// stampOf returns the last scan that was accepted at a code, of whoever holds the credential. False: there is none, or it is too old.
func (p *Pages) stampOf(c *gin.Context, w wall) (alias uuid.UUID, done stamp, ok bool) {
	alias, err := p.citizenOf(c)
	if err != nil {
		return alias, done, false
	}
	text, err := c.Cookie(stampCookie)
	if err != nil || !p.Seal.Open(stampCookie, alias, text, &done) || done.PlaceID != w.Token.Place {
		return alias, done, false
	}
	return alias, done, p.Clock().Sub(time.Unix(done.At, 0)) <= stampLifetime
}

// undoScan takes the scan of the stamp back, of everybody who was there. It is as of that scan's time, so that a code that was good
// then is good for it.
func (p *Pages) undoScan(c *gin.Context) {
	w, _, ok := p.formAt(c, "/stamp")
	if !ok {
		return
	}
	alias, done, ok := p.stampOf(c, w)
	if !ok || done.Undone {
		p.SeeOther(c, w.Path("/stamp"))
		return
	}
	now := p.Clock()
	if now.Unix() > done.UndoUntil()+int64(citizen.UndoGrace/time.Second) {
		p.FailBackTo(c, citizen.ErrUndoLate, w.Path("/stamp"))
		return
	}
	void := p.Seal.ScanID(done.Scan.String(), alias, w.Text, stay.Void, now)
	for _, person := range append([]uuid.UUID{alias}, p.chosenCompanions(c, alias, done.Companions())...) {
		sub := ingest.Submission{ID: void, Token: w.Text, Kind: stay.Void, How: scan.Phone, At: done.At, Voids: done.Scan}
		if person != alias {
			sub.ID, sub.Voids = citizen.CompanionScan(void, person), citizen.CompanionScan(done.Scan, person)
		}
		if _, err := p.Submit(c.Request.Context(), person, sub); err != nil {
			p.FailBackTo(c, err, w.Path("/stamp"))
			return
		}
	}
	done.Undone = true
	if p.keepStamp(c, alias, done) {
		p.SeeOther(c, w.Path("/stamp"))
	}
}

// stampPage shows a scan that was accepted.
type stampPage struct {
	wall
	stamp
	Browser  browser
	Word     string // in, out or renew: the part of the keys of its texts
	Now      int64
	Ends     int64 // when the stay is taken to end of who says nothing
	Zone     int   // seconds by which the reader's clock is ahead of UTC, for the moving clock
	Lifetime int64 // seconds from its scan for which it moves
	Nonce    string
	Asks     *declareOffer // where the place asks for a declaration
}

// showStamp shows the last scan that was accepted here, of whoever holds the credential, and nothing that an address
// could say.
func (p *Pages) showStamp(c *gin.Context) {
	w, ok := p.wallOf(c)
	if !ok {
		return
	}
	alias, done, ok := p.stampOf(c, w)
	if !ok {
		p.SeeOther(c, w.Path(""))
		return
	}
	p.answerStamp(c, w, alias, done)
}

func (p *Pages) answerStamp(c *gin.Context, w wall, alias uuid.UUID, done stamp) {
	body := stampPage{
		wall: w, stamp: done, Word: page.WordOf(done.Kind), Now: p.Clock().Unix(), Ends: done.At + p.Map.Dwell(done.PlaceID),
		Lifetime: int64(stampLifetime.Seconds()), Browser: p.browserOf(alias, p.companionsOf(c.Request, alias)),
	}
	if done.Undone {
		p.ShowPacked(c, http.StatusOK, "undone", body)
		return
	}
	var err error
	if body.Nonce, err = page.NewNonce(p.Clock()); err != nil {
		p.Fail(c, err)
		return
	}
	if body.Kind != stay.Out {
		if body.Asks = p.offerOf(c, alias, w); body.Asks != nil {
			body.Asks.Next = true
		}
	}
	_, body.Zone = p.Reader.In(body.At).Zone()
	p.ShowPacked(c, http.StatusOK, "stamp", body)
}
