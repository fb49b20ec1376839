package redisstream_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
)

func openDeadLetters(t *testing.T, o redisstream.Options) *redisstream.DeadLetters {
	t.Helper()
	dead, err := redisstream.OpenDeadLetters("redis://"+shared.Addr, o)
	return opened(t, dead, err)
}

// TestDeadLettersArePutBackOnce buries a good scan, as a worker that was too old for it would have, and one that nobody can
// read, and puts them back from several sides at the same time.
func TestDeadLettersArePutBackOnce(t *testing.T) {
	o := redisstream.Options{Layout: newLayout()}
	o.Shards = 1
	log := openLog(t, shared, o)
	consumer := openConsumer(t, shared, redisstream.ConsumerOptions{Layout: o.Layout, Name: "old"})
	scanlogtest.Append(t, log, scanlogtest.Scans(0, 3))
	if err := client(t, shared).XAdd(t.Context(), &redis.XAddArgs{
		Stream: o.Prefix + ":{0}:scans", Values: []any{"s", "\x63 from the future"},
	}).Err(); err != nil {
		t.Fatal(err)
	}
	entries := next(t, consumer, 4)
	if err := consumer.Ack(t.Context(), entries[:2]); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries[2:] {
		if err := consumer.Bury(t.Context(), e, "unknown version"); err != nil {
			t.Fatal(err)
		}
	}

	dead := openDeadLetters(t, o)
	letters, err := dead.List(t.Context(), 10)
	if err != nil || len(letters) != 2 {
		t.Fatalf("%d letters, %v", len(letters), err)
	}
	unreadable, good := letters[0], letters[1]
	if good.Scan.ID != entries[2].Scan.ID || good.Fault != nil || good.Reason != "unknown version" || good.Worker != "old" || good.Buried.IsZero() {
		t.Errorf("the letter with a scan is %+v", good)
	}
	if newest, err := dead.List(t.Context(), 1); err != nil || len(newest) != 1 || newest[0].ID != unreadable.ID {
		t.Errorf("the newest is %v, %v", newest, err)
	}
	if got, err := dead.Get(t.Context(), good.ID); err != nil || string(got.Raw) != string(good.Raw) {
		t.Errorf("by its id: %+v, %v", got, err)
	}
	if err := dead.Replay(t.Context(), unreadable); !errors.Is(err, redisstream.ErrLetterUnread) || !errors.Is(err, scan.ErrVersion) {
		t.Errorf("what nobody can read is put back: %v", err)
	}

	var mu sync.Mutex
	back := 0
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			err := dead.Replay(t.Context(), good)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				back++
			} else if !errors.Is(err, redisstream.ErrNoLetter) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if back != 1 {
		t.Errorf("it was put back %d times", back)
	}
	again := next(t, consumer, 1)[0]
	if again.Fault != nil || again.Scan.ID != good.Scan.ID || string(again.Raw) != string(good.Raw) {
		t.Errorf("a worker then reads %+v", again)
	}
	nothingMore(t, consumer)
	// Whoever sends the scan again is told that it is known.
	scans := []scan.Scan{good.Scan}
	if outcomes, err := log.Append(t.Context(), scans); err != nil || outcomes[0] != scanlog.Duplicate {
		t.Errorf("sent again: %v, %v", outcomes, err)
	}
	if left, err := dead.List(t.Context(), 10); err != nil || len(left) != 1 || left[0].ID != unreadable.ID {
		t.Errorf("left are %v, %v", left, err)
	}
	for _, id := range []string{"", "0", "7/1-1", "-1/1-1", "x/1-1", "0/1", "0/0-1"} {
		if _, err := dead.Get(t.Context(), id); !errors.Is(err, redisstream.ErrNoLetter) {
			t.Errorf("a letter %q: %v", id, err)
		}
	}
}

// TestDeadLetterOfAnotherScan does not put back what would make two scans of one id.
func TestDeadLetterOfAnotherScan(t *testing.T) {
	o := redisstream.Options{Layout: newLayout()}
	o.Shards = 1
	log := openLog(t, shared, o)
	consumer := openConsumer(t, shared, redisstream.ConsumerOptions{Layout: o.Layout, Name: "w"})
	scans := scanlogtest.Scans(0, 1)
	other := scans[0]
	other.Serial++
	raw, err := other.AppendWire(nil)
	if err != nil {
		t.Fatal(err)
	}
	scanlogtest.Append(t, log, scans)
	entry := next(t, consumer, 1)[0]
	entry.Raw = raw
	if err := consumer.Bury(t.Context(), entry, "of another scan"); err != nil {
		t.Fatal(err)
	}
	dead := openDeadLetters(t, o)
	letters, err := dead.List(t.Context(), 10)
	if err != nil || len(letters) != 1 {
		t.Fatalf("%d letters, %v", len(letters), err)
	}
	if err := dead.Replay(t.Context(), letters[0]); !errors.Is(err, redisstream.ErrLetterConflict) {
		t.Errorf("put back: %v", err)
	}
	full := openDeadLetters(t, redisstream.Options{Layout: redisstream.Layout{Prefix: o.Prefix, Shards: 1, MaxLen: 1}})
	if err := full.Replay(t.Context(), letters[0]); !errors.Is(err, scanlog.ErrFull) {
		t.Errorf("put into a full stream: %v", err)
	}
	nothingMore(t, consumer)
}

