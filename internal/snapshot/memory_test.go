package snapshot_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanstore"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
	"github.com/truyvet/truyvet/tracing/tracingtest"
)

// sameReport says whether two reports are the same to the byte.
func sameReport(want, got *tracing.Report) error {
	a, err := want.MarshalJSON()
	if err != nil {
		return err
	}
	b, err := got.MarshalJSON()
	if err != nil {
		return err
	}
	if string(a) != string(b) {
		return fmt.Errorf("report:\n got %s\nwant %s", b, a)
	}
	return nil
}

// TestMemoryIsWhatDerivingAnewGives lets random worlds come to a model of the stores, which unlike SQLite has shards that
// are not days and stores some scans twice.
func TestMemoryIsWhatDerivingAnewGives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "world")
		turns := rapid.IntRange(1, 9).Draw(rt, "turns")
		unfold(t.Context(), rt, newDesk(&model{dice: rand.New(rand.NewPCG(seed, 2))}), seed, turns)
	})
}

// TestMemoryOverRealStores is the same for a few worlds: the disk takes its time.
func TestMemoryOverRealStores(t *testing.T) {
	for seed := range uint64(4) {
		unfold(t.Context(), t, newDesk(newReal(t)), seed, 8)
	}
}

// unfold lets the scans, places and links of a random world come bit by bit, in an order that has nothing to do with time,
// drops days in between, and looks at every turn.
func unfold(ctx context.Context, t fataler, d *desk, seed uint64, turns int) {
	dice := rand.New(rand.NewPCG(seed, 1))
	coming := tracingtest.RandomWorld(seed)
	aliases := slices.Collect(maps.Keys(coming.Links))
	slices.SortFunc(aliases, func(a, b uuid.UUID) int {
		// Who goes under one of their aliases has a link to that one first: the registry never has half of that.
		return cmp.Or(bit(coming.Links[a] != a)-bit(coming.Links[b] != b), bytes.Compare(a[:], b[:]))
	})
	m := d.memory()
	look := func() {
		asOf := int64(math.MaxInt64)
		if dice.IntN(2) == 0 {
			asOf = coming.Scans[dice.IntN(len(coming.Scans))].At
		}
		sight, err := m.Snapshot(ctx, asOf)
		if err != nil {
			t.Fatal(err)
		}
		difference, err := d.compare(ctx, sight, dice)
		if difference != "" || err != nil {
			t.Fatal(d.known, difference, err)
		}
	}
	rest := coming.Scans
	for range turns {
		switch dice.IntN(6) {
		case 0, 1:
			n := dice.IntN(len(rest) + 1)
			d.append(ctx, t, rest[:n]...)
			rest = rest[n:]
		case 2:
			n := dice.IntN(len(aliases) + 1)
			for _, alias := range aliases[:n] {
				d.link(ctx, t, alias, coming.Links[alias])
			}
			aliases = aliases[n:]
		case 3:
			if len(d.known.Places) == 0 {
				d.putPlaces(ctx, t, coming.Places...)
			}
		case 4:
			if len(d.known.Scans) > 0 {
				d.drop(ctx, t, m, scan.DayOf(d.known.Scans[dice.IntN(len(d.known.Scans))].At)+scan.Day(dice.IntN(2)))
			}
		}
		look()
	}
	d.append(ctx, t, rest...)
	look()
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// One person in a shop from nine to ten, and another who comes in between.
var (
	nine   int64 = 1638349200
	shop         = tracing.PlaceInfo{ID: uuid.UUID{15: 1}, Dwell: 3600}
	mai          = uuid.UUID{15: 2}
	nam          = uuid.UUID{15: 3}
	person       = uuid.UUID{15: 4}
)

func in(alias uuid.UUID, at int64) stay.Scan {
	return stay.Scan{ID: uuid.New(), Alias: alias, Place: tracing.Place{ID: shop.ID}, At: at, Kind: stay.In}
}

// listed traces from Mai and counts whom she met.
func listed(t *testing.T, sight snapshot.Snapshot) int {
	t.Helper()
	report, err := tracing.Trace(t.Context(), sight.Source, tracing.Request{
		Cases: []tracing.Case{{Person: mai, Window: tracing.Window{To: math.MaxInt64}}}, Numbers: tracing.Numbers{Depth: 1}, End: sight.AsOf,
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(report.Contacts)
}

func take(t *testing.T, m *snapshot.Memory, asOf int64) snapshot.Snapshot {
	t.Helper()
	sight, err := m.Snapshot(t.Context(), asOf)
	if err != nil {
		t.Fatal(err)
	}
	return sight
}

// TestSnapshotStaysAsItIs looks again at a snapshot after more was scanned, linked and dropped.
func TestSnapshotStaysAsItIs(t *testing.T) {
	d := newDesk(newReal(t))
	m := d.memory()
	d.putPlaces(t.Context(), t, shop)
	d.append(t.Context(), t, in(mai, nine), in(nam, nine+600))
	before := take(t, m, math.MaxInt64)
	for shard := range before.Watermark {
		before.Watermark[shard] = 1_000_000 // the caller's own
	}
	d.append(t.Context(), t, in(person, nine+700))
	d.link(t.Context(), t, mai, person)
	if got := listed(t, take(t, m, math.MaxInt64)); got != 0 {
		t.Errorf("Mai has become another person and %d were listed", got)
	}
	d.drop(t.Context(), t, m, scan.DayOf(nine)+1)
	take(t, m, math.MaxInt64)
	if got := listed(t, before); got != 1 {
		t.Errorf("before, one was listed, and now %d", got)
	}
}

func TestSnapshotSaysWhatItIsOf(t *testing.T) {
	d := newDesk(newReal(t))
	m := d.memory()
	d.putPlaces(t.Context(), t, shop)
	d.append(t.Context(), t, in(mai, nine), in(nam, nine+600))
	revision, err := d.Revision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	early, late := take(t, m, nine+300), take(t, m, nine+900)
	if listed(t, early) != 0 || listed(t, late) != 1 {
		t.Error("stays are not clipped at the as-of time")
	}
	day := uint32(scan.DayOf(nine))
	if early.AsOf != nine+300 || early.Revision != revision || len(early.Watermark) != 1 || early.Watermark[day] != 2 {
		t.Errorf("%+v", early)
	}
	if early.Places.Dwell(shop.ID) != 3600 {
		t.Error("the places are not those of the registry")
	}
}

// counting counts the scans that are read from a store.
type counting struct {
	scanstore.Reader
	read int
}

func (c *counting) Read(ctx context.Context, after, upTo scanlog.Watermark, yield func([]scan.Scan) error) error {
	return c.Reader.Read(ctx, after, upTo, func(block []scan.Scan) error {
		c.read += len(block)
		return yield(block)
	})
}

func TestScansAreReadOnce(t *testing.T) {
	d := newDesk(newReal(t))
	reader := &counting{Reader: d}
	m := snapshot.NewMemory(d, d, reader)
	d.putPlaces(t.Context(), t, shop)
	for n := range 5 {
		d.append(t.Context(), t, in(mai, nine+int64(n)*86400-172800), in(nam, nine-int64(n)))
		take(t, m, math.MaxInt64)
		d.drop(t.Context(), t, m, scan.DayOf(nine)-1)
		take(t, m, math.MaxInt64)
	}
	if reader.read != 10 {
		t.Errorf("10 scans were read %d times", reader.read)
	}
}

// stumbling is a registry, and a reader, whose next call fails half-way.
type stumbling struct {
	snapshot.Registry
	scanstore.Reader
	links, read bool
}

var errStumbled = errors.New("stumbled")

func (s *stumbling) Revision(context.Context) (int64, error) { return 0, nil } // of a registry without a change

func (s *stumbling) Links(ctx context.Context) (map[uuid.UUID]uuid.UUID, error) {
	if s.links {
		s.links = false
		return nil, errStumbled
	}
	return s.Registry.Links(ctx)
}

func (s *stumbling) Read(ctx context.Context, after, upTo scanlog.Watermark, yield func([]scan.Scan) error) error {
	err := s.Reader.Read(ctx, after, upTo, yield)
	if s.read {
		s.read = false
		return errStumbled
	}
	return err
}

func TestMemoryRecoversFromFailures(t *testing.T) {
	d := newDesk(newReal(t))
	d.putPlaces(t.Context(), t, shop)
	d.append(t.Context(), t, in(mai, nine), in(nam, nine+600))
	parts := &stumbling{Registry: d, Reader: d}
	m := snapshot.NewMemory(parts, d, parts)
	for round, stumble := range []*bool{&parts.links, &parts.read, &parts.links, &parts.read} {
		*stumble = true
		m.DropBefore(scan.DayOf(nine) - scan.Day(round)) // so that everything is derived anew
		d.append(t.Context(), t, in(uuid.New(), nine+700), in(uuid.New(), nine-86400*int64(round+2)))
		if _, err := m.Snapshot(t.Context(), math.MaxInt64); !errors.Is(err, errStumbled) {
			t.Fatalf("round %d: %v", round, err)
		}
		if got := listed(t, take(t, m, math.MaxInt64)); got != round+2 {
			t.Errorf("round %d: %d are listed, want %d", round, got, round+2)
		}
	}
}

// restless is a registry that changes with every look.
type restless struct {
	snapshot.Registry
	looks int64
}

func (r *restless) Revision(context.Context) (int64, error) {
	r.looks++
	return r.looks, nil
}

func TestRegistryThatNeverRests(t *testing.T) {
	d := newDesk(newReal(t))
	r := &restless{Registry: d}
	if _, err := snapshot.NewMemory(r, d, d).Snapshot(t.Context(), 0); !errors.Is(err, registry.ErrBusy) {
		t.Errorf("%v", err)
	}
	if r.looks > 20 {
		t.Errorf("%d looks", r.looks)
	}
}

// TestSnapshotsConcurrently takes snapshots while scans and links come: what was accepted before one is in it.
func TestSnapshotsConcurrently(t *testing.T) {
	d := newDesk(newReal(t))
	d.putPlaces(t.Context(), t, shop)
	d.append(t.Context(), t, in(mai, nine))
	m := d.memory()
	var group sync.WaitGroup
	var mu sync.Mutex // of d.known, and of the order of acceptance
	accepted := 0
	for range 3 {
		group.Go(func() {
			for n := range 8 {
				mu.Lock()
				alias := uuid.New()
				d.append(t.Context(), t, in(alias, nine+60))
				if n%3 == 0 {
					d.link(t.Context(), t, alias, uuid.New())
				}
				accepted++
				mu.Unlock()
			}
		})
	}
	for range 3 {
		group.Go(func() {
			for range 8 {
				mu.Lock()
				least := accepted
				mu.Unlock()
				if got := listed(t, take(t, m, math.MaxInt64)); got < least {
					t.Errorf("%d are listed of %d", got, least)
				}
				m.DropBefore(scan.DayOf(nine))
			}
		})
	}
	group.Wait()
	if got := listed(t, take(t, m, math.MaxInt64)); got != 24 {
		t.Errorf("%d are listed in the end", got)
	}
}
