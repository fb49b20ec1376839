// Package scanstoretest is the conformance suite of the scan stores: every implementation of scanstore runs it.
package scanstoretest

import (
	"cmp"
	"errors"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
	"github.com/truyvet/truyvet/internal/scanstore"
	"github.com/truyvet/truyvet/tracing/stay"
)

// Subject is a store under test, with nothing in it at first.
type Subject struct {
	Store interface {
		scanstore.Reader
		scanstore.Dropper
		scanstore.Holding
	}
	// Fill puts scans into the store and returns them with the positions they have there.
	Fill func(t testing.TB, scans []scan.Scan) []scan.Scan
	// BreakDrop makes dropping one day fail until mend is called.
	BreakDrop func(t testing.TB, day scan.Day) (mend func())
}

// Run runs the suite. open makes an empty store.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	t.Run("ReadInSequence", func(t *testing.T) { readInSequence(t, open(t)) })
	t.Run("ResumeFromWatermark", func(t *testing.T) { resume(t, open(t)) })
	t.Run("FilledTwice", func(t *testing.T) { filledTwice(t, open(t)) })
	t.Run("Holding", func(t *testing.T) { holding(t, open(t), open(t)) })
	t.Run("DropDays", func(t *testing.T) { dropDays(t, open(t)) })
	t.Run("DropThatFails", func(t *testing.T) { dropThatFails(t, open(t)) })
	t.Run("YieldError", func(t *testing.T) { yieldError(t, open(t)) })
	t.Run("FieldsComeBack", func(t *testing.T) { fieldsComeBack(t, open(t)) })
}

// Everything covers every position of the shards that the scans stand in.
func Everything(scans []scan.Scan) scanlog.Watermark {
	w := make(scanlog.Watermark)
	for _, s := range scans {
		w[s.Shard] = math.MaxUint64
	}
	return w
}

// holding asks two stores what they are.
func holding(t *testing.T, s, other Subject) {
	id, err := s.Store.ID(t.Context())
	if err != nil || id == uuid.Nil {
		t.Fatalf("the store is %v (%v)", id, err)
	}
	scans := s.Fill(t, overDays())
	if n, err := s.Store.Count(t.Context()); err != nil || n != int64(len(scans)) {
		t.Errorf("%d scans are counted of %d (%v)", n, len(scans), err)
	}
	if again, err := s.Store.ID(t.Context()); err != nil || again != id {
		t.Errorf("the store is %v and then %v (%v)", id, again, err)
	}
	if another, err := other.Store.ID(t.Context()); err != nil || another == id {
		t.Errorf("two stores are %v (%v)", another, err)
	}
}

// overDays returns scans spread over five days, in disorder of time.
func overDays() []scan.Scan {
	scans := scanlogtest.Scans(0, 5000)
	for i := range scans {
		scans[i].At += int64(i*7%5) * scan.SecondsPerDay
		scans[i].ID = scanlogtest.V7(scans[i].At, uint64(i))
	}
	return scans
}

// read returns what Read yields, having checked that it comes in sequence.
func read(t testing.TB, store scanstore.Reader, after, upTo scanlog.Watermark) []scan.Scan {
	t.Helper()
	var got []scan.Scan
	err := store.Read(t.Context(), after, upTo, func(block []scan.Scan) error {
		if len(block) == 0 {
			t.Error("an empty block was yielded")
		}
		got = append(got, block...)
		return nil
	})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	if !slices.IsSortedFunc(got, byPosition) {
		t.Fatal("scans do not come in the order of (shard, seq)")
	}
	return got
}

func byPosition(a, b scan.Scan) int {
	return cmp.Or(cmp.Compare(a.Shard, b.Shard), cmp.Compare(a.Seq, b.Seq))
}

// once keeps the first scan of each (alias, id).
func once(scans []scan.Scan) []scan.Scan {
	seen := make(map[scan.Key]bool)
	return slices.DeleteFunc(slices.Clone(scans), func(s scan.Scan) bool {
		was := seen[s.Key()]
		seen[s.Key()] = true
		return was
	})
}

func want(t testing.TB, got, want []scan.Scan) {
	t.Helper()
	want = slices.Clone(want)
	slices.SortFunc(want, byPosition)
	if len(got) != len(want) {
		t.Fatalf("read %d scans, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("read\n%+v, want\n%+v", got[i], want[i])
		}
	}
}

func readInSequence(t *testing.T, subject Subject) {
	if got := read(t, subject.Store, nil, scanlog.Watermark{0: math.MaxUint64, 1: 5}); len(got) != 0 {
		t.Fatalf("an empty store holds %d scans", len(got))
	}
	stored := subject.Fill(t, overDays())
	want(t, once(read(t, subject.Store, nil, Everything(stored))), stored)
	if got := read(t, subject.Store, nil, nil); len(got) != 0 {
		t.Fatalf("up to nothing there are %d scans", len(got))
	}
}

