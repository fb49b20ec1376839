package snapshot

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanstore"
)

// Stream is a log that can be read back as far as it has not been trimmed. Tail is that of scanlog.Progress, and Read that of
// scanstore.Reader, but gives each scan once, and where something may be missing it ends with a *scanlog.Hole: everything
// before the hole was given, and nothing past it.
type Stream interface {
	Tail(ctx context.Context) (scanlog.Watermark, error)
	Read(ctx context.Context, after, upTo scanlog.Watermark, yield func([]scan.Scan) error) error
}

// Tail reads scans from the log itself, and from the store only those that the log has dropped. So what was accepted can be
// read at once, and also while the store is away. It is safe for concurrent use.
type Tail struct {
	log   Stream
	store scanstore.Reader
}

// NewTail returns a Tail of a log and the store behind it.
func NewTail(log Stream, store scanstore.Reader) *Tail { return &Tail{log: log, store: store} }

// Tail returns the position of the newest logged scan of each shard.
func (t *Tail) Tail(ctx context.Context) (scanlog.Watermark, error) { return t.log.Tail(ctx) }

// Read calls yield with blocks of scans whose position is past after and not past upTo, which must be no further than a Tail,
// in the order of (shard, seq), each position once. The block is reused after yield returns. An error from yield ends the call
// and is returned as it is.
func (t *Tail) Read(ctx context.Context, after, upTo scanlog.Watermark, yield func([]scan.Scan) error) error {
	at := maps.Clone(after)
	if at == nil {
		at = make(scanlog.Watermark)
	}
	for {
		err := t.log.Read(ctx, at, upTo, yield)
		var hole *scanlog.Hole
		if !errors.As(err, &hole) {
			return err
		}
		for shard, seq := range upTo {
			if shard < hole.Shard {
				at[shard] = max(at[shard], seq)
			}
		}
		if err := t.fill(ctx, hole, yield); err != nil {
			return err
		}
		at[hole.Shard] = hole.UpTo
	}
}

// fill gives what the store has of a hole.
func (t *Tail) fill(ctx context.Context, hole *scanlog.Hole, yield func([]scan.Scan) error) error {
	last := hole.After
	var fromYield error
	err := t.store.Read(ctx, scanlog.Watermark{hole.Shard: hole.After}, scanlog.Watermark{hole.Shard: hole.UpTo}, func(block []scan.Scan) error {
		once := block[:0]
		for _, s := range block {
			if s.Seq > last { // a retry may have stored it twice
				last = s.Seq
				once = append(once, s)
			}
		}
		if len(once) > 0 {
			fromYield = yield(once)
		}
		return fromYield
	})
	if err != nil && fromYield == nil {
		return fmt.Errorf("reading from the store what the log has dropped: %w", err)
	}
	return err
}
