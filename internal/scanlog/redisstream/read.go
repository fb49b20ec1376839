package redisstream

import (
	"context"
	"maps"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
)

// readCount is how many entries of a stream one answer holds at most, and scriptScans times as many scans.
const readCount = 64

// Tail implements scanlog.Progress.
func (l *Log) Tail(ctx context.Context) (scanlog.Watermark, error) {
	infos := make([]*redis.XInfoStreamCmd, l.layout.Shards)
	_, _ = l.reader.Pipelined(ctx, func(p redis.Pipeliner) error {
		for k := range infos {
			infos[k] = p.XInfoStream(ctx, l.layout.stream(k))
		}
		return nil
	}) // each command holds its own error
	tail := make(scanlog.Watermark, l.layout.Shards)
	for k, info := range infos {
		extent, err := l.extentOf(uint32(k), info)
		if err != nil {
			return nil, err
		}
		if extent.last > 0 {
			tail[uint32(k)] = extent.last
		}
	}
	return tail, nil
}

// Read calls yield with blocks of the scans in the streams whose position is past after and not past upTo, each once, in the
// order of (shard, seq). Entries that are no scans, which the workers bury, are passed over. The block is reused after yield
// returns. An error from yield ends the call and is returned as it is; other errors are scanlog.ErrUnavailable.
//
// The workers trim the streams. Where entries that were to be read may be gone the error is a *scanlog.Hole: everything
// before the hole was given, nothing past it. It is told from what a stream says after it was read, so that what is trimmed
// meanwhile does not go unnoticed. A hole may be empty. But a stream that was trimmed to its end while it was idle has none
// for whoever goes on from that end, if Tail or Read has met the end here; and who begins at 0 has one at the start, for
// nobody knows what came before the stream.
func (l *Log) Read(ctx context.Context, after, upTo scanlog.Watermark, yield func([]scan.Scan) error) error {
	var ways []*way
	for _, shard := range slices.Sorted(maps.Keys(upTo)) {
		if after[shard] < upTo[shard] {
			ways = append(ways, &way{shard: shard, at: after[shard], upTo: upTo[shard]})
		}
	}
	l.fetch(ctx, ways...)
	var block []scan.Scan
	for _, w := range ways {
		for more := true; more; {
			var fault error
			block, more, fault = l.take(w, block[:0])
			if len(block) > 0 {
				if err := yield(block); err != nil {
					return err
				}
			}
			if fault != nil {
				return fault
			}
			if more {
				l.fetch(ctx, w)
			}
		}
	}
	return nil
}

// way is how far a stream has been read, with the answer about what comes next.
type way struct {
	shard    uint32
	at, upTo uint64
	entries  *redis.XMessageSliceCmd
	info     *redis.XInfoStreamCmd
	decoded  []scanlog.Entry
}

// fetch asks each stream for what comes next, and then what the stream has. Each command holds its own error.
func (l *Log) fetch(ctx context.Context, ways ...*way) {
	_, _ = l.reader.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, w := range ways {
			stream := l.layout.stream(int(w.shard))
			w.entries = p.XRangeN(ctx, stream, entryID(w.at+1), entryID(w.upTo), readCount)
			w.info = p.XInfoStream(ctx, stream)
		}
		return nil
	})
}

// take appends to block the scans of what was fetched, and says whether there may be more. With an error, which may be a
// *scanlog.Hole, the block holds what comes before it.
func (l *Log) take(w *way, block []scan.Scan) (_ []scan.Scan, more bool, _ error) {
	messages, err := w.entries.Result()
	if err != nil {
		return block, false, unavailable("reading a range of the stream", err)
	}
	known := l.ends.knows(w.shard, w.at)
	has, err := l.extentOf(w.shard, w.info)
	if err != nil {
		return block, false, err
	}
	// Streams are trimmed from their start alone: what was answered is whole, and what is missing stood before it.
	missing := w.upTo
	starts := make([]uint64, len(messages))
	for i, m := range messages {
		if starts[i], err = parseID(m.ID); err != nil {
			return block, false, err
		}
		missing = min(missing, starts[i]-1)
	}
	if missing > w.at && !has.reaches(w.at) && !known.adjoins(has) {
		return block, false, &scanlog.Hole{Shard: w.shard, After: w.at, UpTo: missing}
	}
	from := w.at
	for i, m := range messages {
		w.decoded = decode(w.decoded[:0], int(w.shard), starts[i], m.Values)
		for j := range w.decoded {
			if e := &w.decoded[j]; e.Fault == nil && e.Seq > from && e.Seq <= w.upTo {
				block = append(block, e.Scan)
			}
		}
		w.at = min(endOf(starts[i]), w.upTo)
	}
	if len(messages) == readCount {
		return block, true, nil
	}
	if has.last < w.upTo { // a server that has lost what it once had
		return block, false, &scanlog.Hole{Shard: w.shard, After: w.at, UpTo: w.upTo}
	}
	return block, false, nil
}
