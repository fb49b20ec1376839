package redisstream

import (
	"encoding/binary"
	"strconv"

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

// newPart begins what a run has of a shard, with room for some scans.
func newPart(shard, room int) *part {
	return &part{
		shard: shard, scans: make([]*scan.Scan, 0, room), outcomes: make([]*scanlog.Outcome, 0, room),
		memories: make(map[memory]int),
		numbers:  make([]byte, 0, 2*room), digests: make([]byte, 0, len(scan.Digest{})*room), wires: make([]byte, 0, 80*room),
	}
}

// add adds a scan to a part of a run.
func (p *part) add(l Layout, s *scan.Scan, wire []byte, outcome *scanlog.Outcome) {
	m := memoryFor(s)
	number, there := p.memories[m]
	if !there {
		p.names = append(p.names, m.name(l, p.shard))
		number = len(p.names)
		p.memories[m] = number
	}
	digest := s.Digest()
	p.scans = append(p.scans, s)
	p.outcomes = append(p.outcomes, outcome)
	p.numbers = binary.BigEndian.AppendUint16(p.numbers, uint16(number))
	p.digests = append(p.digests, digest[:]...)
	p.wires = append(append(p.wires, byte(len(wire))), wire...)
}
