package desk

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/tracing"
)

const (
	// casesPerPage keeps the page of the cases quick on the worst day, when thousands are recorded.
	casesPerPage = 100
	// daysOffered is how many days are offered as links, the latest on which there are cases.
	daysOffered = 7
)

// caseFilter is the state of the page of the cases, kept in its address.
type caseFilter struct {
	cases.Filter
	At registry.Cursor
}

// The values of ?which=: what a run goes out from.
const (
	whichTicked = "ticked"
	whichAll    = "all" // of the filter, on whatever page
)

// readCaseFilter reads the state of the cases. What makes no sense counts as not said.
func readCaseFilter(query url.Values) caseFilter {
	f := caseFilter{At: page.CursorOf(query, casesPerPage)}
	f.Open = query.Get("open") != ""
	if day, err := tracing.ParseDate(query.Get("day")); err == nil {
		f.Day = day
	}
	return f
}

// values writes which cases are meant as an address has it, leaving out what is the default.
func (f caseFilter) values() url.Values {
	q := url.Values{}
	if f.Open {
		q.Set("open", "1")
	}
	if !f.Day.IsZero() {
		q.Set("day", f.Day.String())
	}
	return q
}

// Active says whether any case is left out.
func (f caseFilter) Active() bool { return f.Filter != cases.Filter{} }

// On is the address of the cases of a day, and no other.
func (f caseFilter) On(day tracing.Date) string {
	return "?" + caseFilter{Filter: cases.Filter{Day: day}}.values().Encode()
}

// OnlyOpen is the address of the open cases of all days.
func (f caseFilter) OnlyOpen() string {
	return "?" + caseFilter{Filter: cases.Filter{Open: true}}.values().Encode()
}

// casesPage lists cases of the actor's area, to be chosen for a run: by ticks, or all of the filter at once.
type casesPage struct {
	Filter      caseFilter
	Cases       []registry.Case // of this page
	Turner      page.Turner
	Matching    int
	cases.Tally // of the actor's area
	Which       string
	Chosen      map[uuid.UUID]bool
	Profiles    []tracing.Profile
	Profile     string
	Depth       int
	Problem     *page.Problem
}

// noneChosen is in the address of the cases, as ?refused=, when a run was asked for without one.
const noneChosen = "none"

func (p *Pages) showCases(c *gin.Context) {
	query := c.Request.URL.Query()
	body := casesPage{Filter: readCaseFilter(query), Profile: query.Get("profile"), Which: whichTicked}
	if query.Get("refused") == noneChosen {
		told := page.ProblemOf(p.Texts(c), cases.ErrNoCases)
		body.Problem = &told
	}
	p.answerCases(c, http.StatusOK, body)
}

func (p *Pages) answerCases(c *gin.Context, status int, body casesPage) {
	if err := p.fillCases(c, &body); err != nil {
		p.Fail(c, err)
		return
	}
	body.Profiles = tracing.Profiles()
	body.Profile = cmp.Or(body.Profile, tracing.DefaultProfile)
	p.Show(c, status, "cases", body)
}

// fillCases fills in what the page shows of the cases that the actor may see.
func (p *Pages) fillCases(c *gin.Context, body *casesPage) (err error) {
	ctx, by := c.Request.Context(), page.Actor(c)
	if body.Tally, err = p.Cases.Tally(ctx, by); err != nil {
		return err
	}
	body.Days = body.Days[:min(len(body.Days), daysOffered)]
	body.Matching = body.All
	if body.Filter.Active() {
		if body.Matching, err = p.Cases.Count(ctx, by, body.Filter.Filter); err != nil {
			return err
		}
	}
	part, err := p.Cases.Cases(ctx, by, body.Filter.Filter, body.Filter.At)
	if err != nil {
		return err
	}
	body.Cases, body.Turner = part.Records, page.TurnerOf(part, caseID, body.Filter.values())
	return nil
}

// readChoice reads which cases were chosen, from a form or an address.
func readChoice(values url.Values) (cases.Choice, error) {
	if values.Get("which") == whichAll {
		choice := cases.Choice{All: true}
		choice.Open = values.Get("open") != ""
		if text := values.Get("day"); text != "" {
			var err error
			if choice.Day, err = tracing.ParseDate(text); err != nil {
				return choice, cases.ErrDay
			}
		}
		return choice, nil
	}
	var choice cases.Choice
	for _, text := range values["case"] {
		id, err := uuid.Parse(text)
		if err != nil {
			return choice, registry.ErrNotFound
		}
		choice.IDs = append(choice.IDs, id)
	}
	return choice, nil
}

// isEmpty says whether a choice was asked for without a case.
func isEmpty(choice cases.Choice) bool { return !choice.All && len(choice.IDs) == 0 }

// readOrder reads what a run is asked for.
func readOrder(form url.Values) (cases.Order, error) {
	choice, err := readChoice(form)
	order := cases.Order{Choice: choice, Profile: form.Get("profile")}
	if text := form.Get("depth"); err == nil && text != "" {
		if order.Depth, err = strconv.Atoi(text); err != nil || order.Depth < 1 {
			return order, cases.ErrDepth
		}
	}
	return order, err
}

func (p *Pages) makeRun(c *gin.Context) {
	form, err := page.FormOf(c)
	if err != nil {
		p.FailBackTo(c, err, "/cases")
		return
	}
	order, err := readOrder(form)
	if err == nil && isEmpty(order.Choice) {
		p.refuseEmpty(c, form)
		return
	}
	var run registry.Run
	if err == nil {
		run, err = p.Traces.Run(c.Request.Context(), page.Actor(c), order)
	}
	if err != nil {
		p.refuseRun(c, form, order, err)
		return
	}
	p.SeeOther(c, "/runs/"+run.ID.String())
}

// refuseEmpty leads back to the cases, as they were filtered, to say that one has to be chosen.
func (p *Pages) refuseEmpty(c *gin.Context, values url.Values) {
	back := url.Values{"refused": {noneChosen}}
	for _, name := range []string{"profile", "open", "day", page.AfterParameter, page.BeforeParameter} {
		if value := values.Get(name); value != "" {
			back.Set(name, value)
		}
	}
	p.SeeOther(c, "/cases?"+back.Encode())
}

// refuseRun shows the cases again, with those that were chosen, and what is wrong.
func (p *Pages) refuseRun(c *gin.Context, form url.Values, order cases.Order, err error) {
	p.LogFault(c, err)
	told := page.ProblemOf(p.Texts(c), err)
	body := casesPage{
		Filter: readCaseFilter(form), Profile: order.Profile, Depth: order.Depth, Problem: &told,
		Which: whichTicked, Chosen: make(map[uuid.UUID]bool, len(order.IDs)),
	}
	if order.All {
		body.Which = whichAll
	}
	for _, id := range order.IDs {
		body.Chosen[id] = true
	}
	told.Tell(c)
	p.answerCases(c, told.Status, body)
}
