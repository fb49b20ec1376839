package webui

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

const (
	stampCookie = "truyvet_stamp" // the last scan that was accepted

	// stampLifetime is how long a stamp may be shown. It says when the scan was, and is not for the next visit.
	stampLifetime = 15 * time.Minute
)

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
