package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

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

// inside returns the token of the code of a place that is the gate's or inside it. Whether the code is good is for ingest to say.
func (a *API) inside(gate uuid.UUID, text string) (string, error) {
	token, _, err := a.places.Part(gate, text)
	if err != nil && !errors.Is(err, places.ErrOutside) {
		err = ingest.CodeError(err)
	}
	return token, err
}

// postGatePlace says what a gate's page has to show of where it scans: the gate's own place, or the one inside it whose code is sent.
func (a *API) postGatePlace(c *gin.Context) error {
	gate, err := a.gateOrSession(c)
	if err != nil {
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
		text, err := a.inside(gate.Place, body.Token)
		if err != nil {
			return err
		}
		token, err := a.ingest.Verify(text, a.clock())
		if err != nil {
			return ingest.CodeError(err)
		}
		place = token.Place
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
