package demo

import (
	"time"

	"github.com/truyvet/truyvet/tracing"
)

// scanDays is for how many local days there are scans, today included.
const scanDays = 30

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// clock returns seconds since local midnight.
func clock(h, m int) int { return h*hour + m*minute }

// calendar knows the local days of the demo: 0 is the first one with scans, scanDays − 1 is today.
type calendar struct {
	now   int64
	loc   *time.Location
	start [scanDays + 1]int64 // local midnights; the last is tomorrow's
	date  [scanDays]tracing.Date
	week  [scanDays]time.Weekday
}

func newCalendar(now time.Time, loc *time.Location) *calendar {
	local := now.In(loc)
	c := &calendar{now: now.Unix(), loc: loc}
	for i := range c.start {
		midnight := time.Date(local.Year(), local.Month(), local.Day()+i-(scanDays-1), 0, 0, 0, 0, loc)
		c.start[i] = midnight.Unix()
		if i < scanDays {
			c.date[i], c.week[i] = tracing.DateOf(midnight), midnight.Weekday()
		}
	}
	return c
}

// days is a set of weekdays.
type days uint8

const (
	monToFri days = 1<<time.Monday | 1<<time.Tuesday | 1<<time.Wednesday | 1<<time.Thursday | 1<<time.Friday
	monToSat      = monToFri | 1<<time.Saturday
	allDays       = monToSat | 1<<time.Sunday
)

func (d days) on(w time.Weekday) bool { return d&(1<<w) != 0 }

// hours is when a place is open: on some weekdays, during [from, to) in seconds since local midnight.
type hours struct {
	days     days
	from, to int
}

// at says whether the place is open.
func (h hours) at(w time.Weekday, second int) bool {
	return h.days.on(w) && second >= h.from && second < h.to
}

// daytime returns at, or where that is at night the next time at which people are fetched: between 7 and 8 in the
// morning.
func (c *calendar) daytime(at int64) int64 {
	local := time.Unix(at, 0).In(c.loc)
	y, m, d := local.Date()
	if local.Hour() >= 21 {
		d++
	} else if local.Hour() >= 7 {
		return at
	}
	return time.Date(y, m, d, 7, int(at%60), 0, 0, c.loc).Unix()
}
