package memindex_test

import (
	"math"
	"testing"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
	"github.com/truyvet/truyvet/tracing/stay"
	"github.com/truyvet/truyvet/tracing/tracingtest"
)

// sources indexes every world without clipping, so that the index has to clip.
func sources(t *testing.T, worlds []tracingtest.World) []tracing.Source {
	t.Helper()
	made := make([]tracing.Source, len(worlds))
	for i, w := range worlds {
		places, err := tracing.NewPlaces(w.Places)
		if err != nil {
			t.Fatalf("%s: %v", w.Name, err)
		}
		stays := stay.All(w.Scans, stay.NewLinks(w.Links), places, math.MaxInt64)
		made[i] = memindex.Build(places, stays).AsOf(w.AsOf)
	}
	return made
}

func TestConformance(t *testing.T) {
	tracingtest.RunSource(t, 10_000, sources)
}

func TestOutbreaks(t *testing.T) {
	tracingtest.RunScripts(t, "../../testdata/outbreaks", sources)
}
