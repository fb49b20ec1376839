package registry

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// days are how opening hours name the days of a week, from Monday, as OpenStreetMap does and as people in Viet Nam do.
var days = map[string]int{
	"mo": 0, "tu": 1, "we": 2, "th": 3, "fr": 4, "sa": 5, "su": 6,
	"t2": 0, "t3": 1, "t4": 2, "t5": 3, "t6": 4, "t7": 5, "cn": 6,
}

var dayNames = [7]string{"Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"}

const (
	always       = "24/7"
	maxHoursText = 500
)

// ParseHours reads opening hours and returns them as they are kept, which is the part of OpenStreetMap's opening_hours
// (https://wiki.openstreetmap.org/wiki/Key:opening_hours) that weekly hours need:
//
//	Mo-Fr 07:00-17:00; Sa 07:00-11:30,13:00-15:00; Su off
//
// Days may be named T2 to T7 and CN too, and left out for every day; 24/7 is always, and the empty text unknown. Hours that end
// before they begin end on the next day. A day that is named twice has the later hours.
func ParseHours(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" || text == always {
		return text, nil
	}
	if len(text) > maxHoursText {
		return "", fmt.Errorf("it is longer than %d bytes", maxHoursText)
	}
	var week [7]string
	for rule := range strings.SplitSeq(text, ";") {
		if err := readRule(rule, &week); err != nil {
			return "", fmt.Errorf("%q: %w", strings.TrimSpace(rule), err)
		}
	}
	return writeWeek(week), nil
}

// readRule gives the days of a rule its hours.
func readRule(rule string, week *[7]string) error {
	named, hours, found := strings.Cut(strings.TrimSpace(rule), " ")
	which := []int{0, 1, 2, 3, 4, 5, 6}
	if found {
		var err error
		if which, err = readDays(named); err != nil {
			return err
		}
	} else {
		hours = named
	}
	hours, err := readTimes(strings.TrimSpace(hours))
	if err != nil {
		return err
	}
	for _, day := range which {
		week[day] = hours
	}
	return nil
}

// readDays reads days like Mo-Fr,Su. A span may go over the end of the week.
func readDays(text string) (which []int, err error) {
	for part := range strings.SplitSeq(text, ",") {
		first, last, span := strings.Cut(strings.ToLower(part), "-")
		from, known := days[first]
		to, alsoKnown := from, true
		if span {
			to, alsoKnown = days[last]
		}
		if !known || !alsoKnown {
			return nil, errors.New("days are written like Mo-Fr,Su or T2-T6,CN")
		}
		for day := from; ; day = (day + 1) % 7 {
			which = append(which, day)
			if day == to {
				break
			}
		}
	}
	return which, nil
}

// readTimes reads times like 07:00-11:30,13:00-17:00, or off.
func readTimes(text string) (string, error) {
	if text == "off" {
		return text, nil
	}
	var spans []string
	for part := range strings.SplitSeq(text, ",") {
		begin, end, span := strings.Cut(strings.TrimSpace(part), "-")
		from, err := readClock(begin)
		if err != nil || !span || from == minutesADay {
			return "", errors.New("hours are written like 07:00-11:30,13:00-17:00, or off")
		}
		to, err := readClock(end)
		if err != nil || to == from {
			return "", errors.New("hours are written like 07:00-11:30,13:00-17:00, or off")
		}
		spans = append(spans, fmt.Sprintf("%02d:%02d-%02d:%02d", from/60, from%60, to/60, to%60))
	}
	slices.Sort(spans)
	return strings.Join(spans, ","), nil
}

const minutesADay = 24 * 60

// readClock reads a time of the day, up to 24:00, in minutes.
func readClock(text string) (int, error) {
	hour, minute, found := strings.Cut(strings.TrimSpace(text), ":")
	h, errHour := strconv.ParseUint(hour, 10, 8)
	m, errMinute := strconv.ParseUint(minute, 10, 8)
	at := int(h*60 + m)
	if !found || errHour != nil || errMinute != nil || m > 59 || len(minute) != 2 || at > minutesADay {
		return 0, errors.New("no time of the day")
	}
	return at, nil
}

// writeWeek writes the hours of a week, days in a row with the same hours together; a day without any is left out.
func writeWeek(week [7]string) string {
	var rules []string
	for first := 0; first < len(week); {
		last := first
		for last+1 < len(week) && week[last+1] == week[first] {
			last++
		}
		if week[first] != "" {
			named := dayNames[first]
			if last > first {
				named += "-" + dayNames[last]
			}
			rules = append(rules, named+" "+week[first])
		}
		first = last + 1
	}
	return strings.Join(rules, "; ")
}
