package errs

import "time"

// RetrySeconds returns when to try again as the header Retry-After has it: in whole seconds, rounded up. It is 0 where the
// error does not say.
func (e *Error) RetrySeconds() int {
	return int((max(e.RetryAfter, 0) + time.Second - 1) / time.Second)
}
