package registry

import (
	"fmt"
	"strings"
	"time"
)

const minutesAWeek = 7 * minutesADay

// Week is when a place is open, week by week. The zero Week is of a place of which that is not known. It never changes.
type Week struct {
	known bool
	spans []span
}

// span is when a place is open without a break, in minutes since Monday 00:00. It may end in the week after.
type span struct{ from, to int }

// ReadWeek reads opening hours as ParseHours does.
func ReadWeek(text string) (Week, error) {
	text, err := ParseHours(text)
	if err != nil || text == "" {
		return Week{}, err
	}
	w := Week{known: true}
	if text == always {
		w.spans = []span{{0, minutesAWeek}}
		return w, nil
	}
	var week [7]string
	for rule := range strings.SplitSeq(text, ";") {
		if err := readRule(rule, &week); err != nil {
			return Week{}, fmt.Errorf("reading hours as they are kept: %w", err)
		}
	}
	for day, hours := range week {
		if hours == "" || hours == "off" {
			continue
		}
		for part := range strings.SplitSeq(hours, ",") {
			begin, end, _ := strings.Cut(part, "-")
			from, _ := readClock(begin)
			to, _ := readClock(end)
			if to < from {
				to += minutesADay
			}
			w.spans = append(w.spans, span{day*minutesADay + from, day*minutesADay + to})
		}
	}
	return w, nil
}

// Closed says whether a place is closed at an instant, which is read in its own location, and at every other that is no further
// than slack from it. Where it is not known when a place is open, it is not closed.
func (w Week) Closed(at time.Time, slack time.Duration) bool {
	if !w.known {
		return false
	}
	day := (int(at.Weekday()) + 6) % 7 // from Monday
	minute := day*minutesADay + at.Hour()*60 + at.Minute()
	around := int(slack / time.Minute)
	for _, s := range w.spans {
		for _, m := range [...]int{minute - minutesAWeek, minute, minute + minutesAWeek} {
			if s.from-around <= m && m < s.to+around {
				return false
			}
		}
	}
	return true
}
