package httpapi

import (
	"errors"
	"fmt"
	"log/slog"
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

const requestIDKey = "truyvet.request"

// RequestID returns the id under which the request stands in the log.
func RequestID(c *gin.Context) string { return c.GetString(requestIDKey) }

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
		c.Set(requestIDKey, id)
		c.Header("X-Request-Id", id)
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
	given := r.Header.Get("X-Request-Id")
	if given == "" || len(given) > maxRequestID || strings.ContainsFunc(given, func(c rune) bool {
		return !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_' || c == '.')
	}) {
		return uuid.NewString()
	}
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !l.Trusted(peer.Addr()) {
		return uuid.NewString()
	}
	return given
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

// contentSecurityPolicy lets pages load only what this server sends.
const contentSecurityPolicy = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Secured sets the headers that keep pages out of frames and foreign content out of pages, and that keep the paths of our
// pages, which may hold tokens, out of others' logs.
func Secured(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Permissions-Policy", "geolocation=(), microphone=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Next()
}
