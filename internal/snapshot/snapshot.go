// Package snapshot gives trace runs one consistent sight of everything that was accepted: the stays, and what they were
// derived from (watermark, revision of places and links).
package snapshot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// Snapshot is what a run walks on, and what it records of it. It is the caller's and stays as it is whatever arrives later.
type Snapshot struct {
	Source    tracing.Source
	Places    *tracing.Places
	AsOf      int64             // UTC seconds: stays are clipped here
	Watermark scanlog.Watermark // every scan up to here that retention has left is in it, and none beyond
	Revision  int64             // of places and links

	// Why answers why stays are flagged, each question for itself. It may know what has come since, too. It is nil where nobody
	// knows.
	Why func(ctx context.Context, scope tracing.Scope, asked []stay.Question) ([]stay.Doubts, error)
}

// Registry is where places and links come from. While Revision returns the same, World holds the same links and
// erasures, and the same places with the same parents and dwell in the same areas. Changes tells what of the World of a revision is no longer
// so, and answers registry.ErrRevision where it cannot.
type Registry interface {
	Revision(ctx context.Context) (int64, error)
	World(ctx context.Context) (registry.World, error)
	Changes(ctx context.Context, since int64) (registry.Delta, error)
}

// Feed is where Memory reads accepted scans. Tail returns the position of the newest of each shard that Read can give; Read is
// that of scanstore.Reader.
type Feed interface {
	Tail(ctx context.Context) (scanlog.Watermark, error)
	Read(ctx context.Context, after, upTo scanlog.Watermark, yield func([]scan.Scan) error) error
}

// Why there is no snapshot. Compare with errors.Is.
var (
	// ErrBehind says that accepted scans could not be read within the time that a run waits for them.
	ErrBehind = errs.Busy("store_behind", "Some accepted scans have not reached the store yet; run again in a moment.", 5*time.Second)
	// ErrLoading says that the scans of before are still being read into memory.
	ErrLoading = errs.Busy("index_loading", "The scans are being read into memory; run again in a moment.", 10*time.Second)
	// ErrOverBudget says that the scans do not fit into the memory that they may take.
	ErrOverBudget = errs.Busy("index_over_budget",
		"The scans need more memory than this server may give them; its operator can raise TRUYVET_MEMORY_BUDGET.", 10*time.Minute)
)

// The pace at which a snapshot waits for the store.
const (
	catchUpWait = 20 * time.Second
	catchUpStep = 50 * time.Millisecond
)

// caughtUp waits until everything that was in the log when it was called is in the store, and returns how far the store
// then is. A run that left accepted scans out would list too few people without saying so, hence ErrBehind. The watermark
// is the caller's.
func caughtUp(ctx context.Context, progress scanlog.Progress) (scanlog.Watermark, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, catchUpWait, ErrBehind)
	defer cancel()
	tail, err := progress.Tail(ctx)
	if err != nil {
		return nil, whileWaiting(ctx, "asking for the end of the scan log", err)
	}
	for {
		stored, err := progress.Stored(ctx)
		if err != nil {
			return nil, whileWaiting(ctx, "asking how far the scan store is", err)
		}
		if stored.Covers(tail) {
			return maps.Clone(stored), nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(catchUpStep):
		}
	}
}

// whileWaiting wraps an error of the log or the store, which is ErrBehind where the time to wait ended during the call.
func whileWaiting(ctx context.Context, doing string, err error) error {
	if errors.Is(context.Cause(ctx), ErrBehind) {
		err = ErrBehind.Because(err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
