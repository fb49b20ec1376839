package ratelimit

import (
	"encoding/binary"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestManyIsABucketForEachKey holds Many to a bucket per key, counted plainly.
func TestManyIsABucketForEachKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := start()
		rule := Rule{Burst: rapid.IntRange(1, 20).Draw(t, "burst"), Every: time.Second}
		m := NewMany(rule, c.time)
		type bucket struct {
			tokens float64
			at     time.Time
		}
		buckets := map[byte]*bucket{}
		for range 200 {
			c.now = c.now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "after")) * time.Millisecond)
			key, n := rapid.Byte().Draw(t, "key")%3, rapid.IntRange(1, 25).Draw(t, "n")
			b := buckets[key]
			if b == nil {
				b = &bucket{tokens: float64(rule.Burst), at: c.now}
				buckets[key] = b
			}
			b.tokens, b.at = min(b.tokens+c.now.Sub(b.at).Seconds(), float64(rule.Burst)), c.now
			asked := float64(min(n, rule.Burst))
			wait := m.Take([]byte{key}, n)
			missing := time.Duration((asked - b.tokens) * float64(time.Second))
			if allowed := missing <= time.Microsecond; allowed != (wait == 0) || !allowed && (wait-missing).Abs() > time.Microsecond {
				t.Fatalf("of %v tokens %v are asked for: wait %v", b.tokens, asked, wait)
			}
			if wait == 0 {
				b.tokens -= asked
			}
		}
	})
}

// TestManyUnderAFlood exhausts a thousand keys and sees next to none of a hundred thousand others refused.
func TestManyUnderAFlood(t *testing.T) {
	c := start()
	m := NewMany(Rule{Burst: 10, Every: time.Second}, c.time)
	key := func(i int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(i)) }
	for i := range 1000 {
		for m.Take(key(i), 1) == 0 {
		}
	}
	refused := 0
	for i := 1000; i < 101_000; i++ {
		c.now = c.now.Add(time.Millisecond)
		if m.Take(key(i), 1) > 0 {
			refused++
		}
	}
	if refused > 100 { // about six are to be expected
		t.Errorf("%d were refused for what others did", refused)
	}
}

func BenchmarkMany(b *testing.B) {
	m := NewMany(Rule{Burst: 1000, Every: time.Millisecond}, time.Now)
	b.RunParallel(func(pb *testing.PB) {
		key := make([]byte, 16)
		for n := uint64(0); pb.Next(); n++ {
			binary.BigEndian.PutUint64(key, n)
			m.Take(key, 1)
		}
	})
}
