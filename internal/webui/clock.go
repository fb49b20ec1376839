package webui

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

// reader writes instants in the zone that the pages are read in.
type reader struct{ location *time.Location }

func (r reader) in(at int64) time.Time { return time.Unix(at, 0).In(r.location) }

// moment writes an instant as 07:40 · 21/11/2026.
func (r reader) moment(at int64) string { return r.in(at).Format(momentForm) }

// clock writes the time of day of an instant as 07:40.
func (r reader) clock(at int64) string { return r.in(at).Format(clockForm) }

// clockSeconds writes the time of day of an instant as 07:40:09.
func (r reader) clockSeconds(at int64) string { return r.in(at).Format(time.TimeOnly) }

// day writes the day of an instant as 21/11/2026.
func (r reader) day(at int64) string { return r.in(at).Format(dayForm) }

// stamp writes an instant for machines, as the datetime attribute of HTML wants it.
func (r reader) stamp(at int64) string { return r.in(at).Format(time.RFC3339) }

// date returns the local day of an instant.
func (r reader) date(at int64) tracing.Date { return tracing.DateOf(r.in(at)) }

// offset writes how far the zone is from UTC at an instant, as UTC+7 or UTC+5:30.
func (r reader) offset(at int64) string {
	_, seconds := r.in(at).Zone()
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
