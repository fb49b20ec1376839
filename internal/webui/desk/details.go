package desk

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/declaration"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/vault"
	"github.com/truyvet/truyvet/internal/webui/page"
)

// registerDetails adds the pages on which a tracing team approves a run, and opens the details of somebody in its list.
func (p *Pages) registerDetails(r gin.IRouter) {
	r.POST("/runs/:id/approve", p.approveRun)
	page.Serve(r, "/runs/:id/approve", func(c *gin.Context) { p.SeeOther(c, "/runs/"+c.Param("id")) })
	page.Serve(r, "/runs/:id/people/:person", p.showListed)
	r.POST("/runs/:id/people/:person", p.openDetails)
}

// detailsPage asks what somebody's details are needed for, and then shows them.
type detailsPage struct {
	cases.Listed
	Purpose  vault.Purpose
	Purposes []string
	Opened   bool
	Details  []shownDetail
	Declared []declaration.Filled
	Problem  *page.Problem
}

// shownDetail is a detail as it is shown. Its name is the text detail.FIELD.
type shownDetail struct {
	Field vault.Field
	Text  string
	Phone bool
}

// listedParameters returns the run and the person in the path.
func listedParameters(c *gin.Context) (run, person uuid.UUID, err error) {
	if run, err = page.IDParameter(c); err == nil {
		if person, err = uuid.Parse(c.Param("person")); err != nil {
			err = registry.ErrNotFound
		}
	}
	return run, person, err
}

func (p *Pages) showListed(c *gin.Context) {
	p.answerListed(c, http.StatusOK, detailsPage{})
}

// answerListed shows the page before anything is opened.
func (p *Pages) answerListed(c *gin.Context, status int, body detailsPage) {
	run, person, err := listedParameters(c)
	if err == nil {
		body.Listed, err = p.Traces.Listed(c.Request.Context(), page.Actor(c), run, person)
	}
	if err != nil {
		p.Fail(c, fmt.Errorf("finding somebody in a list: %w", err))
		return
	}
	body.Purposes = vault.Purposes()
	p.Show(c, status, "details", body)
}

// openDetails shows the details in the answer itself: they are at no address that a browser would remember.
func (p *Pages) openDetails(c *gin.Context) {
	form, err := page.FormOf(c)
	if err != nil {
		p.Fail(c, err)
		return
	}
	run, person, err := listedParameters(c)
	if err != nil {
		p.Fail(c, err)
		return
	}
	body := detailsPage{Opened: true, Purpose: vault.Purpose{Code: form.Get("purpose"), Text: form.Get("text")}}
	var details vault.Details
	body.Listed, details, err = p.Traces.OpenDetails(c.Request.Context(), page.Actor(c), run, person, body.Purpose)
	if err != nil {
		p.LogFault(c, err)
		told := page.ProblemOf(p.Texts(c), err)
		told.Tell(c)
		p.answerListed(c, told.Status, detailsPage{Purpose: body.Purpose, Problem: &told})
		return
	}
	for _, field := range vault.Fields() {
		text := details[field]
		if text == "" {
			continue
		}
		if name := p.Areas.AreaName(text); field == vault.Ward && name != "" {
			text = name
		}
		body.Details = append(body.Details, shownDetail{field, text, field == vault.Phone})
	}
	if body.Declared, err = p.Declarations.Read(c.Request.Context(), details); err != nil {
		p.Fail(c, fmt.Errorf("reading what somebody declared: %w", err))
		return
	}
	p.Show(c, http.StatusOK, "details", body)
}

func (p *Pages) approveRun(c *gin.Context) {
	id, err := page.IDParameter(c)
	if err == nil {
		err = p.Traces.Approve(c.Request.Context(), page.Actor(c), id)
	}
	if err != nil {
		p.FailBackTo(c, err, "/runs/"+c.Param("id"))
		return
	}
	p.SeeOther(c, "/runs/"+id.String())
}
