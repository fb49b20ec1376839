// Package scanlogtest is the conformance suite of the scan logs: every implementation of scanlog.Log runs it.
package scanlogtest

import (
	"cmp"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/tracing/stay"
)

// Subject is a log under test, with nothing in it at first.
type Subject struct {
	Log interface {
		scanlog.Log
		scanlog.Progress
	}
	// All returns everything that is logged, read from what is durable, in any order.
	All func(t testing.TB) []scan.Scan
	// Reopen ends the log as roughly as it can, and returns one on the same data.
	Reopen func(t testing.TB) Subject
}

// Run runs the suite. open makes an empty log of which at most maxQueued scans may wait, 0 meaning the default.
func Run(t *testing.T, open func(t *testing.T, maxQueued int) Subject) {
	t.Run("AcceptedOnce", func(t *testing.T) { acceptedOnce(t, open(t, 0)) })
	t.Run("OrderInBatch", func(t *testing.T) { orderInBatch(t, open(t, 0)) })
	t.Run("OtherDayIsConflict", func(t *testing.T) { otherDayIsConflict(t, open(t, 0)) })
	t.Run("MalformedIsRefusedWhole", func(t *testing.T) { malformed(t, open(t, 0)) })
	t.Run("ConcurrentAppenders", func(t *testing.T) { concurrent(t, open(t, 0)) })
	t.Run("SurvivesReopening", func(t *testing.T) { survives(t, open(t, 0)) })
	t.Run("FullQueue", func(t *testing.T) { fullQueue(t, open(t, 10)) })
	t.Run("AgainstModel", func(t *testing.T) { againstModel(t, open(t, 0)) })
}

// Base is the instant that Scan counts from: 6 November 2021, 08:00 UTC.
const Base int64 = 1636185600

// Scan returns the n-th of a row of well-formed scans, one a second from Base, by a thousand people at fifty places. Its
// id is a UUIDv7 of its instant.
func Scan(n int) scan.Scan {
	at := Base + int64(n)
	s := scan.Scan{
		ID:         V7(at, uint64(n)),
		Alias:      numbered(0xa1, n%1000),
		Place:      numbered(0xb1, n%50),
		At:         at,
		ReceivedAt: at + 2,
		Kind:       stay.In,
		How:        scan.Phone,
		Serial:     1,
		Device:     uint64(n % 7),
	}
	if n%3 == 0 {
		s.Trip = numbered(0xc1, n%11)
	}
	return s
}

// Scans returns the scans from, from+1, …, to−1 of the row.
func Scans(from, to int) []scan.Scan {
	scans := make([]scan.Scan, 0, to-from)
	for n := from; n < to; n++ {
		scans = append(scans, Scan(n))
	}
	return scans
}

// V7 returns a UUIDv7 made at an instant; n tells it from others of that instant.
func V7(at int64, n uint64) uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], uint64(at*1000)<<16)
	binary.BigEndian.PutUint64(id[8:], n)
	id[6] = 0x70
	id[8] = 0x80
	return id
}

func numbered(of byte, n int) uuid.UUID {
	var id uuid.UUID
	id[0] = of
	binary.BigEndian.PutUint32(id[12:], uint32(n))
	return id
}

// Append appends a batch and fails the test on an error.
func Append(t testing.TB, log scanlog.Log, scans []scan.Scan) []scanlog.Outcome {
	t.Helper()
	outcomes, err := log.Append(t.Context(), scans)
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	if len(outcomes) != len(scans) {
		t.Fatalf("append answered %d outcomes for %d scans", len(outcomes), len(scans))
	}
	return outcomes
}

func wantOutcomes(t testing.TB, got []scanlog.Outcome, want ...scanlog.Outcome) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("outcomes %v, want %v", got, want)
	}
}

// wantLogged compares what is logged with the scans that were accepted, as the log set them.
func wantLogged(t testing.TB, subject Subject, accepted []scan.Scan) {
	t.Helper()
	byKey := func(a, b scan.Scan) int {
		x, y := a.Key(), b.Key()
		return slices.Compare(x[:], y[:])
	}
	got, want := slices.Clone(subject.All(t)), slices.Clone(accepted)
	slices.SortFunc(got, byKey)
	slices.SortFunc(want, byKey)
	if len(got) != len(want) {
		t.Fatalf("%d scans are logged, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("logged\n%+v, want\n%+v", got[i], want[i])
		}
	}
	wantPositions(t, subject, want)
}

