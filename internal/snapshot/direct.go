package snapshot

import (
	"context"
	"fmt"

	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// Open makes a source that reads the scan store itself, as far as upTo, clipped at asOf. It must not change upTo.
type Open func(places *tracing.Places, links *stay.Links, upTo scanlog.Watermark, asOf int64) tracing.Source

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
// Memory.Snapshot, but for the scans themselves, which are read when the source is.
func (d *Direct) Snapshot(ctx context.Context, asOf int64) (Snapshot, error) {
	stored, err := caughtUp(ctx, d.progress)
	if err != nil {
		return Snapshot{}, err
	}
	world, err := d.registry.World(ctx)
	if err != nil {
		return Snapshot{}, fmt.Errorf("reading places and links: %w", err)
	}
	places, err := tracing.NewPlaces(infos(world.Places))
	if err != nil {
		return Snapshot{}, fmt.Errorf("making the tree of places: %w", err)
	}
	links := stay.NewLinks(world.Links).Without(world.Erased)
	return Snapshot{
		Source: d.open(places, links, stored, asOf), Places: places, AsOf: asOf, Watermark: stored, Revision: world.Revision,
	}, nil
}
