// Package errs gives every failure that a caller may see its kind, a stable code and a safe message.
//
// Domain code returns these; delivery maps the kind to a status once. The message is what may be shown: it never holds a
// personal detail, a token or an internal cause. The cause is for the log.
package errs

import (
	"errors"
	"fmt"
	"time"
)

// Kind groups failures by what the caller can do about them.
type Kind uint8

// The kinds of failure.
const (
	Internal        Kind = iota // our fault
	Invalid                     // the request cannot be right as it stands
	Unauthenticated             // who asks is not known
	Forbidden                   // who asks is known and may not
	NotFound                    // no such thing, or none that the caller may know of
	Conflict                    // it contradicts what is stored
	Gone                        // it was there and is no longer valid
	TooLarge                    // more than we take at once
	Unsupported                 // a form of body that is not taken here
	NotAllowed                  // a method that the address does not have
	Timeout                     // the request took too long to arrive; try again
	TooMany                     // too often; try later
	Unavailable                 // not now; try later, nothing was promised
)

// Error is a failure with a safe face. It is immutable.
type Error struct {
	Kind       Kind
	Code       string        // stable, snake_case: the contract with clients and the key of translations
	Message    string        // one English sentence, safe to show
	RetryAfter time.Duration // for TooMany and Unavailable: when to try again; at least a second
	Cause      error         // for the log only; may be nil
}

// Error implements error. It holds the cause, so it is for logs and never for answers.
func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Cause)
	}
	return e.Code + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is makes errors.Is match by code, so that package-level errors can be compared whatever their cause. A code therefore
// names one failure in the whole program.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error) //nolint:errorlint // errors.Is does the unwrapping
	return ok && t.Code == e.Code
}

// New returns an error of a kind.
func New(kind Kind, code, message string) *Error {
	return &Error{Kind: kind, Code: code, Message: message}
}

// Because returns a copy of e with a cause, which takes the place of the one that e had.
func (e *Error) Because(cause error) *Error {
	with := *e
	with.Cause = cause
	return &with
}

// Busy is the answer of a full queue: Unavailable, and to be tried again after the given time, at least a second.
func Busy(code, message string, after time.Duration) *Error {
	return &Error{Kind: Unavailable, Code: code, Message: message, RetryAfter: max(after, time.Second)}
}

// Of returns the safe face of an error: the outermost Error in its chain, or an Internal one that keeps err as its cause. err
// must not be nil.
func Of(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Kind: Internal, Code: "internal", Message: "Something went wrong on our side.", Cause: err}
}
