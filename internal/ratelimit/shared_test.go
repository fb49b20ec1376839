package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/registry"
)

// shelf keeps buckets as the contract says.
type shelf struct {
	full   map[string]int64
	writes int
	fail   error
}

func (s *shelf) FullAt(_ context.Context, key []byte) (int64, error) {
	return s.full[string(key)], s.fail
}

func (s *shelf) TakeFrom(_ context.Context, b registry.Bucket, now int64) (bool, error) {
	s.writes++
	full := s.full[string(b.Key)]
	if full > b.LatestFull(now) {
		return false, s.fail
	}
	s.full[string(b.Key)] = max(full, now) + b.Every
	return true, s.fail
}

func (s *shelf) Refill(_ context.Context, key []byte) error {
	delete(s.full, string(key))
	return s.fail
}

// TestSharedKeepsToTheRule compares two processes that share a limit with one token bucket, whichever of them is asked.
func TestSharedKeepsToTheRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := Rule{rapid.IntRange(1, 5).Draw(t, "burst"), time.Duration(rapid.IntRange(1, 8).Draw(t, "every")) * time.Second}
		c, s := start(), &shelf{full: make(map[string]int64)}
		d := SharedDeps{Buckets: s, Key: []byte("key"), Clock: c.time}
		free := Rule{1000, time.Nanosecond}
		processes := []*Shared{NewShared(d, "x", rule, free), NewShared(d, "x", rule, free)}
		oracle := rule.bucket()
		for i := range rapid.IntRange(1, 100).Draw(t, "asked") {
			c.now = c.now.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "seconds")) * time.Second)
			p := processes[rapid.IntRange(0, 1).Draw(t, "process")]
			before := s.writes
			looked, _ := p.Wait(t.Context(), "a")
			wait, err := p.Take(t.Context(), "a")
			if err != nil || (wait == 0) != oracle.AllowN(c.now, 1) || wait != looked {
				t.Fatalf("asked %d: wait %v, looked %v, %v", i, wait, looked, err)
			}
			if wait > 0 && s.writes != before {
				t.Fatal("a refusal was written")
			}
			if wait > 0 && rapid.Bool().Draw(t, "patient") {
				c.now = c.now.Add(wait)
				if wait, _ := p.Take(t.Context(), "a"); wait != 0 || !oracle.AllowN(c.now, 1) {
					t.Fatalf("after waiting: wait %v", wait)
				}
			}
			if rapid.IntRange(0, 9).Draw(t, "forgiven") == 0 {
				if err := p.Forgive(t.Context(), "a"); err != nil {
					t.Fatal(err)
				}
				oracle = rule.bucket()
			}
		}
	})
}

// TestSharedLimits: names share nothing, all keys together keep to a rule of their own, and what cannot be counted is no try.
func TestSharedLimits(t *testing.T) {
	c, s := start(), &shelf{full: make(map[string]int64)}
	d := SharedDeps{Buckets: s, Key: []byte("key"), Clock: c.time}
	one := Rule{1, time.Hour}
	a, b := NewShared(d, "a", one, Rule{3, time.Hour}), NewShared(d, "b", one, Rule{3, time.Hour})
	for i := range 3 {
		for _, limit := range []*Shared{a, b} {
			if wait, err := limit.Take(t.Context(), fmt.Sprint(i)); wait != 0 || err != nil {
				t.Errorf("key %d: wait %v, %v", i, wait, err)
			}
		}
	}
	if wait, err := a.Take(t.Context(), "fourth"); wait <= 0 || wait > time.Hour || err != nil || s.writes != 6 {
		t.Errorf("beyond the total: wait %v, %v, %d writes", wait, err, s.writes)
	}
	s.fail = errors.New("away")
	if _, err := a.Take(t.Context(), "0"); !errors.Is(err, s.fail) {
		t.Errorf("with the buckets away: %v", err)
	}
	if err := b.Forgive(t.Context(), "0"); !errors.Is(err, s.fail) {
		t.Errorf("forgiving with the buckets away: %v", err)
	}
}
