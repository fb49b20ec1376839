package httpapi

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/scan"
)

// TestCorrectingClocks: whatever the device's clock shows, and however it was set in between, a scan is as of when it was made, and what
// it was corrected by leads back to what the device gave.
func TestCorrectingClocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := rapid.Int64Range(1_500_000_000, 2_000_000_000).Draw(t, "now")
		ago := rapid.Int64Range(0, 30*24*3600).Draw(t, "ago")
		ahead := rapid.Int64Range(-1_000_000, 1_000_000) // of the device's clock
		then := ahead.Draw(t, "ahead then")
		since := then
		d := deviceTime{At: now - ago + then}
		if rapid.Bool().Draw(t, "counted") { // with the seconds counted the clock may have been set
			d.Age, since = &ago, ahead.Draw(t, "ahead since")
		}
		at, skew, err := d.corrected(now, now+since)
		if err != nil || at != now-ago || at-int64(skew) != d.At {
			t.Fatalf("corrected to %d by %d, %v; want %d", at, skew, err, now-ago)
		}
	})
}

func TestClocksThatCannotBe(t *testing.T) {
	const now = 1_700_000_000
	number := func(n int64) *int64 { return &n }
	for _, c := range []struct {
		name string
		when deviceTime
		sent int64
		want error
	}{
		{"no time", deviceTime{}, now, errNoScanTime},
		{"a time before all", deviceTime{At: -1}, now, errNoScanTime},
		{"a time after all", deviceTime{At: scan.MaxAt + 1}, now, errNoScanTime},
		{"further than can be stored", deviceTime{At: 1}, scan.MaxAt, scan.ErrAt},
		{"an age below nothing", deviceTime{At: now, Age: number(-5)}, now, nil},
		{"an age without end", deviceTime{At: now, Age: number(math.MaxInt64)}, now, nil},
		{"as old as time", deviceTime{At: now, Age: number(now)}, now, nil},
	} {
		if _, _, err := c.when.corrected(now, c.sent); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	for sent, can := range map[int64]bool{-1: false, 0: false, 1: true, scan.MaxAt: true, scan.MaxAt + 1: false} {
		if sentAt(sent) != can {
			t.Errorf("a device has the time %d: %v", sent, !can)
		}
	}
}
