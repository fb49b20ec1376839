package httpapi

import (
	"math"

	"github.com/truyvet/truyvet/internal/scan"
)

// deviceTime is when a device made a scan that it has kept. At is by the device's clock, UTC seconds, and stays the same whenever the
// scan is sent; Age, where the device has kept count without looking at that clock, is how many seconds ago it was.
type deviceTime struct {
	At  int64  `json:"at"`
	Age *int64 `json:"age"`
}

// corrected returns when that was by the server's clock, and by how many seconds it was corrected, for a device that says that it
// is sent o'clock while it is now here. An age that no device can have counted is as good as none. The errors: errNoScanTime,
// scan.ErrAt.
func (d deviceTime) corrected(now, sent int64) (at int64, skew int32, err error) {
	if d.At <= 0 || d.At > scan.MaxAt {
		return 0, 0, errNoScanTime
	}
	ahead := now - sent
	if d.Age != nil && *d.Age >= 0 && *d.Age <= now {
		ahead = now - *d.Age - d.At
	}
	if ahead < math.MinInt32 || ahead > math.MaxInt32 {
		return 0, 0, scan.ErrAt
	}
	return d.At + ahead, int32(ahead), nil
}

// sentAt says whether a device can have that time.
func sentAt(sent int64) bool { return sent > 0 && sent <= scan.MaxAt }
