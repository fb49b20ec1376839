package httpapi

import (
	"context"
	"testing"
	"time"
)

// TestStrainTurnsAwayByLot sees none turned away while the wait is short, all while it is long, and a share of them between the two.
func TestStrainTurnsAwayByLot(t *testing.T) {
	const posts = 10_000
	began := time.Now()
	for _, c := range []struct {
		last, underWay time.Duration
		want           float64
	}{
		{0, 0, 0},
		{calm, 0, 0},
		{0, calm, 0},
		{(3*calm + strained) / 4, 0, 0.25},
		{0, (calm + strained) / 2, 0.5},
		{strained, time.Millisecond, 1},
		{time.Millisecond, strained, 1},
		{time.Hour, 0, 1},
	} {
		s := strain{clock: func() time.Time { return began.Add(c.underWay) }}
		s.last.Store(int64(c.last))
		if c.underWay > 0 {
			s.sent.Store(&began)
		}
		turned := 0
		for range posts {
			if s.turnsAway() {
				turned++
			}
		}
		if share := float64(turned) / posts; share < c.want-0.03 || share > c.want+0.03 {
			t.Errorf("after a wait of %v, and one of %v that is under way, %.2f are turned away, want about %.2f", c.last, c.underWay, share, c.want)
		}
	}
}

// TestWatchEnds measures something for real, and ends when it is to, with no wait left over.
func TestWatchEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	api := New(Deps{})
	ended := make(chan error)
	go func() { ended <- api.Watch(ctx) }()
	for api.strain.last.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if api.strain.last.Load() != 0 || api.strain.sent.Load() != nil {
		t.Error("what it saw last is kept")
	}
}
