package snapshot

import (
	"bytes"
	"context"
	"math"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

// office is a registry, a log and a store whose content is written down.
type office struct {
	registry.World
	scans []scan.Scan
}

func (o *office) Revision(context.Context) (int64, error) { return o.World.Revision, nil }

func (o *office) Tail(context.Context) (scanlog.Watermark, error) {
	return scanlog.Watermark{0: uint64(len(o.scans))}, nil
}

func (o *office) Read(_ context.Context, after, upTo scanlog.Watermark, yield func([]scan.Scan) error) error {
	if after[0] == upTo[0] {
		return nil
	}
	return yield(o.scans[after[0]:upTo[0]])
}

// facade gives the second of two fields of one name another one.
type facade struct{ *office }

func (f facade) World(context.Context) (registry.World, error) { return f.office.World, nil }

// Changes always leaves it to World.
func (f facade) Changes(context.Context, int64) (registry.Delta, error) {
	return registry.Delta{}, registry.ErrRevision
}

func id(n byte) uuid.UUID { return uuid.UUID{15: n} }

// TestOnlyWhoIsConcernedIsDerivedAnew counts whose stays are made anew by each change of the registry: An and Ba are in a shop,
// Chi at a gate of a market.
func TestOnlyWhoIsConcernedIsDerivedAnew(t *testing.T) {
	const shop, market, gate, kiosk = 1, 2, 3, 4
	an, ba, chi := id(11), id(12), id(13)
	o := &office{World: registry.World{
		Places: []registry.Place{{ID: id(shop), Dwell: 60}, {ID: id(market), Dwell: 60}, {ID: id(gate), Parent: id(market), Dwell: 60}},
		Areas: []registry.Area{
			{Code: "1", Level: registry.Province},
			{Code: "12", Level: registry.District, Parent: "1"},
			{Code: "2", Level: registry.Province},
			{Code: "27", Level: registry.Ward, Parent: "12"},
		},
		Links:  map[uuid.UUID]uuid.UUID{},
		Erased: map[uuid.UUID]int64{},
	}}
	for i, at := range []struct {
		alias uuid.UUID
		place byte
	}{{an, shop}, {ba, shop}, {chi, gate}} {
		o.scans = append(o.scans, scan.Scan{
			ID: uuid.New(), Alias: at.alias, Place: id(at.place), At: 1000, Kind: stay.In, Seq: uint64(i + 1),
		})
	}
	m := NewMemory(facade{o}, o, Options{})
	if _, err := m.Snapshot(t.Context(), math.MaxInt64); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name   string
		change func()
		stale  []uuid.UUID
		index  bool // whether the index is another one
	}{
		{"nothing that counts", func() {}, nil, false},
		{"a link of an alias that has no scans", func() { o.Links[id(21)] = id(22) }, []uuid.UUID{id(21), id(22)}, false},
		{"a new place", func() { o.Places = append(o.Places, registry.Place{ID: id(kiosk), Dwell: 60}) }, nil, true},
		{"another dwell of the shop", func() { o.Places[0].Dwell = 90 }, []uuid.UUID{an, ba}, true},
		{"another dwell of what the gate lies in", func() { o.Places[1].Dwell = 90 }, []uuid.UUID{chi}, true},
		{"the shop's ward is known", func() { o.Places[0].Area = "27" }, []uuid.UUID{an, ba}, true},
		{"a district moves to another province", func() { o.Areas[1].Parent = "2" }, []uuid.UUID{an, ba}, true},
		{"the shop becomes a vehicle", func() { o.Places[0].Kind = qrgen.KindVehicle }, []uuid.UUID{an, ba}, true},
		{"Ba's alias is linked", func() { o.Links[ba] = id(31) }, []uuid.UUID{ba, id(31)}, true},
		{"and to another", func() { o.Links[ba] = chi }, []uuid.UUID{chi, id(31)}, true},
		{"and to nobody", func() { delete(o.Links, ba) }, []uuid.UUID{ba, chi}, true},
		{"An is erased", func() { o.Erased[an] = 1 }, []uuid.UUID{an}, true},
		{"and nothing else", func() {}, nil, false},
	} {
		index := m.state.index
		o.World.Revision++
		step.change()
		if err := m.state.takeOver(t.Context(), facade{o}); err != nil {
			t.Fatal(err)
		}
		var stale []uuid.UUID
		for person := range m.state.stale {
			stale = append(stale, m.state.numbering.PersonID(person))
		}
		slices.SortFunc(stale, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
		slices.SortFunc(step.stale, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
		if !slices.Equal(stale, step.stale) {
			t.Errorf("%s: stale are %v, want %v", step.name, stale, step.stale)
		}
		if _, err := m.Snapshot(t.Context(), math.MaxInt64); err != nil {
			t.Fatal(err)
		}
		if (m.state.index != index) != step.index {
			t.Errorf("%s: another index: %v", step.name, m.state.index != index)
		}
		if sight := m.sight.Load(); sight.index != m.state.index || sight.revision != o.World.Revision {
			t.Errorf("%s: it is not what snapshots are of", step.name)
		}
	}
}
