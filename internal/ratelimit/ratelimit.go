// Package ratelimit limits how often something is done for each of any number of keys, in bounded memory.
package ratelimit

import (
	"container/list"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rule is a token bucket: Burst at once, and from then on one more each Every. Both are positive.
type Rule struct {
	Burst int
	Every time.Duration
}

// bucket returns a full bucket.
func (r Rule) bucket() *rate.Limiter { return rate.NewLimiter(rate.Every(r.Every), r.Burst) }

// recovery is how long an empty bucket takes to be full.
func (r Rule) recovery() time.Duration { return time.Duration(r.Burst) * r.Every }

// wait is how long until the bucket has a token; 0 if it has one.
func (r Rule) wait(bucket *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - bucket.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return max(time.Duration(missing*float64(r.Every)), 1)
}

// Limiter holds each key to one rule and all keys together to another. It is safe for concurrent use, and it lives in
// this process alone: two processes allow twice as much, and a restart forgets.
//
// Its memory is bounded, and yet no flood of keys makes it forget one that is being limited. A bucket is made or touched
// only by a take that the rule for all keys allowed. When there is no room, the bucket whose last take is the longest ago
// goes. There is room for as many buckets as the rule for all keys allows takes in the time that one bucket needs to
// recover; hence, when a bucket goes, its last take lies at least that long back, it is full again, and a new one says the
// same. A key that is refused takes nothing from the others.
type Limiter struct {
	perKey, total Rule
	room          int
	clock         func() time.Time

	mu       sync.Mutex
	all      *rate.Limiter
	keys     map[string]*list.Element
	lastTake *list.List // of *entry, the newest first
}

type entry struct {
	key    string
	bucket *rate.Limiter
}

// New returns a limiter that holds each key to perKey and all together to total.
func New(perKey, total Rule, clock func() time.Time) *Limiter {
	return &Limiter{
		perKey: perKey, total: total, clock: clock,
		room:     total.Burst + int(perKey.recovery()/total.Every) + 1,
		all:      total.bucket(),
		keys:     make(map[string]*list.Element),
		lastTake: list.New(),
	}
}

// Take counts one more for key. It returns 0 if that is allowed, else how long to wait before asking again; a refusal
// counts for nothing.
func (l *Limiter) Take(key string) (wait time.Duration) {
	now := l.clock()
	l.mu.Lock()
	defer l.mu.Unlock()
	element := l.keys[key]
	if element != nil {
		if wait := l.perKey.wait(element.Value.(*entry).bucket, now); wait > 0 {
			return wait
		}
	}
	if wait := l.total.wait(l.all, now); wait > 0 {
		return wait
	}
	l.all.AllowN(now, 1)
	if element == nil {
		element = l.admit(key)
	}
	l.lastTake.MoveToFront(element)
	element.Value.(*entry).bucket.AllowN(now, 1)
	return 0
}

// admit makes a bucket for key, in place of the oldest where there is no room.
func (l *Limiter) admit(key string) *list.Element {
	if len(l.keys) >= l.room {
		oldest := l.lastTake.Back()
		delete(l.keys, oldest.Value.(*entry).key)
		l.lastTake.Remove(oldest)
	}
	element := l.lastTake.PushFront(&entry{key: key, bucket: l.perKey.bucket()})
	l.keys[key] = element
	return element
}

// Forgive gives key its whole burst back, as after something that shows that it is no attack.
func (l *Limiter) Forgive(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if element := l.keys[key]; element != nil {
		l.lastTake.Remove(element)
		delete(l.keys, key)
	}
}
