package sealed_test

import (
	"context"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse/clickhousetest"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse/sealed"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
	"github.com/truyvet/truyvet/tracing/tracingtest"
)

func TestMain(m *testing.M) { os.Exit(clickhousetest.Main(m)) }

// engines are what walks are tried on, and how many worlds on each: the more it takes, the fewer.
var engines = map[*clickhousetest.Engine]int{clickhousetest.OneServer: 24, clickhousetest.TwoShards: 12, clickhousetest.Current: 6}

// registry is a model of the world: all its revisions.
type registry []version

type version struct {
	infos  []tracing.PlaceInfo
	links  map[uuid.UUID]uuid.UUID
	erased map[uuid.UUID]int64
}

// world returns the newest revision.
func (r *registry) world(t testing.TB) sealed.World {
	t.Helper()
	revision := len(*r) - 1
	now := (*r)[revision]
	places, err := tracing.NewPlaces(now.infos)
	if err != nil {
		t.Fatal(err)
	}
	return sealed.World{
		Revision: int64(revision), Infos: now.infos, Places: places, Links: stay.NewLinks(now.links).Without(now.erased),
		Changed: func(_ context.Context, since int64) ([]uuid.UUID, error) {
			var before version
			if since > int64(revision) {
				return nil, sealed.ErrRevision
			}
			if since >= 0 {
				before = (*r)[since]
			}
			var changed []uuid.UUID
			for alias := range maps.Keys(now.links) {
				if before.links[alias] != now.links[alias] {
					changed = append(changed, alias)
				}
			}
			for alias := range before.links {
				if _, linked := now.links[alias]; !linked {
					changed = append(changed, alias)
				}
			}
			for alias, at := range now.erased {
				if before.erased[alias] != at {
					changed = append(changed, alias)
				}
			}
			return changed, nil
		},
	}
}

// bench is a store with its sealed stays.
type bench struct {
	clickhousetest.Store
	stays *sealed.Stays
	registry
	log scanlog.Watermark
}

func newBench(t testing.TB, e *clickhousetest.Engine, o sealed.Options) *bench {
	store := e.New(t)
	return &bench{Store: store, stays: sealed.New(store, o), log: make(scanlog.Watermark)}
}

// append puts scans at the end of the log, some of them twice.
func (b *bench) append(t testing.TB, dice *rand.Rand, scans []scan.Scan) {
	t.Helper()
	if len(scans) == 0 {
		return
	}
	for i := range scans {
		s := &scans[i]
		s.Shard = uint32(s.Alias[0] % 2)
		b.log[s.Shard]++
		s.Seq = b.log[s.Shard]
	}
	if err := b.Insert(t.Context(), scans); err != nil {
		t.Fatal(err)
	}
	if dice.IntN(3) == 0 {
		if err := b.Insert(t.Context(), scans[:dice.IntN(len(scans))]); err != nil {
			t.Fatal(err)
		}
	}
}

