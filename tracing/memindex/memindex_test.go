package memindex_test

import (
	"math"
	"testing"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
	"github.com/truyvet/truyvet/tracing/stay"
	"github.com/truyvet/truyvet/tracing/tracingtest"
)

// built holds the indices of worlds by their names, which all ways share.
type built map[string]*memindex.Index

// indexed indexes every world without clipping, so that the index has to clip, and walks it in a way.
func (b built) indexed(options ...memindex.Option) tracingtest.Maker {
	return func(t *testing.T, worlds []tracingtest.World) []tracing.Source {
		t.Helper()
		made := make([]tracing.Source, len(worlds))
		for i, w := range worlds {
			made[i] = b.index(t, w).AsOf(w.AsOf, options...)
		}
		return made
	}
}

func (b built) index(t *testing.T, w tracingtest.World) *memindex.Index {
	t.Helper()
	if x, is := b[w.Name]; is {
		return x
	}
	places, err := tracing.NewPlaces(w.Places)
	if err != nil {
		t.Fatalf("%s: %v", w.Name, err)
	}
	b[w.Name] = memindex.Build(places, stay.All(w.Scans, stay.NewLinks(w.Links), places, math.MaxInt64))
	return b[w.Name]
}

// windowsOnly hides that a source can walk by itself.
func (b built) windowsOnly(t *testing.T, worlds []tracingtest.World) []tracing.Source {
	t.Helper()
	made := b.indexed()(t, worlds)
	for i := range made {
		made[i] = struct{ tracing.Source }{made[i]}
	}
	return made
}

// ways are all the ways to walk an index.
func ways() map[string]tracingtest.Maker {
	b := make(built)
	return map[string]tracingtest.Maker{
		"by size":          b.indexed(),
		"scan, 1 worker":   b.indexed(memindex.Scanning(), memindex.Workers(1)),
		"scan, 2 workers":  b.indexed(memindex.Scanning(), memindex.Workers(2)),
		"sweep, 1 worker":  b.indexed(memindex.Sweeping(), memindex.Workers(1)),
		"sweep, 2 workers": b.indexed(memindex.Sweeping(), memindex.Workers(2)),
		"windows only":     b.windowsOnly,
	}
}

func TestConformance(t *testing.T) {
	var makers []tracingtest.Maker
	for _, maker := range ways() {
		makers = append(makers, maker)
	}
	tracingtest.RunSource(t, conformanceWorlds, makers...)
}

func TestOutbreaks(t *testing.T) {
	for name, maker := range ways() {
		t.Run(name, func(t *testing.T) { tracingtest.RunScripts(t, "../../testdata/outbreaks", maker) })
	}
}
