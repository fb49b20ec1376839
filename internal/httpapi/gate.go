package httpapi

import (
	"context"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/declaration"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/tracing/stay"
)

// Gates makes devices gates and knows them by their keys. Its errors are those of account.Service.
type Gates interface {
	EnrolDevice(ctx context.Context, token, address string) (registry.Account, string, error)
	Device(ctx context.Context, key string) (registry.Account, error)
}

// Reception says whom that names which is presented at a gate, and keeps them. Its errors are those of citizen.Gate.
type Reception interface {
	Read(text string, at time.Time) (citizen.Visitor, error)
	Keep(ctx context.Context, visitors ...citizen.Visitor) error
}

// undoWindow is how long after it ended a personal code is still taken for a void: the guard undoes what was good a moment ago. It is
// shorter than qrgen.ClockTolerance, so that a code of this moment is good for it too.
const undoWindow = 4 * time.Minute

// errVoids refuses what is half a void.
var errVoids = errs.New(errs.Invalid, "scan_voids", "A void names the scan that it takes back and no place, and nothing else does.")

// The paths of gates.
const (
	gateScansPath = "/api/v1/gate/scans"
	gateEnrolPath = "/api/v1/gate/enrol"
	gatePlacePath = "/api/v1/gate/place"
)

// registerGate adds the routes of a gate's device. Its key opens no other; a login opens none of them but, that of a gate, the queue, the
// place and the trips.
func (a *API) registerGate(r gin.IRouter) {
	for path, answer := range map[string]func(*gin.Context) error{
		gateScansPath: a.postGateScan, gateEnrolPath: a.postEnrol, gateQueuePath: a.postGateQueue,
		gatePlacePath: a.postGatePlace, gateTripsPath: a.postGateTrips,
	} {
		r.POST(path, a.uncached(answer))
	}
}

// uncached answers with a handler, or with the error that it gives; nothing keeps the answer.
func (a *API) uncached(answer func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Header("Cache-Control", "no-store")
		if err := answer(c); err != nil {
			Fail(c, a.logger, err)
		}
	}
}

// postEnrol makes the device that sends it a gate, with a code that is good once, and answers its key, which is kept nowhere
// else.
func (a *API) postEnrol(c *gin.Context) error {
	var body struct {
		Code string `json:"code"`
	}
	if err := readJSON(c.Writer, c.Request, &body); err != nil {
		return err
	}
	gate, key, err := a.gates.EnrolDevice(c.Request.Context(), body.Code, c.ClientIP())
	if err != nil {
		return err
	}
	c.JSON(http.StatusCreated, gin.H{"key": key, "gate": gate.Login, "place": gate.Place})
	return nil
}

// gateOf returns the gate whose key a request has.
func (a *API) gateOf(c *gin.Context) (registry.Account, error) {
	scheme, key, _ := strings.Cut(c.GetHeader("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return registry.Account{}, account.ErrNotLoggedIn
	}
	return a.gates.Device(c.Request.Context(), key)
}

// postGateScan records that somebody came to the gate's own place or one inside it, or left it, by what they presented there.
func (a *API) postGateScan(c *gin.Context) error {
	gate, err := a.gateOf(c)
	if err != nil {
		c.Header("WWW-Authenticate", "Bearer")
		return err
	}
	if err := a.paceGate(gate.ID, 1); err != nil {
		return err
	}
	if _, known := a.places.Name(gate.Place); !known {
		return registry.ErrNotFound
	}
	sub, presented, err := readGateScan(c)
	if err != nil {
		return err
	}
	now := a.clock()
	if sub.Token != "" {
		if sub.Token, _, err = a.inside(gate.Place, sub.Token, now); err != nil {
			return err
		}
	}
	shownAt := now
	if sub.Kind == stay.Void {
		shownAt = now.Add(-undoWindow)
	}
	who, err := a.reception.Read(presented, shownAt)
	if err == nil && sub.Kind != stay.Void {
		err = a.reception.Keep(c.Request.Context(), who)
	}
	if err != nil {
		return err
	}
	sub.Gate, sub.How = gate.Place, who.How
	stampArrival(&sub, now.Unix())
	results, err := a.submit(c.Request.Context(), who.Alias, []ingest.Submission{sub})
	if err != nil {
		a.failSubmit(c, err)
		return nil
	}
	if results[0].Status == ingest.Refused {
		return results[0].Err
	}
	answer := gin.H{"id": sub.ID, "status": results[0].Status}
	if sub.Kind == stay.In {
		if state := a.declaredAt(c.Request.Context(), gate.Place, who.Alias)[0]; state != declaration.NotAsked {
			answer["declaration"] = state
		}
	}
	c.JSON(http.StatusOK, answer)
	return nil
}

// stampArrival makes a scan one of now. Where its id says when it was made, that is what the device gave, so that it is the same scan
// when it is sent again later.
func stampArrival(sub *ingest.Submission, now int64) {
	sub.At = now
	if made, known := scanTime(nil, sub.ID); known && made > now-math.MaxInt32 && made < now+math.MaxInt32 {
		sub.Skew = int32(now - made)
	}
}

// readGateScan reads a scan as a gate sends it, and what was presented.
func readGateScan(c *gin.Context) (sub ingest.Submission, presented string, err error) {
	var body struct {
		ID        uuid.UUID `json:"id"`
		Presented string    `json:"presented"`
		Kind      string    `json:"kind"`
		Voids     uuid.UUID `json:"voids"`
		Token     string    `json:"token"`
	}
	if err := readJSON(c.Writer, c.Request, &body); err != nil {
		return sub, "", err
	}
	kind, known := kinds[body.Kind]
	switch {
	case body.ID == uuid.Nil:
		return sub, "", errScanID
	case !known:
		return sub, "", errScanKind
	case (kind == stay.Void) != (body.Voids != uuid.Nil), kind == stay.Void && body.Token != "":
		return sub, "", errVoids
	}
	return ingest.Submission{ID: body.ID, Token: body.Token, Kind: kind, Voids: body.Voids}, body.Presented, nil
}
