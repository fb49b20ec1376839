package webui

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/registry"
)

const (
	organisationsPath    = "/organisations"
	organisationsPerPage = 100
)

// registerOrganisations adds the pages on which organisations are listed and renamed.
func (u *UI) registerOrganisations(r gin.IRouter) {
	serve(r, "", u.showOrganisations)
	serve(r, "/:id", u.showOrganisation)
	r.POST("/:id", u.renameOrganisation)
}

// organisationsPage is a part of the organisations.
type organisationsPage struct {
	Organisations []registry.Organisation
	Turner        turner
}

func (u *UI) showOrganisations(c *gin.Context) {
	query := c.Request.URL.Query()
	part, err := u.Accounts.Organisations(c.Request.Context(), actor(c), cursorOf(query, organisationsPerPage))
	if err != nil {
		u.failBackTo(c, err, organisationsPath)
		return
	}
	u.show(c, http.StatusOK, "organisations", organisationsPage{part.Records, turnerOf(part, organisationID, query)})
}

// organisationPage is the form for the name of an organisation, as it was typed.
type organisationPage struct {
	registry.Organisation
	Typed   string
	Problem *problem
}

func (u *UI) showOrganisation(c *gin.Context) {
	o, ok := u.organisationOf(c)
	if !ok {
		return
	}
	u.show(c, http.StatusOK, "organisation", organisationPage{Organisation: o, Typed: o.Name})
}

// organisationOf reads the organisation in the path. On false the refusal has been answered.
func (u *UI) organisationOf(c *gin.Context) (o registry.Organisation, ok bool) {
	id, err := idParameter(c)
	if err == nil {
		o, err = u.Accounts.Organisation(c.Request.Context(), actor(c), id)
	}
	if err != nil {
		u.failBackTo(c, err, organisationsPath)
		return o, false
	}
	return o, true
}

// renameOrganisation takes the new name. After a refusal the form has what was typed, and stands on what is stored now, whose name
// it shows: sent again it is meant.
func (u *UI) renameOrganisation(c *gin.Context) {
	o, ok := u.organisationOf(c)
	if !ok {
		return
	}
	form, err := formOf(c)
	if err != nil {
		u.failBackTo(c, err, organisationsPath+"/"+o.ID.String())
		return
	}
	wanted := o
	wanted.Name = form.Get("name")
	if wanted.Revision, err = strconv.ParseInt(form.Get("revision"), 10, 64); err != nil {
		err = registry.ErrChanged.Because(err)
	} else {
		err = u.Accounts.Rename(c.Request.Context(), actor(c), wanted)
	}
	if err != nil {
		u.logFault(c, err)
		p := problemOf(u.texts(c), err)
		p.tell(c)
		u.show(c, p.Status, "organisation", organisationPage{o, wanted.Name, &p})
		return
	}
	u.seeOther(c, organisationsPath)
}
