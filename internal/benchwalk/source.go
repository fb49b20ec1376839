package benchwalk

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// stored is a city in the scan store of a ClickHouse server, as the scans that its stays are derived from: a check-in and a
// check-out for each.
type stored struct {
	store  *clickhouse.Store
	places *tracing.Places
	upTo   scanlog.Watermark
}

// openStored makes the store's tables in a database of the server.
func openStored(ctx context.Context, addr, database string) (*stored, error) {
	store, err := clickhouse.Open("clickhouse://default@"+addr+"/"+database, "")
	if err != nil {
		return nil, fmt.Errorf("opening the scan store: %w", err)
	}
	if err := store.Migrate(ctx); err != nil {
		_ = store.Close()
		return nil, fmt.Errorf("making the scan store: %w", err)
	}
	return &stored{store: store}, nil
}

func (s *stored) close() error { return s.store.Close() }

// dwell is such that a check-out after the longest stay there is still believed.
const dwell = 6 * hour

// load inserts the scans of a city.
func (s *stored) load(ctx context.Context, city *City) error {
	infos := make([]tracing.PlaceInfo, city.Places)
	for place := range infos {
		infos[place] = tracing.PlaceInfo{ID: idOf(placeID, uint32(place)), Dwell: dwell}
	}
	var err error
	if s.places, err = tracing.NewPlaces(infos); err != nil {
		return fmt.Errorf("making the tree of places: %w", err)
	}
	const block = 200_000
	scans := make([]scan.Scan, 0, block)
	seq := uint64(0)
	for i, t := range city.Stays {
		for _, of := range []struct {
			kind stay.Kind
			at   uint32
		}{{stay.In, t.Enter}, {stay.Out, t.Leave}} {
			seq++
			scans = append(scans, scan.Scan{
				ID: scanID(seq, of.at), Alias: idOf(personID, t.Person), Place: idOf(placeID, t.Place), At: int64(of.at), ReceivedAt: int64(of.at),
				Kind: of.kind, How: scan.Phone, Serial: 1, Seq: seq,
			})
		}
		if len(scans) < block && i+1 < len(city.Stays) {
			continue
		}
		if err := s.store.Insert(ctx, scans); err != nil {
			return fmt.Errorf("loading the scan store: %w", err)
		}
		scans = scans[:0]
	}
	s.upTo = scanlog.Watermark{0: seq}
	return nil
}

// scanID is a UUIDv7 of an instant.
func scanID(seq uint64, at uint32) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], uint64(at)*1000<<16|7<<12)
	binary.BigEndian.PutUint64(id[8:], seq|1<<63)
	return id
}

// ask answers a question from a source that remembers nothing yet, and returns how long the walk took.
func (s *stored) ask(ctx context.Context, q Question) ([]Row, time.Duration, error) {
	req, detail := request(q)
	src := clickhouse.NewSource(s.store, s.places, stay.NewLinks(nil), s.upTo, math.MaxInt64)
	begin := time.Now()
	reached, err := tracing.Reach(ctx, src, req, detail)
	took := time.Since(begin)
	if err != nil {
		return nil, 0, fmt.Errorf("walking over ClickHouse: %w", err)
	}
	return answered(q, reached, func(number uint32) uint32 { return numberOf(reached.Person(number)) }), took, nil
}
