package turnout_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/turnout"
	"github.com/truyvet/truyvet/tracing"
)

// TestSuspect has people come to a place now and then, some of them doubted.
func TestSuspect(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Unix(1_800_000_000, 0)
	for name, c := range map[string]struct {
		doubted, others int
		ago             time.Duration // when the doubted came
		issued          time.Duration // how long ago
		want            int
	}{
		"nobody":                    {0, 0, 0, 30 * day, 0},
		"a few":                     {9, 0, day, 30 * day, 0},
		"many":                      {10, 0, day, 30 * day, 10},
		"many of very many":         {10, 190, day, 30 * day, 10},
		"too few of very many":      {10, 191, day, 30 * day, 0},
		"long ago":                  {10, 0, 8 * day, 30 * day, 0},
		"with the code of before":   {10, 0, 2 * day, day, 0},
		"with the code that is new": {10, 0, day / 2, day, 10},
	} {
		w := &town{now: now}
		place := registry.Place{ID: uuid.New(), Issued: now.Add(-c.issued).Unix()}
		for range c.others {
			w.came(place.ID, now.Add(-day))
		}
		for range c.doubted {
			w.came(place.ID, now.Add(-c.ago))
			w.stays[len(w.stays)-1].Flagged = true
			w.stays = append(w.stays, w.stays[len(w.stays)-1]) // each comes again
			again := &w.stays[len(w.stays)-1]
			again.Enter, again.Leave, again.Basis = again.Leave+60, again.Leave+120, tracing.Moved
		}
		w.came(uuid.New(), now.Add(-day))
		got, err := w.service(vietnam).Suspect(t.Context(), place)
		if err != nil {
			t.Fatal(err)
		}
		want := turnout.Suspicion{}
		if c.want > 0 {
			want = turnout.Suspicion{People: c.want, Since: max(place.Issued, now.Add(-7*day).Unix())}
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}
