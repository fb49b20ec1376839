package webui

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/registry"
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
	Page int // from 1
}

// The values of ?which=: what a run goes out from.
const (
	whichTicked = "ticked"
	whichAll    = "all" // of the filter, on whatever page
)

// readCaseFilter reads the state of the cases. What makes no sense counts as not said.
func readCaseFilter(query url.Values) caseFilter {
	f := caseFilter{Page: 1}
	f.Open = query.Get("open") != ""
	if day, err := tracing.ParseDate(query.Get("day")); err == nil {
		f.Day = day
	}
	if page, err := strconv.Atoi(query.Get("page")); err == nil && page > 1 {
		f.Page = page
	}
	return f
}

// query writes the state as an address has it, leaving out what is the default.
func (f caseFilter) query() string {
	q := url.Values{}
	if f.Open {
		q.Set("open", "1")
	}
	if !f.Day.IsZero() {
		q.Set("day", f.Day.String())
	}
	if f.Page > 1 {
		q.Set("page", strconv.Itoa(f.Page))
	}
	return "?" + q.Encode()
}

// Active says whether any case is left out.
func (f caseFilter) Active() bool { return f.Filter != cases.Filter{} }

// At is the address of another page of the same cases.
func (f caseFilter) At(page int) string { f.Page = page; return f.query() }

// On is the address of the cases of a day, and no other.
func (f caseFilter) On(day tracing.Date) string {
	return caseFilter{Filter: cases.Filter{Day: day}}.query()
}

// OnlyOpen is the address of the open cases of all days.
func (f caseFilter) OnlyOpen() string {
	return caseFilter{Filter: cases.Filter{Open: true}}.query()
}

// Previous is the number of the page before this one.
func (f caseFilter) Previous() int { return f.Page - 1 }

// Next is the number of the page after this one.
func (f caseFilter) Next() int { return f.Page + 1 }

// casesPage lists cases of the actor's area, to be chosen for a run: by ticks, or all of the filter at once.
type casesPage struct {
	Filter   caseFilter
	Cases    []registry.Case // of this page
	Matching int
	Total    int // of the actor's area
	OpenOnes int
	Pages    int
	Days     []caseDay
	Which    string
	Chosen   map[uuid.UUID]bool
	Profiles []tracing.Profile
	Profile  string
	Depth    int
	Problem  *problem
}

// caseDay is a day and how many cases belong to it.
type caseDay struct {
	Day tracing.Date
	N   int
}

// noneChosen is in the address of the cases, as ?refused=, when a run was asked for without one.
const noneChosen = "none"

func (u *UI) showCases(c *gin.Context) {
	query := c.Request.URL.Query()
	page := casesPage{Filter: readCaseFilter(query), Profile: query.Get("profile"), Which: whichTicked}
	if query.Get("refused") == noneChosen {
		p := problemOf(u.texts(c), cases.ErrNoCases)
		page.Problem = &p
	}
	u.answerCases(c, http.StatusOK, page)
}

func (u *UI) answerCases(c *gin.Context, status int, page casesPage) {
	all, err := u.Cases.Cases(c.Request.Context(), actor(c))
	if err != nil {
		u.Fail(c, fmt.Errorf("listing cases: %w", err))
		return
	}
	page.Profiles = tracing.Profiles()
	page.Profile = cmp.Or(page.Profile, tracing.DefaultProfile)
	page.take(all, u.Clock(), u.Location)
	u.show(c, status, "cases", page)
}

// take fills in what the page shows of all the cases that the actor may see.
func (p *casesPage) take(all []registry.Case, now time.Time, location *time.Location) {
	var matching []registry.Case
	byDay := make(map[tracing.Date]int)
	for _, c := range all {
		byDay[cases.DayOf(c, location)]++
		if (cases.Filter{Open: true}).Takes(c, now, location) {
			p.OpenOnes++
		}
		if p.Filter.Takes(c, now, location) {
			matching = append(matching, c)
		}
	}
	p.Total, p.Matching = len(all), len(matching)
	p.Pages = max(1, (len(matching)+casesPerPage-1)/casesPerPage)
	p.Filter.Page = min(p.Filter.Page, p.Pages)
	first := (p.Filter.Page - 1) * casesPerPage
	p.Cases = matching[first:min(first+casesPerPage, len(matching))]
	for day, n := range byDay {
		p.Days = append(p.Days, caseDay{day, n})
	}
	slices.SortFunc(p.Days, func(a, b caseDay) int {
		return cmp.Compare(b.Day.Start(time.UTC), a.Day.Start(time.UTC))
	})
	p.Days = p.Days[:min(len(p.Days), daysOffered)]
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

func (u *UI) makeRun(c *gin.Context) {
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, "/cases")
		return
	}
	order, err := readOrder(form)
	if err == nil && isEmpty(order.Choice) {
		u.refuseEmpty(c, form)
		return
	}
	var run registry.Run
	if err == nil {
		run, err = u.Traces.Run(c.Request.Context(), actor(c), order)
	}
	if err != nil {
		u.refuseRun(c, form, order, err)
		return
	}
	u.seeOther(c, "/runs/"+run.ID.String())
}

// refuseEmpty leads back to the cases, as they were filtered, to say that one has to be chosen.
func (u *UI) refuseEmpty(c *gin.Context, values url.Values) {
	back := url.Values{"refused": {noneChosen}}
	for _, name := range []string{"profile", "open", "day", "page"} {
		if value := values.Get(name); value != "" {
			back.Set(name, value)
		}
	}
	u.seeOther(c, "/cases?"+back.Encode())
}

// refuseRun shows the cases again, with those that were chosen, and what is wrong.
func (u *UI) refuseRun(c *gin.Context, form url.Values, order cases.Order, err error) {
	u.logFault(c, err)
	p := problemOf(u.texts(c), err)
	page := casesPage{
		Filter: readCaseFilter(form), Profile: order.Profile, Depth: order.Depth, Problem: &p,
		Which: whichTicked, Chosen: make(map[uuid.UUID]bool, len(order.IDs)),
	}
	if order.All {
		page.Which = whichAll
	}
	for _, id := range order.IDs {
		page.Chosen[id] = true
	}
	p.tell(c)
	u.answerCases(c, p.Status, page)
}
