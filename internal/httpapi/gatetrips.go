package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/trips"
)

// Drivers begin and end the trips of the vehicles at which their gates stand. The errors are those of trips.Service.
type Drivers interface {
	Begin(ctx context.Context, gate registry.Account, id uuid.UUID, route string, at int64) (registry.Trip, error)
	End(ctx context.Context, gate registry.Account, id uuid.UUID, at int64) (registry.Trip, error)
	Board(ctx context.Context, vehicle uuid.UUID) (trips.Board, error)
	Refresh(ctx context.Context) error
}

const (
	gateTripsPath = "/api/v1/gate/trips"

	maxTripSteps = 50 // more than a driver takes without a network
)

// The reasons for refusing what a driver has done.
var (
	errTripSteps = errs.New(errs.TooLarge, "batch_too_large", "At most 50 steps are taken at once.")
	errTripStep  = errs.New(errs.Invalid, "trip_step", "A step begins a trip or ends one.")
	errTripForm  = errs.New(errs.Invalid, "trip_malformed", "The step is not an object of the documented form.")
)

// tripStep is that a driver began a trip or ended one. The id is the trip's, made by the device that began it.
type tripStep struct {
	ID    uuid.UUID `json:"id"`
	Do    string    `json:"do"`
	Route string    `json:"route"`
	deviceTime
}

// wireTrip is a trip as clients get it.
type wireTrip struct {
	ID    uuid.UUID `json:"id"`
	Route string    `json:"route"`
	Began int64     `json:"began"`
}

// wireStep is what became of a step. The id is empty where none can be read.
type wireStep struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// driverSteps is what a driver did, in order, at the vehicle that was Place; where that is not said, it is where the gate stands now.
type driverSteps struct {
	SentAt int64             `json:"sent_at"`
	Place  uuid.UUID         `json:"place"`
	Steps  []json.RawMessage `json:"steps"` // each a tripStep
}

// postGateTrips takes what a driver did, in order, each step by itself, and answers which trip is under way then. It may be asked with
// no step at all. To send steps again is safe.
func (a *API) postGateTrips(c *gin.Context) error {
	gate, err := a.gateOrSession(c)
	if err != nil {
		return err
	}
	var body driverSteps
	if err := readJSON(c.Writer, c.Request, &body); err != nil {
		return err
	}
	now := a.clock().Unix() // by which the device's clock is judged: not by how long the steps before took
	switch {
	case len(body.Steps) > maxTripSteps:
		return errTripSteps
	case len(body.Steps) > 0 && !sentAt(body.SentAt):
		return errSent
	case body.Place != uuid.Nil && body.Place != gate.Place:
		return errOtherPlace
	}
	if err := a.paceGate(gate.ID, max(1, len(body.Steps))); err != nil { // to ask is a query too
		return err
	}
	results := make([]wireStep, len(body.Steps))
	for i, text := range body.Steps {
		results[i] = wireStep{ID: readableID(text), Status: "accepted"}
		if err := a.drive(c.Request.Context(), gate, text, now, body.SentAt); err != nil {
			e := errs.Of(err)
			if e.Kind == errs.Internal || e.Kind == errs.Unavailable || e.Kind == errs.Timeout {
				return err // what was taken is taken, and known when it comes again
			}
			results[i].Status, results[i].Code, results[i].Message = "refused", e.Code, e.Message
		}
	}
	board, err := a.drivers.Board(c.Request.Context(), gate.Place)
	if err != nil {
		return err
	}
	answer := gin.H{"results": results, "trip": nil, "routes": append([]string{}, board.Routes...)}
	if t := board.Trip; board.UnderWay() {
		answer["trip"] = wireTrip{t.ID, t.Route, t.Began}
	}
	c.JSON(http.StatusOK, answer)
	return nil
}

// drive takes one step. One that cannot be read is refused by itself, as a scan of a queue is.
func (a *API) drive(ctx context.Context, gate registry.Account, text json.RawMessage, now, sent int64) error {
	var step tripStep
	if decodeStrictly(text, &step) != nil {
		return errTripForm
	}
	at, _, err := step.corrected(now, sent)
	if err != nil {
		return err
	}
	switch step.Do {
	case "begin":
		_, err = a.drivers.Begin(ctx, gate, step.ID, step.Route, at)
	case "end":
		_, err = a.drivers.End(ctx, gate, step.ID, at)
	default:
		err = errTripStep
	}
	return err
}
