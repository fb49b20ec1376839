package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse/sealed"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/tracing"
)

// sealer makes finished stays in ClickHouse, and gives the snapshots that walk over them.
type sealer struct {
	stays    *sealed.Stays
	direct   *snapshot.Direct
	registry *sqlstore.Store
	log      *redisstream.Log
	logger   *slog.Logger
}

func newSealer(cfg *config.Config, r *sqlstore.Store, log *redisstream.Log, store *clickhouse.Store, logger *slog.Logger) *sealer {
	s := &sealer{
		stays:    sealed.New(store, sealed.Options{Memory: int64(cfg.WalkMemory) << 20}),
		registry: r, log: log, logger: logger,
	}
	s.direct = snapshot.NewDirect(r, log, func(ctx context.Context, w snapshot.World, upTo scanlog.Watermark, asOf int64) (tracing.Source, error) {
		return s.stays.Open(ctx, s.world(w), upTo, asOf)
	})
	return s
}

// world adds to a world how it differs from those before.
func (s *sealer) world(w snapshot.World) sealed.World {
	return sealed.World{
		Revision: w.Revision, Infos: w.Infos, Places: w.Places, Links: w.Links,
		Changed: func(ctx context.Context, since int64) ([]uuid.UUID, error) {
			delta, err := s.registry.Changes(ctx, since)
			if errors.Is(err, registry.ErrRevision) {
				return nil, sealed.ErrRevision
			}
			if err != nil {
				return nil, err
			}
			aliases := slices.AppendSeq(slices.Collect(maps.Keys(delta.Links)), maps.Keys(delta.Erased))
			slices.SortFunc(aliases, clickhouse.CompareIDs)
			return slices.Compact(aliases), nil
		},
	}
}

// sealTerm is for how long a process that seals may be out of reach before another begins.
const sealTerm = time.Minute

// ErrSealing says that another process is sealing.
var ErrSealing = errors.New("another process is making stays at this moment")

// Seal makes finished stays of what is stored by now, and of nothing before the day of first. The errors: ErrSealing, and
// those of the registry, the log and the store. Progress may be nil.
func (s *sealer) seal(ctx context.Context, first scan.Day, progress func(done, total int)) (sealed.Sealed, error) {
	var done sealed.Sealed
	ran, err := s.log.WhileLeased(ctx, "seal", sealTerm, func(ctx context.Context) error {
		w, stored, err := s.direct.Now(ctx)
		if err != nil {
			return err
		}
		done, err = s.stays.Seal(ctx, sealed.Order{World: s.world(w), UpTo: stored, First: first, Progress: progress})
		return err
	})
	if err == nil && !ran {
		err = ErrSealing
	}
	return done, err
}

// Seal is what `truyvet seal` does: it makes finished stays at once, and tells progress how many of the people concerned were
// derived. It says how many people and days that were.
func (p *Parts) Seal(ctx context.Context, progress func(done, total int)) (people, days int, err error) {
	if p.Scans.sealer == nil {
		return 0, 0, errors.New("nothing reads finished stays: TRUYVET_TRACE_SOURCE is memory")
	}
	done, err := p.Scans.sealer.seal(ctx, p.firstKept(), progress)
	if err != nil {
		return 0, 0, fmt.Errorf("making finished stays: %w", err)
	}
	return done.People, done.Days, nil
}

// sealNow seals in the background, where traces read ClickHouse.
func (p *Parts) sealNow(ctx context.Context) error {
	if m := p.Scans.memory; m != nil && m.Status().State != snapshot.OverBudget {
		return nil // traces read memory
	}
	begun := time.Now()
	people, days, err := p.Seal(ctx, nil)
	if errors.Is(err, ErrSealing) {
		return nil
	}
	if err == nil && days > 0 {
		p.Logger.Info("made finished stays", "people", people, "days", days, "took", time.Since(begun).Round(time.Millisecond))
	}
	return err
}

// firstKept is the first day that retention keeps.
func (p *Parts) firstKept() scan.Day {
	return scan.DayOf(p.Clock().Add(-p.Config.Retention()).Unix())
}
