package turnout

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
)

// Present is how many people are at a place at an instant, or, where there are some and fewer than [Fewest], that there are. It is an
// estimate: who left without a scan counts until their stay is taken to have ended.
type Present struct {
	AsOf   int64
	People int // 0 where Few
	Few    bool
}

// Present returns how many people are at a place, in a vehicle on the trip that is under way and on none; with whole, which only a
// site may be asked, those at its parts too. Whether somebody may know that is for the caller to say. The errors are those of Table.
func (s *Service) Present(ctx context.Context, place uuid.UUID, whole bool) (Present, error) {
	return recall(ctx, s, s.present, place, func(now time.Time, source tracing.Source) (Present, error) {
		scope := tracing.ScopePlace
		if whole {
			scope = tracing.ScopeSite
		}
		// What is not over is clipped at now.
		people := make(map[uuid.UUID]bool)
		err := source.AtPlaces(ctx, scope, s.windows(place, now.Unix()-1, now.Unix()), func(_ int, u tracing.United) error {
			people[u.Person] = true
			return nil
		})
		if err != nil {
			return Present{}, fmt.Errorf("counting who is at a place: %w", err)
		}
		p := Present{AsOf: now.Unix(), People: len(people)}
		if p.People < Fewest && p.People > 0 {
			p.People, p.Few = 0, true
		}
		return p, nil
	})
}
