package registry

import "time"

const minutesAWeek = 7 * minutesADay

// Week is when a place is open, week by week. The zero Week is of a place of which that is not known. It never changes.
type Week struct {
	known bool
	spans [7][]Span // from Monday
}

// WeekOf returns the week of hours, which are as ParseHours writes them.
func WeekOf(hours string) (w Week) {
	w.spans, w.known = OpeningSpans(hours)
	return w
}

// Closed says whether a place is closed at an instant, which is read in its own location, and at every other that is no further
// than slack from it. Where it is not known when a place is open, it is not closed.
func (w Week) Closed(at time.Time, slack time.Duration) bool {
	if !w.known {
		return false
	}
	today := (int(at.Weekday()) + 6) % 7 // from Monday
	minute := today*minutesADay + at.Hour()*60 + at.Minute()
	around := int(slack / time.Minute)
	for day, spans := range w.spans {
		for _, s := range spans {
			from, to := day*minutesADay+s.From-around, day*minutesADay+s.To+around
			for _, m := range [...]int{minute - minutesAWeek, minute, minute + minutesAWeek} {
				if from <= m && m < to {
					return false
				}
			}
		}
	}
	return true
}
