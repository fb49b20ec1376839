// Package scanstore is the contract of the scan store, where logged scans are kept by day until retention drops them.
package scanstore

import (
	"context"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
)

// Reader gives stored scans in sequence.
//
// Read calls yield with blocks of scans whose position is past after and not past upTo, in the order of (shard, seq). A
// scan that a retry stored twice may come twice with the same or another position; whoever derives from scans keeps the
// first of each (alias, id) in the order of (shard, seq). The block is reused after yield returns. An error from yield
// ends the call and is returned as it is.
type Reader interface {
	Read(ctx context.Context, after, upTo scanlog.Watermark, yield func([]scan.Scan) error) error
}

// Writer takes logged scans, with Shard and Seq set. Insert returns nil only once the store has them all; after an error
// the same scans may be inserted again, as often as needed, and count once.
type Writer interface {
	Insert(ctx context.Context, scans []scan.Scan) error
}

// DayCount is a day and about how many scans are stored of it: never fewer.
type DayCount struct {
	Day   scan.Day
	Scans int64
}

// Dropper drops whole days.
type Dropper interface {
	// Before returns the days that DropBefore would drop, oldest first.
	Before(ctx context.Context, first scan.Day) ([]DayCount, error)
	// DropBefore drops every day before the given one and returns which were dropped, oldest first. With an error come
	// the days that were dropped before it; a day that is returned is gone and is not returned again. Calling it again
	// drops what is left.
	DropBefore(ctx context.Context, first scan.Day) ([]scan.Day, error)
}

// Holding says which store this is and how much there is in it.
type Holding interface {
	// Count returns about how many scans there are, never fewer. It costs little.
	Count(ctx context.Context) (int64, error)
	// ID returns a random id that no other store has, one that was begun anew in the same place neither.
	ID(ctx context.Context) (uuid.UUID, error)
}
