package registry

import "strings"

// Span is a time at which a place is open, in minutes from the beginning of its local day. To is past the end of the day where it
// ends on the next.
type Span struct{ From, To int }

// OpeningSpans returns when a place is open, by the day of the week from Monday, in their order; and false where hours, which are
// as ParseHours writes them, do not say so.
func OpeningSpans(hours string) (week [7][]Span, known bool) {
	var rules [7]string
	switch hours {
	case "":
		return week, false
	case always:
		for day := range rules {
			rules[day] = "00:00-24:00"
		}
	default:
		for rule := range strings.SplitSeq(hours, ";") {
			if readRule(rule, &rules) != nil {
				return week, false
			}
		}
	}
	for day, times := range rules {
		for part := range strings.SplitSeq(times, ",") {
			if begin, end, is := strings.Cut(part, "-"); is {
				week[day] = append(week[day], spanOf(begin, end))
			}
		}
	}
	return week, true
}

// spanOf reads a span that readTimes wrote.
func spanOf(begin, end string) Span {
	from, _ := readClock(begin)
	to, _ := readClock(end)
	if to <= from {
		to += minutesADay
	}
	return Span{from, to}
}
