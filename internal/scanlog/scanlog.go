// Package scanlog is the contract of the scan log, the place where a scan becomes accepted.
//
// What Append has answered as Accepted or Duplicate is durable: it survives a kill of any process, ours or a server's.
// Everything behind the log (store, stays, lists) can be derived from it again and may not lose any of it.
package scanlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/scan"
)

// Outcome is what the log did with one scan.
type Outcome uint8

// The outcomes of an append. A scan is known by (alias, id).
const (
	Accepted  Outcome = iota // it is logged now
	Duplicate                // the same scan was logged before; nothing was added
	Conflict                 // another scan with this (alias, id) was logged before; this one was not
)

// Log takes scans. It is safe for concurrent use; scans appended at the same time share one durable commit.
//
// Append answers one outcome per scan, in order, once all of them are durable. Two scans of one batch with the same
// (alias, id) are judged in order. The log sets Shard and Seq of the accepted ones. On an error nothing is promised of
// any scan of the batch, and appending the same batch again is safe. When the log cannot take more, the error is ErrFull
// or ErrUnavailable, at once, and never a wait without bound.
//
// A batch with a scan that is not well formed is refused whole, with the error of scan.Validate: the log relies on no
// caller to have judged them, and whoever wants to refuse single scans judges each before.
type Log interface {
	Append(ctx context.Context, scans []scan.Scan) ([]Outcome, error)
}

// The errors of a log. Compare with errors.Is.
var (
	ErrFull        = errs.Busy("scan_log_full", "Too many scans at this moment; keep them and send them again.", 2*time.Second)
	ErrUnavailable = errs.Busy("scan_log_unavailable", "The scan log cannot be reached; keep the scans and send them again.", 5*time.Second)
)

// ErrDropped is the Fault of an entry that was given to a worker before and has been deleted from the log since, unstored.
var ErrDropped = errors.New("the entry was deleted from the log before it was stored")

// Watermark is, per shard, the seq up to which everything is meant: stored, read, or recorded by a trace run. A shard that
// is missing stands at 0. Both scan logs number from 1.
type Watermark map[uint32]uint64

// Covers says whether w has reached other in every shard.
func (w Watermark) Covers(other Watermark) bool {
	for shard, seq := range other {
		if w[shard] < seq {
			return false
		}
	}
	return true
}

// Progress tells how far the log and the store behind it are.
type Progress interface {
	// Tail returns a position of each shard: no scan that was logged is past it, and every later one will be.
	Tail(ctx context.Context) (Watermark, error)
	// Stored returns the position up to which every logged scan is in the store.
	Stored(ctx context.Context) (Watermark, error)
}

// Entry is a scan of a log as it is read back from it, or what stands there and is none.
type Entry struct {
	Shard uint32
	Seq   uint64
	Scan  scan.Scan // with Shard and Seq set; meaningless where Fault is not nil
	Fault error     // why the entry is no scan; nil as a rule
	Raw   []byte    // the scan as it stands in the log
}

// Hole is the error of reading a log that may have dropped a part of what was to be read: scans of a shard whose position is
// past After and not past UpTo. A log drops only what the store has, so they are there.
type Hole struct {
	Shard       uint32
	After, UpTo uint64
}

// Error implements error.
func (h *Hole) Error() string {
	return fmt.Sprintf("shard %d of the scan log may have dropped scans past %d up to %d", h.Shard, h.After, h.UpTo)
}
