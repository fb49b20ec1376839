package benchwalk

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse/sealed"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// stored is a city in the scan store of a ClickHouse engine, as the scans that its stays are derived from: a check-in and a
// check-out for each.
type stored struct {
	store *clickhouse.Store
	stays *sealed.Stays
	world sealed.World
	upTo  scanlog.Watermark
	seal  time.Duration // how long the stays took to make
}

// openStored makes the store's tables in a database of an engine, for walks that may use some bytes to tell sources apart.
func openStored(ctx context.Context, o driver.Options, database string, memory int64) (*stored, error) {
	o.Auth.Database = database
	store, err := clickhouse.OpenWith(&o, "")
	if err != nil {
		return nil, fmt.Errorf("opening the scan store: %w", err)
	}
	if err := store.Migrate(ctx); err != nil {
		_ = store.Close()
		return nil, fmt.Errorf("making the scan store: %w", err)
	}
	return &stored{store: store, stays: sealed.New(store, sealed.Options{Memory: memory})}, nil
}

func (s *stored) close() error { return s.store.Close() }

// dwell is such that a check-out after the longest stay there is still believed.
const dwell = 6 * hour

// load inserts the scans of a city and seals its stays.
func (s *stored) load(ctx context.Context, city *City) error {
	infos := make([]tracing.PlaceInfo, city.Places)
	for place := range infos {
		infos[place] = tracing.PlaceInfo{ID: idOf(placeID, uint32(place)), Dwell: dwell}
	}
	places, err := tracing.NewPlaces(infos)
	if err != nil {
		return fmt.Errorf("making the tree of places: %w", err)
	}
	s.world = sealed.World{
		Infos: infos, Places: places, Links: stay.NewLinks(nil),
		Changed: func(context.Context, int64) ([]uuid.UUID, error) { return nil, nil },
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
	begin := time.Now()
	if _, err := s.stays.Seal(ctx, sealed.Order{World: s.world, UpTo: s.upTo}); err != nil {
		return fmt.Errorf("sealing the stays: %w", err)
	}
	s.seal = time.Since(begin)
	return nil
}

// settle waits until the server has brought its parts together, as it does by itself after so much was inserted at once, and
// returns how long that took. The tables that are asked in SQL were brought together too.
func (s *stored) settle(ctx context.Context) (time.Duration, error) {
	const (
		look  = 500 * time.Millisecond
		quiet = 10 // looks at which nothing was being merged, after which nothing more is to come
	)
	begin := time.Now()
	for still := 0; still < quiet; still++ {
		var merges uint64
		if err := s.store.Conn().QueryRow(ctx, "SELECT count() FROM system.merges").Scan(&merges); err != nil {
			return 0, fmt.Errorf("reading what is being merged: %w", err)
		}
		if merges > 0 {
			still = -1
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(look):
		}
	}
	return time.Since(begin), nil
}

// scanID is a UUIDv7 of an instant.
func scanID(seq uint64, at uint32) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], uint64(at)*1000<<16|7<<12)
	binary.BigEndian.PutUint64(id[8:], seq|1<<63)
	return id
}

// ask answers a question from a source that was opened for it, and returns how long that and the walk took.
func (s *stored) ask(ctx context.Context, q Question) ([]Row, time.Duration, error) {
	req, detail := request(q)
	begin := time.Now()
	src, err := s.stays.Open(ctx, s.world, s.upTo, math.MaxInt64)
	if err != nil {
		return nil, 0, fmt.Errorf("opening the sealed stays: %w", err)
	}
	reached, err := tracing.Reach(ctx, src, req, detail)
	took := time.Since(begin)
	if err != nil {
		return nil, 0, fmt.Errorf("walking over ClickHouse: %w", err)
	}
	return answered(q, reached, func(number uint32) uint32 { return numberOf(reached.Person(number)) }), took, nil
}
