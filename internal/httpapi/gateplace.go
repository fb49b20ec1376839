package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/turnout"
)

// GatePlaces is what is known of places, without a query. Its errors are those of places.Service.
type GatePlaces interface {
	Name(place uuid.UUID) (places.Name, bool)
	Part(site uuid.UUID, text string) (token string, place uuid.UUID, err error)
}

// Turnout estimates how many people are at a place now; with whole those in its parts too. Its errors are those of turnout.Service.
type Turnout interface {
	Present(ctx context.Context, place uuid.UUID, whole bool) (turnout.Present, error)
}

// inside returns the token of the code of a place that is the gate's or inside it, and the place; an error where the code is not good
// at an instant. Ask it before anything is kept of whoever came.
func (a *API) inside(gate uuid.UUID, text string, at time.Time) (token string, place uuid.UUID, err error) {
	token, place, err = a.places.Part(gate, text)
	if errors.Is(err, places.ErrOutside) {
		return "", uuid.Nil, err
	}
	if err == nil {
		_, err = a.ingest.Verify(token, at)
	}
	if err != nil {
		return "", uuid.Nil, ingest.CodeError(err)
	}
	return token, place, nil
}

// postGatePlace says what a gate's page has to show of where it scans: the gate's own place, or the one inside it whose code is sent.
func (a *API) postGatePlace(c *gin.Context) error {
	gate, err := a.gateOrSession(c)
	if err != nil {
		return err
	}
	if err := a.paceGate(gate.ID, 1); err != nil {
		return err
	}
	var body struct {
		Token string `json:"token"`
	}
	if err := readJSON(c.Writer, c.Request, &body); err != nil {
		return err
	}
	place := gate.Place
	if body.Token != "" {
		if _, place, err = a.inside(gate.Place, body.Token, a.clock()); err != nil {
			return err
		}
	}
	name, known := a.places.Name(place)
	if !known {
		return registry.ErrNotFound
	}
	present, err := a.turnout.Present(c.Request.Context(), place, name.Site == "")
	if err != nil {
		return fmt.Errorf("estimating how many are inside: %w", err)
	}
	c.JSON(http.StatusOK, gin.H{
		"place": place, "name": name.Name, "site": name.Site, "kind": name.Kind.String(),
		"people": present.People, "few": present.Few, "as_of": present.AsOf,
	})
	return nil
}
