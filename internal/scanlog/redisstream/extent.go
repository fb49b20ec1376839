package redisstream

import (
	"sync"

	"github.com/redis/go-redis/v9"
)

// extent is what a stream says of itself (https://redis.io/docs/latest/commands/xinfo-stream/). All is 0 where there is none.
type extent struct {
	first, last uint64 // where the first entry that is left starts, 0 = none; where the last that ever was ends
	added, left int64  // how many entries there ever were, and are
}

// extentOf reads an answer to XINFO STREAM, and remembers which entry was the last.
func (l *Log) extentOf(shard uint32, info *redis.XInfoStreamCmd) (e extent, err error) {
	stream, err := info.Result()
	if err != nil && !isMissing(err) {
		return extent{}, unavailable("asking for the extent of the stream", err)
	}
	if err == nil {
		e.added, e.left = stream.EntriesAdded, stream.Length
		if e.last, err = parseID(stream.LastGeneratedID); err != nil {
			return extent{}, err
		}
		e.last = endOf(e.last)
		if e.first, err = parseID(stream.RecordedFirstEntryID); err != nil {
			return extent{}, err
		}
	}
	l.ends.note(shard, end{seq: e.last, added: e.added})
	return e, nil
}

// reaches says whether nothing past a position was trimmed: an entry at it, before it or just past it is left.
func (e extent) reaches(seq uint64) bool { return e.first > 0 && e.first-1 <= seq }

// end is where an entry ends that was the last of its stream, and how many entries there had been up to it.
type end struct {
	seq   uint64
	added int64
}

// adjoins says whether nothing past the end was trimmed: no more entries are gone than there had been up to it.
func (e end) adjoins(now extent) bool { return e.seq > 0 && e.added == now.added-now.left }

// ends are some of the last ends of each stream. It is safe for concurrent use.
type ends struct {
	mu sync.Mutex
	of map[uint32][]end
}

// keptEnds is how many ends are remembered of a stream: readers go on from one that they were told a moment ago.
const keptEnds = 8

// note remembers an end. Where a stream has fewer entries than it had before, it is no longer the same: what was known of it
// is forgotten.
func (k *ends) note(shard uint32, e end) {
	k.mu.Lock()
	defer k.mu.Unlock()
	kept := k.of[shard]
	if n := len(kept); n > 0 {
		newest := kept[n-1]
		if newest == e {
			return
		}
		if e.seq <= newest.seq || e.added <= newest.added {
			kept = kept[:0]
		} else if n == keptEnds {
			kept = kept[:copy(kept, kept[1:])]
		}
	}
	if k.of == nil {
		k.of = make(map[uint32][]end)
	}
	k.of[shard] = append(kept, e)
}

// knows returns the end at a position, or none.
func (k *ends) knows(shard uint32, seq uint64) end {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range k.of[shard] {
		if e.seq == seq {
			return e
		}
	}
	return end{}
}
