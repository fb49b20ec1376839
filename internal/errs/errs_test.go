package errs_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/truyvet/truyvet/internal/errs"
)

var errCause = errors.New("disk on fire")

func TestErrorsAreComparedByCode(t *testing.T) {
	full := errs.New(errs.Unavailable, "queue_full", "The queue is full.")
	same := errs.New(errs.Conflict, "queue_full", "Another message.")
	other := errs.New(errs.Unavailable, "queue_gone", "The queue is full.")
	for name, c := range map[string]struct {
		err, target error
		want        bool
	}{
		"itself":                     {full, full, true},
		"with a cause":               {full.Because(errCause), full, true},
		"wrapped":                    {fmt.Errorf("appending: %w", full.Because(errCause)), full, true},
		"same code":                  {full, same, true},
		"its cause":                  {full.Because(errCause), errCause, true},
		"joined":                     {errors.Join(errCause, full), full, true},
		"another code":               {full, other, false},
		"a foreign error":            {errCause, full, false},
		"a target that only wraps":   {full, fmt.Errorf("appending: %w", full), false},
		"a target that is no Error":  {full, errCause, false},
		"a cause with another code":  {full.Because(other), other, true},
		"one that never had a cause": {full, errCause, false},
	} {
		if got := errors.Is(c.err, c.target); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestBecauseLeavesTheOriginalAlone(t *testing.T) {
	original := errs.Busy("busy", "Try again.", 3*time.Second)
	with := original.Because(errCause)
	if original.Cause != nil {
		t.Error("the original has a cause now")
	}
	if with.Kind != errs.Unavailable || with.Code != "busy" || with.Message != "Try again." || with.RetryAfter != 3*time.Second {
		t.Errorf("the copy differs: %+v", with)
	}
	if again := with.Because(errors.New("flood")); errors.Is(again, errCause) {
		t.Error("the first cause is still there")
	}
}

func TestErrorTextIsForTheLog(t *testing.T) {
	plain := errs.New(errs.Invalid, "bad", "It is bad.")
	if got := plain.Error(); got != "bad: It is bad." {
		t.Error(got)
	}
	with := plain.Because(errCause)
	if !strings.Contains(with.Error(), "disk on fire") {
		t.Errorf("%q does not tell the cause", with)
	}
	if strings.Contains(with.Message, "disk") {
		t.Errorf("%q tells everybody the cause", with.Message)
	}
}

func TestOf(t *testing.T) {
	known := errs.New(errs.Gone, "gone", "It is gone.")
	if got := errs.Of(fmt.Errorf("looking: %w", known)); got != known {
		t.Errorf("a wrapped error has the face %v", got)
	}
	outer := errs.New(errs.Invalid, "outer", "Outer.").Because(known)
	if got := errs.Of(outer); got != outer {
		t.Errorf("of two the outer is the face, not %v", got)
	}
	face := errs.Of(errCause)
	if face.Kind != errs.Internal || face.Code != "internal" || strings.Contains(face.Message, "disk") || !errors.Is(face, errCause) {
		t.Errorf("a foreign error has the face %+v", face)
	}
}

func TestBusyIsNeverSoonerThanASecond(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{
		0: time.Second, -time.Hour: time.Second, time.Millisecond: time.Second, time.Minute: time.Minute,
	} {
		if got := errs.Busy("busy", "Try again.", after); got.RetryAfter != want || got.Kind != errs.Unavailable {
			t.Errorf("after %v: %+v", after, got)
		}
	}
}

func TestStatus(t *testing.T) {
	for kind, want := range map[errs.Kind]int{
		errs.Internal:        http.StatusInternalServerError,
		errs.Invalid:         http.StatusBadRequest,
		errs.Unauthenticated: http.StatusUnauthorized,
		errs.Forbidden:       http.StatusForbidden,
		errs.NotFound:        http.StatusNotFound,
		errs.Conflict:        http.StatusConflict,
		errs.Gone:            http.StatusGone,
		errs.TooLarge:        http.StatusRequestEntityTooLarge,
		errs.Unsupported:     http.StatusUnsupportedMediaType,
		errs.TooMany:         http.StatusTooManyRequests,
		errs.Unavailable:     http.StatusServiceUnavailable,
		errs.Kind(200):       http.StatusInternalServerError,
	} {
		if got := kind.Status(); got != want {
			t.Errorf("kind %d: %d, want %d", kind, got, want)
		}
	}
}

func TestRetrySeconds(t *testing.T) {
	for after, want := range map[time.Duration]int{
		-time.Second: 0, 0: 0, 1: 1, time.Second: 1, time.Second + 1: 2, 90 * time.Second: 90,
	} {
		if got := (&errs.Error{RetryAfter: after}).RetrySeconds(); got != want {
			t.Errorf("after %v: %d, want %d", after, got, want)
		}
	}
}
