package cases

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/tracing"
)

// Filter says which cases are meant; the zero value means all.
type Filter struct {
	Open bool         // those that are not isolated yet
	Day  tracing.Date // those of this local day; zero = of any
}

// of returns the filter as the book takes it, for the cases of an area. A case belongs to the local day of the positive sample, or
// where it is not known to that of its entry.
func (f Filter) of(area string, now time.Time, location *time.Location) registry.CaseFilter {
	c := registry.CaseFilter{Within: area}
	if f.Open {
		c.OpenAt = now.Unix()
	}
	if !f.Day.IsZero() {
		c.Sample, c.From, c.To = f.Day.String(), f.Day.Start(location), f.Day.AddDays(1).Start(location)
	}
	return c
}

// Choice is the cases that a run or a dry run goes out from: all of the actor's area that the filter takes, or else those of
// the ids, in which a repetition counts once.
type Choice struct {
	All bool
	Filter
	IDs []uuid.UUID
}

// chosen returns the cases of a choice: in the order of the ids, or newest first. The errors: ErrNoCases where there are none
// or too many, registry.ErrNotFound for an id that is no case of the actor's area.
func (s *Service) chosen(ctx context.Context, actor registry.Account, choice Choice) ([]registry.Case, error) {
	ids := distinct(choice.IDs)
	if !choice.All && (len(ids) == 0 || len(ids) > maxCases) {
		return nil, ErrNoCases
	}
	of, most := registry.CaseFilter{Within: actor.Area, IDs: ids}, len(ids)
	if choice.All {
		of, most = choice.of(actor.Area, s.d.Clock(), s.d.Location), maxCases
	}
	found, err := s.d.Listings.CasesPart(ctx, of, registry.Cursor{Limit: most})
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading cases: %w", err)
	case choice.All && (len(found.Records) == 0 || found.Next):
		return nil, ErrNoCases
	case choice.All:
		return found.Records, nil
	case len(found.Records) < len(ids):
		return nil, registry.ErrNotFound
	}
	position := make(map[uuid.UUID]int, len(ids))
	for i, id := range ids {
		position[id] = i
	}
	slices.SortFunc(found.Records, func(a, b registry.Case) int { return position[a.ID] - position[b.ID] })
	return found.Records, nil
}

// distinct returns the ids without repetitions, in their order.
func distinct(ids []uuid.UUID) []uuid.UUID {
	seen := make(map[uuid.UUID]bool, len(ids))
	var once []uuid.UUID
	for _, id := range ids {
		if !seen[id] {
			once = append(once, id)
		}
		seen[id] = true
	}
	return once
}
