package app

import (
	"context"
	"log/slog"
)

// discardAddresses keeps only that net/http complained and not what it says, which names the client's address.
type discardAddresses struct{ slog.Handler }

// Handle writes the record with a fixed text.
func (h discardAddresses) Handle(ctx context.Context, r slog.Record) error {
	return h.Handler.Handle(ctx, slog.NewRecord(r.Time, r.Level, "a connection failed", r.PC))
}
