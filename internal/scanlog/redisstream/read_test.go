package redisstream_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/redisstream"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
)

// reading reads a log, and has the scans that it gave and the hole that it ended at.
func reading(t *testing.T, log *redisstream.Log, after, upTo scanlog.Watermark) (got []scan.Scan, hole scanlog.Hole) {
	t.Helper()
	err := log.Read(t.Context(), after, upTo, func(block []scan.Scan) error {
		got = append(got, block...)
		clear(block[:cap(block)]) // it is reused
		return nil
	})
	var at *scanlog.Hole
	if errors.As(err, &at) {
		return got, *at
	}
	if err != nil {
		t.Fatal(err)
	}
	return got, hole
}

func tailOf(t *testing.T, log *redisstream.Log) scanlog.Watermark {
	t.Helper()
	tail, err := log.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tail
}

// wantRead wants scans in the order of the log, and no hole.
func wantRead(t *testing.T, log *redisstream.Log, after, upTo scanlog.Watermark, want []scan.Scan) {
	t.Helper()
	want = slices.Clone(want)
	slices.SortFunc(want, func(a, b scan.Scan) int {
		if a.Shard != b.Shard {
			return int(a.Shard) - int(b.Shard)
		}
		return int(int64(a.Seq) - int64(b.Seq))
	})
	got, hole := reading(t, log, after, upTo)
	if hole != (scanlog.Hole{}) {
		t.Fatalf("reading past %v ended at %v", after, &hole)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("reading past %v gave %d scans, want %d, or not in order", after, len(got), len(want))
	}
}

// beginnings are positions just before the first of some scans.
func beginnings(scans []scan.Scan) scanlog.Watermark {
	before := make(scanlog.Watermark)
	for _, s := range scans {
		if seq, is := before[s.Shard]; !is || s.Seq <= seq {
			before[s.Shard] = s.Seq - 1
		}
	}
	return before
}

