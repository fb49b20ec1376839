package httpapi

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/registry"
)

// Directory lists accounts and organisations. Its errors are those of account.Service.
type Directory interface {
	Visible(ctx context.Context, actor registry.Account, at registry.Cursor) (registry.Part[registry.Account], error)
	Organisations(ctx context.Context, actor registry.Account, at registry.Cursor) (registry.Part[registry.Organisation], error)
}

// registerDirectory adds the routes of those who keep accounts.
func (a *API) registerDirectory(r gin.IRouter) {
	r.GET("/api/v1/accounts", a.as(account.ActManageAccounts, a.getAccounts))
	r.GET("/api/v1/organisations", a.as(account.ActManageOrganisations, a.getOrganisations))
}

// wireAccount is an account as it is listed.
type wireAccount struct {
	ID           uuid.UUID     `json:"id"`
	Login        string        `json:"login"`
	Role         registry.Role `json:"role"`
	Organisation *uuid.UUID    `json:"organisation"`
	Place        *uuid.UUID    `json:"place"`
	Area         string        `json:"area"`
	SecondFactor bool          `json:"second_factor"`
	Created      int64         `json:"created"`
	Disabled     bool          `json:"disabled"`
}

func wireAccountOf(a registry.Account) wireAccount {
	w := wireAccount{ID: a.ID, Login: a.Login, Role: a.Role, Area: a.Area, SecondFactor: a.SecondFactor, Created: a.Created, Disabled: a.Disabled}
	if a.Organisation != uuid.Nil {
		w.Organisation = &a.Organisation
	}
	if a.Place != uuid.Nil {
		w.Place = &a.Place
	}
	return w
}

// getAccounts lists the accounts within the actor's reach, in the order of the logins.
func (a *API) getAccounts(c *gin.Context, actor registry.Account) error {
	at, err := readCursor(c)
	if err != nil {
		return err
	}
	part, err := a.directory.Visible(c.Request.Context(), actor, at)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, partOf("accounts", part, wireAccountOf, func(a registry.Account) uuid.UUID { return a.ID }))
	return nil
}

// wireOrganisation is an organisation as it is listed.
type wireOrganisation struct {
	ID       uuid.UUID `json:"id"`
	Name     string    `json:"name"`
	Created  int64     `json:"created"`
	Revision int64     `json:"revision"`
}

// getOrganisations lists the organisations, in the order of the names.
func (a *API) getOrganisations(c *gin.Context, actor registry.Account) error {
	at, err := readCursor(c)
	if err != nil {
		return err
	}
	part, err := a.directory.Organisations(c.Request.Context(), actor, at)
	if err != nil {
		return err
	}
	wire := func(o registry.Organisation) wireOrganisation { return wireOrganisation(o) }
	c.JSON(http.StatusOK, partOf("organisations", part, wire, func(o registry.Organisation) uuid.UUID { return o.ID }))
	return nil
}
