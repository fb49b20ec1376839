package memindex_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
)

func BenchmarkBuild(b *testing.B) {
	t := theTown()
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				memindex.BuildDense(t.tree, t.numbering, t.stays, workers)
			}
			b.ReportMetric(float64(len(t.stays))*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mstays/s")
		})
	}
}

// BenchmarkReach walks two generations beside the plain walk, which is given in the same run to be compared with.
func BenchmarkReach(b *testing.B) {
	t := theTown()
	index := memindex.BuildDense(t.tree, t.numbering, t.stays, 2)
	size := index.Size()
	b.Logf("%d stays, %.2f bytes per stay, dictionaries %.2f more", size.Stays,
		float64(size.Bytes)/float64(size.Stays), float64(size.Dictionaries)/float64(size.Stays))
	p := newPlain(t)
	for _, cases := range []int{1, 26} {
		req := t.request(cases)
		var numbers []uint32
		for _, c := range req.Cases {
			n, _ := t.numbering.FindPerson(c.Person)
			numbers = append(numbers, n)
		}
		b.Run(fmt.Sprintf("cases=%d/plain", cases), func(b *testing.B) {
			f1, f2, pairs := 0, 0, 0
			for b.Loop() {
				f1, f2, pairs = p.reach(numbers, 3*86_400, townDays*86_400, uint32(req.Numbers.MinOverlap))
			}
			b.ReportMetric(float64(f1), "F1")
			b.ReportMetric(float64(f2), "F2")
			b.ReportMetric(float64(pairs), "contacts")
		})
		for _, workers := range []int{1, 2} {
			src := index.AsOf(math.MaxInt64, memindex.Workers(workers))
			for _, kind := range []struct {
				name   string
				depth  int
				detail tracing.Detail
			}{
				{"F1", 1, tracing.Detail{Sources: true}},
				{"sources", 2, tracing.Detail{Sources: true}},
				{"whowhen", 2, tracing.Detail{}},
				{"cases", 2, tracing.Detail{Cases: true}},
			} {
				req.Numbers.Depth = kind.depth
				b.Run(fmt.Sprintf("cases=%d/%s/workers=%d", cases, kind.name, workers), func(b *testing.B) {
					b.ReportAllocs()
					var r *tracing.Reached
					for b.Loop() {
						var err error
						if r, err = tracing.Reach(b.Context(), src, req, kind.detail); err != nil {
							b.Fatal(err)
						}
					}
					for i, n := range r.Count() {
						b.ReportMetric(float64(n), fmt.Sprintf("F%d", i+1))
					}
				})
			}
		}
	}
}