func (b *bench) seal(t testing.TB) sealed.Sealed {
	t.Helper()
	done, err := b.stays.Seal(t.Context(), sealed.Order{World: b.world(t), UpTo: maps.Clone(b.log)})
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func (b *bench) open(t testing.TB, asOf int64) *sealed.Source {
	t.Helper()
	src, err := b.stays.Open(t.Context(), b.world(t), maps.Clone(b.log), asOf)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// stored is a scan as the store has it. What was received before forgotten, of some aliases, is erased in the end.
func stored(s stay.Scan) scan.Scan {
	return scan.Scan{
		ID: s.ID, Alias: s.Alias, Place: s.Place.ID, Trip: s.Place.Trip, At: s.At, ReceivedAt: s.At, Kind: s.Kind, How: scan.Phone,
		Flags: s.Doubts, Voids: s.Voids,
	}
}

const forgotten = 1000

// way is how worlds come into a store.
type way struct {
	name      string
	o         sealed.Options
	phases    int // in which the scans arrive
	seals     func(phase int) bool
	changing  bool // whether the world changes between the phases
	cut       bool // whether seals are cut off in the middle before
	workers   int
	sweepFrom int
}

// sources puts all worlds into one store.
func (w way) sources(e *clickhousetest.Engine) tracingtest.Maker {
	return func(t *testing.T, worlds []tracingtest.World) []tracing.Source {
		b := newBench(t, e, w.o)
		b.stays.Small(w.workers, w.sweepFrom)
		dice := rand.New(rand.NewPCG(uint64(len(worlds)), uint64(w.phases)))
		last := version{links: make(map[uuid.UUID]uuid.UUID), erased: make(map[uuid.UUID]int64)}
		for _, world := range worlds {
			last.infos = append(last.infos, world.Places...)
			maps.Copy(last.links, world.Links)
		}
		for phase := range w.phases {
			b.registry = append(b.registry, last)
			if w.changing && phase+1 < w.phases {
				b.registry[phase] = last.spoilt(dice)
			}
			var scans []scan.Scan
			for _, world := range worlds {
				n := len(world.Scans)
				for _, s := range world.Scans[n*phase/w.phases : n*(phase+1)/w.phases] {
					scans = append(scans, stored(s))
					if w.changing && phase+1 < w.phases && dice.IntN(8) == 0 {
						s.ID[0]++
						s.At += dice.Int64N(90_000)
						decoy := stored(s)
						decoy.ReceivedAt = forgotten - 1
						last.erased[s.Alias] = forgotten
						scans = append(scans, decoy)
					}
				}
			}
			b.append(t, dice, scans)
			for range 3 {
				if !w.cut {
					break
				}
				b.Tap.CutAfter("INSERT INTO sealed_", 1+dice.IntN(25))
				_, _ = b.stays.Seal(t.Context(), sealed.Order{World: b.world(t), UpTo: maps.Clone(b.log)})
				b.Tap.CutAt("")
			}
			if w.seals(phase) {
				b.seal(t)
			}
		}
		made := make([]tracing.Source, len(worlds))
		for i, world := range worlds {
			made[i] = b.open(t, world.AsOf)
		}
		return made
	}
}

// spoilt is an earlier version: with places that are not there yet, or have another dwell, and with links that are missing
// or go elsewhere.
func (v version) spoilt(dice *rand.Rand) version {
	before := version{links: make(map[uuid.UUID]uuid.UUID)}
	gone := make(map[uuid.UUID]bool)
	for _, p := range v.infos {
		gone[p.ID] = dice.IntN(10) == 0
	}
	for _, p := range v.infos {
		if gone[p.ID] {
			continue
		}
		if gone[p.Parent] {
			p.Parent = uuid.Nil
		}
		if dice.IntN(10) == 0 {
			p.Dwell += 600
		}
		if dice.IntN(10) == 0 {
			p.Area = "3/1"
		}
		before.infos = append(before.infos, p)
	}
	persons := slices.Collect(maps.Values(v.links))
	slices.SortFunc(persons, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	for alias, person := range v.links {
		switch dice.IntN(6) {
		case 0:
		case 1:
			before.links[alias] = persons[dice.IntN(len(persons))]
		default:
			before.links[alias] = person
		}
	}
	return before
}

func always(int) bool { return true }
func never(int) bool  { return false }

func ways() []way {
	first := func(phase int) bool { return phase == 0 }
	return []way{
		{name: "nothing is sealed", phases: 1, seals: never, workers: 2, sweepFrom: 1},
		{name: "all is sealed", phases: 1, seals: always, workers: 2, sweepFrom: 1},
		{name: "all is read", phases: 1, seals: always, workers: 1, sweepFrom: 1 << 20, o: sealed.Options{Memory: 1}},
		{name: "most is sealed", phases: 3, seals: func(phase int) bool { return phase < 2 }, workers: 3, sweepFrom: 1},
		{name: "the world changes", phases: 4, seals: always, changing: true, workers: 2, sweepFrom: 1 << 20},
		{name: "seals are cut off", phases: 3, seals: func(phase int) bool { return phase == 1 }, cut: true, changing: true, workers: 2, sweepFrom: 4},
		{name: "the world changes since", phases: 3, seals: first, changing: true, workers: 2, sweepFrom: 2},
	}
}

func TestSource(t *testing.T) {
	for e, worlds := range engines {
		for _, w := range ways() {
			t.Run(e.Name+"/"+w.name, func(t *testing.T) { tracingtest.RunSource(t, worlds, w.sources(e)) })
		}
	}
}

func TestOutbreaks(t *testing.T) {
	for _, w := range ways()[:3] {
		t.Run(w.name, func(t *testing.T) {
			tracingtest.RunScripts(t, "../../../../testdata/outbreaks", w.sources(clickhousetest.OneServer))
		})
	}
}

// visits is a check-in and a check-out an hour later of each of some people at each of some days.
func visits(people, days int) []scan.Scan {
	var scans []scan.Scan
	for day := range days {
		for person := range people {
			at := firstDay.Start() + int64(day)*scan.SecondsPerDay + 12*3600 + int64(person)
			s := scan.Scan{Alias: uuid.UUID{0: byte(person), 15: 1}, Place: uuid.UUID{15: 2}, At: at, ReceivedAt: at, Kind: stay.In, How: scan.Phone}
			s.ID = uuid.UUID{0: byte(person), 1: byte(day), 15: 3}
			out := s
			out.ID[2], out.At, out.Kind = 1, at+3600, stay.Out
			scans = append(scans, s, out)
		}
	}
	return scans
}

var firstDay = scan.DayOf(1_638_316_800)

// stays counts what a source has of everybody.
func (b *bench) count(t testing.TB) int {
	t.Helper()
	windows := make([]tracing.PersonWindow, 256)
	for i := range windows {
		windows[i] = tracing.PersonWindow{Person: uuid.UUID{0: byte(i), 15: 1}, To: math.MaxInt64}
	}
	n := 0
	err := b.open(t, math.MaxInt64).OfPeople(t.Context(), tracing.ScopePlace, windows, func(int, tracing.United) error {
		n++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Days that retention has ended are not in a pass that is told so, and go from the server when no run needs them.
func TestDaysGo(t *testing.T) {
	for e := range engines {
		now := time.Unix(1_640_000_000, 0)
		b := newBench(t, e, sealed.Options{Clock: func() time.Time { return now }})
		b.registry = append(b.registry, version{})
		dice := rand.New(rand.NewPCG(1, 1))
		b.append(t, dice, visits(10, 4))
		if got, want := b.seal(t), (sealed.Sealed{People: 10, Days: 4}); got != want {
			t.Errorf("sealed %+v, want %+v", got, want)
		}
		if got := b.seal(t); got != (sealed.Sealed{}) {
			t.Errorf("with nothing new it sealed %+v", got)
		}
		old := b.open(t, math.MaxInt64)
		order := sealed.Order{World: b.world(t), UpTo: b.log, First: firstDay + 2}
		if _, err := b.stays.Seal(t.Context(), order); err != nil {
			t.Fatal(err)
		}
		if got := b.count(t); got != 20 {
			t.Errorf("%d stays are left, want 20", got)
		}
		versions := func() (n uint64) {
			t.Helper()
			if err := b.Conn().QueryRow(t.Context(), "SELECT uniq(day, version) FROM sealed_stays").Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if got := versions(); got != 4 {
			t.Errorf("%d days stand on the server, want the 4 that a run may still read", got)
		}
		now = now.Add(sealed.Grace + time.Minute)
		if got, err := b.stays.Seal(t.Context(), order); err != nil || got != (sealed.Sealed{}) {
			t.Errorf("with nothing new it sealed %+v, %v", got, err)
		}
		if got := versions(); got != 2 {
			t.Errorf("%d days stand on the server, want the 2 that are kept", got)
		}
		late := visits(1, 4)[7:]
		late[0].ID[3] = 1
		b.append(t, dice, late)
		if got, err := b.stays.Seal(t.Context(), sealed.Order{World: b.world(t), UpTo: b.log, First: firstDay + 2}); err != nil || got.People != 1 {
			t.Errorf("sealed %+v, %v", got, err)
		}
		if got := versions(); got > 3 {
			t.Errorf("%d days stand on the server, want at most 3", got)
		}
		err := old.OfPeople(t.Context(), tracing.ScopePlace, []tracing.PersonWindow{{Person: uuid.UUID{15: 1}, To: math.MaxInt64}},
			func(int, tracing.United) error { return nil })
		if !errors.Is(err, sealed.ErrOld) {
			t.Errorf("a source of which days are gone says %v", err)
		}
	}
}

// What a server has lost is seen, and made again.
func TestLostRows(t *testing.T) {
	for _, table := range []string{"sealed_stays", "sealed_numbers", "sealed_places", "sealed_world", "sealed_passes"} {
		t.Run(table, func(t *testing.T) {
			b := newBench(t, clickhousetest.OneServer, sealed.Options{Fresh: 9})
			places := []tracing.PlaceInfo{{ID: uuid.UUID{15: 2}, Dwell: 3600, Area: "1/1"}}
			b.registry = append(b.registry, version{infos: places, links: map[uuid.UUID]uuid.UUID{{15: 9}: {15: 7}}})
			b.append(t, rand.New(rand.NewPCG(1, 1)), visits(10, 3))
			if _, err := b.stays.Open(t.Context(), b.world(t), b.log, 0); !errors.Is(err, sealed.ErrUnsealed) {
				t.Errorf("before anything was sealed: %v", err)
			}
			b.seal(t)
			if got := b.count(t); got != 30 {
				t.Errorf("%d stays", got)
			}
			if err := b.Conn().Exec(t.Context(), "TRUNCATE TABLE "+table); err != nil {
				t.Fatal(err)
			}
			// With another world the links of before are looked at too.
			b.registry = append(b.registry, version{infos: places, links: map[uuid.UUID]uuid.UUID{{15: 9}: {15: 8}}})
			other := sealed.New(b.Store, sealed.Options{Fresh: 9}) // one that remembers nothing
			if _, err := other.Open(t.Context(), b.world(t), b.log, 0); !errors.Is(err, sealed.ErrUnsealed) {
				t.Errorf("with lost rows: %v", err)
			}
			b.stays = other
			if got, want := b.seal(t), (sealed.Sealed{People: 10, Days: 3}); got != want {
				t.Errorf("sealed %+v, want %+v", got, want)
			}
			if got := b.count(t); got != 30 {
				t.Errorf("%d stays after that", got)
			}
		})
	}
}
