package app

import (
	"strings"
	"testing"
	"time"

	"github.com/truyvet/truyvet/internal/telemetry"
)

// TestCodesThatAreNotHeardOf lets the registry be away for longer and longer: a server goes on with the codes that it knows, and says
// so after ten seconds.
func TestCodesThatAreNotHeardOf(t *testing.T) {
	read := time.Date(2021, 12, 1, 7, 0, 0, 0, time.UTC)
	now := read
	check := codesCheck(read.Unix, func() time.Time { return now })
	for _, c := range []struct {
		age   time.Duration
		level telemetry.Level
	}{
		{0, telemetry.OK},
		{10 * time.Second, telemetry.OK},
		{10*time.Second + time.Millisecond, telemetry.Degraded},
		{time.Hour, telemetry.Degraded},
		{-time.Hour, telemetry.OK}, // the machine's clock was set back
	} {
		now = read.Add(c.age)
		found := check.Run(t.Context())
		if found.Level != c.level || (found.Detail == "") != (c.level == telemetry.OK) || found.Values[0] != c.age.Seconds() {
			t.Errorf("after %v: %v, %q, %v", c.age, found.Level, found.Detail, found.Values)
		}
		if c.level == telemetry.Degraded && !strings.Contains(found.Detail, c.age.Round(time.Second).String()) {
			t.Errorf("after %v it says %q", c.age, found.Detail)
		}
	}
}
