package ratelimit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"github.com/truyvet/truyvet/internal/registry"
)

// Buckets keeps what several processes count together. FullAt is 0 for a bucket that nothing was taken from. TakeFrom takes one
// in one step, and reports whether there was one: of two calls for the last one alone takes it. Refill makes a bucket full. The
// registry's adapters satisfy it.
type Buckets interface {
	FullAt(ctx context.Context, key []byte) (int64, error)
	TakeFrom(ctx context.Context, b registry.Bucket, now int64) (taken bool, err error)
	Refill(ctx context.Context, key []byte) error
}

// SharedDeps is what shared limits are made from.
type SharedDeps struct {
	Buckets Buckets
	Key     []byte // of the keyed hashes under which buckets are kept: who reads them learns no login and no address
	Clock   func() time.Time
}

// Shared holds each key to one rule over all processes that share its buckets, and across their restarts: it is for what guards
// against guessing. All keys together it holds to another rule in this process alone, which bounds what it writes, and with what
// the registry drops of buckets that are full again how many there are. It is safe for concurrent use.
type Shared struct {
	SharedDeps
	name          string
	perKey, total Rule
	all           *rate.Limiter
}

// NewShared returns a limit that holds each key to perKey, whose Every is in whole seconds. Limits of different names share
// nothing.
func NewShared(d SharedDeps, name string, perKey, total Rule) *Shared {
	return &Shared{SharedDeps: d, name: name, perKey: perKey, total: total, all: total.bucket()}
}

// bucket returns the bucket of a key.
func (s *Shared) bucket(key string) registry.Bucket {
	sum := hmac.New(sha256.New, s.Key)
	sum.Write([]byte("truyvet/bucket/v1\x00" + s.name + "\x00" + key))
	return registry.Bucket{Key: sum.Sum(nil), Burst: int64(s.perKey.Burst), Every: int64(s.perKey.Every / time.Second)}
}

// Wait returns how long key has to wait before Take, 0 if not at all. It counts nothing, and writes nothing.
func (s *Shared) Wait(ctx context.Context, key string) (time.Duration, error) {
	return s.wait(ctx, s.bucket(key), s.Clock().Unix())
}

func (s *Shared) wait(ctx context.Context, b registry.Bucket, now int64) (time.Duration, error) {
	full, err := s.Buckets.FullAt(ctx, b.Key)
	if err != nil {
		return 0, fmt.Errorf("looking how often something was tried: %w", err)
	}
	return time.Duration(max(0, full-b.LatestFull(now))) * time.Second, nil
}

// Take counts one more for key. It returns 0 if that is allowed, else how long to wait before asking again; a refusal counts for
// nothing, and costs no write.
func (s *Shared) Take(ctx context.Context, key string) (wait time.Duration, err error) {
	clock := s.Clock()
	b, now := s.bucket(key), clock.Unix()
	if wait, err := s.wait(ctx, b, now); err != nil || wait > 0 {
		return wait, err
	}
	if !s.all.AllowN(clock, 1) {
		return max(s.total.wait(s.all, clock), 1), nil
	}
	taken, err := s.Buckets.TakeFrom(ctx, b, now)
	if err != nil {
		return 0, fmt.Errorf("counting a try: %w", err)
	}
	if taken {
		return 0, nil
	}
	wait, err = s.wait(ctx, b, now) // another took the last one meanwhile
	return max(wait, time.Second), err
}

// Forgive gives key its whole burst back, as after something that shows that it is no attack.
func (s *Shared) Forgive(ctx context.Context, key string) error {
	if err := s.Buckets.Refill(ctx, s.bucket(key).Key); err != nil {
		return fmt.Errorf("forgiving tries: %w", err)
	}
	return nil
}
