package loadgen

import (
	"math/bits"
	"time"
)

// histogram counts durations in buckets whose width is a 32nd of their value, so that a quantile is at most 3 % too high, in
// fixed memory. It is not safe for concurrent use.
type histogram struct {
	buckets [60 * subBuckets]uint32
	count   uint64
	longest time.Duration
}

const (
	subBits    = 5
	subBuckets = 1 << subBits
)

// bucketOf returns the bucket of a duration in microseconds.
func bucketOf(us uint64) int {
	if us < subBuckets {
		return int(us)
	}
	shift := bits.Len64(us) - subBits - 1
	return shift*subBuckets + int(us>>shift)
}

// upperOf returns the largest duration of a bucket.
func upperOf(bucket int) time.Duration {
	if bucket < 2*subBuckets {
		return time.Duration(bucket) * time.Microsecond
	}
	shift := bucket/subBuckets - 1
	first := uint64(bucket%subBuckets+subBuckets) << shift
	return time.Duration(first+1<<shift-1) * time.Microsecond
}

func (h *histogram) add(d time.Duration) {
	d = max(d, 0)
	h.buckets[bucketOf(uint64(d/time.Microsecond))]++
	h.count++
	h.longest = max(h.longest, d)
}

// merge adds what another one counted.
func (h *histogram) merge(other *histogram) {
	for i, n := range other.buckets {
		h.buckets[i] += n
	}
	h.count += other.count
	h.longest = max(h.longest, other.longest)
}

// quantile returns the duration that a share of all do not exceed; 0 where there are none.
func (h *histogram) quantile(share float64) time.Duration {
	if h.count == 0 {
		return 0
	}
	rank := uint64(share * float64(h.count))
	rank = min(max(rank, 1), h.count)
	var seen uint64
	for i, n := range h.buckets {
		if seen += uint64(n); seen >= rank {
			return min(upperOf(i), h.longest)
		}
	}
	return h.longest
}
