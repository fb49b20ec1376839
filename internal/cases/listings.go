package cases

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/tracing"
)

// Cases returns a part of the cases of the actor's area that a filter takes, newest first. The error is registry.ErrNotFound where
// the cursor names no case.
func (s *Service) Cases(ctx context.Context, actor registry.Account, f Filter, at registry.Cursor) (registry.Part[registry.Case], error) {
	part, err := s.d.Listings.CasesPart(ctx, f.of(actor.Area, s.d.Clock(), s.d.Location), at)
	if err != nil {
		return part, fmt.Errorf("listing cases: %w", err)
	}
	return part, nil
}

// Count returns how many cases of the actor's area a filter takes.
func (s *Service) Count(ctx context.Context, actor registry.Account, f Filter) (int, error) {
	n, err := s.d.Listings.CountCases(ctx, f.of(actor.Area, s.d.Clock(), s.d.Location))
	if err != nil {
		return 0, fmt.Errorf("counting cases: %w", err)
	}
	return n, nil
}

// Tally counts cases.
type Tally struct {
	All, Open int
	Days      []DayCount // on which there are any, the latest first
}

// DayCount is a local day and how many cases belong to it.
type DayCount struct {
	Day tracing.Date
	N   int
}

// Tally counts the cases of the actor's area.
func (s *Service) Tally(ctx context.Context, actor registry.Account) (Tally, error) {
	counts, err := s.d.Listings.TallyCases(ctx, actor.Area, s.d.Clock().Unix())
	if err != nil {
		return Tally{}, fmt.Errorf("counting cases: %w", err)
	}
	byDay := make(map[tracing.Date]int)
	for sample, n := range counts.BySample {
		day, err := tracing.ParseDate(sample)
		if err != nil {
			return Tally{}, fmt.Errorf("reading the day of a sample: %w", err)
		}
		byDay[day] += n
	}
	for at, n := range counts.ByEntry {
		byDay[tracing.DateOf(time.Unix(at, 0).In(s.d.Location))] += n
	}
	tally := Tally{All: counts.All, Open: counts.Open}
	for day, n := range byDay {
		tally.Days = append(tally.Days, DayCount{day, n})
	}
	slices.SortFunc(tally.Days, func(a, b DayCount) int { return cmp.Compare(b.Day.Start(time.UTC), a.Day.Start(time.UTC)) })
	return tally, nil
}

// Runs returns a part of the runs that concern the actor's area, newest first, without their reports: those made in it, and those
// made for a wider area, whose lists may name people of it. Where of is not uuid.Nil it is
// those that this case was traced in. The error is registry.ErrNotFound where the cursor names no run.
func (s *Service) Runs(ctx context.Context, actor registry.Account, of uuid.UUID, at registry.Cursor) (registry.Part[registry.Run], error) {
	part, err := s.d.Listings.RunsPart(ctx, registry.RunFilter{Around: actor.Area, Case: of}, at)
	if err != nil {
		return part, fmt.Errorf("listing runs: %w", err)
	}
	return part, nil
}
