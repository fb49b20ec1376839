package redisstream_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
)

// next reads until it has count entries.
func next(t testing.TB, c *redisstream.Consumer, count int) []scanlog.Entry {
	t.Helper()
	var got []scanlog.Entry
	for len(got) < count {
		entries, err := c.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, entries...)
	}
	if len(got) != count {
		t.Fatalf("%d entries came, want %d", len(got), count)
	}
	return got
}

// oneByOne appends scans so that each is an entry of its own.
func oneByOne(t testing.TB, log *redisstream.Log, scans []scan.Scan) {
	t.Helper()
	for i := range scans {
		scanlogtest.Append(t, log, scans[i:i+1])
	}
}

// nothingMore checks that no further entries come.
func nothingMore(t testing.TB, c *redisstream.Consumer) {
	t.Helper()
	for range 3 {
		if entries, err := c.Next(t.Context()); err != nil || len(entries) != 0 {
			t.Fatalf("%d further entries came (%v)", len(entries), err)
		}
	}
}

func TestStoredFollowsAcknowledgement(t *testing.T) {
	layout := newLayout()
	layout.Shards = 1
	log := openLog(t, shared, redisstream.Options{Layout: layout})
	stored := func() uint64 {
		w, err := log.Stored(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return w[0]
	}
	scans := scanlogtest.Scans(0, 10)
	oneByOne(t, log, scans)
	if got := stored(); got != 0 {
		t.Fatalf("stored %d before anybody read", got)
	}
	consumer := openConsumer(t, shared, redisstream.ConsumerOptions{Layout: layout, Name: "w"})
	entries := next(t, consumer, 10)
	for i, e := range entries {
		if e.Fault != nil || e.Scan != scans[i] {
			t.Fatalf("entry %d: %+v, %v", i, e.Scan, e.Fault)
		}
	}
	if got := stored(); got >= scans[0].Seq {
		t.Fatalf("stored %d while everything is pending", got)
	}
	if err := consumer.Ack(t.Context(), append(entries[:4:4], entries[5:]...)); err != nil {
		t.Fatal(err)
	}
	if got := stored(); got < scans[3].Seq || got >= scans[4].Seq {
		t.Fatalf("stored %d while only %d is pending", got, scans[4].Seq)
	}
	if err := consumer.Ack(t.Context(), entries[4:5]); err != nil {
		t.Fatal(err)
	}
	wantStoredIsTail(t, log)
	nothingMore(t, consumer)
}

func TestRestartedWorkerGoesOnWithItsOwn(t *testing.T) {
	o := redisstream.ConsumerOptions{Layout: newLayout(), Name: "w", Count: 7}
	log := openLog(t, shared, redisstream.Options{Layout: o.Layout})
	oneByOne(t, log, scanlogtest.Scans(0, 100))
	first := openConsumer(t, shared, o)
	entries := next(t, first, 100)
	if err := first.Ack(t.Context(), entries[:30]); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	scanlogtest.Append(t, log, scanlogtest.Scans(100, 150))
	second := openConsumer(t, shared, o)
	if err := second.Ack(t.Context(), next(t, second, 120)); err != nil {
		t.Fatal(err)
	}
	wantStoredIsTail(t, log)
	nothingMore(t, second)
}

// An entry is acknowledged with the last of its scans, whichever that is and in whatever way it is done with.
func TestEntryStaysUntilAllItsScansAreDone(t *testing.T) {
	o := redisstream.ConsumerOptions{Layout: newLayout(), Name: "w"}
	o.Shards = 1
	log := openLog(t, shared, redisstream.Options{Layout: o.Layout})
	scans := scanlogtest.Scans(0, 20)
	scanlogtest.Append(t, log, scans)
	pending := func() int64 {
		t.Helper()
		p, err := client(t, shared).XPending(t.Context(), o.Prefix+":{0}:scans", "store").Result()
		if err != nil {
			t.Fatal(err)
		}
		return p.Count
	}
	first := openConsumer(t, shared, o)
	entries := next(t, first, 20)
	if err := first.Ack(t.Context(), entries[3:]); err != nil {
		t.Fatal(err)
	}
	// A worker that dies then leaves all of them.
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := openConsumer(t, shared, o)
	entries = next(t, second, 20)
	gone, giveUp := context.WithCancel(t.Context())
	giveUp()
	for range 2 { // what fails is not done
		if err := second.Ack(gone, entries); err == nil {
			t.Fatal("acknowledged with a context that has ended")
		}
		if err := second.Bury(gone, entries[0], "a test"); err == nil {
			t.Fatal("buried with a context that has ended")
		}
	}
	if err := second.Bury(t.Context(), entries[19], "a test"); err != nil {
		t.Fatal(err)
	}
	if err := second.Ack(t.Context(), entries[:10]); err != nil {
		t.Fatal(err)
	}
	if n := pending(); n != 1 {
		t.Errorf("%d entries are pending while nine scans are to be stored", n)
	}
	if err := second.Ack(t.Context(), entries[10:19]); err != nil {
		t.Fatal(err)
	}
	wantStoredIsTail(t, log)
	nothingMore(t, second)
}

// What Redis gave out in an answer that never came is found while the worker goes on.
func TestLostAnswerIsReadAgain(t *testing.T) {
	o := redisstream.ConsumerOptions{Layout: newLayout(), Name: "w", ClaimIdle: time.Hour} // so that it tends when it is told to
	log := openLog(t, shared, redisstream.Options{Layout: o.Layout})
	consumer := openConsumer(t, shared, o)
	oneByOne(t, log, scanlogtest.Scans(0, 40))
	before := next(t, consumer, 40)
	nothingMore(t, consumer)
	oneByOne(t, log, scanlogtest.Scans(40, 100))
	for shard := range o.Shards {
		if err := client(t, shared).XReadGroup(t.Context(), &redis.XReadGroupArgs{
			Group: "store", Consumer: "w", Streams: []string{fmt.Sprintf("%s:{%d}:scans", o.Prefix, shard), ">"}, Count: 1000, Block: -1,
		}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	nothingMore(t, consumer)
	if err := consumer.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := consumer.Ack(t.Context(), append(before, next(t, consumer, 60)...)); err != nil {
		t.Fatal(err)
	}
	wantStoredIsTail(t, log)
	if err := consumer.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	nothingMore(t, consumer)
}

func TestDeadWorkersEntriesAreTakenOver(t *testing.T) {
	o := redisstream.ConsumerOptions{Layout: newLayout(), Name: "dead", ClaimIdle: 300 * time.Millisecond}
	log := openLog(t, shared, redisstream.Options{Layout: o.Layout})
	oneByOne(t, log, scanlogtest.Scans(0, 2500))
	dead := openConsumer(t, shared, o)
	if err := dead.Ack(t.Context(), next(t, dead, 2500)[:100]); err != nil {
		t.Fatal(err)
	}
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	o.Name = "living"
	living := openConsumer(t, shared, o)
	// Its own goroutine takes them over once they are idle, a part at a time.
	if err := living.Ack(t.Context(), next(t, living, 2400)); err != nil {
		t.Fatal(err)
	}
	wantStoredIsTail(t, log)
}

// A worker that holds entries for long because the store is down keeps them, however idle they are.
func TestLivingWorkerKeepsWhatItHolds(t *testing.T) {
	layout := newLayout()
	const idle = 400 * time.Millisecond
	holder := redisstream.ConsumerOptions{Layout: layout, Name: "holder", ClaimIdle: idle}
	log := openLog(t, shared, redisstream.Options{Layout: layout})
	scanlogtest.Append(t, log, scanlogtest.Scans(0, 50))
	a := openConsumer(t, shared, holder)
	entries := next(t, a, 50)
	holder.Name = "other"
	b := openConsumer(t, shared, holder)
	c := client(t, shared)
	for { // until the entries have been pending for three times as long
		pending, err := c.XPendingExt(t.Context(), &redis.XPendingExtArgs{
			Stream: layout.Prefix + ":{0}:scans", Group: "store", Start: "-", End: "+", Count: 1,
		}).Result()
		if err != nil {
			t.Fatal(err)
		}
		if len(pending) == 0 {
			t.Fatal("nothing is pending in shard 0")
		}
		if pending[0].Consumer != "holder" {
			t.Fatal("the entries were taken from a worker that lives")
		}
		if pending[0].Idle > 3*idle {
			break
		}
		nothingMore(t, b)
	}
	if err := a.Ack(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	nothingMore(t, a)
	wantStoredIsTail(t, log)
}

func TestUndecodableEntryIsBuried(t *testing.T) {
	layout := newLayout()
	layout.Shards = 1
	log := openLog(t, shared, redisstream.Options{Layout: layout})
	c := client(t, shared)
	stream := layout.Prefix + ":{0}:scans"
	for _, values := range [][]any{{"s", "\x02 from the future"}, {"other", "field"}, {"s", ""}} {
		if err := c.XAdd(t.Context(), &redis.XAddArgs{Stream: stream, Values: values}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	scanlogtest.Append(t, log, scanlogtest.Scans(0, 1))
	consumer := openConsumer(t, shared, redisstream.ConsumerOptions{Layout: layout, Name: "w"})
	entries := next(t, consumer, 4)
	for _, e := range entries[:3] {
		if e.Fault == nil {
			t.Fatalf("%q counts as a scan", e.Raw)
		}
		if err := consumer.Bury(t.Context(), e, e.Fault.Error()); err != nil {
			t.Fatal(err)
		}
	}
	if err := consumer.Ack(t.Context(), entries[3:]); err != nil {
		t.Fatal(err)
	}
	wantStoredIsTail(t, log)
	dead, err := c.XRange(t.Context(), layout.Prefix+":{0}:dead", "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	if len(dead) != 3 || dead[0].Values["raw"] != "\x02 from the future" || !strings.Contains(fmt.Sprint(dead[0].Values["reason"]), "version") {
		t.Errorf("buried are %v", dead)
	}
}

func TestTrimKeepsWhatIsNeeded(t *testing.T) {
	layout := newLayout()
	layout.Shards = 1
	log := openLog(t, shared, redisstream.Options{Layout: layout})
	c := client(t, shared)
	length := func() int64 {
		n, err := c.XLen(t.Context(), layout.Prefix+":{0}:scans").Result()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	scans := scanlogtest.Scans(0, 1000)
	for part := range slices.Chunk(scans, 10) {
		scanlogtest.Append(t, log, part) // an entry
	}
	graceful := openConsumer(t, shared, redisstream.ConsumerOptions{Layout: layout, Name: "graceful"})
	if err := graceful.Tend(t.Context()); err != nil { // there is no group yet
		t.Fatal(err)
	}
	entries := next(t, graceful, 1000)
	if err := graceful.Ack(t.Context(), append(entries[:600:600], entries[601:]...)); err != nil {
		t.Fatal(err)
	}
	if err := graceful.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := length(); got != 100 {
		t.Errorf("within the grace %d entries are left of a hundred", got)
	}
	hasty := openConsumer(t, shared, redisstream.ConsumerOptions{Layout: layout, Name: "hasty", Grace: time.Nanosecond})
	if err := hasty.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := length(); got != 40 {
		t.Errorf("%d entries are left, want the one of which a scan is pending and the 39 after it", got)
	}
	if err := graceful.Ack(t.Context(), entries[600:601]); err != nil {
		t.Fatal(err)
	}
	scanlogtest.Append(t, log, scanlogtest.Scans(1000, 1010)) // unread
	if err := hasty.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := length(); got != 1 {
		t.Errorf("%d entries are left, want the one that nobody read", got)
	}
	next(t, hasty, 10)
}
