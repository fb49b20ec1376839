package tracing

import (
	"fmt"
	"time"
)

// Date is a day as people write it: it becomes an interval of instants only with a time zone. The zero Date means that no
// day is given.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads a day in the form 2021-12-29.
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return Date{}, fmt.Errorf("%q is not a day of the form 2021-12-29", text)
	}
	return DateOf(t), nil
}

// DateOf returns the day of t in t's time zone.
func DateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date{Year: year, Month: month, Day: day}
}

// IsZero says whether no day is given.
func (d Date) IsZero() bool { return d == Date{} }

// String returns the form that ParseDate reads, and nothing for the zero Date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

// AddDays returns the day n days later.
func (d Date) AddDays(n int) Date {
	return DateOf(time.Date(d.Year, d.Month, d.Day+n, 12, 0, 0, 0, time.UTC))
}

// Start returns the instant of 00:00 of the day in loc; the end of the day is the start of the next.
func (d Date) Start(loc *time.Location) int64 {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, loc).Unix()
}

// MarshalText writes the day as String does.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	date, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = date
	return nil
}
