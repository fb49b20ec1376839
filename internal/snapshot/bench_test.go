package snapshot

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/tracing/stay"
)

// city is an office of so many scans, 40 of each person over two weeks: a check-in and half of the time a check-out. Some places
// are parts of others, most people have two aliases.
type city struct {
	office
	dice   *rand.Rand
	people int
}

const cityDays = 14

func numbered(kind byte, n int) (id uuid.UUID) {
	id[0] = kind
	binary.BigEndian.PutUint64(id[8:], uint64(n)*0x9e3779b97f4a7c15)
	return id
}

func newCity(scans int) *city {
	c := &city{dice: rand.New(rand.NewPCG(2021, 12)), people: scans / 40}
	c.World.Links = make(map[uuid.UUID]uuid.UUID)
	for p := range max(c.people/25, 10) {
		place := registry.Place{ID: numbered('p', p), Dwell: 60}
		if p%5 > 0 {
			place.Parent = numbered('p', p-p%5)
		}
		c.Places = append(c.Places, place)
	}
	for p := range c.people {
		c.World.Links[numbered('a', p)] = numbered('q', p)
	}
	for n := range scans {
		day := n * cityDays / scans
		c.add(int64(18_900+day)*scan.SecondsPerDay + c.dice.Int64N(14*3600))
	}
	return c
}

// add appends a scan of somebody.
func (c *city) add(at int64) {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:], c.dice.Uint64())
	binary.BigEndian.PutUint64(id[8:], c.dice.Uint64())
	c.scans = append(c.scans, scan.Scan{
		ID: id, Alias: numbered('a', c.dice.IntN(c.people)), Place: numbered('p', c.dice.IntN(len(c.Places))), At: at, ReceivedAt: at,
		Kind: stay.In + stay.Kind(c.dice.IntN(3)/2), Seq: uint64(len(c.scans) + 1),
	})
}

func (c *city) Count(context.Context) (int64, error)  { return int64(len(c.scans)), nil }
func (c *city) ID(context.Context) (uuid.UUID, error) { return uuid.UUID{1}, nil }

// BenchmarkMemory loads CITY scans (2,000,000 unless set), from a feed that costs nothing and from the disk, and then takes in a
// second's worth of 2,000 new ones again and again.
func BenchmarkMemory(b *testing.B) {
	scans, err := strconv.Atoi(os.Getenv("CITY"))
	if err != nil {
		scans = 2_000_000
	}
	c := newCity(scans)
	dir := b.TempDir()
	open := func() *Memory { return NewMemory(facade{&c.office}, c, Options{Store: c, Dir: dir}) }
	look := func(m *Memory) {
		if _, err := m.Snapshot(b.Context(), math.MaxInt64); err != nil {
			b.Fatal(err)
		}
	}
	m := open()
	look(m)
	b.Run("load", func(b *testing.B) {
		m = nil
		before := heap()
		for b.Loop() {
			m = open()
			look(m)
		}
		b.ReportMetric(float64(len(c.scans)*b.N)/b.Elapsed().Seconds(), "scans/s")
		s := m.Status()
		b.ReportMetric(float64(s.Bytes)/float64(s.Scans), "B/scan")
		b.ReportMetric(float64(heap()-before)/float64(s.Scans), "heap-B/scan")
		b.ReportMetric(float64(m.state.scans.Bytes())/float64(s.Scans), "scan-B/scan")
		size := m.state.index.Size()
		b.ReportMetric(float64(size.Bytes)/float64(size.Stays), "index-B/stay")
		b.ReportMetric(float64(s.Stays), "stays")
	})
	b.Run("keep", func(b *testing.B) {
		for b.Loop() {
			m.files.Forget()
			if err := m.keep(b.Context(), nil); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(c.scans)*b.N)/b.Elapsed().Seconds(), "scans/s")
	})
	b.Run("load-kept", func(b *testing.B) {
		for b.Loop() {
			m = open()
			look(m)
		}
		b.ReportMetric(float64(len(c.scans)*b.N)/b.Elapsed().Seconds(), "scans/s")
	})
	b.Run("second", func(b *testing.B) {
		at := int64(18_900+cityDays-1)*scan.SecondsPerDay + 14*3600
		for b.Loop() {
			b.StopTimer()
			for range 2000 {
				c.add(at)
			}
			at++
			b.StartTimer()
			look(m)
		}
	})
	b.Run("fresh", func(b *testing.B) {
		for b.Loop() {
			look(m)
		}
	})
}

// heap returns what is in use.
func heap() uint64 {
	runtime.GC()
	time.Sleep(10 * time.Millisecond) // for the sweep
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}
