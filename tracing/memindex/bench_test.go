package memindex_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
)

// district makes 1.5 million stays of 60,000 people in 30 days: most of them at a few places of their own, some anywhere.
func district() []tracing.Stay {
	const people, places, day = 60_000, 12_000, 86_400
	random := rand.New(rand.NewPCG(2021, 12))
	number := func(n uint64) (id uuid.UUID) {
		binary.BigEndian.PutUint64(id[:8], n*0x9e3779b97f4a7c15)
		return id
	}
	stays := make([]tracing.Stay, 0, 1_500_000)
	for len(stays) < cap(stays) {
		person := random.Uint64N(people)
		place := person/40 + random.Uint64N(3)
		if random.IntN(4) == 0 {
			place = random.Uint64N(places)
		}
		enter := random.Int64N(30 * day)
		stays = append(stays, tracing.Stay{
			Person: number(person + 1), Place: tracing.Place{ID: number(place + 1)}, Enter: enter, Leave: enter + 600 + random.Int64N(7200),
			Basis: tracing.Basis(random.IntN(3)),
		})
	}
	return stays
}

func BenchmarkDistrict(b *testing.B) {
	stays := district()
	tree, err := tracing.NewPlaces(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("build", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			memindex.Build(tree, stays)
		}
	})
	src := memindex.Build(tree, stays).AsOf(math.MaxInt64)
	req := tracing.Request{Numbers: tracing.Profiles()[0].Numbers, End: math.MaxInt64}
	for i := range 26 {
		s := stays[i*1000]
		req.Cases = append(req.Cases, tracing.Case{Person: s.Person, Window: tracing.Window{From: s.Enter, To: s.Enter + 4*86_400}})
	}
	b.Run("trace", func(b *testing.B) {
		b.ReportAllocs()
		listed := 0
		for b.Loop() {
			report, err := tracing.Trace(b.Context(), src, req)
			if err != nil {
				b.Fatal(err)
			}
			listed = len(report.Contacts)
		}
		b.ReportMetric(float64(listed), "listed")
	})
}
