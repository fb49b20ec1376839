package webui

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/tracing"
)

func (u *UI) registerTracing(r gin.IRouter) {
	serve(r, "/cases", u.showCases)
	serve(r, "/cases/new", u.showIntake)
	r.POST("/cases/new", u.recordCase)
	serve(r, "/cases/:id", u.showCase)
	serve(r, "/runs", u.showRuns)
	r.POST("/runs", u.makeRun)
	serve(r, "/runs/:id", u.showRun)
	serve(r, "/runs/:id/list.csv", u.serveList)
}

// casesPage lists the cases of the actor's area, each to be chosen for a run.
type casesPage struct {
	Cases    []registry.Case
	Chosen   map[uuid.UUID]bool
	Profiles []tracing.Profile
	Profile  string
	Problem  *problem
}

// noneChosen is in the address of the cases, as ?refused=, when a run was asked for without one.
const noneChosen = "none"

func (u *UI) showCases(c *gin.Context) {
	page := casesPage{Profile: cmp.Or(c.Query("profile"), tracing.DefaultProfile)}
	if c.Query("refused") == noneChosen {
		p := problemOf(u.texts(c), cases.ErrNoCases)
		page.Problem = &p
	}
	u.answerCases(c, http.StatusOK, page)
}

func (u *UI) answerCases(c *gin.Context, status int, page casesPage) {
	var err error
	if page.Cases, err = u.Cases.Cases(c.Request.Context(), actor(c)); err != nil {
		u.Fail(c, fmt.Errorf("listing cases: %w", err))
		return
	}
	page.Profiles = tracing.Profiles()
	u.show(c, status, "cases", page)
}

// intakePage is the form for a case.
type intakePage struct {
	cases.Intake
	Today   string // the last day that may be typed, 2006-01-02
	Problem *problem
}

func (u *UI) showIntake(c *gin.Context) { u.answerIntake(c, http.StatusOK, intakePage{}) }

func (u *UI) answerIntake(c *gin.Context, status int, page intakePage) {
	page.Today = u.reader.date(u.Clock().Unix()).String()
	u.show(c, status, "intake", page)
}

func (u *UI) recordCase(c *gin.Context) {
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, "/cases/new")
		return
	}
	in := cases.Intake{
		Phone: form.Get("phone"), IDCard: form.Get("id_card"), Onset: form.Get("onset"), Sample: form.Get("sample"),
		Isolated: form.Get("isolated"), LabRef: form.Get("lab_ref"),
	}
	recorded, err := u.Cases.Record(c.Request.Context(), actor(c), in)
	if err != nil {
		u.logFault(c, err)
		p := problemOf(u.texts(c), err)
		u.answerIntake(c, p.Status, intakePage{Intake: in, Problem: &p})
		return
	}
	u.seeOther(c, "/cases/"+recorded.ID.String())
}

// casePage is one case with the runs that it was traced in.
type casePage struct {
	registry.Case
	Runs     []registry.Run
	Profiles []tracing.Profile
	Profile  string
}

func (u *UI) showCase(c *gin.Context) {
	ctx := c.Request.Context()
	id, err := idParameter(c)
	if err != nil {
		u.Fail(c, err)
		return
	}
	page := casePage{Profiles: tracing.Profiles(), Profile: tracing.DefaultProfile}
	if page.Case, err = u.Cases.Case(ctx, actor(c), id); err != nil {
		u.Fail(c, fmt.Errorf("reading a case: %w", err))
		return
	}
	runs, err := u.Traces.Runs(ctx, actor(c))
	if err != nil {
		u.Fail(c, fmt.Errorf("listing runs: %w", err))
		return
	}
	for _, run := range runs {
		if slices.Contains(run.Cases, id) {
			page.Runs = append(page.Runs, run)
		}
	}
	u.show(c, http.StatusOK, "case", page)
}

func (u *UI) showRuns(c *gin.Context) {
	runs, err := u.Traces.Runs(c.Request.Context(), actor(c))
	if err != nil {
		u.Fail(c, fmt.Errorf("listing runs: %w", err))
		return
	}
	u.show(c, http.StatusOK, "runs", runs)
}

func (u *UI) makeRun(c *gin.Context) {
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, "/cases")
		return
	}
	chosen, err := chosenCases(form)
	if err == nil && len(chosen) == 0 {
		u.seeOther(c, "/cases?"+url.Values{"refused": {noneChosen}, "profile": {form.Get("profile")}}.Encode())
		return
	}
	var run registry.Run
	if err == nil {
		run, err = u.Traces.Run(c.Request.Context(), actor(c), chosen, form.Get("profile"))
	}
	if err != nil {
		u.refuseRun(c, chosen, form.Get("profile"), err)
		return
	}
	u.seeOther(c, "/runs/"+run.ID.String())
}

// chosenCases reads which cases were chosen, each once.
func chosenCases(form url.Values) ([]uuid.UUID, error) {
	var chosen []uuid.UUID
	for _, text := range form["case"] {
		id, err := uuid.Parse(text)
		if err != nil {
			return nil, registry.ErrNotFound
		}
		if !slices.Contains(chosen, id) {
			chosen = append(chosen, id)
		}
	}
	return chosen, nil
}

// refuseRun shows the cases again, with those that were chosen, and what is wrong.
func (u *UI) refuseRun(c *gin.Context, chosen []uuid.UUID, profile string, err error) {
	u.logFault(c, err)
	p := problemOf(u.texts(c), err)
	page := casesPage{Profile: profile, Problem: &p, Chosen: make(map[uuid.UUID]bool, len(chosen))}
	for _, id := range chosen {
		page.Chosen[id] = true
	}
	p.tell(c)
	u.answerCases(c, p.Status, page)
}