func resume(t *testing.T, subject Subject) {
	stored := subject.Fill(t, overDays())
	slices.SortFunc(stored, byPosition)
	// Cut every shard in its middle, but one at its start and one at its end.
	byShard := make(map[uint32][]scan.Scan)
	for _, s := range stored {
		byShard[s.Shard] = append(byShard[s.Shard], s)
	}
	middle := make(scanlog.Watermark)
	for i, shard := range slices.Sorted(maps.Keys(byShard)) {
		of := byShard[shard]
		switch i {
		case 0:
		case 1:
			middle[shard] = of[len(of)-1].Seq
		default:
			middle[shard] = of[len(of)/2].Seq
		}
	}
	var before, after []scan.Scan
	for _, s := range stored {
		if s.Seq <= middle[s.Shard] {
			before = append(before, s)
		} else {
			after = append(after, s)
		}
	}
	want(t, once(read(t, subject.Store, nil, middle)), before)
	want(t, once(read(t, subject.Store, middle, Everything(stored))), after)
	if got := read(t, subject.Store, middle, middle); len(got) != 0 {
		t.Fatalf("between a watermark and itself there are %d scans", len(got))
	}
	if got := read(t, subject.Store, Everything(stored), middle); len(got) != 0 {
		t.Fatalf("backwards there are %d scans", len(got))
	}
}

func filledTwice(t *testing.T, subject Subject) {
	scans := overDays()
	stored := subject.Fill(t, slices.Clone(scans))
	subject.Fill(t, slices.Clone(scans))
	got := once(read(t, subject.Store, nil, Everything(stored)))
	if len(got) != len(scans) {
		t.Fatalf("%d scans came of %d that were stored twice", len(got), len(scans))
	}
}

func dropDays(t *testing.T, subject Subject) {
	stored := subject.Fill(t, overDays())
	first := scan.DayOf(scanlogtest.Base) + 2
	for _, again := range []bool{false, true} {
		wantBefore(t, subject, first, stored, again)
		dropped, err := subject.Store.DropBefore(t.Context(), first)
		if err != nil {
			t.Fatalf("drop: %v", err)
		}
		var wantDropped []scan.Day
		if !again {
			wantDropped = []scan.Day{first - 2, first - 1}
		}
		if !slices.Equal(dropped, wantDropped) {
			t.Fatalf("dropped %v, want %v", dropped, wantDropped)
		}
		kept := slices.DeleteFunc(slices.Clone(stored), func(s scan.Scan) bool { return scan.DayOf(s.At) < first })
		want(t, once(read(t, subject.Store, nil, Everything(stored))), kept)
	}
}

// wantBefore asks what would be dropped: all days of what is stored that are before first, or nothing where it is gone.
func wantBefore(t *testing.T, subject Subject, first scan.Day, stored []scan.Scan, gone bool) {
	t.Helper()
	var want []scanstore.DayCount
	for _, s := range once(stored) {
		day := scan.DayOf(s.At)
		if day >= first || gone {
			continue
		}
		i, there := slices.BinarySearchFunc(want, day, func(c scanstore.DayCount, day scan.Day) int { return cmp.Compare(c.Day, day) })
		if !there {
			want = slices.Insert(want, i, scanstore.DayCount{Day: day})
		}
		want[i].Scans++
	}
	got, err := subject.Store.Before(t.Context(), first)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("before %v there are %v, %v; want %v", first, got, err, want)
	}
}

// dropThatFails drops five days of which the third fails at first.
func dropThatFails(t *testing.T, subject Subject) {
	stored := subject.Fill(t, overDays())
	first := scan.DayOf(scanlogtest.Base)
	mend := subject.BreakDrop(t, first+2)
	dropped, err := subject.Store.DropBefore(t.Context(), first+4)
	if want := []scan.Day{first, first + 1}; err == nil || !slices.Equal(dropped, want) {
		t.Fatalf("with a day that cannot be dropped: %v, %v; want %v and an error", dropped, err, want)
	}
	mend()
	dropped, err = subject.Store.DropBefore(t.Context(), first+4)
	if want := []scan.Day{first + 2, first + 3}; err != nil || !slices.Equal(dropped, want) {
		t.Fatalf("once it can be dropped: %v, %v; want %v", dropped, err, want)
	}
	kept := slices.DeleteFunc(slices.Clone(stored), func(s scan.Scan) bool { return scan.DayOf(s.At) < first+4 })
	want(t, once(read(t, subject.Store, nil, Everything(stored))), kept)
}

func yieldError(t *testing.T, subject Subject) {
	stored := subject.Fill(t, overDays())
	stop := errors.New("enough")
	calls := 0
	err := subject.Store.Read(t.Context(), nil, Everything(stored), func([]scan.Scan) error {
		calls++
		return stop
	})
	if err != stop || calls != 1 { //nolint:errorlint // the contract: as it is
		t.Fatalf("after an error from yield: %v after %d calls", err, calls)
	}
	want(t, once(read(t, subject.Store, nil, Everything(stored))), stored)
}

func fieldsComeBack(t *testing.T, subject Subject) {
	s := scanlogtest.Scan(3)
	s.Kind = 4
	s.Voids = scanlogtest.Scan(4).ID
	s.How = scan.GateTypedOffline
	s.Serial = math.MaxUint32
	s.Device = math.MaxUint64
	s.Skew = math.MinInt32
	s.Flags = stay.Late | stay.OutOfHours | stay.Burst | stay.TwoPlaces
	stored := subject.Fill(t, []scan.Scan{s})
	want(t, once(read(t, subject.Store, nil, Everything(stored))), stored)
}
