package door

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/declaration"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/shown"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/tracing/stay"
)

const (
	sessionGate = "gate" // in the session: the last scans at a gate
	gateMemory  = 10     // how many of them a gate's page lists

	// gateAnswerAge is for how many seconds the page tells the guard what became of a number. It is long enough for a slow line,
	// and too short for a reload or another tab to let somebody pass on the answer to somebody else.
	gateAnswerAge = 10
)

// errGateEntry refuses to undo what is not listed.
var errGateEntry = errs.New(errs.NotFound, "gate_entry_gone", "This scan is no longer in the list.")

// gateEntry is one line of a gate's list, kept in the gate's session. It holds nothing of the number that was typed; the
// alias is what undoing needs.
type gateEntry struct {
	ID      uuid.UUID `json:"id"`
	Alias   uuid.UUID `json:"alias"`
	At      int64     `json:"at"`
	Kind    stay.Kind `json:"kind"`
	Undone  bool      `json:"undone,omitempty"`
	Problem string    `json:"problem,omitempty"` // the code of the failure, empty when it was recorded
	Message string    `json:"message,omitempty"` // of the failure, for a code without a text
	Told    int64     `json:"told,omitempty"`    // when it was last answered: scanned, refused or undone
	// Declared is how it stood with their declaration when they came, where the gate's place asks for one.
	Declared declaration.State `json:"declared,omitempty"`
}

// Word is the part of the keys of its texts.
func (e gateEntry) Word() string { return page.WordOf(e.Kind) }

type gatePage struct {
	Place  places.Name
	Known  bool         // whether there is such a place
	Inside *places.Name // into which people are scanned; nil at the gate's own place
	Out    bool         // in which mode the next scan is
	Nonce  string
	Latest *gateAnswer
	List   []gateEntry
	Alone  gateAlone
	Trip   *tripPart // nil but at a vehicle
}

// gateAnswer is what the guard reads from afar.
type gateAnswer struct {
	gateEntry
	Refusal page.Problem // when it was not recorded
}

// latestAnswer returns the line of the list that was answered last, unless that is too long ago.
func latestAnswer(list []gateEntry, now int64) (gateEntry, bool) {
	var latest gateEntry
	for _, entry := range list {
		if entry.Told > latest.Told {
			latest = entry
		}
	}
	return latest, latest.Told != 0 && now-latest.Told <= gateAnswerAge
}

func (p *Pages) registerGate(r gin.IRouter) {
	page.Serve(r, "", p.showGate)
	r.POST("", p.gateScan)
	r.POST("/undo", p.gateUndo)
	r.POST("/place", p.leavePlace)
	page.Serve(r, "/place", func(c *gin.Context) { p.SeeOther(c, "/gate") })
	p.registerTrip(r.Group("/trip"))
	page.Serve(r, "/undo", func(c *gin.Context) { p.SeeOther(c, "/gate") })
}

func (p *Pages) showGate(c *gin.Context) {
	list := p.gateList(c)
	body := gatePage{List: list, Out: c.Query("mode") == modeOut}
	body.Place, body.Known = p.Map.Name(page.Actor(c).Place)
	body.Inside = p.insideName(c)
	aside := c.Query("aside") != "" // to be opened another day, when what was answered now is no answer
	if latest, ok := latestAnswer(list, p.Clock().Unix()); ok && !aside {
		body.Latest = &gateAnswer{gateEntry: latest}
		if latest.Problem != "" {
			body.Latest.Refusal = page.ProblemOf(p.Texts(c), errs.New(errs.Invalid, latest.Problem, latest.Message))
		}
	}
	var err error
	if body.Nonce, err = page.NewNonce(p.Clock()); err == nil {
		body.Alone, err = p.gateAlone(c)
	}
	if err == nil {
		body.Trip, err = p.tripPart(c.Request.Context(), page.Actor(c).Place)
	}
	if err != nil {
		p.Fail(c, err)
		return
	}
	p.Show(c, http.StatusOK, "gate", body)
}

// gateScan records whom the text names that was typed, or goes to the place inside whose code it is.
func (p *Pages) gateScan(c *gin.Context) {
	form, err := page.FormOf(c)
	if err != nil {
		p.FailBackTo(c, err, "/gate")
		return
	}
	now := p.Clock().Unix()
	entry, back := gateEntry{At: now, Told: now, Kind: stay.In}, gatePath(form)
	if form.Get("mode") == modeOut {
		entry.Kind = stay.Out
	}
	if read := shown.Read(form.Get("number")); read.Kind == shown.PlaceCode {
		if err = p.enterPlace(c, read.Token); err == nil {
			p.SeeOther(c, back)
			return
		}
	} else {
		err = p.receive(c, form, &entry)
	}
	if err != nil {
		e := errs.Of(err)
		if e.Kind == errs.TooMany || e.Kind == errs.Unavailable || e.Kind == errs.Internal {
			p.FailBackTo(c, err, back)
			return
		}
		entry.Problem, entry.Message = e.Code, e.Message
	}
	p.answerGate(c, append([]gateEntry{entry}, p.gateList(c)...), back)
}

