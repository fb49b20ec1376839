package registry

import (
	"time"

	"github.com/google/uuid"
)

// LongestTrip is how long after it began a trip is over that nobody has ended: as long as a stay may be.
const LongestTrip = 24 * time.Hour

// Trip is one run of a vehicle, [Began, Over). Route is what its driver calls it, as "Cửa Lạch – Hà Nội".
type Trip struct {
	ID      uuid.UUID
	Vehicle uuid.UUID
	Route   string
	Began   int64
	Ended   int64 // as its driver said, or when the next began; 0 = neither is known
}

// Over returns when the trip is over, whoever has ended it or nobody.
func (t Trip) Over() int64 {
	if t.Ended != 0 {
		return t.Ended
	}
	return t.Began + int64(LongestTrip/time.Second)
}

// TripChanges is the trips that have changed since an earlier count of changes, or all that began since an instant.
type TripChanges struct {
	Changes int64 // grows with every trip that is begun or ended
	Whole   bool  // it is all of them
	Trips   []Trip
}
