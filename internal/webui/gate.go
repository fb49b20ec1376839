package webui

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/tracing/stay"
)

const (
	gateMemory = 10 // how many scans a gate's page lists

	// gateAnswerAge is for how many seconds the page tells the guard what became of a number. It is long enough for a slow line,
	// and too short for a reload or another tab to let somebody pass on the answer to somebody else.
	gateAnswerAge = 10
)

// The reasons for refusing what is asked of a gate.
var (
	errGateEntry     = errs.New(errs.NotFound, "gate_entry_gone", "This scan is no longer in the list.")
	errGatePlaceCode = errs.New(errs.Invalid, "gate_place_code", "This is the code of a place; it names nobody.")
)

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
}

// Word is the part of the keys of its texts.
func (e gateEntry) Word() string { return wordOf(e.Kind) }

type gatePage struct {
	Place  places.Name
	Known  bool // whether there is such a place
	Out    bool // in which mode the next scan is
	Nonce  string
	Latest *gateAnswer
	List   []gateEntry
	Alone  gateAlone
}

// gateAlone is what the page's scripts need to go on without a network. Without the decoder, which `make` builds, Worker, Exec and
// Wasm are empty: the form sends what is shown, and the camera is the browser's own affair.
type gateAlone struct {
	Place              uuid.UUID
	Zone               int    // seconds by which the reader's clock is ahead of UTC
	Words              string // what the scripts say, as JSON
	Worker, Exec, Wasm string // addresses
}

// gateAlone makes what the scripts need.
func (u *UI) gateAlone(c *gin.Context) (gateAlone, error) {
	texts, now := u.texts(c), u.Clock()
	words := map[string]string{
		"in": texts.text("gate.in"), "out": texts.text("gate.out"), "undone": texts.text("gate.undone"),
		"refused": texts.text("gate.not_recorded"), "kept": texts.text("gate.kept"), "offline": texts.text("gate.offline"),
		"undelivered": texts.text("gate.undelivered"), "fault": texts.text("gate.fault"), "full": texts.text("gate.full"),
		"waiting_in": texts.text("gate.waiting_in"), "waiting_out": texts.text("gate.waiting_out"),
		"camera_on": texts.text("gate.camera_on"), "camera_off": texts.text("gate.camera_off"), "camera_fault": texts.text("gate.camera_fault"),
	}
	for _, refusal := range []*errs.Error{citizen.ErrPresented, citizen.ErrCodeOver, errGatePlaceCode} {
		p := problemOf(texts, refusal)
		words[refusal.Code] = p.Happened + " " + p.Do
	}
	data, err := json.Marshal(words)
	if err != nil {
		return gateAlone{}, fmt.Errorf("writing the words of the gate: %w", err)
	}
	_, zone := now.In(u.Location).Zone()
	alone := gateAlone{Place: actor(c).Place, Zone: zone, Words: string(data)}
	exec, errExec := u.assets.path("wasm_exec.js")
	wasm, errWasm := u.assets.path("gate.wasm")
	if errExec == nil && errWasm == nil {
		alone.Exec, alone.Wasm = exec, wasm
		alone.Worker, err = u.assets.path("gate-worker.js")
	}
	return alone, err
}

