package registrytest

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/truyvet/truyvet/internal/registry"
)

// testBuckets compares with the takes themselves: of a bucket there may be so many taken in any stretch of time as it holds, and
// one more for each of its turns that begin in it.
func testBuckets(t *testing.T, s Store) {
	ctx, dice := t.Context(), rand.New(rand.NewPCG(7, 11))
	buckets := []registry.Bucket{
		{Key: []byte("a"), Burst: 1, Every: 5}, {Key: []byte("b"), Burst: 3, Every: 2}, {Key: []byte{0, 255}, Burst: 4, Every: 1},
	}
	level := map[string]int64{} // in parts of one, a second has one of Every
	for i := range buckets {
		level[string(buckets[i].Key)] = buckets[i].Burst * buckets[i].Every
	}
	now := int64(1_700_000_000)
	for range 150 {
		passed := dice.Int64N(3)
		now += passed
		for i := range buckets {
			key := string(buckets[i].Key)
			level[key] = min(level[key]+passed, buckets[i].Burst*buckets[i].Every)
		}
		b := buckets[dice.IntN(len(buckets))]
		key := string(b.Key)
		switch dice.IntN(20) {
		case 0:
			must(t, s.Refill(ctx, b.Key))
			level[key] = b.Burst * b.Every
		case 1:
			must(t, s.DropFull(ctx, now))
		default:
			full, err := s.FullAt(ctx, b.Key)
			must(t, err)
			want := level[key] >= b.Every
			if (full <= b.LatestFull(now)) != want || !want && full-b.LatestFull(now) != b.Every-level[key] {
				t.Fatalf("at %d it is full at %d, %d of %d are there", now, full, level[key], b.Every)
			}
			wantValue(t, want)(s.TakeFrom(ctx, b, now))
			if want {
				level[key] -= b.Every
			}
		}
	}
	must(t, s.DropFull(ctx, now+100))
	for _, b := range buckets {
		wantValue(t, int64(0))(s.FullAt(ctx, b.Key))
	}
}

func testBucketRace(t *testing.T, s Store) {
	b := registry.Bucket{Key: []byte("a"), Burst: 5, Every: 100}
	var taken atomic.Int64
	var group sync.WaitGroup
	for range 12 {
		group.Go(func() {
			ok, err := s.TakeFrom(t.Context(), b, 1000)
			if err != nil {
				t.Error(err)
			}
			if ok {
				taken.Add(1)
			}
		})
	}
	group.Wait()
	if n := taken.Load(); n != 5 {
		t.Errorf("%d were taken, want 5", n)
	}
}
