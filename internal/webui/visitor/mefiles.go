package visitor

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/declaration"
	"github.com/truyvet/truyvet/internal/sheet"
	"github.com/truyvet/truyvet/internal/webui/page"
)

// visitLine is a visit as a file has it. Instants are RFC 3339 in the zone of the pages.
type visitLine struct {
	Place   string    `json:"place"`
	Site    string    `json:"site,omitempty"`
	Address string    `json:"address,omitempty"`
	PlaceID uuid.UUID `json:"place_id"`
	Trip    string    `json:"trip,omitempty"`
	Route   string    `json:"route,omitempty"`
	In      string    `json:"in"`
	Out     string    `json:"out"`
	// Ended is how the end is known: checkout, moved (to another place), assumed, or open.
	Ended string `json:"ended"`
}

func (p *Pages) lineOf(v visit) visitLine {
	line := visitLine{
		Place: v.Name.Name, Site: v.Name.Site, Address: v.Name.Address, PlaceID: v.Place.ID, Route: v.Route,
		In: p.Reader.Stamp(v.Enter), Out: p.Reader.Stamp(v.Leave), Ended: v.Basis.String(),
	}
	if v.Place.Trip != uuid.Nil {
		line.Trip = v.Place.Trip.String()
	}
	if v.Open {
		line.Out, line.Ended = "", "open"
	}
	return line
}

// declarationLine is a declaration as a file has it.
type declarationLine struct {
	Day     string       `json:"day"`
	At      string       `json:"at"`
	Under   int          `json:"under,omitempty"` // the number of the one under the phone whose it is
	Form    string       `json:"form"`
	Version int          `json:"version"`
	Answers []answerLine `json:"answers"`

	Unreadable bool `json:"unreadable,omitempty"`
}

// answerLine is the answer to a question, in the words of both languages.
type answerLine struct {
	Question declaration.Text   `json:"question"`
	Answers  []declaration.Text `json:"answers"`
}

func (p *Pages) declarationLines(own []declaration.Own) []declarationLine {
	lines := make([]declarationLine, len(own))
	for i, o := range own {
		lines[i] = declarationLine{
			Day: o.Day, At: p.Reader.Stamp(o.At), Under: o.Under, Form: o.Form, Version: o.Version, Answers: []answerLine{}, Unreadable: o.Unreadable,
		}
		for _, line := range o.Lines {
			lines[i].Answers = append(lines[i].Answers, answerLine{line.Question, line.Answers})
		}
	}
	return lines
}

// serveVisitsCSV gives somebody their own check-ins as a table.
func (p *Pages) serveVisitsCSV(c *gin.Context, me uuid.UUID) {
	visits, err := p.visitsOf(c.Request.Context(), me)
	if err != nil {
		p.FailBackTo(c, err, "/me")
		return
	}
	out := csv.NewWriter(page.NewDownload(c, "truyvet-check-ins.csv"))
	// The writer keeps its first error, which Error returns below.
	_ = out.Write([]string{"place", "site", "address", "in", "out", "ended", "minutes", "place_id", "trip", "route"})
	for _, v := range visits {
		line := p.lineOf(v)
		_ = out.Write([]string{
			sheet.Plain(line.Place), sheet.Plain(line.Site), sheet.Plain(line.Address), line.In, line.Out, line.Ended,
			strconv.FormatInt((v.Leave-v.Enter)/60, 10), line.PlaceID.String(), line.Trip, sheet.Plain(line.Route),
		})
	}
	out.Flush()
	if err := out.Error(); err != nil {
		p.LogFault(c, fmt.Errorf("writing somebody's own check-ins: %w", err))
		panic(http.ErrAbortHandler)
	}
}

// serveVisitsJSON gives somebody their own check-ins, and what they have declared, for a program.
func (p *Pages) serveVisitsJSON(c *gin.Context, me uuid.UUID) {
	visits, err := p.visitsOf(c.Request.Context(), me)
	if err != nil {
		p.FailBackTo(c, err, "/me")
		return
	}
	lines := make([]visitLine, len(visits))
	for i, v := range visits {
		lines[i] = p.lineOf(v)
	}
	declared, err := p.Declarations.Own(c.Request.Context(), me)
	if err != nil {
		p.FailBackTo(c, err, "/me")
		return
	}
	text, err := json.MarshalIndent(struct {
		At           string            `json:"at"`
		CheckIns     []visitLine       `json:"check_ins"`
		Declarations []declarationLine `json:"declarations"`
	}{p.Clock().In(p.Location).Format(time.RFC3339), lines, p.declarationLines(declared)}, "", "  ")
	if err != nil {
		p.Fail(c, fmt.Errorf("writing somebody's own check-ins: %w", err))
		return
	}
	c.Header("Content-Disposition", `attachment; filename="truyvet-check-ins.json"`)
	c.Header("Cache-Control", "no-store")
	c.Data(http.StatusOK, "application/json", append(text, '\n'))
}
