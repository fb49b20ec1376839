package worker_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
	"github.com/truyvet/truyvet/internal/worker"
)

// memoryLog is a log with one reader.
type memoryLog struct {
	mu      sync.Mutex
	unread  []scanlog.Entry
	perNext int
	down    error
	acked   []uint64
	buried  map[uint64]string
	each    time.Duration // that Next takes
}

func newMemoryLog(scans int) *memoryLog {
	l := &memoryLog{perNext: 100, buried: make(map[uint64]string)}
	for n := range scans {
		l.add(scanlogtest.Scan(n))
	}
	return l
}

func (l *memoryLog) add(s scan.Scan) {
	l.mu.Lock()
	defer l.mu.Unlock()
	wire, err := s.AppendWire(nil)
	if err != nil {
		panic(err)
	}
	s.Seq = uint64(len(l.unread) + 1)
	l.unread = append(l.unread, scanlog.Entry{Seq: s.Seq, Scan: s, Raw: wire})
}

func (l *memoryLog) Next(ctx context.Context) ([]scanlog.Entry, error) {
	time.Sleep(l.each)
	l.mu.Lock()
	n := min(l.perNext, len(l.unread))
	got, down := l.unread[:n], l.down
	if down == nil {
		l.unread = l.unread[n:]
	}
	l.mu.Unlock()
	if down != nil {
		return nil, down
	}
	if n == 0 {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return got, nil
}

func (l *memoryLog) Ack(_ context.Context, entries []scanlog.Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down != nil {
		return l.down
	}
	for _, e := range entries {
		l.acked = append(l.acked, e.Seq)
	}
	return nil
}

func (l *memoryLog) Bury(_ context.Context, e scanlog.Entry, reason string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down != nil {
		return l.down
	}
	l.buried[e.Seq] = reason
	return nil
}

func (l *memoryLog) setDown(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = err
}

// done is how many entries were acknowledged.
func (l *memoryLog) done() []uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.acked)
}

// memoryStore asks its function for every insert.
type memoryStore struct {
	mu      sync.Mutex
	inserts [][]uint64
	ask     func(ctx context.Context, n int) error // n counts inserts from 0
}

func (s *memoryStore) Insert(ctx context.Context, scans []scan.Scan) error {
	var seqs []uint64
	for _, sc := range scans {
		seqs = append(seqs, sc.Seq)
	}
	s.mu.Lock()
	n := len(s.inserts)
	s.inserts = append(s.inserts, seqs)
	s.mu.Unlock()
	if s.ask == nil {
		return nil
	}
	return s.ask(ctx, n)
}

func (s *memoryStore) all() [][]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.inserts)
}

func numbers(from, to uint64) []uint64 {
	var all []uint64
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}

// running is a worker that runs until stop, which returns what Run answered.
func running(t *testing.T, log *memoryLog, store *memoryStore, o worker.Options) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- worker.New(log, store, o).Run(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

func TestBatchesBySizeAndAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, store := newMemoryLog(220), &memoryStore{}
		stop := running(t, log, store, worker.Options{MaxScans: 100, MaxAge: 5 * time.Second})
		time.Sleep(4 * time.Second)
		if got := store.all(); len(got) != 2 || !slices.Equal(got[0], numbers(1, 100)) || !slices.Equal(got[1], numbers(101, 200)) {
			t.Errorf("of 220 scans, full batches of 100 were inserted as %v", got)
		}
		time.Sleep(2 * time.Second)
		if got := store.all(); len(got) != 3 || !slices.Equal(got[2], numbers(201, 220)) {
			t.Errorf("the rest did not follow when it was old enough: %v", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if got := log.done(); !slices.Equal(got, numbers(1, 220)) {
			t.Errorf("acknowledged are %v", got)
		}
	})
}

// TestLargeRemaindersDoNotWait sees a batch go before its time that is not full, but large, and that nothing follows.
func TestLargeRemaindersDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, store := newMemoryLog(130), &memoryStore{}
		stop := running(t, log, store, worker.Options{MaxScans: 100, MaxAge: time.Hour})
		time.Sleep(time.Second)
		if got := store.all(); len(got) != 2 || !slices.Equal(got[1], numbers(101, 130)) {
			t.Errorf("of 130 scans, inserted are %v", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestAStoreWithNothingToDoIsGivenAQuarter sees the store begin before a batch is full, though more follows, and later batches grow
// while it is at work.
func TestAStoreWithNothingToDoIsGivenAQuarter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog(2000)
		log.perNext, log.each = 30, time.Millisecond
		store := &memoryStore{ask: func(context.Context, int) error { time.Sleep(time.Second); return nil }}
		stop := running(t, log, store, worker.Options{MaxScans: 1000, MaxAge: time.Hour})
		time.Sleep(4 * time.Second)
		var sizes []int
		for _, batch := range store.all() {
			sizes = append(sizes, len(batch))
		}
		if !slices.Equal(sizes, []int{270, 1020, 710}) {
			t.Errorf("of 2,000 scans these were inserted together: %v", sizes)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if got := log.done(); !slices.Equal(got, numbers(1, 2000)) {
			t.Errorf("acknowledged are %v", got)
		}
	})
}

func TestBatchesByBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, store := newMemoryLog(0), &memoryStore{}
		log.perNext = 1
		for n := range 10 {
			log.add(scanlogtest.Scan(1 + 3*n)) // without a trip: 78 bytes each
		}
		stop := running(t, log, store, worker.Options{MaxBytes: 3 * 78, MaxAge: time.Hour})
		time.Sleep(time.Second)
		if got := store.all(); len(got) != 3 || len(got[0]) != 3 {
			t.Errorf("ten scans were inserted as %v", got)
		}
		if err := stop(); err != nil { // the tenth goes when it stops
			t.Error(err)
		}
		if got := log.done(); !slices.Equal(got, numbers(1, 10)) {
			t.Errorf("acknowledged are %v", got)
		}
	})
}

func TestRetriesTheSameScans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		log := newMemoryLog(50)
		store := &memoryStore{ask: func(_ context.Context, n int) error {
			if got := log.done(); len(got) != 0 {
				t.Errorf("before the store had them, %v were acknowledged", got)
			}
			if n < 20 {
				return errors.New("refused")
			}
			return nil
		}}
		stop := running(t, log, store, worker.Options{MaxAge: time.Second, Log: slog.New(slog.NewTextHandler(&text, nil))})
		time.Sleep(10 * time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
		inserts := store.all()
		if len(inserts) != 21 {
			t.Fatalf("there were %d tries", len(inserts))
		}
		for _, seqs := range inserts {
			if !slices.Equal(seqs, numbers(1, 50)) {
				t.Fatalf("a retry had other scans: %v", seqs)
			}
		}
		if got := log.done(); !slices.Equal(got, numbers(1, 50)) {
			t.Errorf("acknowledged are %v", got)
		}
		if lines := strings.Count(text.String(), "\n"); lines != 2 {
			t.Errorf("twenty failures were logged in %d lines, want one for their begin and one for their end:\n%s", lines, text.String())
		}
	})
}

func TestGathersWhileStoring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		log := newMemoryLog(1000)
		store := &memoryStore{ask: func(context.Context, int) error {
			<-release
			return nil
		}}
		stop := running(t, log, store, worker.Options{MaxScans: 200, MaxAge: time.Second})
		time.Sleep(time.Minute)
		log.mu.Lock()
		unread := len(log.unread)
		log.mu.Unlock()
		// The first may be of fewer than 200: it is handed over as soon as the store is there to take it.
		inserts := store.all()
		if len(inserts) != 1 || len(inserts[0]) > 200 || unread != 1000-len(inserts[0])-200 {
			t.Errorf("with inserts of %v under way there are %d unread, want one insert, one more batch gathered and no more", inserts, unread)
		}
		close(release)
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
		if got := log.done(); !slices.Equal(got, numbers(1, 1000)) {
			t.Errorf("%d were acknowledged", len(got))
		}
	})
}

func TestBuriesWhatIsNoScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, store := newMemoryLog(10), &memoryStore{}
		log.unread[3].Fault = scan.ErrMalformed
		log.unread[9].Fault = scan.ErrVersion
		stop := running(t, log, store, worker.Options{})
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
		if log.buried[4] != scan.ErrMalformed.Error() || log.buried[10] != scan.ErrVersion.Error() || len(log.buried) != 2 {
			t.Errorf("buried are %v", log.buried)
		}
		if got := log.done(); !slices.Equal(got, []uint64{1, 2, 3, 5, 6, 7, 8, 9}) {
			t.Errorf("acknowledged are %v", got)
		}
	})
}

func TestLogThatIsDownForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, store := newMemoryLog(10), &memoryStore{}
		log.unread[5].Fault = scan.ErrMalformed
		store.ask = func(context.Context, int) error {
			log.setDown(errors.New("gone")) // so that acknowledging fails
			return nil
		}
		stop := running(t, log, store, worker.Options{})
		time.Sleep(time.Minute)
		if got := log.done(); len(got) != 0 {
			t.Errorf("while the log was down %v were acknowledged", got)
		}
		log.setDown(nil)
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
		if got := log.done(); len(got) != 9 || len(store.all()) != 1 {
			t.Errorf("%d were acknowledged after %d inserts", len(got), len(store.all()))
		}
	})
}

func TestStopFinishesWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog(300)
		store := &memoryStore{ask: func(ctx context.Context, _ int) error {
			select {
			case <-time.After(3 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
		stop := running(t, log, store, worker.Options{MaxScans: 200, MaxAge: time.Minute})
		time.Sleep(time.Second)
		if err := stop(); err != nil {
			t.Error(err)
		}
		if got := log.done(); !slices.Equal(got, numbers(1, 300)) {
			t.Errorf("acknowledged are %v", got)
		}
	})
}

func TestStopGivesUpInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog(300)
		store := &memoryStore{ask: func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		stop := running(t, log, store, worker.Options{MaxScans: 200, Drain: 5 * time.Second})
		time.Sleep(time.Second)
		begin := time.Now()
		if err := stop(); err == nil {
			t.Error("it says that everything was stored")
		}
		if took := time.Since(begin); took > 6*time.Second {
			t.Errorf("it took %s to stop", took)
		}
		if got := log.done(); len(got) != 0 {
			t.Errorf("of what was not stored, %v were acknowledged", got)
		}
	})
}
