package webui

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/vault"
)

// registerDetails adds the pages on which a tracing team approves a run, and opens the details of somebody in its list.
func (u *UI) registerDetails(r gin.IRouter) {
	r.POST("/runs/:id/approve", u.approveRun)
	serve(r, "/runs/:id/approve", func(c *gin.Context) { u.seeOther(c, "/runs/"+c.Param("id")) })
	serve(r, "/runs/:id/people/:person", u.showListed)
	r.POST("/runs/:id/people/:person", u.openDetails)
}

// detailsPage asks what somebody's details are needed for, and then shows them.
type detailsPage struct {
	cases.Listed
	Purpose  vault.Purpose
	Purposes []string
	Opened   bool
	Details  []shownDetail
	Problem  *problem
}

// shownDetail is a detail as it is shown. Its name is the text detail.FIELD.
type shownDetail struct {
	Field vault.Field
	Text  string
	Phone bool
}

// listedParameters returns the run and the person in the path.
func listedParameters(c *gin.Context) (run, person uuid.UUID, err error) {
	if run, err = idParameter(c); err == nil {
		if person, err = uuid.Parse(c.Param("person")); err != nil {
			err = registry.ErrNotFound
		}
	}
	return run, person, err
}

func (u *UI) showListed(c *gin.Context) {
	u.answerListed(c, http.StatusOK, detailsPage{})
}

// answerListed shows the page before anything is opened.
func (u *UI) answerListed(c *gin.Context, status int, page detailsPage) {
	run, person, err := listedParameters(c)
	if err == nil {
		page.Listed, err = u.Traces.Listed(c.Request.Context(), actor(c), run, person)
	}
	if err != nil {
		u.Fail(c, fmt.Errorf("finding somebody in a list: %w", err))
		return
	}
	page.Purposes = vault.Purposes()
	u.show(c, status, "details", page)
}

// openDetails shows the details in the answer itself: they are at no address that a browser would remember.
func (u *UI) openDetails(c *gin.Context) {
	form, err := formOf(c)
	if err != nil {
		u.Fail(c, err)
		return
	}
	run, person, err := listedParameters(c)
	if err != nil {
		u.Fail(c, err)
		return
	}
	page := detailsPage{Opened: true, Purpose: vault.Purpose{Code: form.Get("purpose"), Text: form.Get("text")}}
	var details vault.Details
	page.Listed, details, err = u.Traces.OpenDetails(c.Request.Context(), actor(c), run, person, page.Purpose)
	if err != nil {
		u.logFault(c, err)
		p := problemOf(u.texts(c), err)
		p.tell(c)
		u.answerListed(c, p.Status, detailsPage{Purpose: page.Purpose, Problem: &p})
		return
	}
	for _, field := range vault.Fields() {
		text := details[field]
		if text == "" {
			continue
		}
		if name := u.Map.AreaName(text); field == vault.Ward && name != "" {
			text = name
		}
		page.Details = append(page.Details, shownDetail{field, text, field == vault.Phone})
	}
	u.show(c, http.StatusOK, "details", page)
}

func (u *UI) approveRun(c *gin.Context) {
	id, err := idParameter(c)
	if err == nil {
		err = u.Traces.Approve(c.Request.Context(), actor(c), id)
	}
	if err != nil {
		u.failBackTo(c, err, "/runs/"+c.Param("id"))
		return
	}
	u.seeOther(c, "/runs/"+id.String())
}
