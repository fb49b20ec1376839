package door

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/turnout"
	"github.com/truyvet/truyvet/internal/webui/page"
)

// aboardWait is how long the page waits to know how many are aboard.
const aboardWait = time.Second

// tripPart is what the gate's page of a vehicle says of its trips.
type tripPart struct {
	Trip     registry.Trip // that is under way
	UnderWay bool
	Aboard   *turnout.Aboard // nil where it cannot be told soon
	Routes   []string        // that it ran of late
	Next     uuid.UUID       // the id of the trip that is begun next: a double tap is one trip
	Known    string          // the trip, the routes and as of when that is, as JSON, for the script that goes on without a network
}

// Copy is what the script copies to show a trip, or none and a route.
func (tripPart) Copy() tripPart { return tripPart{Routes: []string{""}} }

// knownTrips is what the script takes over.
type knownTrips struct {
	Trip   *knownTrip `json:"trip"`
	Routes []string   `json:"routes"`
	At     int64      `json:"at"`
}

type knownTrip struct {
	ID    uuid.UUID `json:"id"`
	Route string    `json:"route"`
	Began int64     `json:"began"`
}

func (p *Pages) registerTrip(r gin.IRouter) {
	r.POST("/begin", p.beginTrip)
	r.POST("/end", p.endTrip)
	for _, form := range []string{"/begin", "/end"} {
		page.Serve(r, form, func(c *gin.Context) { p.SeeOther(c, "/gate") })
	}
}

// tripPart returns what the page says of the trips of a place, nil where that is no vehicle.
func (p *Pages) tripPart(ctx context.Context, place uuid.UUID) (*tripPart, error) {
	if !p.Trips.IsVehicle(place) {
		return nil, nil //nolint:nilnil // there is nothing to say
	}
	board, err := p.Trips.Board(ctx, place)
	if err != nil {
		return nil, fmt.Errorf("reading the trips of a vehicle: %w", err)
	}
	part := &tripPart{Trip: board.Trip, UnderWay: board.UnderWay(), Routes: board.Routes, Next: uuid.New()}
	known := knownTrips{Routes: append([]string{}, board.Routes...), At: p.Clock().Unix()}
	if part.UnderWay {
		known.Trip = &knownTrip{board.Trip.ID, board.Trip.Route, board.Trip.Began}
	}
	text, err := json.Marshal(known)
	if err != nil {
		return nil, fmt.Errorf("writing what is known of the trips: %w", err)
	}
	if part.Known = string(text); !part.UnderWay {
		return part, nil
	}
	ctx, cancel := context.WithTimeout(ctx, aboardWait)
	defer cancel()
	if aboard, err := p.Turnout.Aboard(ctx, board.Trip); err == nil {
		part.Aboard = &aboard
	}
	return part, nil
}

// beginTrip begins the trip that the form names.
func (p *Pages) beginTrip(c *gin.Context) {
	p.drive(c, func(ctx context.Context, gate registry.Account, trip uuid.UUID, route string) error {
		_, err := p.Trips.Begin(ctx, gate, trip, route, 0)
		return err
	})
}

// endTrip ends the trip that the form names, which need not be the one that is under way by now.
func (p *Pages) endTrip(c *gin.Context) {
	p.drive(c, func(ctx context.Context, gate registry.Account, trip uuid.UUID, _ string) error {
		_, err := p.Trips.End(ctx, gate, trip, 0)
		return err
	})
}

// drive does what a driver has asked for with a form, and leads back to the gate.
func (p *Pages) drive(c *gin.Context, do func(ctx context.Context, gate registry.Account, trip uuid.UUID, route string) error) {
	form, err := page.FormOf(c)
	if err == nil {
		err = p.PaceGate(page.Actor(c).ID, 1)
	}
	if err == nil {
		trip, malformed := uuid.Parse(form.Get("trip"))
		if malformed != nil {
			trip = uuid.Nil
		}
		err = do(c.Request.Context(), page.Actor(c), trip, form.Get("route"))
	}
	if err != nil {
		p.FailBackTo(c, err, "/gate")
		return
	}
	p.SeeOther(c, "/gate")
}