// gateAnswer is what the guard reads from afar.
type gateAnswer struct {
	gateEntry
	Refusal problem // when it was not recorded
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

func (u *UI) registerGate(r gin.IRouter) {
	serve(r, "", u.showGate)
	r.POST("", u.gateScan)
	r.POST("/undo", u.gateUndo)
	serve(r, "/undo", func(c *gin.Context) { u.seeOther(c, "/gate") })
}

func (u *UI) showGate(c *gin.Context) {
	list := u.gateList(c)
	page := gatePage{List: list, Out: c.Query("mode") == modeOut}
	page.Place, page.Known = u.Map.Name(actor(c).Place)
	if latest, ok := latestAnswer(list, u.Clock().Unix()); ok {
		page.Latest = &gateAnswer{gateEntry: latest}
		if latest.Problem != "" {
			page.Latest.Refusal = problemOf(u.texts(c), errs.New(errs.Invalid, latest.Problem, latest.Message))
		}
	}
	var err error
	if page.Nonce, err = newNonce(u.Clock()); err == nil {
		page.Alone, err = u.gateAlone(c)
	}
	if err != nil {
		u.Fail(c, err)
		return
	}
	u.show(c, http.StatusOK, "gate", page)
}

func (u *UI) gateScan(c *gin.Context) {
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, "/gate")
		return
	}
	now := u.Clock().Unix()
	entry, back := gateEntry{At: now, Told: now, Kind: stay.In}, gatePath(form)
	if form.Get("mode") == modeOut {
		entry.Kind = stay.Out
	}
	ctx := c.Request.Context()
	presented, err := u.Gate.Receive(ctx, form.Get("number"), u.Clock())
	if err == nil {
		var result ingest.Result
		result, err = u.submitAtGate(ctx, actor(c), presented.Alias, form.Get("nonce"), ingest.Submission{Kind: entry.Kind, How: presented.How})
		entry.ID, entry.Alias = result.ID, presented.Alias
		if err == nil {
			entry.At = result.At
		}
	}
	if err != nil {
		e := errs.Of(err)
		if e.Kind == errs.TooMany || e.Kind == errs.Unavailable || e.Kind == errs.Internal {
			u.failBackTo(c, err, back)
			return
		}
		entry.Problem, entry.Message = e.Code, e.Message
	}
	u.answerGate(c, append([]gateEntry{entry}, u.gateList(c)...), back)
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

// submitAtGate records a scan at the gate's own place, of whoever holds the alias. A gate has no code: it goes on while its place's is
// taken back.
func (u *UI) submitAtGate(ctx context.Context, gate registry.Account, alias uuid.UUID, nonce string, s ingest.Submission) (ingest.Result, error) {
	if _, known := u.Map.Name(gate.Place); !known {
		return ingest.Result{}, fmt.Errorf("finding the gate's place: %w", registry.ErrNotFound)
	}
	s.Gate, s.ID = gate.Place, u.seal.scanID(nonce, alias, gate.Place.String(), s.Kind, u.Clock())
	return u.submit(ctx, alias, s)
}

// gateUndo takes back a scan of the list.
func (u *UI) gateUndo(c *gin.Context) {
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, "/gate")
		return
	}
	list, back := u.gateList(c), gatePath(form)
	i := slices.IndexFunc(list, func(e gateEntry) bool {
		return e.ID.String() == form.Get("id") && e.Problem == "" && !e.Undone
	})
	if i < 0 {
		u.failBackTo(c, errGateEntry, back)
		return
	}
	void := ingest.Submission{Kind: stay.Void, How: scan.GateTyped, Voids: list[i].ID}
	if _, err := u.submitAtGate(c.Request.Context(), actor(c), list[i].Alias, list[i].ID.String(), void); err != nil {
		u.failBackTo(c, err, back)
		return
	}
	list[i].Undone, list[i].Told = true, u.Clock().Unix()
	u.answerGate(c, list, back)
}

// answerGate keeps the list and leads back to the field.
func (u *UI) answerGate(c *gin.Context, list []gateEntry, back string) {
	// A double tap is one scan and one line.
	if len(list) > 1 && list[0].ID != uuid.Nil && list[0].ID == list[1].ID {
		list = list[1:]
	}
	data, err := json.Marshal(list[:min(len(list), gateMemory)])
	if err != nil {
		u.Fail(c, fmt.Errorf("keeping the gate's list: %w", err))
		return
	}
	u.Sessions.Put(c.Request.Context(), sessionGate, string(data))
	u.seeOther(c, back)
}

func (u *UI) gateList(c *gin.Context) []gateEntry {
	var list []gateEntry
	if text := u.Sessions.GetString(c.Request.Context(), sessionGate); text != "" {
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return nil // written by another version of the pages: the list begins anew
		}
	}
	return list
}
