package httpapi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
)

const requestIDHeader = "X-Request-Id"

// RequestID returns the id under which the request stands in the log.
func RequestID(c *gin.Context) string { return c.Writer.Header().Get(requestIDHeader) }

// Logging is what Logged needs.
type Logging struct {
	Logger *slog.Logger
	Clock  func() time.Time
	// Trusted says whether the peer at an address is a proxy in front of us, whose ids of requests are taken over.
	Trusted func(netip.Addr) bool
	// Answered is told of each request: the pattern of its route ("none" where there was no such path), what was asked
	// (scans, api or pages), the status and the time that it took.
	Answered func(route, face, status string, took time.Duration)
}

// Logged gives every request an id, answers it in X-Request-Id, and writes one line per request, of routine ones at
// the level debug. The line has the route's pattern and never the path, so tokens in paths cannot reach the log; and it has
// no address, so that no address ever stands beside a place.
func Logged(l Logging) gin.HandlerFunc {
	return func(c *gin.Context) {
		id := l.requestID(c.Request)
		c.Header(requestIDHeader, id)
		start := l.Clock()
		c.Next()
		took := l.Clock().Sub(start)
		route := c.FullPath()
		level := slog.LevelInfo
		if routine(c) {
			level = slog.LevelDebug
		}
		if l.Logger.Enabled(c.Request.Context(), level) {
			l.Logger.Log(c.Request.Context(), level, "request", "request", id, "method", c.Request.Method, "route", route,
				"status", c.Writer.Status(), "bytes", c.Writer.Size(), "ms", took.Milliseconds())
		}
		if route == "" {
			route = "none"
		}
		l.Answered(route, faceOf(route), strconv.Itoa(c.Writer.Status()), took)
	}
}

// routine says whether an answered request is nothing to write home about: a probe, or scans that were taken or are to
// come again, of which a city sends thousands a second and which are counted.
func routine(c *gin.Context) bool {
	switch c.FullPath() {
	case "/healthz", "/readyz":
		return true
	case scansPath:
		status := c.Writer.Status()
		return status == http.StatusOK || status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
	}
	return false
}

// faceOf says what a route belongs to.
func faceOf(route string) string {
	switch {
	case route == scansPath:
		return "scans"
	case strings.HasPrefix(route, "/api/"):
		return "api"
	default:
		return "pages"
	}
}

// maxRequestID is the most characters of an id that is taken over.
const maxRequestID = 64

// requestID takes over the id that a trusted proxy gave the request, where it has the form of one, or makes one.
func (l Logging) requestID(r *http.Request) string {
	given := r.Header.Get(requestIDHeader)
	if given == "" || len(given) > maxRequestID || strings.ContainsFunc(given, func(c rune) bool {
		return !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_' || c == '.')
	}) {
		return newRequestID()
	}
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !l.Trusted(peer.Addr()) {
		return newRequestID()
	}
	return given
}

// newRequestID returns a UUID that nobody need be unable to guess.
func newRequestID() string {
	var id uuid.UUID
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64()) //nolint:gosec // it guards nothing
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64()) //nolint:gosec // it guards nothing
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80      // version 4 (RFC 9562, 5.4)
	return id.String()
}

// Recovered answers a panic with answer and logs it with its stack, without the request's content.
func Recovered(logger *slog.Logger, answer func(*gin.Context, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		defer func() {
			if cause := recover(); cause != nil {
				if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(cause)
				}
				logger.ErrorContext(c.Request.Context(), "panic", "request", RequestID(c), "route", c.FullPath(),
					"panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
				answer(c, errs.Of(fmt.Errorf("panic in %s", c.FullPath())))
				c.Abort()
			}
		}()
		c.Next()
	}
}

// What Secured sets, as a header holds it: made once, for it goes out with every answer.
var (
	// contentSecurityPolicy lets pages load only what this server sends.
	contentSecurityPolicy = []string{"default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"}
	noReferrer            = []string{"no-referrer"}
	noSniff               = []string{"nosniff"}
	noSensors             = []string{"geolocation=(), microphone=()"}
	sameOrigin            = []string{"same-origin"}
)

// Secured sets the headers that keep pages out of frames and foreign content out of pages, and that keep the paths of our
// pages, which may hold tokens, out of others' logs.
func Secured(c *gin.Context) {
	secure(c.Writer.Header())
	c.Next()
}

// secure sets what Secured does.
func secure(h http.Header) {
	h["Content-Security-Policy"] = contentSecurityPolicy
	h["Referrer-Policy"] = noReferrer
	h["X-Content-Type-Options"] = noSniff
	h["Permissions-Policy"] = noSensors
	h["Cross-Origin-Opener-Policy"] = sameOrigin
}
