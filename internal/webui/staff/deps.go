package staff

import (
	"context"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
)

// Deps is what these pages are made from. Every field but Demo is needed.
type Deps struct {
	Accounts *account.Service
	Places   Places
	Map      Map
	Records  Records
	// Enrol makes the browser of a request the device that an invitation is for, and answers.
	Enrol func(c *gin.Context, token string)
	// Demo, where it is set, is what the home page shows of made-up data, and lets anybody in.
	Demo *Demo
}

// Places lists an organisation's places.
type Places interface {
	Tree(actor registry.Account) []registry.Place
}

// Map knows the names of places, and which area lies in which, without a query.
type Map interface {
	Name(id uuid.UUID) (places.Name, bool)
	Within(area, root string) bool
}

// Records lists the organisations.
type Records interface {
	Organisations(ctx context.Context) ([]registry.Organisation, error)
}
