package turnout

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/tracing"
)

// When a code is taken for photographed: that many people with doubted stays in suspectTime, and one in so many of all that
// came. Cleaners, guards and whoever comes before the doors open are fewer; at a large place a few check-ins are odd
// every day, whatever happens there. A picture that goes round brings more of both.
const (
	suspectTime   = 7 * 24 * time.Hour
	suspectPeople = 10
	suspectShare  = 20
)

// Suspicion is that the code of a place is read by people who are not there.
type Suspicion struct {
	People int // with stays that are doubted; 0 = nothing speaks for it
	Since  int64
}

// Suspect says whether people read the newest code of a place who are probably not there: many have stays that rest on doubted
// scans, see stay.Doubts. It counts from when that code was issued, for seven days at most, so a new code ends the suspicion. Whose
// the place is is for the caller to say. The errors are those of Table.
func (s *Service) Suspect(ctx context.Context, place registry.Place) (Suspicion, error) {
	return recall(ctx, s, s.doubts, place.ID, func(now time.Time, source tracing.Source) (Suspicion, error) {
		since := max(place.Issued, now.Add(-suspectTime).Unix())
		doubted := make(map[uuid.UUID]bool) // whether any of a person's stays is
		err := source.AtPlaces(ctx, tracing.ScopePlace, s.windows(place.ID, since, now.Unix()), func(_ int, u tracing.United) error {
			is := doubted[u.Person]
			for _, part := range u.Parts {
				is = is || part.Flagged && part.Enter >= since
			}
			doubted[u.Person] = is
			return nil
		})
		if err != nil {
			return Suspicion{}, fmt.Errorf("looking for doubted stays at a place: %w", err)
		}
		found := Suspicion{Since: since}
		for _, is := range doubted {
			if is {
				found.People++
			}
		}
		if found.People < suspectPeople || found.People*suspectShare < len(doubted) {
			return Suspicion{}, nil
		}
		return found, nil
	})
}
