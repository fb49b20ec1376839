// Package snapshot gives trace runs one consistent sight of everything that was accepted: the stays, and what they were
// derived from (watermark, revision of places and links).
package snapshot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
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
}

// Registry is where places and links come from. What is read between two calls of Revision that return the same belongs
// together.
type Registry interface {
	Revision(ctx context.Context) (int64, error)
	AllPlaces(ctx context.Context) ([]registry.Place, error)
	Links(ctx context.Context) (map[uuid.UUID]uuid.UUID, error)
}

// ErrBehind says that the store has not caught up with the log within the time that a run waits for it.
var ErrBehind = errs.Busy("store_behind", "Some accepted scans have not reached the store yet; run again in a moment.", 5*time.Second)

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

// world is the places and links of one revision.
type world struct {
	revision int64
	places   *tracing.Places
	links    *stay.Links
}

// errChanging says that places or links changed with every look at them. It shares its code with the registry being busy,
// which is the same to whoever waits.
var errChanging = errs.Busy("registry_busy", "Places or people are being changed; run again in a moment.", time.Second)

// readWorld reads places and links, again if they changed meanwhile, so that they belong to the revision returned.
func readWorld(ctx context.Context, r Registry) (world, error) {
	const tries = 5
	for range tries {
		before, err := r.Revision(ctx)
		if err != nil {
			return world{}, fmt.Errorf("reading the registry's revision: %w", err)
		}
		places, err := r.AllPlaces(ctx)
		if err != nil {
			return world{}, fmt.Errorf("reading places: %w", err)
		}
		personOf, err := r.Links(ctx)
		if err != nil {
			return world{}, fmt.Errorf("reading links: %w", err)
		}
		after, err := r.Revision(ctx)
		if err != nil {
			return world{}, fmt.Errorf("reading the registry's revision: %w", err)
		}
		if before != after {
			continue
		}
		tree, err := tracing.NewPlaces(infos(places))
		if err != nil {
			return world{}, fmt.Errorf("making the tree of places: %w", err)
		}
		return world{revision: after, places: tree, links: stay.NewLinks(personOf)}, nil
	}
	return world{}, errChanging
}

func infos(places []registry.Place) []tracing.PlaceInfo {
	out := make([]tracing.PlaceInfo, len(places))
	for i := range places {
		out[i] = tracing.PlaceInfo{ID: places[i].ID, Parent: places[i].Parent, Dwell: places[i].DwellSeconds()}
	}
	return out
}
