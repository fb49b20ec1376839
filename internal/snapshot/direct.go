package snapshot

import (
	"context"
	"fmt"

	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// World is what stays are derived with, of one revision of the registry.
type World struct {
	Revision int64
	Infos    []tracing.PlaceInfo // of Places
	Places   *tracing.Places
	Links    *stay.Links
}

// Open makes a source that reads the scan store itself, as far as upTo, clipped at asOf. It must not change upTo. A source that
// has the method Why answers for the snapshot.
type Open func(ctx context.Context, w World, upTo scanlog.Watermark, asOf int64) (tracing.Source, error)

// explainer is a source that can tell why stays are flagged.
type explainer interface {
	Why(ctx context.Context, scope tracing.Scope, asked []stay.Question) ([]stay.Doubts, error)
}

// Direct gives snapshots that leave the stays in the scan store, for what does not fit in memory. It is safe for
// concurrent use.
type Direct struct {
	registry Registry
	progress scanlog.Progress
	open     Open
}

// NewDirect returns a Direct over the store that open reads.
func NewDirect(registry Registry, progress scanlog.Progress, open Open) *Direct {
	return &Direct{registry: registry, progress: progress, open: open}
}

// Snapshot waits until the store has everything that was accepted and returns what is known at asOf. The errors are those of
// Memory.Snapshot, and those of opening the source.
func (d *Direct) Snapshot(ctx context.Context, asOf int64) (Snapshot, error) {
	stored, err := caughtUp(ctx, d.progress)
	if err != nil {
		return Snapshot{}, err
	}
	w, err := d.world(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	source, err := d.open(ctx, w, stored, asOf)
	if err != nil {
		return Snapshot{}, fmt.Errorf("opening the scan store: %w", err)
	}
	sight := Snapshot{Source: source, Places: w.Places, AsOf: asOf, Watermark: stored, Revision: w.Revision}
	if explains, is := source.(explainer); is {
		sight.Why = explains.Why
	}
	return sight, nil
}

// Now returns how far the store is and the world after that, without waiting for anything.
func (d *Direct) Now(ctx context.Context) (World, scanlog.Watermark, error) {
	stored, err := d.progress.Stored(ctx)
	if err != nil {
		return World{}, nil, fmt.Errorf("asking how far the scan store is: %w", err)
	}
	w, err := d.world(ctx)
	return w, stored, err
}

func (d *Direct) world(ctx context.Context) (World, error) {
	now, err := d.registry.World(ctx)
	if err != nil {
		return World{}, fmt.Errorf("reading places and links: %w", err)
	}
	w := World{Revision: now.Revision, Infos: infos(now.Places, now.Areas), Links: stay.NewLinks(now.Links).Without(now.Erased)}
	if w.Places, err = tracing.NewPlaces(w.Infos); err != nil {
		return World{}, fmt.Errorf("making the tree of places: %w", err)
	}
	return w, nil
}
