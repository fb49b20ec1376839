package scanlog_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
)

// gate is a commit that waits to be let through and then numbers the scans.
type gate struct {
	entered chan []*scanlog.Batch // what a commit took
	pass    chan error            // what it answers
	seq     uint64
}

func newGate() *gate { return &gate{entered: make(chan []*scanlog.Batch), pass: make(chan error)} }

func (g *gate) commit(batches []*scanlog.Batch) error {
	g.entered <- batches
	if err := <-g.pass; err != nil {
		return err
	}
	for _, b := range batches {
		for i := range b.Scans {
			if s, err := scan.DecodeWire(b.Wires[i]); err != nil || s != b.Scans[i] {
				return fmt.Errorf("scan %d stands beside the wire form of %+v (%w)", i, s, err)
			}
			g.seq++
			b.Scans[i].Shard, b.Scans[i].Seq = 1, g.seq
		}
	}
	return nil
}

func TestGroupCommitsTogetherWhatWaits(t *testing.T) {
	g := newGate()
	group := scanlog.NewGroup(scanlog.GroupOptions{MaxQueued: 30, MaxCommit: 20}, g.commit)
	var wg sync.WaitGroup
	send := func(from, to int) {
		wg.Go(func() {
			batch := scanlogtest.Scans(from, to)
			outcomes, err := group.Append(t.Context(), batch)
			if err != nil || len(outcomes) != to-from || batch[0].Seq == 0 {
				t.Errorf("append of %d to %d: %v, %v", from, to, outcomes, err)
			}
		})
	}
	send(0, 10)
	<-g.entered // the first is under way
	send(10, 20)
	send(20, 30)
	waitQueued(t, group, 30)
	if _, err := group.Append(t.Context(), scanlogtest.Scans(30, 31)); !errors.Is(err, scanlog.ErrFull) {
		t.Fatalf("one more on a queue that holds thirty of thirty: %v", err)
	}
	g.pass <- nil
	second := <-g.entered
	if len(second) != 2 {
		t.Errorf("the second commit took %d batches, want 2", len(second))
	}
	g.pass <- nil
	wg.Wait()
	group.Close()
	if _, err := group.Append(t.Context(), scanlogtest.Scans(0, 1)); !errors.Is(err, scanlog.ErrUnavailable) {
		t.Errorf("after Close: %v", err)
	}
}

// waitQueued lets the other goroutines run until so many scans are queued.
func waitQueued(t *testing.T, group *scanlog.Group, scans int) {
	t.Helper()
	for queued, _ := group.Queue(); queued != scans; queued, _ = group.Queue() {
		if t.Context().Err() != nil {
			t.Fatalf("%d scans are queued, want %d", queued, scans)
		}
		runtime.Gosched()
	}
}

func TestGroupGivesUpWithContext(t *testing.T) {
	g := newGate()
	group := scanlog.NewGroup(scanlog.GroupOptions{MaxQueued: 10, MaxCommit: 10}, g.commit)
	ctx, giveUp := context.WithCancel(t.Context())
	answer := make(chan error)
	batch := scanlogtest.Scans(0, 5)
	go func() {
		_, err := group.Append(ctx, batch)
		answer <- err
	}()
	<-g.entered
	giveUp()
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	g.pass <- nil
	group.Close()
	if batch[0] != scanlogtest.Scan(0) {
		t.Error("the scans were changed after Append had returned")
	}
}

func TestGroupCloseDrains(t *testing.T) {
	g := newGate()
	group := scanlog.NewGroup(scanlog.GroupOptions{MaxQueued: 100, MaxCommit: 10}, g.commit)
	var wg sync.WaitGroup
	for i := range 5 {
		wg.Go(func() {
			if _, err := group.Append(t.Context(), scanlogtest.Scans(i*10, i*10+10)); err != nil {
				t.Errorf("append: %v", err)
			}
		})
	}
	waitQueued(t, group, 50)
	closed := make(chan struct{})
	go func() {
		group.Close()
		close(closed)
	}()
	for range 5 {
		<-g.entered
		g.pass <- nil
	}
	wg.Wait()
	<-closed
	if queued, _ := group.Queue(); queued != 0 {
		t.Errorf("%d scans are still queued", queued)
	}
}

