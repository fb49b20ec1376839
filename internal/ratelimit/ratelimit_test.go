package ratelimit

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

type clock struct{ now time.Time }

func (c *clock) time() time.Time { return c.now }

func start() *clock { return &clock{now: time.Unix(1_700_000_000, 0)} }

func TestTake(t *testing.T) {
	c := start()
	l := New(Rule{Burst: 2, Every: 10 * time.Second}, Rule{Burst: 3, Every: time.Second}, c.time)
	steps := []struct {
		after time.Duration
		key   string
		want  time.Duration
	}{
		{0, "a", 0},
		{0, "a", 0},
		{0, "a", 10 * time.Second},
		{4 * time.Second, "a", 6 * time.Second},
		{0, "b", 0},
		{0, "b", 0},
		{0, "c", 0},
		{0, "d", time.Second}, // all together are at their limit
		{0, "a", 6 * time.Second},
		{time.Second, "d", 0},
		{5 * time.Second, "a", 0},
		{0, "a", 10 * time.Second},
	}
	for i, step := range steps {
		c.now = c.now.Add(step.after)
		if got := l.Take(step.key); got != step.want {
			t.Errorf("step %d: taking for %s: wait %v, want %v", i, step.key, got, step.want)
		}
	}
}

func TestARefusedKeyTakesNothingFromTheOthers(t *testing.T) {
	c := start()
	l := New(Rule{Burst: 1, Every: time.Hour}, Rule{Burst: 2, Every: time.Hour}, c.time)
	l.Take("loud")
	for range 100 {
		if l.Take("loud") == 0 {
			t.Fatal("the loud one was let through")
		}
	}
	if wait := l.Take("quiet"); wait != 0 {
		t.Errorf("the quiet one has to wait %v", wait)
	}
}

func TestForgive(t *testing.T) {
	c := start()
	l := New(Rule{Burst: 1, Every: time.Hour}, Rule{Burst: 9, Every: time.Hour}, c.time)
	l.Take("a")
	l.Forgive("a")
	l.Forgive("unknown")
	if wait := l.Take("a"); wait != 0 {
		t.Errorf("a forgiven key has to wait %v", wait)
	}
}

// TestAFloodForgetsNobody compares with limiters that never forget, one per key: whatever is asked, the bounded limiter
// answers the same and stays within its room.
func TestAFloodForgetsNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := func(name string) Rule {
			return Rule{
				Burst: rapid.IntRange(1, 4).Draw(t, name+" burst"),
				Every: time.Duration(rapid.IntRange(1, 8).Draw(t, name+" every")) * time.Second,
			}
		}
		perKey, total := rule("key"), rule("total")
		c := start()
		l := New(perKey, total, c.time)
		all, buckets := total.bucket(), make(map[string]interface{ TokensAt(time.Time) float64 })
		takes := make(map[string]func() bool)
		for i := range rapid.IntRange(1, 200).Draw(t, "asked") {
			c.now = c.now.Add(time.Duration(rapid.IntRange(0, 6).Draw(t, "half seconds")) * 500 * time.Millisecond)
			key := fmt.Sprint("new ", i)
			if rapid.Bool().Draw(t, "target") {
				key = "target"
			}
			if buckets[key] == nil {
				b := perKey.bucket()
				buckets[key], takes[key] = b, func() bool { return b.AllowN(c.now, 1) }
			}
			want := buckets[key].TokensAt(c.now) >= 1 && all.TokensAt(c.now) >= 1
			if got := l.Take(key) == 0; got != want {
				t.Fatalf("asked %d for %s: allowed %v, want %v", i, key, got, want)
			}
			if want {
				all.AllowN(c.now, 1)
				takes[key]()
			}
			if len(l.keys) > l.room || len(l.keys) != l.lastTake.Len() {
				t.Fatalf("%d keys and %d in order, room for %d", len(l.keys), l.lastTake.Len(), l.room)
			}
		}
	})
}

func TestConcurrentTakesKeepToTheRule(t *testing.T) {
	c := start()
	l := New(Rule{Burst: 5, Every: time.Hour}, Rule{Burst: 1000, Every: time.Hour}, c.time)
	var group sync.WaitGroup
	var mu sync.Mutex
	allowed := 0
	for range 50 {
		group.Go(func() {
			if l.Take("a") == 0 {
				mu.Lock()
				allowed++
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if allowed != 5 {
		t.Errorf("%d were allowed, want 5", allowed)
	}
}
