// Package httpapi is the machine-readable face: scans in, public keys out, health. Errors are application/problem+json
// with a stable code. openapi.yaml beside this file is its description and is served with it.
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
	"github.com/truyvet/truyvet/qrgen"
)

//go:embed openapi.yaml
var openAPI []byte

// Ingest takes scans.
type Ingest interface {
	Submit(ctx context.Context, alias uuid.UUID, subs []ingest.Submission) ([]ingest.Result, error)
}

// Check says whether one part of the system is well; an error says what is not, without secrets.
type Check struct {
	Name string
	Run  func(ctx context.Context) error
}

// Deps is what the API needs.
type Deps struct {
	Ingest     Ingest
	Verify     func(credential string) (uuid.UUID, error) // whose a credential is
	CookieName string                                     // of the credential in a browser
	Keys       *qrgen.KeySet
	Checks     []Check
	Logger     *slog.Logger
}

// API holds the handlers. It is safe for concurrent use.
type API struct {
	ingest     Ingest
	verify     func(string) (uuid.UUID, error)
	cookieName string
	keys       *qrgen.KeySet
	checks     []Check
	logger     *slog.Logger
}

// New returns the API.
func New(d Deps) *API {
	return &API{ingest: d.Ingest, verify: d.Verify, cookieName: d.CookieName, keys: d.Keys, checks: d.Checks, logger: d.Logger}
}

// scansPath takes batches of scans.
const scansPath = "/api/v1/scans"

// Register adds the routes.
func (a *API) Register(r gin.IRouter) {
	r.POST(scansPath, a.postScans)
	r.GET("/api/openapi.yaml", func(c *gin.Context) { c.Data(http.StatusOK, "application/yaml; charset=utf-8", openAPI) })
	r.GET("/.well-known/truyvet-keys.json", a.getKeys)
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

// readyTimeout bounds all checks of one readiness probe together.
const readyTimeout = 2 * time.Second

// getReady answers 200 when every part answers, else 503 with the names of those that do not.
func (a *API) getReady(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), readyTimeout)
	defer cancel()
	status, parts := http.StatusOK, gin.H{}
	for _, check := range a.checks {
		parts[check.Name] = "ok"
		if err := check.Run(ctx); err != nil {
			a.logger.WarnContext(ctx, "not ready", "part", check.Name, "error", err)
			parts[check.Name], status = "away", http.StatusServiceUnavailable
		}
	}
	word := "ready"
	if status != http.StatusOK {
		word = "not_ready"
		c.Header("Retry-After", "5")
	}
	c.JSON(status, gin.H{"status": word, "parts": parts})
}

var (
	errNoPath = errs.New(errs.NotFound, "not_found", "There is nothing at this path.")
	errMethod = errs.New(errs.NotAllowed, "method_not_allowed", "This path does not take this method.")
)

// NotFound answers a path of the API that is not there.
func (a *API) NotFound(c *gin.Context) { Fail(c, a.logger, errNoPath) }

// MethodNotAllowed answers a method that a path of the API does not have. The engine has set the Allow header.
func (a *API) MethodNotAllowed(c *gin.Context) { Fail(c, a.logger, errMethod) }