func TestGroupPassesErrorOn(t *testing.T) {
	disk := errors.New("disk")
	group := scanlog.NewGroup(scanlog.GroupOptions{MaxQueued: 10, MaxCommit: 10}, func([]*scanlog.Batch) error { return scanlog.ErrUnavailable.Because(disk) })
	defer group.Close()
	_, err := group.Append(t.Context(), scanlogtest.Scans(0, 1))
	if !errors.Is(err, scanlog.ErrUnavailable) || !errors.Is(err, disk) || errs.Of(err).Kind != errs.Unavailable {
		t.Errorf("the error of a commit came as %v", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := group.Append(ended, scanlogtest.Scans(0, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	if queued, _ := group.Queue(); queued != 0 {
		t.Errorf("%d scans are queued", queued)
	}
	if _, err := group.Append(t.Context(), []scan.Scan{{}}); !errors.Is(err, scan.ErrNoID) {
		t.Errorf("an empty scan: %v", err)
	}
}

func TestWatermarkCovers(t *testing.T) {
	for _, c := range []struct {
		w, other scanlog.Watermark
		want     bool
	}{
		{nil, nil, true},
		{nil, scanlog.Watermark{1: 0}, true},
		{nil, scanlog.Watermark{1: 1}, false},
		{scanlog.Watermark{1: 5, 2: 1}, scanlog.Watermark{1: 5}, true},
		{scanlog.Watermark{1: 5}, scanlog.Watermark{1: 5, 2: 1}, false},
		{scanlog.Watermark{1: 4}, scanlog.Watermark{1: 5}, false},
	} {
		if got := c.w.Covers(c.other); got != c.want {
			t.Errorf("%v covers %v: %v, want %v", c.w, c.other, got, c.want)
		}
	}
}

// TestGroupBehindSomethingThatHangs sees one caller at a time wait for commits that fail slowly, the others answered at once,
// and all of them taken again as soon as a commit succeeds.
func TestGroupBehindSomethingThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs, commits := true, 0
		group := scanlog.NewGroup(scanlog.GroupOptions{MaxQueued: 1000, MaxCommit: 10}, func([]*scanlog.Batch) error {
			if commits++; hangs {
				time.Sleep(2 * time.Second)
				return scanlog.ErrUnavailable
			}
			return nil
		})
		send := func(from int) (took time.Duration, err error) {
			start := time.Now()
			_, err = group.Append(t.Context(), scanlogtest.Scans(from, from+10))
			return time.Since(start), err
		}
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				if took, err := send(10 * i); !errors.Is(err, scanlog.ErrUnavailable) || took > 2*time.Second {
					t.Errorf("of those who came before it was known: after %s %v", took, err)
				}
			})
		}
		wg.Wait()
		if queued, _ := group.Queue(); queued != 0 || commits != 1 {
			t.Errorf("%d scans are queued after %d commits", queued, commits)
		}
		wg.Go(func() { _, _ = send(0) }) // tries again
		synctest.Wait()
		for range 50 {
			if took, err := send(10); !errors.Is(err, scanlog.ErrUnavailable) || took > 0 {
				t.Errorf("while another one tries: after %s %v", took, err)
			}
		}
		wg.Wait()
		hangs = false
		if took, err := send(0); err != nil || took > 0 {
			t.Errorf("once it works again: after %s %v", took, err)
		}
		for i := range 5 {
			wg.Go(func() {
				if _, err := send(10 * i); err != nil {
					t.Errorf("of several: %v", err)
				}
			})
		}
		wg.Wait()
		group.Close()
	})
}

