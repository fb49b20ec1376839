// Package httpapi is the machine-readable face: scans in, traces and lists out, public keys, health. Errors are
// application/problem+json with a stable code. openapi.yaml beside this file is its description and is served with it.
package httpapi

import (
	"context"
	_ "embed" // for openapi.yaml
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

//go:embed openapi.yaml
var openAPI []byte

// Ingest takes scans. Timely says why a scan of a time is refused whoever's it is; nil where it is not.
type Ingest interface {
	Submit(ctx context.Context, alias uuid.UUID, subs []ingest.Submission) ([]ingest.Result, error)
	Timely(at int64) *errs.Error
	Verify(token string, at time.Time) (qrgen.Token, error)
}

// Deps is what the API needs.
type Deps struct {
	Ingest     Ingest
	Verify     func(credential string) (uuid.UUID, error)               // whose a credential is
	CookieName string                                                   // of the credential in a browser
	Kept       func(ctx context.Context, alias uuid.UUID) (bool, error) // of citizen.Proofs
	Browsers   Browsers
	Keys       *qrgen.KeySet
	Ready      func(ctx context.Context) (status int, body any) // what /readyz answers; it takes no longer than a probe waits
	Refused    func(reason string)                              // told of each scan that does not get as far as Ingest, by code
	Logger     *slog.Logger

	Tracing  Tracing
	Actor    func(ctx context.Context) (registry.Account, error) // who is logged in, in the session of a request
	Clock    func() time.Time
	Location *time.Location // of the days that people type

	Gates        Gates
	PaceGate     func(gate uuid.UUID, n int) error // counts n more scans of a gate; the error says how long to wait
	Reception    Reception
	Boxes        Boxes
	Drivers      Drivers
	Places       GatePlaces
	Turnout      Turnout
	Declarations Declarations
	Check        func(text string) (places.Checked, error) // of places.Service
	Revoked      func() (places.RevokedFile, error)        // of places.Service

	FindPlaces func(ctx context.Context, q registry.Search) (registry.Found, error)
	PlaceFiles PlaceFiles
	Directory  Directory
}

// API holds the handlers. It is safe for concurrent use.
type API struct {
	ingest     Ingest
	verify     func(string) (uuid.UUID, error)
	cookieName string
	kept       func(context.Context, uuid.UUID) (bool, error)
	browsers   Browsers
	keys       *qrgen.KeySet
	ready      func(context.Context) (int, any)
	refused    func(string)
	logger     *slog.Logger
	tracing    Tracing
	actor      func(context.Context) (registry.Account, error)
	clock      func() time.Time
	location   *time.Location

	gates        Gates
	paceGate     func(uuid.UUID, int) error
	reception    Reception
	boxes        Boxes
	drivers      Drivers
	places       GatePlaces
	turnout      Turnout
	declarations Declarations
	check        func(string) (places.Checked, error)
	revoked      func() (places.RevokedFile, error)

	findPlaces func(context.Context, registry.Search) (registry.Found, error)
	placeFiles PlaceFiles
	directory  Directory

	strain     strain
	submitting chan struct{} // has an element for each post that waits for the log
}

// New returns the API.
func New(d Deps) *API {
	return &API{
		ingest: d.Ingest, verify: d.Verify, cookieName: d.CookieName, kept: d.Kept, browsers: d.Browsers, keys: d.Keys, ready: d.Ready, refused: d.Refused, logger: d.Logger,
		tracing: d.Tracing, actor: d.Actor, clock: d.Clock, location: d.Location,
		gates: d.Gates, paceGate: d.PaceGate, reception: d.Reception, boxes: d.Boxes, drivers: d.Drivers, places: d.Places, turnout: d.Turnout, declarations: d.Declarations, check: d.Check, revoked: d.Revoked,
		findPlaces: d.FindPlaces, placeFiles: d.PlaceFiles, directory: d.Directory, submitting: make(chan struct{}, maxSubmitting), strain: strain{clock: time.Now},
	}
}

// scansPath takes batches of scans.
const scansPath = "/api/v1/scans"

// Register adds the routes.
func (a *API) Register(r gin.IRouter) {
	r.POST(scansPath, a.postScans)
	r.POST(ownQueuePath, a.uncached(a.postOwnQueue))
	a.registerGate(r)
	a.registerTracing(r)
	r.GET(checkPath, a.getCheck)
	a.registerPlaces(r)
	a.registerDirectory(r)
	r.GET("/api/openapi.yaml", func(c *gin.Context) { c.Data(http.StatusOK, "application/yaml; charset=utf-8", openAPI) })
	r.GET("/.well-known/truyvet-keys.json", a.getKeys)
	r.GET("/.well-known/truyvet-revoked.json", a.getRevoked)
	r.GET(boxKeyPath, a.getBoxKey)
	r.GET("/healthz", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "ok"}) })
	r.GET("/readyz", a.getReady)
}

// getKeys answers the public keys, so that a gate can verify codes with no network.
func (a *API) getKeys(c *gin.Context) {
	keys, err := a.keys.PublicJSON()
	if err != nil {
		Fail(c, a.logger, err)
		return
	}
	c.Header("Cache-Control", "public, max-age=300")
	c.Header("Access-Control-Allow-Origin", "*")
	c.Data(http.StatusOK, "application/json; charset=utf-8", keys)
}

// getReady answers whether the process takes work, part by part.
func (a *API) getReady(c *gin.Context) {
	status, body := a.ready(c.Request.Context())
	if status == http.StatusServiceUnavailable {
		c.Header("Retry-After", "5")
	}
	c.JSON(status, body)
}

var (
	errNoPath = errs.New(errs.NotFound, "not_found", "There is nothing at this path.")
	errMethod = errs.New(errs.NotAllowed, "method_not_allowed", "This path does not take this method.")
)

// NotFound answers a path of the API that is not there.
func (a *API) NotFound(c *gin.Context) { Fail(c, a.logger, errNoPath) }

// MethodNotAllowed answers a method that a path of the API does not have. The engine has set the Allow header.
func (a *API) MethodNotAllowed(c *gin.Context) { Fail(c, a.logger, errMethod) }