// TestDeletedWhilePending names an entry that somebody deleted from Redis after a worker had taken it.
func TestDeletedWhilePending(t *testing.T) {
	o := redisstream.Options{Layout: newLayout()}
	o.Shards = 1
	log := openLog(t, shared, o)
	oneByOne(t, log, scanlogtest.Scans(0, 3))
	first := openConsumer(t, shared, redisstream.ConsumerOptions{Layout: o.Layout, Name: "w"})
	next(t, first, 3)
	if err := client(t, shared).XTrimMaxLen(t.Context(), o.Prefix+":{0}:scans", 1).Err(); err != nil {
		t.Fatal(err)
	}
	again := openConsumer(t, shared, redisstream.ConsumerOptions{Layout: o.Layout, Name: "w"}) // the worker after a restart
	dropped := 0
	for _, e := range next(t, again, 3) {
		if errors.Is(e.Fault, scanlog.ErrDropped) {
			dropped++
		}
	}
	if dropped != 2 {
		t.Errorf("%d entries count as dropped, want 2", dropped)
	}
}

func TestBacklog(t *testing.T) {
	o := redisstream.Options{Layout: newLayout()}
	o.MaxLen = 10_000
	log := openLog(t, shared, o)
	backlog := func() scanlog.Backlog {
		t.Helper()
		b, err := log.Backlog(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if b := backlog(); b.Entries != 0 || b.Oldest != 0 || b.Dropped != 0 || b.MaxLen != 10_000 || b.Memory == 0 || b.MaxMemory != 0 {
		t.Errorf("of an empty log: %+v", b)
	}
	scanlogtest.Append(t, log, scanlogtest.Scans(0, 100))
	if b := backlog(); b.Entries != 100 || b.Longest < 25 {
		t.Errorf("before any worker came: %+v", b)
	}
	consumer := openConsumer(t, shared, redisstream.ConsumerOptions{Layout: o.Layout, Name: "w"})
	entries := next(t, consumer, 100)
	if b := backlog(); b.Entries != 100 {
		t.Errorf("read and not acknowledged: %+v", b)
	}
	if err := consumer.Bury(t.Context(), entries[99], "a test"); err != nil {
		t.Fatal(err)
	}
	if err := consumer.Ack(t.Context(), entries[:99]); err != nil {
		t.Fatal(err)
	}
	b, err := consumer.Backlog(t.Context())
	if err != nil || b.Entries != 0 || b.Oldest != 0 || b.DeadLetters != 1 || b.Dropped != 0 || b.Longest < 25 {
		t.Errorf("stored: %+v, %v", b, err)
	}
	// The ages are by the clock of Redis: an entry of long ago is as old as its id says.
	c := client(t, shared)
	for k := range 4 {
		if err := c.Del(t.Context(), strings.Replace(o.Prefix+":{k}:scans", "k", string(rune('0'+k)), 1)).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.XAdd(t.Context(), &redis.XAddArgs{Stream: o.Prefix + ":{2}:scans", ID: "1600000000000-0", Values: []any{"s", "x"}}).Err(); err != nil {
		t.Fatal(err)
	}
	if b := backlog(); b.Entries != 1 || b.Oldest.Hours() < 24*365 {
		t.Errorf("with an entry of 2020: %+v", b)
	}
}

// TestBacklogSeesWhatWasDropped trims a stream by its length, as nobody should, under a worker that has not read all of it.
func TestBacklogSeesWhatWasDropped(t *testing.T) {
	o := redisstream.Options{Layout: newLayout()}
	o.Shards = 1
	log := openLog(t, shared, o)
	consumer := openConsumer(t, shared, redisstream.ConsumerOptions{Layout: o.Layout, Name: "w"})
	scanlogtest.Append(t, log, scanlogtest.Scans(0, 10))
	if err := consumer.Ack(t.Context(), next(t, consumer, 10)); err != nil {
		t.Fatal(err)
	}
	oneByOne(t, log, scanlogtest.Scans(10, 30))
	if err := client(t, shared).XTrimMaxLen(t.Context(), o.Prefix+":{0}:scans", 5).Err(); err != nil {
		t.Fatal(err)
	}
	if b, err := log.Backlog(t.Context()); err != nil || b.Dropped != 15 {
		t.Errorf("%+v, %v; 15 were dropped", b, err)
	}
}
