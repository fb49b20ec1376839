package staff

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/webui/page"
)

const (
	organisationsPath    = "/organisations"
	organisationsPerPage = 100
)

// registerOrganisations adds the pages on which organisations are listed and renamed.
func (p *Pages) registerOrganisations(r gin.IRouter) {
	page.Serve(r, "", p.showOrganisations)
	page.Serve(r, "/:id", p.showOrganisation)
	r.POST("/:id", p.renameOrganisation)
}

// organisationsPage is a part of the organisations.
type organisationsPage struct {
	Organisations []registry.Organisation
	Turner        page.Turner
}

func (p *Pages) showOrganisations(c *gin.Context) {
	query := c.Request.URL.Query()
	part, err := p.Accounts.Organisations(c.Request.Context(), page.Actor(c), page.CursorOf(query, organisationsPerPage))
	if err != nil {
		p.FailBackTo(c, err, organisationsPath)
		return
	}
	p.Show(c, http.StatusOK, "organisations", organisationsPage{part.Records, page.TurnerOf(part, organisationID, query)})
}

// organisationPage is the form for the name of an organisation, as it was typed.
type organisationPage struct {
	registry.Organisation
	Typed   string
	Problem *page.Problem
}

func (p *Pages) showOrganisation(c *gin.Context) {
	o, ok := p.organisationOf(c)
	if !ok {
		return
	}
	p.Show(c, http.StatusOK, "organisation", organisationPage{Organisation: o, Typed: o.Name})
}

// organisationOf reads the organisation in the path. On false the refusal has been answered.
func (p *Pages) organisationOf(c *gin.Context) (o registry.Organisation, ok bool) {
	id, err := page.IDParameter(c)
	if err == nil {
		o, err = p.Accounts.Organisation(c.Request.Context(), page.Actor(c), id)
	}
	if err != nil {
		p.FailBackTo(c, err, organisationsPath)
		return o, false
	}
	return o, true
}

// renameOrganisation takes the new name. After a refusal the form has what was typed, and stands on what is stored now, whose name
// it shows: sent again it is meant.
func (p *Pages) renameOrganisation(c *gin.Context) {
	o, ok := p.organisationOf(c)
	if !ok {
		return
	}
	form, err := page.FormOf(c)
	if err != nil {
		p.FailBackTo(c, err, organisationsPath+"/"+o.ID.String())
		return
	}
	wanted := o
	wanted.Name = form.Get("name")
	if wanted.Revision, err = strconv.ParseInt(form.Get("revision"), 10, 64); err != nil {
		err = registry.ErrChanged.Because(err)
	} else {
		err = p.Accounts.Rename(c.Request.Context(), page.Actor(c), wanted)
	}
	if err != nil {
		p.LogFault(c, err)
		told := page.ProblemOf(p.Texts(c), err)
		told.Tell(c)
		p.Show(c, told.Status, "organisation", organisationPage{o, wanted.Name, &told})
		return
	}
	p.SeeOther(c, organisationsPath)
}

func organisationID(o registry.Organisation) uuid.UUID { return o.ID }
