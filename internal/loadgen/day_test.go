package loadgen

import (
	"testing"
	"time"
)

// TestTimeOfDay holds the shape of a day to its table, and the table to a thousand.
func TestTimeOfDay(t *testing.T) {
	sum := 0
	for hour, scans := range hours {
		if at := timeOfDay(float64(sum) / 1000); (at - time.Duration(hour)*time.Hour).Abs() > time.Second {
			t.Errorf("hour %d begins at %v", hour, at)
		}
		sum += scans
	}
	if sum != 1000 {
		t.Errorf("the hours have %d of a thousand scans", sum)
	}
	last := time.Duration(0)
	for i := range 10_001 {
		at := timeOfDay(float64(i) / 10_000)
		if at < last || at > 24*time.Hour {
			t.Fatalf("%v comes after %v", at, last)
		}
		last = at
	}
}
