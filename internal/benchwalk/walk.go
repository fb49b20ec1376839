package benchwalk

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
)

// indexed is the memory index of a city, and what it took to make it.
type indexed struct {
	index *memindex.Index
	build time.Duration // from numbers, with as many workers as there are processors
	ids   time.Duration // to number the people and places of numbered stays
	stays int           // that were numbered for that
}

// numberedStays is of how many stays the ids are mapped to numbers, to see how long that takes.
const numberedStays = 4_000_000

// newIndexed builds the index three times and keeps the last.
func newIndexed(city *City) (*indexed, error) {
	tree, err := tracing.NewPlaces(nil)
	if err != nil {
		return nil, fmt.Errorf("making the tree of places: %w", err)
	}
	numbering := memindex.NewNumbering(city.People, city.Places)
	for person := range city.People { // in this order, so that the numbers are ours
		numbering.Person(idOf(personID, uint32(person)))
	}
	for place := range city.Places {
		numbering.Place(tracing.Place{ID: idOf(placeID, uint32(place))})
	}
	x := &indexed{stays: min(numberedStays, len(city.Stays))}
	begin := time.Now()
	for _, s := range city.Stays[:x.stays] {
		numbering.Person(idOf(personID, s.Person))
		numbering.Place(tracing.Place{ID: idOf(placeID, s.Place)})
	}
	x.ids = time.Since(begin)

	dense := make([]memindex.DenseStay, len(city.Stays))
	for i, s := range city.Stays {
		dense[i] = memindex.DenseStay{Person: s.Person, Place: s.Place, Enter: int64(s.Enter), Leave: int64(s.Leave)}
	}
	var builds []time.Duration
	for range 3 {
		x.index = nil
		runtime.GC()
		begin := time.Now()
		x.index = memindex.BuildDense(tree, numbering, dense, runtime.GOMAXPROCS(0))
		builds = append(builds, time.Since(begin))
	}
	x.build = median(builds)
	return x, nil
}

// request is what a question asks of package tracing.
func request(q Question) (tracing.Request, tracing.Detail) {
	req := tracing.Request{Numbers: tracing.Numbers{MinOverlap: MinOverlap, Depth: 2}, End: End}
	if q.Kind == F1 {
		req.Numbers.Depth = 1
	}
	for _, c := range q.Cases {
		req.Cases = append(req.Cases, tracing.Case{
			Person: idOf(personID, c.Person), Window: tracing.Window{From: int64(c.From), To: int64(c.To)},
		})
	}
	return req, tracing.Detail{Sources: q.Kind == F2}
}

// answered takes the answer to a question out of what a walk reached.
func answered(q Question, reached *tracing.Reached, number func(uint32) uint32) []Row {
	var rows []Row
	for i, generation := range reached.Generations {
		if i == 0 && q.Kind == F2 {
			continue
		}
		for _, m := range generation {
			value := uint32(m.First - Start)
			if q.Kind == F2 {
				value = m.Sources
			}
			rows = append(rows, Row{number(m.Person), value})
		}
	}
	return rows
}

// ask answers a question and returns how long the walk took: its people stand in memory then, by number.
func (x *indexed) ask(ctx context.Context, q Question) ([]Row, time.Duration, error) {
	req, detail := request(q)
	src := x.index.AsOf(math.MaxInt64)
	begin := time.Now()
	reached, err := tracing.Reach(ctx, src, req, detail)
	took := time.Since(begin)
	if err != nil {
		return nil, 0, fmt.Errorf("walking: %w", err)
	}
	return answered(q, reached, func(number uint32) uint32 { return number }), took, nil
}
