package httpapi

import (
	"log/slog"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/errs"
)

// problem is the body of every answer that is an error, as in RFC 9457. Code is stable; Detail is for people.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Fail answers an error as application/problem+json and ends the request. What was our fault is logged, with its cause;
// what the client can mend is not.
func Fail(c *gin.Context, logger *slog.Logger, err error) {
	e := errs.Of(err)
	if status := e.Kind.Status(); status == http.StatusInternalServerError || status == http.StatusServiceUnavailable {
		logger.ErrorContext(c.Request.Context(), "request failed", "request", RequestID(c), "route", c.FullPath(), "code", e.Code, "error", err)
	}
	answer(c, e)
}

// answer answers an error as application/problem+json and ends the request.
func answer(c *gin.Context, e *errs.Error) {
	if seconds := e.RetrySeconds(); seconds > 0 {
		c.Header("Retry-After", strconv.Itoa(seconds))
	}
	c.Abort()
	c.Writer.Header()["Content-Type"] = problemType
	c.JSON(e.Kind.Status(), problemOf(e))
}

// problemType is the type of a problem, as a header holds it.
var problemType = []string{"application/problem+json; charset=utf-8"}

// problemOf returns what is answered for an error.
func problemOf(e *errs.Error) problem {
	status := e.Kind.Status()
	return problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: e.Code, Detail: e.Message}
}
