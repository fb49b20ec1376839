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
		turns := rapid.IntRange(1, 12).Draw(rt, "turns")
		d := newDesk(&model{dice: rand.New(rand.NewPCG(seed, 2))})
		d.forgiving = true
		unfold(t.Context(), rt, d, seed, turns)
	})
}

// TestMemoryOverRealStores is the same for a few worlds: the disk takes its time.
func TestMemoryOverRealStores(t *testing.T) {
	for seed := range uint64(4) {
		unfold(t.Context(), t, newDesk(newReal(t)), seed, 8)
	}
}

// unfold lets the scans, places and links of a random world come bit by bit, in an order that has nothing to do with time,
// drops days and erases scans in between, and looks at every turn.
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
	rest, building := coming.Scans, parentsFirst(coming.Places)
	kinds := 6
	if d.forgiving {
		kinds = 9
	}
	for range turns {
		switch dice.IntN(kinds) {
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
			n := dice.IntN(len(building) + 1)
			d.putPlaces(ctx, t, building[:n]...)
			building = building[n:]
		case 4:
			if len(d.known.Scans) > 0 {
				d.drop(ctx, t, m, scan.DayOf(d.known.Scans[dice.IntN(len(d.known.Scans))].At)+scan.Day(dice.IntN(2)))
			}
		case 5:
			if len(d.known.Scans) > 0 {
				one := d.known.Scans[dice.IntN(len(d.known.Scans))]
				d.erase(ctx, t, one.Alias, one.At+dice.Int64N(2))
			}
		case 6: // an alias becomes somebody else's, or is linked of whom nothing was scanned
			alias, person := uuid.New(), uuid.New()
			if linked := slices.Collect(maps.Keys(d.known.Links)); len(linked) > 0 && dice.IntN(4) > 0 {
				slices.SortFunc(linked, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
				alias = linked[dice.IntN(len(linked))]
				person = d.known.Links[linked[dice.IntN(len(linked))]]
			}
			d.link(ctx, t, alias, person)
		case 7: // a place gets another dwell
			if n := len(d.known.Places); n > 0 {
				info := d.known.Places[dice.IntN(n)]
				info.Dwell = 600 + 60*dice.Int64N(90)
				d.movePlace(ctx, t, info)
			}
		case 8: // a place moves to the root, or under one that stood before it and so cannot lie in it
			if n := len(d.known.Places); n > 0 {
				i := dice.IntN(n)
				info := d.known.Places[i]
				info.Parent = uuid.Nil
				if i > 0 && dice.IntN(2) == 0 {
					info.Parent = d.known.Places[dice.IntN(i)].ID
				}
				d.movePlace(ctx, t, info)
			}
		}
		look()
	}
	d.append(ctx, t, rest...)
	look()
}

