package page

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/errs"
)

// The failures that only pages have.
var (
	ErrForm      = errs.New(errs.Invalid, "form_unreadable", "What the form sent could not be read.")
	errFormLarge = errs.New(errs.TooLarge, "form_too_large", "The form sent more than is taken at once.")
	errMethod    = errs.New(errs.NotAllowed, "method_not_allowed", "This address does not do that.")
	errNoPage    = errs.New(errs.NotFound, "no_such_page", "There is no such page.")
)

// Problem is a failure as a page tells it: what happened, what is safe, what to do.
type Problem struct {
	Status     int
	Code       string // the failure's
	Title      string
	Happened   string
	Safe       string
	Do         string
	RetryAfter int // seconds; 0 = not said
	Back       string
}

// kindName is the part of the keys of a kind's texts.
func kindName(kind errs.Kind) string {
	switch kind {
	case errs.Invalid, errs.Unsupported, errs.NotAllowed:
		return "invalid"
	case errs.Unauthenticated:
		return "unauthenticated"
	case errs.Forbidden:
		return "forbidden"
	case errs.NotFound:
		return "not_found"
	case errs.Conflict:
		return "conflict"
	case errs.Gone:
		return "gone"
	case errs.TooLarge:
		return "too_large"
	case errs.TooMany:
		return "too_many"
	case errs.Unavailable, errs.Timeout:
		return "unavailable"
	default:
		return "internal"
	}
}

// ProblemOf tells a failure in the language of the texts. Texts of the failure's code go before those of its kind, and a
// failure without a text of its own is told by its English message.
func ProblemOf(texts Catalogue, err error) Problem {
	e := errs.Of(err)
	kind := kindName(e.Kind)
	p := Problem{
		Status: e.Kind.Status(), Happened: e.Message, RetryAfter: e.RetrySeconds(),
		Title: texts.Text("problem." + kind + ".title"),
		Safe:  texts.Text("problem." + kind + ".safe"),
		Do:    texts.Text("problem." + kind + ".do"),
	}
	p.Code = e.Code
	own := "error." + e.Code
	if texts.has(own) {
		p.Happened = texts.Text(own)
	}
	if texts.has(own + ".title") {
		p.Title = texts.Text(own + ".title")
	}
	if texts.has(own + ".do") {
		p.Do = texts.Text(own + ".do")
	}
	return p
}

// Fail answers with the page of a failure, in the reader's language. Our own faults are logged, by the pattern of the
// address and never the address.
func (s *Site) Fail(c *gin.Context, err error) { s.FailBackTo(c, err, "") }

// FailBackTo is Fail with a link to the page where one can try again.
func (s *Site) FailBackTo(c *gin.Context, err error, back string) {
	s.LogFault(c, err)
	p := ProblemOf(s.Texts(c), err)
	p.Back = back
	s.answerProblem(c, p)
}

// Tell sets the header that says when to try again.
func (p Problem) Tell(c *gin.Context) {
	if p.RetryAfter > 0 {
		c.Header("Retry-After", strconv.Itoa(p.RetryAfter))
	}
}

func (s *Site) answerProblem(c *gin.Context, p Problem) {
	p.Tell(c)
	c.Abort()
	s.Show(c, p.Status, "problem", p)
}

// LogFault logs what is our own fault or that of what we stand on.
func (s *Site) LogFault(c *gin.Context, err error) {
	switch errs.Of(err).Kind {
	case errs.Internal, errs.Unavailable:
		s.Logger.ErrorContext(c, "page failed", slog.String("route", c.FullPath()), slog.Any("error", err))
	}
}

// NotFound answers an address that there is not.
func (s *Site) NotFound(c *gin.Context) { s.Fail(c, errNoPage) }

// MethodNotAllowed answers a method that an address does not have.
func (s *Site) MethodNotAllowed(c *gin.Context) { s.Fail(c, errMethod) }

// MaxForm bounds what a form without a file may send, in bytes: choosing thousands of cases fits.
const MaxForm = 256 << 10

// LimitBody bounds what a form may send, in bytes.
func LimitBody(most int64) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, most)
		c.Next()
	}
}

// FormOf reads the fields that a form sent.
func FormOf(c *gin.Context) (url.Values, error) {
	if err := c.Request.ParseForm(); err != nil {
		return nil, FormFault(err)
	}
	return c.Request.PostForm, nil
}

// FormFault says why a form could not be read. The parser's error quotes what was sent, which may be a phone number.
func FormFault(err error) error {
	var large *http.MaxBytesError
	var told *errs.Error // by whoever bounds what is read at the same time
	switch {
	case errors.As(err, &large):
		return errFormLarge.Because(large)
	case errors.As(err, &told):
		return told
	}
	return ErrForm
}
