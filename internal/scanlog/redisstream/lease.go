package redisstream

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrLeaseLost says that work went on for longer than its lease could be kept.
var ErrLeaseLost = errors.New("the lease was lost")

// A lease is a key with the token of who holds it. It ends by itself when its holder does; both scripts touch it only where
// the token is still theirs.
var (
	renewLease = redis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0`)
	endLease   = redis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)
)

// WhileLeased runs work while it holds the lease of a name, which one process at a time does, and reports whether it ran: it
// does not where another holds the lease. The context of work ends, with ErrLeaseLost as its cause, when the lease cannot be
// kept; a process that was stopped for longer than term may learn of that late, so the lease saves work and is no lock.
func (l *Log) WhileLeased(ctx context.Context, name string, term time.Duration, work func(context.Context) error) (ran bool, err error) {
	key := fmt.Sprintf("%s:lease:%s", l.layout.Prefix, name)
	token := rand.Text()
	got, err := l.client.SetNX(ctx, key, token, term).Result()
	if err != nil {
		return false, unavailable("taking the lease of "+name, err)
	}
	if !got {
		return false, nil
	}
	ctx, lose := context.WithCancelCause(ctx)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		turn := time.NewTicker(term / 3)
		defer turn.Stop()
		for until := time.Now().Add(term); ; {
			select {
			case <-ctx.Done():
				return
			case <-turn.C:
			}
			begun := time.Now()
			still, err := renewLease.Run(ctx, l.client, []string{key}, token, term.Milliseconds()).Int()
			switch {
			case err == nil && still == 1:
				until = begun.Add(term)
			case err == nil || time.Now().After(until):
				lose(ErrLeaseLost)
				return
			}
		}
	}()
	err = work(ctx)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, ErrLeaseLost) {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	lose(nil)
	<-kept
	// Where Redis does not answer any more the lease ends by itself.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	_ = endLease.Run(end, l.client, []string{key}, token).Err()
	return true, err
}