// wantPositions checks that no two scans have one position, and that the tail is at the last of each shard or past it.
func wantPositions(t testing.TB, subject Subject, scans []scan.Scan) {
	t.Helper()
	type position struct {
		shard uint32
		seq   uint64
	}
	seen := make(map[position]bool)
	last := make(scanlog.Watermark)
	for _, s := range scans {
		p := position{s.Shard, s.Seq}
		if s.Seq == 0 || seen[p] {
			t.Fatalf("position %v is 0 or stands twice", p)
		}
		seen[p] = true
		last[s.Shard] = max(last[s.Shard], s.Seq)
	}
	tail, err := subject.Log.Tail(t.Context())
	if err != nil {
		t.Fatalf("tail: %v", err)
	}
	maps.DeleteFunc(tail, func(_ uint32, seq uint64) bool { return seq == 0 })
	if !tail.Covers(last) || len(tail) != len(last) {
		t.Fatalf("tail %v, want at least %v", tail, last)
	}
	stored, err := subject.Log.Stored(t.Context())
	if err != nil {
		t.Fatalf("stored: %v", err)
	}
	if !tail.Covers(stored) {
		t.Fatalf("stored up to %v, past the tail %v", stored, tail)
	}
}

func acceptedOnce(t *testing.T, subject Subject) {
	first := Scans(0, 100)
	for _, o := range Append(t, subject.Log, first) {
		if o != scanlog.Accepted {
			t.Fatalf("a new scan is %v", o)
		}
	}
	again := Scans(0, 100)
	for i := range again {
		again[i].ReceivedAt += 60
		again[i].How = scan.PhoneOffline
		again[i].Flags = stay.Late
	}
	for _, o := range Append(t, subject.Log, again) {
		if o != scanlog.Duplicate {
			t.Fatalf("the same scan again is %v", o)
		}
	}
	other := Scans(0, 100)
	for i := range other {
		other[i].Serial++
	}
	for _, o := range Append(t, subject.Log, other) {
		if o != scanlog.Conflict {
			t.Fatalf("another scan of the same id is %v", o)
		}
	}
	stranger := Scan(0)
	stranger.Alias = uuid.Max
	somebody := []scan.Scan{stranger}
	wantOutcomes(t, Append(t, subject.Log, somebody), scanlog.Accepted)
	wantLogged(t, subject, append(first, somebody...))
}

func orderInBatch(t *testing.T, subject Subject) {
	a := Scan(1)
	other := a
	other.Serial++
	batch := []scan.Scan{a, other, a, Scan(2), other}
	wantOutcomes(t, Append(t, subject.Log, batch),
		scanlog.Accepted, scanlog.Conflict, scanlog.Duplicate, scanlog.Accepted, scanlog.Conflict)
	// Judged against what is logged, not against the first of the batch.
	again := []scan.Scan{other, a}
	wantOutcomes(t, Append(t, subject.Log, again), scanlog.Conflict, scanlog.Duplicate)
	wantLogged(t, subject, []scan.Scan{batch[0], batch[3]})
	if batch[0].Shard == batch[3].Shard && batch[0].Seq >= batch[3].Seq {
		t.Errorf("positions %d and %d do not grow within the batch", batch[0].Seq, batch[3].Seq)
	}
}

func otherDayIsConflict(t *testing.T, subject Subject) {
	var logged []scan.Scan
	v4 := uuid.MustParse("7b1f7d7e-0000-4000-8000-000000000001")
	absurd := V7(1<<40/1000, 1)
	for i, id := range []uuid.UUID{Scan(1).ID, v4, absurd} {
		for _, days := range [][]int64{{0, 1, -1, 5}, {1, 0, 2, 1}, {-3, 4, 0, -3}} {
			s := Scan(1)
			s.ID = id
			s.Alias = numbered(0xd0, i*10+int(days[0])+5)
			for k, day := range days {
				moved := s
				moved.At += day * scan.SecondsPerDay
				want := scanlog.Conflict
				if k == 0 {
					want = scanlog.Accepted
				} else if day == days[0] {
					want = scanlog.Duplicate
				}
				batch := []scan.Scan{moved}
				wantOutcomes(t, Append(t, subject.Log, batch), want)
				if want == scanlog.Accepted {
					logged = append(logged, batch...)
				}
			}
		}
	}
	wantLogged(t, subject, logged)
}