func TestReadGivesWhatWasLogged(t *testing.T) {
	layout := newLayout()
	log := openLog(t, shared, redisstream.Options{Layout: layout})
	wantRead(t, log, nil, tailOf(t, log), nil)
	scans := scanlogtest.Scans(0, 9000) // some pages of each shard
	scanlogtest.Append(t, log, scans)
	begin := beginnings(scans)

	// What is no scan is what a worker would bury.
	c := client(t, shared)
	for k := range 4 {
		stream := fmt.Sprintf("%s:{%d}:scans", layout.Prefix, k)
		for _, poison := range [][]any{{"s", "no scan"}, {"x", "1"}, {"s", "", "t", ""}} {
			if err := c.XAdd(t.Context(), &redis.XAddArgs{Stream: stream, Values: poison}).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	middle := tailOf(t, log)
	more := scanlogtest.Scans(9000, 9100)
	scanlogtest.Append(t, log, more)
	end := tailOf(t, log)

	wantRead(t, log, begin, middle, scans)
	wantRead(t, log, middle, end, more)
	wantRead(t, log, begin, end, append(slices.Clone(scans), more...))
	wantRead(t, log, end, end, nil)
	wantRead(t, log, end, middle, nil)
	one := scans[5000]
	wantRead(t, log, scanlog.Watermark{one.Shard: one.Seq - 1}, scanlog.Watermark{one.Shard: one.Seq}, []scan.Scan{one})

	stop := errors.New("enough")
	blocks := 0
	err := log.Read(t.Context(), begin, end, func([]scan.Scan) error { blocks++; return stop })
	if !errors.Is(err, stop) || blocks != 1 {
		t.Errorf("an error of yield gives %v after %d blocks", err, blocks)
	}
}

// trimTo drops the entries of a stream before a position, as a worker does.
func trimTo(t *testing.T, c *redis.Client, layout redisstream.Layout, shard uint32, seq uint64) {
	t.Helper()
	id := fmt.Sprintf("%d-%d", seq>>22, seq>>10&(1<<12-1))
	if err := c.XTrimMinID(t.Context(), fmt.Sprintf("%s:{%d}:scans", layout.Prefix, shard), id).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestReadFindsHoles(t *testing.T) {
	layout := newLayout()
	layout.Shards = 1
	log := openLog(t, shared, redisstream.Options{Layout: layout})
	c := client(t, shared)
	scans := scanlogtest.Scans(0, 10)
	oneByOne(t, log, scans)
	end := tailOf(t, log)
	wantHole := func(log *redisstream.Log, after, upTo, from, to uint64) {
		t.Helper()
		got, hole := reading(t, log, scanlog.Watermark{0: after}, scanlog.Watermark{0: upTo})
		if want := (scanlog.Hole{After: from, UpTo: to}); hole != want || len(got) > 0 {
			t.Errorf("reading past %d up to %d: %d scans, %v, want %v", after, upTo, len(got), &hole, &want)
		}
	}
	wantHole(log, 0, end[0], 0, scans[0].Seq-1) // nobody knows what there was before
	wantRead(t, log, scanlog.Watermark{0: scans[0].Seq}, end, scans[1:])

	trimTo(t, c, layout, 0, scans[4].Seq)
	wantHole(log, scans[0].Seq, end[0], scans[0].Seq, scans[4].Seq-1)
	wantHole(log, scans[0].Seq, scans[2].Seq, scans[0].Seq, scans[2].Seq)
	wantRead(t, log, scanlog.Watermark{0: scans[4].Seq - 1}, end, scans[4:])

	// Trimmed to its end, it has no hole for whoever has read it or has asked for its end.
	trimTo(t, c, layout, 0, end[0]+1)
	wantHole(log, scans[4].Seq, end[0], scans[4].Seq, end[0])
	wantRead(t, log, end, tailOf(t, log), nil)
	stranger := openLog(t, shared, redisstream.Options{Layout: layout})
	asker := openLog(t, shared, redisstream.Options{Layout: layout})
	for range 20 {
		tailOf(t, asker)
	}
	later := scanlogtest.Scans(10, 12)
	oneByOne(t, log, later)
	now := tailOf(t, log)
	wantRead(t, log, end, now, later)
	wantRead(t, asker, end, now, later)
	wantHole(stranger, end[0], now[0], end[0], later[0].Seq-1)
	trimTo(t, c, layout, 0, later[1].Seq)
	for _, log := range []*redisstream.Log{log, asker} {
		wantHole(log, end[0], now[0], end[0], later[1].Seq-1)
	}

	// A server that has lost everything and begins anew.
	if err := c.Del(t.Context(), layout.Prefix+":{0}:scans").Err(); err != nil {
		t.Fatal(err)
	}
	wantHole(log, end[0], now[0], end[0], now[0])
	if tail := tailOf(t, log); len(tail) > 0 {
		t.Errorf("of no stream the tail is %v", tail)
	}
	anew := scanlogtest.Scans(12, 14)
	scanlogtest.Append(t, log, anew)
	tail := tailOf(t, log)
	wantHole(log, now[0], tail[0], now[0], anew[0].Seq-1)
}

// A trim between two pages shows as a hole at the page where it began.
func TestReadFindsWhatIsTrimmedMeanwhile(t *testing.T) {
	layout := newLayout()
	layout.Shards = 1
	log := openLog(t, shared, redisstream.Options{Layout: layout})
	scans := scanlogtest.Scans(0, 3000)
	for part := range slices.Chunk(scans, 10) {
		scanlogtest.Append(t, log, part) // an entry
	}
	c := client(t, shared)
	read := 0
	err := log.Read(t.Context(), beginnings(scans), tailOf(t, log), func(block []scan.Scan) error {
		read += len(block)
		trimTo(t, c, layout, 0, scans[2500].Seq)
		return nil
	})
	var hole *scanlog.Hole
	if !errors.As(err, &hole) || *hole != (scanlog.Hole{After: scans[639].Seq | (1<<10 - 1), UpTo: scans[2500].Seq - 1}) || read != 640 {
		t.Errorf("after %d scans: %v", read, err)
	}
}

// What was trimmed is still counted by a server that was killed, by one that has rewritten its file, and by a replica.
func TestReadGoesOnAfterRestartAndFailover(t *testing.T) {
	server := testserver.Redis(t, testenv.RedisOptions{Args: []string{"--repl-diskless-sync-delay", "0"}})
	replica := replicate(t, server)
	layout := newLayout()
	layout.Shards = 1
	log := openLog(t, server, redisstream.Options{Layout: layout})
	c := client(t, server)
	scanlogtest.Append(t, log, scanlogtest.Scans(0, 100))
	before := tailOf(t, log)
	trimTo(t, c, layout, 0, before[0]+1)
	if err := c.BgRewriteAOF(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	for n, restart := range []bool{false, true, true} {
		if restart {
			if err := server.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := log.Read(t.Context(), nil, before, nil); !errors.Is(err, scanlog.ErrUnavailable) {
				t.Errorf("of a server that is down: %v", err)
			}
			if err := server.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			waitReplicas(t, server, 1)
		}
		scans := scanlogtest.Scans(100+n, 101+n)
		scanlogtest.Append(t, log, scans)
		tail := tailOf(t, log)
		wantRead(t, log, before, tail, scans)
		before = tail
		trimTo(t, c, layout, 0, before[0]+1)
	}
	last := scanlogtest.Scans(200, 300)
	scanlogtest.Append(t, log, last)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := client(t, replica).ReplicaOf(t.Context(), "NO", "ONE").Err(); err != nil {
		t.Fatal(err)
	}
	heir := openLog(t, replica, redisstream.Options{Layout: layout})
	wantRead(t, heir, beginnings(last), tailOf(t, heir), last)
	more := scanlogtest.Scans(300, 310)
	scanlogtest.Append(t, heir, more)
	wantRead(t, heir, beginnings(last), tailOf(t, heir), append(last, more...))
}

func TestReadOnCluster(t *testing.T) {
	server := testserver.Redis(t, testenv.RedisOptions{Args: []string{"--cluster-enabled", "yes"}})
	c := client(t, server)
	if err := c.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	waitClusterOK(t, c)
	log, err := redisstream.Open("redis+cluster://"+server.Addr, redisstream.Options{Layout: newLayout()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	scans := scanlogtest.Scans(0, 5000)
	scanlogtest.Append(t, log, scans)
	tail := tailOf(t, log)
	if len(tail) != 4 {
		t.Errorf("the tail is %v", tail)
	}
	wantRead(t, log, beginnings(scans), tail, scans)
}

func BenchmarkRead(b *testing.B) {
	layout := newLayout()
	log := openLog(b, shared, redisstream.Options{Layout: layout})
	scans := scanlogtest.Scans(0, 100_000)
	for from := 0; from < len(scans); from += 10_000 {
		scanlogtest.Append(b, log, scans[from:from+10_000])
	}
	begin := beginnings(scans)
	tail, err := log.Tail(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := log.Read(b.Context(), begin, tail, func([]scan.Scan) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
