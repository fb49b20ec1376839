package registry_test

import (
	"testing"
	"time"

	"github.com/truyvet/truyvet/internal/registry"
)

func TestClosed(t *testing.T) {
	const slack = time.Hour
	for _, c := range []struct {
		hours, at string
		closed    bool
	}{
		{"", "Mon 03:00", false}, // not known
		{"24/7", "Sun 23:59", false},
		{"Mo-Fr 07:00-17:00; Su off", "Mon 05:59", true},
		{"Mo-Fr 07:00-17:00; Su off", "Mon 06:00", false},
		{"Mo-Fr 07:00-17:00; Su off", "Fri 17:59", false},
		{"Mo-Fr 07:00-17:00; Su off", "Fri 18:00", true},
		{"Mo-Fr 07:00-17:00; Su off", "Sat 12:00", true}, // not named
		{"Mo-Fr 07:00-17:00; Su off", "Sun 12:00", true},
		{"Mo 08:00-11:00,14:00-17:00", "Mon 12:30", true},
		{"Su 18:00-02:00", "Mon 02:59", false}, // the end of the week
		{"Su 18:00-02:00", "Mon 03:00", true},
		{"Mo 00:00-12:00", "Sun 23:00", false}, // and its beginning
		{"Mo 00:00-12:00", "Sun 22:59", true},
		{"off", "Wed 12:00", true},
	} {
		hours, err := registry.ParseHours(c.hours)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse("Mon 15:04", c.at)
		if err != nil {
			t.Fatal(err)
		}
		// Parsing does not read the weekday into a date.
		monday := time.Date(2021, 11, 1, at.Hour(), at.Minute(), 59, 0, time.FixedZone("+07", 7*3600))
		for monday.Format("Mon") != c.at[:3] {
			monday = monday.AddDate(0, 0, 1)
		}
		if closed := registry.WeekOf(hours).Closed(monday, slack); closed != c.closed {
			t.Errorf("%q is closed on %s: %v", c.hours, c.at, closed)
		}
	}
	if registry.WeekOf("always").Closed(time.Unix(0, 0), slack) {
		t.Error("hours that are none close a place")
	}
}
