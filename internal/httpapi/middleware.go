package httpapi

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
)

const requestIDKey = "truyvet.request"

// RequestID returns the id under which the request stands in the log.
func RequestID(c *gin.Context) string { return c.GetString(requestIDKey) }

// Logged gives every request an id, answers it in X-Request-Id, and writes one line per request, of routine ones at
// the level debug. The line has the route's
// pattern and never the path, so tokens in paths cannot reach the log; and it has no address, so that no address ever
// stands beside a place.
func Logged(logger *slog.Logger, clock func() time.Time) gin.HandlerFunc {
	return func(c *gin.Context) {
		id := uuid.NewString()
		c.Set(requestIDKey, id)
		c.Header("X-Request-Id", id)
		start := clock()
		c.Next()
		level := slog.LevelInfo
		if routine(c) {
			level = slog.LevelDebug
		}
		if !logger.Enabled(c.Request.Context(), level) {
			return
		}
		logger.Log(c.Request.Context(), level, "request", "request", id, "method", c.Request.Method, "route", c.FullPath(),
			"status", c.Writer.Status(), "bytes", c.Writer.Size(), "ms", clock().Sub(start).Milliseconds())
	}
}

// routine says whether an answered request is nothing to write home about: a probe, or scans that were taken, of which a
// city sends thousands a second.
func routine(c *gin.Context) bool {
	switch c.FullPath() {
	case "/healthz", "/readyz":
		return true
	case scansPath:
		return c.Writer.Status() == http.StatusOK
	}
	return false
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
