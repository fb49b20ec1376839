package webui

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

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
	serve(r, "/runs/:id/cases", u.showRunCases)
	serve(r, "/runs/:id/list.csv", u.serveList)
	serve(r, "/dry-run", u.showDryRun)
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
