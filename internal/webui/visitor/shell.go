package visitor

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/qrgen"
)

// shellPath is the page that a phone opens without a network in the place of any that is behind a code, and that lists what it has
// not delivered. It says nothing of anybody: its script does, from what the browser keeps.
const shellPath = "/q"

// browser is what the scripts of a page are to know of whose it is.
type browser struct {
	Now   int64
	Whose string // the mark of what is kept for them
	Along string // what those who go along are called, as a JSON array in the order of their positions
}

func (p *Pages) browserOf(alias uuid.UUID, with []companion) browser {
	names := make([]string, len(with))
	for i, who := range with {
		names[i] = who.Name
	}
	along, _ := json.Marshal(names) // strings always can be
	return browser{Now: p.Clock().Unix(), Whose: p.Mark(alias), Along: string(along)}
}

// Mark is what a browser writes on what it keeps for somebody, to know it for theirs. It tells nobody who that is.
func (p *Pages) Mark(alias uuid.UUID) string { return p.Seal.Mark(alias) }

// Companions returns the people under the phone of whose credential a browser presents, in the order in which it shows them.
func (p *Pages) Companions(r *http.Request, alias uuid.UUID) []uuid.UUID {
	var aliases []uuid.UUID
	for _, who := range p.companionsOf(r, alias) {
		aliases = append(aliases, who.Alias)
	}
	return aliases
}

// shellPage is what the script of the page that needs no network says, and with what numbers.
type shellPage struct {
	Words string // JSON
	Zone  int    // seconds by which the reader's clock is ahead of UTC
}

// shellWords is what the script says. Kinds and Dwells are by the number of the kind in a code.
type shellWords struct {
	Kinds    map[uint8]string       `json:"kinds"`
	Dwells   map[uint8]int64        `json:"dwells"` // seconds
	Scans    map[string]string      `json:"scans"`
	Delivery map[string]string      `json:"delivery"`
	Refusals map[string]shellReason `json:"refusals"`
	Unnamed  string                 `json:"unnamed"`
	AlongOne string                 `json:"alongOne"`
	Along    string                 `json:"alongMany"`
	Fault    string                 `json:"fault"`
}

// shellReason says why something is refused.
type shellReason struct {
	Title    string `json:"title"`
	Happened string `json:"happened"`
	Do       string `json:"todo"`
}

// errFirst is the answer to who has never checked in with the phone.
var errFirst = errs.New(errs.Unauthenticated, "first_check_in", "The first check-in needs a network.")

// shellRefusals are the reasons that the page gives: those that its script finds, and those with which the server answers.
func shellRefusals() []*errs.Error {
	refusals := []*errs.Error{
		errFirst, ingest.ErrFuture, ingest.ErrTooOld, ingest.ErrConflict, citizen.ErrCompanion, citizen.ErrUndoLate,
	}
	for _, refusal := range []qrgen.Refusal{
		qrgen.ErrMalformed, qrgen.ErrUnknownVersion, qrgen.ErrUnknownKey, qrgen.ErrCompromisedKey, qrgen.ErrBadSignature,
		qrgen.ErrIssuedInFuture, qrgen.ErrExpired, qrgen.ErrRevoked,
	} {
		refusals = append(refusals, ingest.CodeError(refusal))
	}
	return refusals
}

func (p *Pages) shellWords(c *gin.Context) shellWords {
	texts := p.Texts(c)
	words := shellWords{
		Kinds: make(map[uint8]string), Dwells: make(map[uint8]int64), Refusals: make(map[string]shellReason),
		Scans: map[string]string{
			"in": texts.Text("checkin.in"), "out": texts.Text("checkin.out"), "renew": texts.Text("checkin.renew"), "void": texts.Text("stamp.undo"),
		},
		Delivery: map[string]string{
			"waiting": texts.Text("kept.waiting"), "held": texts.Text("kept.waiting"), "delivered": texts.Text("kept.delivered"),
		},
		Unnamed: texts.Text("kept.unnamed"), AlongOne: texts.Text("with.too.one"), Along: texts.Text("with.too.many"), Fault: texts.Text("kept.fault"),
	}
	for _, kind := range qrgen.Kinds() {
		words.Kinds[uint8(kind)], words.Dwells[uint8(kind)] = texts.Text("kind."+kind.String()), int64(kind.Dwell().Seconds())
	}
	for _, refusal := range shellRefusals() {
		told := page.ProblemOf(texts, refusal)
		words.Refusals[refusal.Code] = shellReason{told.Title, told.Happened, told.Do}
	}
	return words
}

func (p *Pages) showShell(c *gin.Context) {
	words, err := json.Marshal(p.shellWords(c))
	if err != nil {
		p.Fail(c, fmt.Errorf("writing the words of a page: %w", err))
		return
	}
	_, zone := p.Reader.In(p.Clock().Unix()).Zone()
	p.ShowPacked(c, http.StatusOK, "shell", shellPage{Words: string(words), Zone: zone})
}
