package loadgen

import (
	"encoding/binary"
	"hash/fnv"
	"sync"

	"github.com/google/uuid"
)

// Scan is a scan as it is sent, and as it should be stored.
type Scan struct {
	ID    uuid.UUID
	Alias uuid.UUID
	Place uuid.UUID
	At    int64 // UTC seconds
	Kind  Kind
	// Offline says that it was kept on the phone and sent later.
	Offline bool
}

// Kind is what a scan says, numbered as in package stay.
type Kind uint8

// The kinds that people send here.
const (
	In  Kind = 1
	Out Kind = 2
)

// digest is what the ledger keeps of a scan beside its number.
func (s *Scan) digest() uint64 {
	var b [16*3 + 8 + 2]byte
	copy(b[0:], s.ID[:])
	copy(b[16:], s.Alias[:])
	copy(b[32:], s.Place[:])
	binary.BigEndian.PutUint64(b[48:], uint64(s.At))
	b[56] = byte(s.Kind)
	if s.Offline {
		b[57] = 1
	}
	h := fnv.New64a()
	_, _ = h.Write(b[:]) // never fails
	return h.Sum64()
}

// What the ledger knows of a scan.
const (
	bad          = 1 << iota // must be refused
	acknowledged             // answered as accepted or duplicate: must be stored
	accepted                 // answered as accepted
	refused
	stored
)

// ledger keeps, in ten bytes each, what was sent and what was answered. It is safe for concurrent use.
//
// A scan's number stands in its id, beside a tag of the run, so that what is read from a store is told apart from what
// others have sent, and found.
type ledger struct {
	tag uint32 // 22 bits

	mu      sync.Mutex
	digests []uint64
	states  []uint8
	twice   int // scans that were answered as accepted more than once
}

const (
	numberBits = 40
	tagBits    = 22
)

// enter takes in the next scan, gives it its id, which says when it was made, and returns its number.
func (l *ledger) enter(s *Scan, madeMillis int64, isBad bool) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := uint64(len(l.states))
	binary.BigEndian.PutUint64(s.ID[:8], uint64(madeMillis)<<16|0x7000|n&0xfff)
	binary.BigEndian.PutUint64(s.ID[8:], 1<<63|uint64(l.tag)<<numberBits|n)
	var state uint8
	if isBad {
		state = bad
	}
	l.digests = append(l.digests, s.digest())
	l.states = append(l.states, state)
	return n
}

// numberOf returns the number that an id holds, and false where it is none of this run's.
func (l *ledger) numberOf(id uuid.UUID) (uint64, bool) {
	low := binary.BigEndian.Uint64(id[8:])
	return low & (1<<numberBits - 1), low>>63 == 1 && uint32(low>>numberBits)&(1<<tagBits-1) == l.tag && id.Version() == 7
}

// answered notes what was answered to a scan.
func (l *ledger) answered(n uint64, status string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch status {
	case "accepted":
		if l.states[n]&accepted != 0 {
			l.twice++
		}
		l.states[n] |= acknowledged | accepted
	case "duplicate":
		l.states[n] |= acknowledged
	case "refused":
		l.states[n] |= refused
	}
}

// Check is how what is in the store compares with what was sent.
type Check struct {
	Sent         int // scans, each counted once
	Acknowledged int // of them, answered as accepted or duplicate
	Stored       int
	Lost         int // acknowledged and not stored
	Altered      int // stored as something else
	Uncalled     int // stored though they were refused, or had to be
	Twice        int // answered as accepted more than once
	Repeated     int // rows beyond the first of a scan
	Unsettled    int // stored without an acknowledgement: the answer was lost, or never came
}

// Exact says whether what was acknowledged is stored as it was sent, and nothing that was refused. Repeated rows are left to
// the caller: a store that may be sent rows again counts them once.
func (c Check) Exact() bool {
	return c.Lost == 0 && c.Altered == 0 && c.Uncalled == 0 && c.Twice == 0
}

// store notes that a scan was read from the store. Those of others are passed over.
func (l *ledger) store(s Scan, c *Check) {
	n, ours := l.numberOf(s.ID)
	if !ours {
		return
	}
	switch {
	case n >= uint64(len(l.states)):
		c.Altered++ // nobody ever sent it
	case l.states[n]&stored != 0:
		c.Repeated++
	default:
		l.states[n] |= stored
		c.Stored++
		if l.digests[n] != s.digest() {
			c.Altered++
		}
		if l.states[n]&bad != 0 || l.states[n]&(refused|acknowledged) == refused {
			c.Uncalled++
		}
		if l.states[n]&(refused|acknowledged) == 0 {
			c.Unsettled++
		}
	}
}

// Compare reads what is stored, by each, and compares it with what was sent. Each calls its argument with every scan that
// may be one of the run's, in any order; others are passed over. It is called once, when nothing is sent any more.
func (l *ledger) compare(each func(take func(Scan)) error) (Check, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := Check{Sent: len(l.states), Twice: l.twice}
	if err := each(func(s Scan) { l.store(s, &c) }); err != nil {
		return c, err
	}
	for _, state := range l.states {
		if state&acknowledged == 0 {
			continue
		}
		c.Acknowledged++
		if state&stored == 0 {
			c.Lost++
		}
	}
	return c, nil
}
