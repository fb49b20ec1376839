package visitor

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

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
	p.scanAndStamp(c, w, people, kind, form.Get("nonce"))
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
func (p *Pages) scanAndStamp(c *gin.Context, w wall, people []uuid.UUID, kind stay.Kind, nonce string) {
	alias, done := people[0], stamp{PlaceID: w.Token.Place, Kind: kind}
	for _, person := range people {
		id := p.Seal.ScanID(nonce, person, w.Text, kind, p.Clock())
		result, err := p.Submit(c.Request.Context(), person, ingest.Submission{ID: id, Token: w.Text, Kind: kind, How: scan.Phone, At: w.Seen})
		if err != nil {
			p.FailBackTo(c, err, w.Path(""))
			return
		}
		done.At = result.At
	}
	for i, known := range p.companionsOf(c, alias) {
		if slices.Contains(people[1:], known.Alias) {
			done.With += strconv.Itoa(i) + " "
		}
	}
	text, err := p.Seal.Close(stampCookie, alias, done)
	if err != nil {
		p.Fail(c, err)
		return
	}
	p.SetCookie(c, stampCookie, text, stampLifetime)
	p.SeeOther(c, w.Path("/stamp"))
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
	Asks     *declareOffer // where the place asks for a declaration
}

// showStamp shows the last scan that was accepted here, of whoever holds the credential, and nothing that an address
// could say.
func (p *Pages) showStamp(c *gin.Context) {
	w, ok := p.wallOf(c)
	if !ok {
		return
	}
	body := stampPage{wall: w}
	alias, err := p.citizenOf(c)
	if err == nil {
		var text string
		text, err = c.Cookie(stampCookie)
		ok = err == nil && p.Seal.Open(stampCookie, alias, text, &body.stamp)
	}
	body.Now, body.Lifetime = p.Clock().Unix(), int64(stampLifetime.Seconds())
	age := p.Clock().Sub(time.Unix(body.At, 0))
	if err != nil || !ok || body.PlaceID != w.Token.Place || age > stampLifetime {
		p.SeeOther(c, w.Path(""))
		return
	}
	if body.Nonce, err = page.NewNonce(p.Clock()); err != nil {
		p.Fail(c, err)
		return
	}
	body.Word = page.WordOf(body.Kind)
	if body.Kind != stay.Out {
		if body.Asks = p.offerOf(c, alias, w); body.Asks != nil {
			body.Asks.Next = true
		}
	}
	_, body.Zone = p.Reader.In(body.At).Zone()
	p.Show(c, http.StatusOK, "stamp", body)
}
