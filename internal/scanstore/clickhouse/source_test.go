package clickhouse_test

import (
	"math"
	"testing"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
	"github.com/truyvet/truyvet/tracing/tracingtest"
)

// sources puts all the worlds into one table.
func sources(t *testing.T, worlds []tracingtest.World) []tracing.Source {
	t.Helper()
	store := newStore(t)
	var scans []scan.Scan
	for _, w := range worlds {
		for _, s := range w.Scans {
			scans = append(scans, stored(s, uint64(len(scans)+1)))
		}
	}
	// In blocks that cut worlds apart, and the first of them twice, as after an insert whose answer was lost.
	const block = 5000
	for first := 0; first < len(scans); first += block {
		insert(t, store, scans[first:min(first+block, len(scans))])
	}
	insert(t, store, scans[:min(block, len(scans))])
	upTo := scanlog.Watermark{2: uint64(len(scans))}
	made := make([]tracing.Source, len(worlds))
	for i, w := range worlds {
		places, err := tracing.NewPlaces(w.Places)
		if err != nil {
			t.Fatal(err)
		}
		made[i] = clickhouse.NewSource(store, places, stay.NewLinks(w.Links), upTo, w.AsOf)
	}
	return made
}

// stored is a scan as the log would have positioned it.
func stored(s stay.Scan, seq uint64) scan.Scan {
	full := scan.Scan{
		ID: s.ID, Alias: s.Alias, Place: s.Place.ID, Trip: s.Place.Trip, At: s.At, ReceivedAt: s.At,
		Shard: 2, Seq: seq, Kind: s.Kind, How: scan.Phone, Voids: s.Voids,
	}
	if s.Flagged {
		full.Flags = scan.Late
	}
	return full
}

func TestSource(t *testing.T) { tracingtest.RunSource(t, 300, sources) }

func TestOutbreaks(t *testing.T) { tracingtest.RunScripts(t, "../../../testdata/outbreaks", sources) }

// A source sees nothing past its watermark.
func TestSourceEndsAtWatermark(t *testing.T) {
	store := newStore(t)
	var world tracingtest.World
	for seed := uint64(0); len(world.Scans) < 10; seed++ {
		world = tracingtest.RandomWorld(seed)
	}
	var scans []scan.Scan
	for i, s := range world.Scans {
		scans = append(scans, stored(s, uint64(i+1)))
	}
	insert(t, store, scans)
	places, err := tracing.NewPlaces(world.Places)
	if err != nil {
		t.Fatal(err)
	}
	links := stay.NewLinks(world.Links)
	for _, upTo := range []int{0, 1, len(scans) / 2, len(scans)} {
		var windows []tracing.PersonWindow
		for _, s := range world.Scans {
			windows = append(windows, tracing.PersonWindow{Person: links.Person(s.Alias), From: 0, To: math.MaxInt64})
		}
		src := clickhouse.NewSource(store, places, links, scanlog.Watermark{2: uint64(upTo)}, world.AsOf)
		got := make(map[int][]tracing.United)
		err := src.OfPeople(t.Context(), tracing.ScopePlace, windows, func(i int, u tracing.United) error {
			got[i] = append(got[i], u)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want := world
		want.Scans = world.Scans[:upTo]
		wanted := tracingtest.NaiveUnited(want, tracing.ScopePlace)
		for i, w := range windows {
			n := 0
			for _, u := range wanted {
				if u.Person == w.Person {
					n++
				}
			}
			if len(got[i]) != n {
				t.Fatalf("up to %d of %d scans a person has %d stays, want %d", upTo, len(scans), len(got[i]), n)
			}
		}
	}
	empty := clickhouse.NewSource(store, places, links, nil, math.MaxInt64)
	err = empty.OfPeople(t.Context(), tracing.ScopePlace, []tracing.PersonWindow{{Person: links.Person(world.Scans[0].Alias), To: math.MaxInt64}},
		func(int, tracing.United) error {
			t.Error("without a watermark there is a stay")
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
}
