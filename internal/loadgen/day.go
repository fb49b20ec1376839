package loadgen

import "time"

// hours is how many of a thousand scans of a day are made in each of its hours: as people go to work and to school, eat at
// noon, go home, and shop and eat in the evening. The fullest hour has 2.6 times the mean. The shape is an assumption.
var hours = [24]int{2, 1, 1, 1, 4, 20, 80, 110, 70, 50, 50, 70, 60, 50, 50, 50, 70, 100, 70, 40, 25, 15, 8, 3}

// timeOfDay returns when a day has seen a part of its scans, from 0 to 1, counted from its beginning.
func timeOfDay(part float64) time.Duration {
	left := part * 1000
	for hour, scans := range hours {
		if left < float64(scans) {
			return time.Duration((float64(hour) + left/float64(scans)) * float64(time.Hour))
		}
		left -= float64(scans)
	}
	return 24 * time.Hour
}
