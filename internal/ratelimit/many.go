package ratelimit

import (
	"hash/maphash"
	"sync/atomic"
	"time"
)

// cells is how many cells a row of a Many has, a power of two.
const cells = 1 << 17

// Many holds each of any number of keys to one rule, at the rate at which scans come: it has 2 MiB however many keys there
// are, and no lock. It is safe for concurrent use, and like a Limiter it lives in this process alone.
//
// Each key has one cell in each of two rows, which it shares with others, and it is refused where both its cells are
// exhausted. So a key is never allowed more than its rule, but for what is
// asked at the very same time; and one that keeps to it can be refused only where exhausted keys
// hold both of its cells: with a hundred of them about once in two million. Which keys share cells nobody can know or choose.
//
// A cell is the instant at which its bucket will be full again, in nanoseconds (the generic cell rate algorithm, ITU-T
// I.371).
type Many struct {
	every int64 // nanoseconds per token
	burst int64 // tokens
	clock func() time.Time
	rows  [2]struct {
		seed  maphash.Seed
		cells [cells]atomic.Int64
	}
}

// NewMany returns a Many in which every bucket is full.
func NewMany(perKey Rule, clock func() time.Time) *Many {
	m := &Many{every: int64(perKey.Every), burst: int64(perKey.Burst), clock: clock}
	for i := range m.rows {
		m.rows[i].seed = maphash.MakeSeed()
	}
	return m
}

// Take counts n more for key, at most a whole burst of which may be had at once. It returns 0 if that is allowed, else how
// long to wait before asking again; a refusal counts for nothing.
func (m *Many) Take(key []byte, n int) (wait time.Duration) {
	now := m.clock().UnixNano()
	cost := min(int64(n), m.burst) * m.every
	a, b := m.cell(0, key), m.cell(1, key)
	wait = min(m.missing(a, now, cost), m.missing(b, now, cost))
	if wait > 0 {
		return wait
	}
	spend(a, now, cost)
	spend(b, now, cost)
	return 0
}

func (m *Many) cell(row int, key []byte) *atomic.Int64 {
	r := &m.rows[row]
	return &r.cells[maphash.Bytes(r.seed, key)%cells]
}

// missing returns how long until a cell has as much as is asked for.
func (m *Many) missing(cell *atomic.Int64, now, cost int64) time.Duration {
	return time.Duration(max(max(cell.Load(), now)+cost-now-m.burst*m.every, 0))
}

// spend takes from a cell.
func spend(cell *atomic.Int64, now, cost int64) {
	for {
		full := cell.Load()
		if cell.CompareAndSwap(full, max(full, now)+cost) {
			return
		}
	}
}
