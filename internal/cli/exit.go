package cli

// The exit codes of the program beyond 0 for success. They are part of its
// interface: scripts branch on them.
const (
	// ExitFailure: the work could not be done, for example a file was not there.
	ExitFailure = 1
	// ExitUsage: the command line was wrong and nothing was done.
	ExitUsage = 2
	// ExitRefused: the work was done and the answer is no, for example a code
	// that does not verify.
	ExitRefused = 3
)

// ExitError is an error that decides the program's exit code. Only main acts on
// it; an error without one is an ExitFailure.
type ExitError struct {
	// Code is the exit code, never 0.
	Code int
	// Err says what went wrong. It is never nil.
	Err error
}

// Error returns the words of the error inside.
func (e *ExitError) Error() string { return e.Err.Error() }

// Unwrap returns the error inside.
func (e *ExitError) Unwrap() error { return e.Err }
