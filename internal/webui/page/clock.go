package page

import (
	"fmt"
	"time"

	"github.com/truyvet/truyvet/tracing"
)

// The forms in which pages write time, as people in Viet Nam do.
const (
	clockForm  = "15:04"
	dayForm    = "02/01/2006"
	momentForm = clockForm + " · " + dayForm
)

// Reader writes instants in the zone that the pages are read in.
type Reader struct{ Location *time.Location }

// In returns an instant in the zone.
func (r Reader) In(at int64) time.Time { return time.Unix(at, 0).In(r.Location) }

// moment writes an instant as 07:40 · 21/11/2026.
func (r Reader) moment(at int64) string { return r.In(at).Format(momentForm) }

// clock writes the time of day of an instant as 07:40.
func (r Reader) clock(at int64) string { return r.In(at).Format(clockForm) }

// clockSeconds writes the time of day of an instant as 07:40:09.
func (r Reader) clockSeconds(at int64) string { return r.In(at).Format(time.TimeOnly) }

// Day writes the day of an instant as 21/11/2026.
func (r Reader) Day(at int64) string { return r.In(at).Format(dayForm) }

// Stamp writes an instant for machines, as the datetime attribute of HTML wants it.
func (r Reader) Stamp(at int64) string { return r.In(at).Format(time.RFC3339) }

// Date returns the local day of an instant.
func (r Reader) Date(at int64) tracing.Date { return tracing.DateOf(r.In(at)) }

// offset writes how far the zone is from UTC at an instant, as UTC+7 or UTC+5:30.
func (r Reader) offset(at int64) string {
	_, seconds := r.In(at).Zone()
	sign := '+'
	if seconds < 0 {
		sign, seconds = '−', -seconds
	}
	if minutes := seconds % 3600 / 60; minutes != 0 {
		return fmt.Sprintf("UTC%c%d:%02d", sign, seconds/3600, minutes)
	}
	return fmt.Sprintf("UTC%c%d", sign, seconds/3600)
}

// typedDay turns a day as it is kept, 2006-01-02, into the form that people read. What is no day stays as it is.
func typedDay(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.Format(dayForm)
}