func malformed(t *testing.T, subject Subject) {
	batch := Scans(0, 3)
	batch[1].Alias = uuid.Nil
	if _, err := subject.Log.Append(t.Context(), batch); !errors.Is(err, scan.ErrNoAlias) {
		t.Fatalf("a malformed scan: %v", err)
	}
	wantLogged(t, subject, nil)
}

func concurrent(t *testing.T, subject Subject) {
	const appenders, batches, size = 8, 10, 50
	var mu sync.Mutex
	var accepted []scan.Scan
	var wg sync.WaitGroup
	for a := range appenders {
		wg.Go(func() {
			for b := range batches {
				// Neighbours overlap by half, so that most scans are sent twice.
				from := (a*batches + b) * size / 2
				batch := Scans(from, from+size)
				outcomes, err := subject.Log.Append(t.Context(), batch)
				if err != nil {
					t.Errorf("append: %v", err)
					return
				}
				mu.Lock()
				for i, o := range outcomes {
					switch o {
					case scanlog.Accepted:
						accepted = append(accepted, batch[i])
					case scanlog.Conflict:
						t.Errorf("scan %d is in conflict with itself", from+i)
					}
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	if want := (appenders*batches + 1) * size / 2; len(accepted) != want {
		t.Fatalf("%d scans were accepted, want %d", len(accepted), want)
	}
	wantLogged(t, subject, accepted)
}

func survives(t *testing.T, subject Subject) {
	first := Scans(0, 500)
	Append(t, subject.Log, first)
	subject = subject.Reopen(t)
	wantLogged(t, subject, first)
	for _, o := range Append(t, subject.Log, Scans(0, 500)) {
		if o != scanlog.Duplicate {
			t.Fatalf("after reopening, a logged scan is %v", o)
		}
	}
	more := Scans(500, 600)
	Append(t, subject.Log, more)
	wantLogged(t, subject, append(first, more...))
}

func fullQueue(t *testing.T, subject Subject) {
	if _, err := subject.Log.Append(t.Context(), Scans(0, 11)); !errors.Is(err, scanlog.ErrFull) {
		t.Fatalf("eleven scans on a queue of ten: %v", err)
	}
	wantLogged(t, subject, nil)
	batch := Scans(0, 10)
	Append(t, subject.Log, batch)
	wantLogged(t, subject, batch)
}

// againstModel appends random batches, with random restarts, and compares with a map.
func againstModel(t *testing.T, subject Subject) {
	round := 0
	rapid.Check(t, func(r *rapid.T) {
		round++ // its own people, so that rounds on one log do not meet
		type key struct{ id, alias uuid.UUID }
		model := make(map[key]scan.Digest)
		for range rapid.IntRange(1, 4).Draw(r, "appends") {
			batch := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) scan.Scan {
				s := Scan(0)
				s.Alias = numbered(0xe0, round*4+rapid.IntRange(0, 1).Draw(r, "alias"))
				s.At += rapid.Int64Range(-2, 2).Draw(r, "day") * scan.SecondsPerDay
				s.ID = V7(Base+rapid.Int64Range(-2, 2).Draw(r, "id's day")*scan.SecondsPerDay, uint64(rapid.IntRange(0, 1).Draw(r, "id")))
				if rapid.Bool().Draw(r, "random id") {
					s.ID[6] = 0x40
				}
				return s
			}), 1, 12).Draw(r, "batch")
			for i, got := range Append(t, subject.Log, batch) {
				k := key{batch[i].ID, batch[i].Alias}
				want := scanlog.Accepted
				if logged, ok := model[k]; ok {
					want = scanlog.Conflict
					if logged == batch[i].Digest() {
						want = scanlog.Duplicate
					}
				} else {
					model[k] = batch[i].Digest()
				}
				if got != want {
					r.Fatalf("scan %d of the batch is %v, want %v", i, got, want)
				}
			}
			if rapid.IntRange(0, 19).Draw(r, "reopen") == 0 {
				subject = subject.Reopen(t)
			}
		}
	})
	all := subject.All(t)
	slices.SortFunc(all, func(a, b scan.Scan) int {
		return cmp.Or(slices.Compare(a.ID[:], b.ID[:]), slices.Compare(a.Alias[:], b.Alias[:]))
	})
	for i := 1; i < len(all); i++ {
		if all[i].Key() == all[i-1].Key() {
			t.Fatal("a scan is logged twice")
		}
	}
}
