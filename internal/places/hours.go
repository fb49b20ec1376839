package places

import (
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// hoursSlack is how long before its opening and after its closing somebody may still be at a place: who works there comes
// earlier and leaves later than its guests.
const hoursSlack = time.Hour

// maxWeeks bounds what is remembered of hours; most places have those of many others.
const maxWeeks = 10_000

// Closed says whether a place is closed at an instant, more than an hour before it opens and after it closes. Its hours
// are its own, or those of the nearest place around it that has some; a place of which they are not known is not closed. The
// clock on its wall is that of at's location.
func (s *Service) Closed(id uuid.UUID, at time.Time) bool {
	return s.weekOf(id).Closed(at, hoursSlack)
}

// weekOf returns the hours that hold for a place. They are read once for all places that have the same.
func (s *Service) weekOf(id uuid.UUID) registry.Week {
	s.mu.RLock()
	hours := s.hoursOf(id)
	week, known := s.weeks[hours]
	s.mu.RUnlock()
	if known || hours == "" {
		return week
	}
	week = registry.WeekOf(hours)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.weeks) >= maxWeeks {
		clear(s.weeks)
	}
	s.weeks[hours] = week
	return week
}

// hoursOf returns the hours that hold for a place, as they are kept. The caller holds the lock.
func (s *Service) hoursOf(id uuid.UUID) string {
	p := s.places[id]
	if p.Hours != "" {
		return p.Hours
	}
	for around := range s.ancestors(p) {
		if around.Hours != "" {
			return around.Hours
		}
	}
	return ""
}
