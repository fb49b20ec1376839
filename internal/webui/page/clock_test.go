package page

import (
	"testing"
	"time"
)

func TestTimesAreThoseOfTheReader(t *testing.T) {
	const at = 1_795_221_609 // 2026-11-21 00:40:09 UTC
	for zone, want := range map[string][6]string{
		"Asia/Ho_Chi_Minh":   {"07:40 · 21/11/2026", "07:40:09", "21/11/2026", "2026-11-21T07:40:09+07:00", "UTC+7", ""},
		"Asia/Kolkata":       {"06:10 · 21/11/2026", "06:10:09", "21/11/2026", "2026-11-21T06:10:09+05:30", "UTC+5:30", "Asia/Kolkata"},
		"America/St_Johns":   {"21:10 · 20/11/2026", "21:10:09", "20/11/2026", "2026-11-20T21:10:09-03:30", "UTC−3:30", "America/St_Johns"},
		"UTC":                {"00:40 · 21/11/2026", "00:40:09", "21/11/2026", "2026-11-21T00:40:09Z", "UTC+0", "UTC"},
		"Pacific/Kiritimati": {"14:40 · 21/11/2026", "14:40:09", "21/11/2026", "2026-11-21T14:40:09+14:00", "UTC+14", "Pacific/Kiritimati"},
	} {
		location, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		r := Reader{Location: location}
		got := [6]string{r.moment(at), r.clockSeconds(at), r.Day(at), r.Stamp(at), r.offset(at), zoneName(location)}
		if got != want {
			t.Errorf("%s: %q, want %q", zone, got, want)
		}
	}
	for typed, want := range map[string]string{"2026-11-06": "06/11/2026", "": "", "soon": "soon"} {
		if got := typedDay(typed); got != want {
			t.Errorf("%q is shown as %q, want %q", typed, got, want)
		}
	}
}
