package webui

import (
	"fmt"
	"net/http"

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
		p.tell(c)
		u.answerIntake(c, p.Status, intakePage{Intake: in, Problem: &p})
		return
	}
	u.seeOther(c, "/cases/"+recorded.ID.String())
}

// casePage is one case with the runs that it was traced in.
type casePage struct {
	registry.Case
	runsPart
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
	if page.runsPart, err = u.runsPart(c, id); err != nil {
		u.Fail(c, err)
		return
	}
	u.show(c, http.StatusOK, "case", page)
}

// runsPerPage is how many runs a page lists.
const runsPerPage = 100

// runsPart is a part of the list of runs.
type runsPart struct {
	Runs   []registry.Run
	Turner turner
}

// runsPart reads the part of the runs that an address asks for: of a case's, or where of is uuid.Nil of all.
func (u *UI) runsPart(c *gin.Context, of uuid.UUID) (runsPart, error) {
	query := c.Request.URL.Query()
	part, err := u.Traces.Runs(c.Request.Context(), actor(c), of, cursorOf(query, runsPerPage))
	return runsPart{part.Records, turnerOf(part, runID, query)}, err
}

func (u *UI) showRuns(c *gin.Context) {
	page, err := u.runsPart(c, uuid.Nil)
	if err != nil {
		u.Fail(c, err)
		return
	}
	u.show(c, http.StatusOK, "runs", page)
}
