package cases

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/tracing"
)

// Filter says which cases are meant; the zero value means all.
type Filter struct {
	Open bool         // those that are not isolated yet
	Day  tracing.Date // those of this local day, as DayOf has it; zero = of any
}

// Takes says whether a case is meant. Days are those of the location.
func (f Filter) Takes(c registry.Case, now time.Time, location *time.Location) bool {
	if f.Open && c.Isolated != 0 && c.Isolated <= now.Unix() {
		return false
	}
	return f.Day.IsZero() || DayOf(c, location) == f.Day
}

// DayOf is the local day that a case belongs to: that of the positive sample, or where it is not known that of the entry.
func DayOf(c registry.Case, location *time.Location) tracing.Date {
	if day, err := tracing.ParseDate(c.Sample); err == nil {
		return day
	}
	return tracing.DateOf(time.Unix(c.Created, 0).In(location))
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
	own, err := s.Cases(ctx, actor)
	if err != nil {
		return nil, err
	}
	var chosen []registry.Case
	if choice.All {
		now := s.d.Clock()
		for _, c := range own {
			if choice.Takes(c, now, s.d.Location) {
				chosen = append(chosen, c)
			}
		}
		if len(chosen) == 0 || len(chosen) > maxCases {
			return nil, ErrNoCases
		}
		return chosen, nil
	}
	byID := make(map[uuid.UUID]registry.Case, len(own))
	for _, c := range own {
		byID[c.ID] = c
	}
	for _, id := range ids {
		c, there := byID[id]
		if !there {
			return nil, registry.ErrNotFound
		}
		chosen = append(chosen, c)
	}
	return chosen, nil
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
