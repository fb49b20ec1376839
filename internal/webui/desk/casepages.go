package desk

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/tracing"
)

func (p *Pages) registerTracing(r gin.IRouter) {
	page.Serve(r, "/cases", p.showCases)
	page.Serve(r, "/cases/new", p.showIntake)
	r.POST("/cases/new", p.recordCase)
	page.Serve(r, "/cases/:id", p.showCase)
	page.Serve(r, "/runs", p.showRuns)
	r.POST("/runs", p.makeRun)
	page.Serve(r, "/runs/:id", p.showRun)
	page.Serve(r, "/runs/:id/cases", p.showRunCases)
	page.Serve(r, "/runs/:id/list.csv", p.serveList)
	page.Serve(r, "/dry-run", p.showDryRun)
}

// intakePage is the form for a case.
type intakePage struct {
	cases.Intake
	Today   string // the last day that may be typed, 2006-01-02
	Problem *page.Problem
}

func (p *Pages) showIntake(c *gin.Context) { p.answerIntake(c, http.StatusOK, intakePage{}) }

func (p *Pages) answerIntake(c *gin.Context, status int, body intakePage) {
	body.Today = p.Reader.Date(p.Clock().Unix()).String()
	p.Show(c, status, "intake", body)
}

func (p *Pages) recordCase(c *gin.Context) {
	form, err := page.FormOf(c)
	if err != nil {
		p.FailBackTo(c, err, "/cases/new")
		return
	}
	in := cases.Intake{
		Phone: form.Get("phone"), IDCard: form.Get("id_card"), Onset: form.Get("onset"), Sample: form.Get("sample"),
		Isolated: form.Get("isolated"), LabRef: form.Get("lab_ref"),
	}
	recorded, err := p.Cases.Record(c.Request.Context(), page.Actor(c), in)
	if err != nil {
		p.LogFault(c, err)
		told := page.ProblemOf(p.Texts(c), err)
		told.Tell(c)
		p.answerIntake(c, told.Status, intakePage{Intake: in, Problem: &told})
		return
	}
	p.SeeOther(c, "/cases/"+recorded.ID.String())
}

// casePage is one case with the runs that it was traced in.
type casePage struct {
	registry.Case
	runsPart
	Profiles []tracing.Profile
	Profile  string
}

func (p *Pages) showCase(c *gin.Context) {
	ctx := c.Request.Context()
	id, err := page.IDParameter(c)
	if err != nil {
		p.Fail(c, err)
		return
	}
	body := casePage{Profiles: tracing.Profiles(), Profile: tracing.DefaultProfile}
	if body.Case, err = p.Cases.Case(ctx, page.Actor(c), id); err != nil {
		p.Fail(c, fmt.Errorf("reading a case: %w", err))
		return
	}
	if body.runsPart, err = p.runsPart(c, id); err != nil {
		p.Fail(c, err)
		return
	}
	p.Show(c, http.StatusOK, "case", body)
}

// runsPerPage is how many runs a page lists.
const runsPerPage = 100

// runsPart is a part of the list of runs.
type runsPart struct {
	Runs   []registry.Run
	Turner page.Turner
}

// runsPart reads the part of the runs that an address asks for: of a case's, or where of is uuid.Nil of all.
func (p *Pages) runsPart(c *gin.Context, of uuid.UUID) (runsPart, error) {
	query := c.Request.URL.Query()
	part, err := p.Traces.Runs(c.Request.Context(), page.Actor(c), of, page.CursorOf(query, runsPerPage))
	return runsPart{part.Records, page.TurnerOf(part, runID, query)}, err
}

func (p *Pages) showRuns(c *gin.Context) {
	body, err := p.runsPart(c, uuid.Nil)
	if err != nil {
		p.Fail(c, err)
		return
	}
	p.Show(c, http.StatusOK, "runs", body)
}

// What records of lists are named by.
func caseID(c registry.Case) uuid.UUID { return c.ID }