// slowDisk commits in 10 ms and a millisecond for each scan, and then waits for stall to pass.
type slowDisk struct{ stall time.Duration }

func (d *slowDisk) commit(batches []*scanlog.Batch) error {
	took := 10 * time.Millisecond
	for _, b := range batches {
		took += time.Duration(len(b.Scans)) * time.Millisecond
	}
	time.Sleep(took + d.stall)
	return nil
}

// TestGroupTurnsAwayWhoWouldWaitTooLong has many come at once, and sees those taken who need not wait for longer than they
// may, the others turned away at once, and everybody taken again once it is over.
func TestGroupTurnsAwayWhoWouldWaitTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 400 * time.Millisecond
		disk := new(slowDisk)
		group := scanlog.NewGroup(scanlog.GroupOptions{MaxQueued: 10_000, MaxCommit: 100, MaxWait: most}, disk.commit)
		defer group.Close()
		send := func(scans int) (time.Duration, error) {
			start := time.Now()
			_, err := group.Append(t.Context(), scanlogtest.Scans(0, scans))
			return time.Since(start), err
		}
		for _, scans := range []int{1, 20, 100, 50, 1, 80} {
			if _, err := send(scans); err != nil {
				t.Fatalf("one that is alone: %v", err)
			}
		}
		for range 2 {
			var wg sync.WaitGroup
			var taken atomic.Int64
			for range 100 {
				wg.Go(func() {
					took, err := send(10)
					switch {
					case err == nil && took > most+most/5:
						t.Errorf("one was taken and waited for %v", took)
					case err == nil:
						taken.Add(1)
					case !errors.Is(err, scanlog.ErrFull) || took > 0:
						t.Errorf("one was turned away after %v: %v", took, err)
					}
				})
			}
			wg.Wait()
			// A commit of a hundred takes 110 ms.
			if n := taken.Load(); n < 25 || n > 45 {
				t.Errorf("%d were taken of 100, of which 36 can be within %v", n, most)
			}
		}
		disk.stall = 3 * time.Second
		var stalled sync.WaitGroup
		stalled.Go(func() {
			if _, err := send(1); err != nil {
				t.Errorf("one that is alone with a disk that hangs: %v", err)
			}
		})
		time.Sleep(2 * most)
		if took, err := send(1); !errors.Is(err, scanlog.ErrFull) || took > 0 {
			t.Errorf("behind a commit that hangs: after %v %v", took, err)
		}
		stalled.Wait()
		disk.stall = 0
		if took, err := send(1); err != nil || took > most {
			t.Errorf("once it goes on: after %v %v", took, err)
		}
	})
}

// TestGroupWaitsForThoseWhoAreAbout has some who come back as soon as they are answered, and sees them committed together in
// two groups, and one that is left alone not kept waiting.
func TestGroupWaitsForThoseWhoAreAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		commits := 0
		group := scanlog.NewGroup(scanlog.GroupOptions{MaxQueued: 1000, MaxCommit: 1000}, func([]*scanlog.Batch) error {
			commits++
			time.Sleep(200 * time.Microsecond)
			return nil
		})
		defer group.Close()
		const callers, rounds = 40, 50
		var wg sync.WaitGroup
		for n := range callers {
			wg.Go(func() {
				for range rounds {
					time.Sleep(time.Duration(n) * 5 * time.Microsecond) // no two come at the same time
					if _, err := group.Append(t.Context(), scanlogtest.Scans(n, n+1)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if commits > 4*rounds {
			t.Errorf("%d commits for %d scans that came %d at a time", commits, callers*rounds, callers)
		}
		for n := range 3 {
			start := time.Now()
			if _, err := group.Append(t.Context(), scanlogtest.Scans(0, 1)); err != nil {
				t.Error(err)
			}
			if took := time.Since(start); n > 0 && took > 200*time.Microsecond { // the first does not know yet that it is alone
				t.Errorf("one that is alone waited for %v", took)
			}
		}
	})
}