// parentsFirst returns the places with each behind the one that it lies in.
func parentsFirst(places []tracing.PlaceInfo) []tracing.PlaceInfo {
	var ordered []tracing.PlaceInfo
	there := map[uuid.UUID]bool{uuid.Nil: true}
	for len(ordered) < len(places) {
		for _, p := range places {
			if there[p.Parent] && !there[p.ID] {
				ordered = append(ordered, p)
				there[p.ID] = true
			}
		}
	}
	return ordered
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

// feed is a log and a store beside it.
type feed struct {
	scanlog.Progress
	scanstore.Reader
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
	m := snapshot.NewMemory(d, feed{d, reader}, snapshot.Options{})
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

// stumbling is a registry, and a reader, whose next call fails, the reader's after some blocks.
type stumbling struct {
	snapshot.Registry
	scanstore.Reader
	world  bool
	blocks int // how many are read before the error; -1 = there is none
}

var errStumbled = errors.New("stumbled")

func (s *stumbling) World(ctx context.Context) (registry.World, error) {
	if s.world {
		s.world = false
		return registry.World{}, errStumbled
	}
	return s.Registry.World(ctx)
}

func (s *stumbling) Changes(ctx context.Context, since int64) (registry.Delta, error) {
	if s.world {
		s.world = false
		return registry.Delta{}, errStumbled
	}
	return s.Registry.Changes(ctx, since)
}

func (s *stumbling) Read(ctx context.Context, after, upTo scanlog.Watermark, yield func([]scan.Scan) error) error {
	left := s.blocks
	s.blocks = -1
	return s.Reader.Read(ctx, after, upTo, func(block []scan.Scan) error {
		if left == 0 {
			return errStumbled
		}
		left--
		return yield(block)
	})
}

// TestMemoryGoesOnAfterFailures lets reading scans, places and links fail at any point, and wants every scan read once: the
// model's blocks end in the middle of shards.
func TestMemoryGoesOnAfterFailures(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := newDesk(&model{dice: rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "twice"), 2))})
		d.putPlaces(t.Context(), rt, shop)
		d.append(t.Context(), rt, in(mai, nine))
		parts := &stumbling{Registry: d, Reader: d, blocks: -1}
		reader := &counting{Reader: parts}
		m := snapshot.NewMemory(parts, feed{d, reader}, snapshot.Options{})
		met := 0
		for range rapid.IntRange(1, 6).Draw(rt, "rounds") {
			parts.world = rapid.Bool().Draw(rt, "the registry fails")
			parts.blocks = rapid.IntRange(-1, 4).Draw(rt, "blocks")
			for range rapid.IntRange(0, 20).Draw(rt, "scans") {
				d.append(t.Context(), rt, in(uuid.New(), nine+600))
				met++
			}
			if rapid.Bool().Draw(rt, "a link") {
				d.link(t.Context(), rt, uuid.New(), uuid.New())
			}
			sight, err := m.Snapshot(t.Context(), math.MaxInt64)
			if errors.Is(err, errStumbled) {
				parts.world, parts.blocks = false, -1
				sight, err = m.Snapshot(t.Context(), math.MaxInt64)
			}
			if err != nil {
				rt.Fatal(err)
			}
			if got := listed(t, sight); got != met {
				rt.Fatalf("%d are listed, want %d", got, met)
			}
		}
		if want := len(d.parts.(*model).stored); reader.read != want {
			rt.Errorf("%d scans were read %d times", want, reader.read)
		}
	})
}

// fixed is a log and a store that are as far as they are told.
type fixed struct{ scanlog.Watermark }

func (f *fixed) Tail(context.Context) (scanlog.Watermark, error)   { return f.Watermark, nil }
func (f *fixed) Stored(context.Context) (scanlog.Watermark, error) { return f.Watermark, nil }

// TestAnOlderWatermarkTakesNothingBack has a snapshot that waited for longer come after a faster one.
func TestAnOlderWatermarkTakesNothingBack(t *testing.T) {
	d := newDesk(newReal(t))
	d.putPlaces(t.Context(), t, shop)
	d.append(t.Context(), t, in(mai, nine), in(nam, nine+600), in(uuid.New(), nine+700))
	day := uint32(scan.DayOf(nine))
	progress, reader := &fixed{scanlog.Watermark{day: 3}}, &counting{Reader: d}
	m := snapshot.NewMemory(d, feed{progress, reader}, snapshot.Options{})
	take(t, m, math.MaxInt64)
	for _, older := range []scanlog.Watermark{{day: 1}, {}} {
		progress.Watermark = older
		sight := take(t, m, math.MaxInt64)
		if sight.Watermark[day] != 3 || listed(t, sight) != 2 {
			t.Errorf("after %v: %v, %d listed", older, sight.Watermark, listed(t, sight))
		}
	}
	progress.Watermark = scanlog.Watermark{day: 3}
	if take(t, m, math.MaxInt64); reader.read != 3 {
		t.Errorf("3 scans were read %d times", reader.read)
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
