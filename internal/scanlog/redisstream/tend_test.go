package redisstream_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
)

// lines is what was logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

func TestDeadLettersAreBounded(t *testing.T) {
	layout := newLayout()
	layout.Shards = 1
	c := client(t, shared)
	stream, dead := layout.Prefix+":{0}:scans", layout.Prefix+":{0}:dead"
	var logged lines
	consumer := openConsumer(t, shared, redisstream.ConsumerOptions{
		Layout: layout, Name: "w", Retention: time.Hour, Log: slog.New(slog.NewTextHandler(&logged, nil)),
	})
	// Letters of long ago, more than are kept.
	if _, err := c.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for n := range 2 * redisstream.MaxDead {
			p.XAdd(t.Context(), &redis.XAddArgs{Stream: dead, ID: fmt.Sprintf("1-%d", n+1), Values: []any{"raw", "old"}})
		}
		p.XAdd(t.Context(), &redis.XAddArgs{Stream: stream, Values: []any{"s", "no scan"}})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, e := range next(t, consumer, 1) {
		if err := consumer.Bury(t.Context(), e, e.Fault.Error()); err != nil {
			t.Fatal(err)
		}
	}
	left, err := c.XLen(t.Context(), dead).Result()
	if err != nil || left > redisstream.MaxDead+200 { // a stream is trimmed by its nodes, of a hundred entries
		t.Errorf("%d dead letters are kept, %v", left, err)
	}
	if want := fmt.Sprintf("letters=%d", left); logged.count(want) != 1 {
		t.Errorf("the count %s is not logged", want)
	}
	if logged.count("no scan") != 0 {
		t.Error("the log holds what the entry held")
	}
	if err := consumer.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	kept, err := c.XRange(t.Context(), dead, "-", "+").Result()
	if err != nil || len(kept) != 1 || kept[0].Values["raw"] != "no scan" {
		t.Errorf("after the retention %d dead letters are kept, %v", len(kept), err)
	}
}

func TestForgottenAreOnlyTheDeadWhoLeftNothing(t *testing.T) {
	layout := newLayout()
	layout.Shards = 1
	log := openLog(t, shared, redisstream.Options{Layout: layout})
	c := client(t, shared)
	names := func() []string {
		t.Helper()
		workers, err := c.XInfoConsumers(t.Context(), layout.Prefix+":{0}:scans", "store").Result()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, w := range workers {
			names = append(names, w.Name)
		}
		slices.Sort(names)
		return names
	}
	// Each reads one entry; the one that is done acknowledges it.
	work := func(name string, done bool) {
		t.Helper()
		consumer := openConsumer(t, shared, redisstream.ConsumerOptions{Layout: layout, Name: name})
		if done {
			if err := consumer.Ack(t.Context(), next(t, consumer, 1)); err != nil {
				t.Fatal(err)
			}
		} else {
			next(t, consumer, 1)
		}
		if err := consumer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for n, worker := range []string{"done", "holding"} {
		scanlogtest.Append(t, log, scanlogtest.Scans(n, n+1))
		work(worker, worker == "done")
	}
	patient := openConsumer(t, shared, redisstream.ConsumerOptions{Layout: layout, Name: "patient"})
	if err := patient.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := names(); !slices.Equal(got, []string{"done", "holding", "patient"}) {
		t.Errorf("before their time was over the group lists %v", got)
	}
	// Idleness counts in milliseconds, and this one must have seen one pass.
	hasty := openConsumer(t, shared, redisstream.ConsumerOptions{Layout: layout, Name: "hasty", Forget: time.Millisecond})
	for slices.Contains(names(), "done") {
		if err := hasty.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(); !slices.Contains(got, "holding") || !slices.Contains(got, "hasty") {
		t.Errorf("the group lists only %v", got)
	}
	// What the dead one held is still pending, and goes to whoever comes after.
	heir := openConsumer(t, shared, redisstream.ConsumerOptions{Layout: layout, Name: "holding"})
	if err := heir.Ack(t.Context(), next(t, heir, 1)); err != nil {
		t.Fatal(err)
	}
	wantStoredIsTail(t, log)
}

// An error that lasts is logged when it begins and when it ends, and not every time.
func TestLastingErrorIsLoggedOnce(t *testing.T) {
	layout := newLayout()
	layout.Shards = 1
	c := client(t, shared)
	stream := layout.Prefix + ":{0}:scans"
	if err := c.Set(t.Context(), stream, "no stream", 0).Err(); err != nil {
		t.Fatal(err)
	}
	var logged lines
	consumer := openConsumer(t, shared, redisstream.ConsumerOptions{
		Layout: layout, Name: "w", ClaimIdle: 20 * time.Millisecond, Log: slog.New(slog.NewTextHandler(&logged, nil)),
	})
	turns := func() int64 { // how often it was told what is wrong
		t.Helper()
		stats, err := c.Info(t.Context(), "errorstats").Result()
		if err != nil {
			t.Fatal(err)
		}
		var n int64
		if _, after, found := strings.Cut(stats, "errorstat_WRONGTYPE:count="); found {
			_, _ = fmt.Sscan(after, &n)
		}
		return n
	}
	for begun := turns(); turns() < begun+5; {
		time.Sleep(time.Millisecond)
	}
	if _, err := consumer.Next(t.Context()); err == nil {
		t.Error("entries can be read from what is no stream")
	}
	if err := c.Del(t.Context(), stream).Err(); err != nil {
		t.Fatal(err)
	}
	for logged.count("works again") == 0 {
		time.Sleep(time.Millisecond)
	}
	if got := logged.count("WRONGTYPE"); got != 1 {
		t.Errorf("the error was logged %d times", got)
	}
	if entries, err := consumer.Next(t.Context()); err != nil || len(entries) != 0 {
		t.Errorf("afterwards: %d entries, %v", len(entries), err)
	}
}
