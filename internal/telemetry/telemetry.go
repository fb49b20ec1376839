// Package telemetry makes the logger. What is logged holds no personal detail, no token, and no address beside a place:
// that is up to whoever logs, and httpapi.Logged keeps requests to it.
package telemetry

import (
	"fmt"
	"io"
	"log/slog"
)

// NewLogger returns a logger that writes lines of key=value at the level and above: debug, info, warn or error.
func NewLogger(w io.Writer, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("TRUYVET_LOG_LEVEL: %q is none of debug, info, warn, error", level)
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l})), nil
}
