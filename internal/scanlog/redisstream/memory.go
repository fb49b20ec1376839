package redisstream

import (
	"encoding/binary"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
)

// memory says where a scan is remembered: in the hash of the scans whose ids were made in the same 16 seconds or so, as a
// UUIDv7 tells, and a scan with another id in a hash of its own. It follows from the key alone, so a scan that is sent again
// is looked for where it was put. Scans that come at the same time were mostly made at the same time, and to ask and tell
// one hash of many costs Redis a third of what as many keys would; while few come, a hash is also a fraction of their size.
type memory struct {
	span uint64   // milliseconds >> spanBits
	key  scan.Key // zero where span says it
}

// spanBits makes a span of 16.4 seconds: at 30,000 scans a second over four shards a hash of 120,000, which Redis frees in
// some ten milliseconds when its time is over.
const spanBits = 14

func memoryFor(s *scan.Scan) memory {
	if s.ID.Version() != 7 || s.ID.Variant() != uuid.RFC4122 {
		return memory{key: s.Key()}
	}
	return memory{span: binary.BigEndian.Uint64(s.ID[:8]) >> (16 + spanBits)}
}

// name returns the key of the hash in a shard.
func (m memory) name(l Layout, shard int) string {
	if m.key != (scan.Key{}) {
		return l.key(shard, "seen:") + string(m.key[:])
	}
	return l.key(shard, "seen:") + strconv.FormatUint(m.span, 36)
}

// newRun begins a run of the script for some scans of a shard.
func (l *Log) newRun(shard, room int) *run {
	r := &run{
		shard:    shard,
		scans:    make([]*scan.Scan, 0, room),
		outcomes: make([]*scanlog.Outcome, 0, room),
		memories: make(map[memory]int),
		keys:     append(make([]string, 0, 4), l.layout.stream(shard)),
		args:     make([]any, 0, 4+3*room),
	}
	r.args = append(r.args, int64(l.window/time.Second), l.layout.MaxLen, scan.KeyOffset+1, scan.KeyOffset+scan.KeySize)
	return r
}

// add adds a scan to a run.
func (l *Log) add(r *run, s *scan.Scan, wire []byte, outcome *scanlog.Outcome) {
	m := memoryFor(s)
	at, there := r.memories[m]
	if !there {
		r.keys = append(r.keys, m.name(l.layout, r.shard))
		at = len(r.keys) // Lua counts from 1
		r.memories[m] = at
	}
	digest := s.Digest()
	r.scans = append(r.scans, s)
	r.outcomes = append(r.outcomes, outcome)
	r.args = append(r.args, at, digest[:], wire)
}