// receive records whom the text names that was typed, and makes it the entry.
func (p *Pages) receive(c *gin.Context, form url.Values, entry *gateEntry) error {
	if err := p.PaceGate(page.Actor(c).ID, 1); err != nil {
		return err
	}
	inside := p.insideToken(c)
	if inside != "" { // which may have been taken back or moved since: of nobody whose scan is refused anything is kept
		if _, _, err := p.inside(c, inside); err != nil {
			return err
		}
	}
	presented, err := p.Gate.Receive(c.Request.Context(), form.Get("number"), p.Clock())
	if err != nil {
		return err
	}
	sub := ingest.Submission{Kind: entry.Kind, How: presented.How, Token: inside}
	result, err := p.submitAtGate(c, presented.Alias, form.Get("nonce"), sub)
	entry.ID, entry.Alias = result.ID, presented.Alias
	if err != nil {
		return err
	}
	entry.At = result.At
	if entry.Kind == stay.In {
		entry.Declared = p.declaredAt(c, presented.Alias)
	}
	return nil
}

// declaredAt says how it stands with the declaration of somebody who comes. Where that is not to be learned nobody is asked for one.
func (p *Pages) declaredAt(c *gin.Context, alias uuid.UUID) declaration.State {
	states, err := p.Declarations.AtDoor(c.Request.Context(), page.Actor(c).Place, alias)
	if err != nil {
		p.Logger.WarnContext(c, "not seen who has declared", slog.Any("error", err))
		return declaration.NotAsked
	}
	return states[0]
}

// modeOut is the mode of a gate where people leave; every other is that where they come.
const modeOut = "out"

// gatePath is the address of a gate's page in the mode that a form was sent from.
func gatePath(form url.Values) string {
	if form.Get("mode") == modeOut {
		return "/gate?mode=" + modeOut
	}
	return "/gate"
}

// submitAtGate records a scan of whoever holds the alias, at the place of the token, or without one at the gate's own. That needs no
// code: it goes on while its place's is taken back.
func (p *Pages) submitAtGate(c *gin.Context, alias uuid.UUID, nonce string, s ingest.Submission) (ingest.Result, error) {
	gate := page.Actor(c).Place
	if _, known := p.Map.Name(gate); !known {
		return ingest.Result{}, fmt.Errorf("finding the gate's place: %w", registry.ErrNotFound)
	}
	s.Gate, s.ID = gate, p.Seal.ScanID(nonce, alias, gate.String()+s.Token, s.Kind, p.Clock())
	return p.Submit(c.Request.Context(), alias, s)
}

// gateUndo takes back a scan of the list.
func (p *Pages) gateUndo(c *gin.Context) {
	form, err := page.FormOf(c)
	if err != nil {
		p.FailBackTo(c, err, "/gate")
		return
	}
	list, back := p.gateList(c), gatePath(form)
	i := slices.IndexFunc(list, func(e gateEntry) bool {
		return e.ID.String() == form.Get("id") && e.Problem == "" && !e.Undone
	})
	if i < 0 {
		p.FailBackTo(c, errGateEntry, back)
		return
	}
	void := ingest.Submission{Kind: stay.Void, How: scan.GateTyped, Voids: list[i].ID}
	if _, err := p.submitAtGate(c, list[i].Alias, list[i].ID.String(), void); err != nil {
		p.FailBackTo(c, err, back)
		return
	}
	list[i].Undone, list[i].Told = true, p.Clock().Unix()
	p.answerGate(c, list, back)
}

// answerGate keeps the list and leads back to the field.
func (p *Pages) answerGate(c *gin.Context, list []gateEntry, back string) {
	// A double tap is one scan and one line.
	if len(list) > 1 && list[0].ID != uuid.Nil && list[0].ID == list[1].ID {
		list = list[1:]
	}
	data, err := json.Marshal(list[:min(len(list), gateMemory)])
	if err != nil {
		p.Fail(c, fmt.Errorf("keeping the gate's list: %w", err))
		return
	}
	p.Sessions.Put(c.Request.Context(), sessionGate, string(data))
	p.SeeOther(c, back)
}

func (p *Pages) gateList(c *gin.Context) []gateEntry {
	var list []gateEntry
	if text := p.Sessions.GetString(c.Request.Context(), sessionGate); text != "" {
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return nil // written by another version of the pages: the list begins anew
		}
	}
	return list
}
