package snapshot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanmem"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
	"github.com/truyvet/truyvet/tracing/stay"
)

// state is what Memory holds: the scans, what stays are derived with, and the index of the stays.
type state struct {
	numbering *memindex.Numbering
	scans     *scanmem.Scans
	people    *people
	read      scanlog.Watermark // up to here everything is in scans

	revision int64               // of what follows; −1 before it was read
	infos    []tracing.PlaceInfo // of places
	places   *tracing.Places     // that stays are derived with
	index    *memindex.Index     // nil until there is one
	stale    map[uint32]bool     // people whose stays in the index may not be what they are; unused without one
	stays    int                 // in the index
}

func newState() *state {
	numbering := memindex.NewNumbering(0, 0)
	scans := scanmem.New(numbering)
	return &state{
		numbering: numbering, scans: scans, people: newPeople(scans, numbering), read: make(scanlog.Watermark), revision: -1,
		stale: make(map[uint32]bool),
	}
}

// touch notes that the scans of an alias are not what they were.
func (s *state) touch(alias uint32) {
	if s.index != nil {
		s.stale[s.people.of(alias)] = true
	}
}

// dropBefore forgets days.
func (s *state) dropBefore(first scan.Day) {
	for _, alias := range s.scans.DropBefore(first) {
		s.touch(alias)
	}
}

// takenAtOnce is how many scans are taken in from one look at the time, and at the memory, to the next.
const takenAtOnce = 512

// readTo reads what is new up to a watermark, which may be older than what was read. Blocks come in the order of shard and
// seq, so after an error reading goes on behind the last one. Now and then it asks whether to go on.
func (s *state) readTo(ctx context.Context, feed Feed, upTo scanlog.Watermark, goOn func() error) error {
	err := feed.Read(ctx, maps.Clone(s.read), upTo, func(block []scan.Scan) error {
		for part := range slices.Chunk(block, takenAtOnce) {
			for i := range part {
				if alias, added := s.scans.Add(&part[i]); added {
					s.touch(alias)
				}
				s.read[part[i].Shard] = part[i].Seq
			}
			if err := goOn(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading the scans: %w", err)
	}
	for shard, seq := range upTo {
		s.read[shard] = max(s.read[shard], seq)
	}
	return nil
}

// takeOver makes what the registry says now what stays are derived with. On an error nothing has changed.
func (s *state) takeOver(ctx context.Context, from Registry) error {
	revision, err := from.Revision(ctx)
	if err != nil {
		return fmt.Errorf("reading the registry's revision: %w", err)
	}
	if revision == s.revision {
		return nil
	}
	var d registry.Delta
	err = registry.ErrRevision
	if s.revision >= 0 {
		d, err = from.Changes(ctx, s.revision)
	}
	if errors.Is(err, registry.ErrRevision) {
		d, err = s.difference(ctx, from)
	}
	if err != nil {
		return fmt.Errorf("reading places and links: %w", err)
	}
	if d.Places != nil || s.places == nil {
		if err := s.takePlaces(infos(d.Places, d.Areas)); err != nil {
			return err
		}
	}
	for alias, person := range d.Links {
		if was, is := s.people.link(s.scans.Alias(alias), person); was != is && s.index != nil {
			s.stale[was], s.stale[is] = true, true
		}
	}
	for alias, before := range d.Erased {
		if number := s.scans.Alias(alias); s.people.erased[number] != before {
			s.people.erased[number] = before
			s.touch(number)
		}
	}
	s.revision = d.Revision
	return nil
}

// difference reads the whole world and returns it as what it changes of what is known.
func (s *state) difference(ctx context.Context, from Registry) (registry.Delta, error) {
	w, err := from.World(ctx)
	if err != nil {
		return registry.Delta{}, err
	}
	d := registry.Delta{
		Revision: w.Revision, Places: w.Places, Areas: w.Areas, Links: make(map[uuid.UUID]uuid.UUID), Erased: make(map[uuid.UUID]int64),
	}
	if d.Places == nil {
		d.Places = []registry.Place{}
	}
	maps.Copy(d.Links, w.Links)
	maps.Copy(d.Erased, w.Erased)
	for alias := range uint32(s.scans.Aliases()) {
		id := s.scans.ID(alias)
		if _, linked := w.Links[id]; !linked {
			d.Links[id] = uuid.Nil
		}
		if _, erased := w.Erased[id]; !erased && s.people.erased[alias] != 0 {
			d.Erased[id] = 0
		}
	}
	return d, nil
}

// takePlaces makes another tree of places the one that stays are derived with.
func (s *state) takePlaces(now []tracing.PlaceInfo) error {
	if s.places != nil && slices.Equal(s.infos, now) {
		return nil
	}
	places, err := tracing.NewPlaces(now)
	if err != nil {
		return fmt.Errorf("making the tree of places: %w", err)
	}
	before := s.infos
	s.infos, s.places = now, places
	if s.index == nil {
		return nil
	}
	s.index = s.index.On(places)
	moved := tracing.MovedPlaces(before, now)
	scanned := s.numbering.Places()
	is := make([]bool, len(scanned))
	for i, p := range scanned {
		is[i] = moved[p.ID]
	}
	if slices.Contains(is, true) {
		for _, alias := range s.scans.AtPlaces(func(place uint32) bool { return is[place] }) {
			s.touch(alias)
		}
	}
	return nil
}

// batch is for how many people stays are derived and put into the index at once.
const batch = 1 << 17

// derive brings the index up to date. After an error, which is that of ctx, some of it is.
func (s *state) derive(ctx context.Context, e memindex.Effort) error {
	if s.index == nil {
		return s.build(ctx, e.Workers)
	}
	if len(s.stale) == 0 {
		return nil
	}
	for people := range slices.Chunk(slices.Sorted(maps.Keys(s.stale)), batch) {
		var mu sync.Mutex
		var all []memindex.DenseStay
		err := s.each(ctx, len(people), e.Workers, func(i int) uint32 { return people[i] }, func(stays []memindex.DenseStay) {
			mu.Lock()
			all = append(all, stays...)
			mu.Unlock()
			e.Rest()
		})
		if err != nil {
			return err
		}
		s.index = s.index.Replace(people, all, e)
		for _, person := range people {
			delete(s.stale, person)
		}
	}
	s.stays = s.index.Size().Stays
	return nil
}

// build makes the index of everybody.
func (s *state) build(ctx context.Context, workers int) error {
	for alias := range uint32(s.scans.Aliases()) {
		s.people.of(alias)
	}
	var mu sync.Mutex
	piles := memindex.NewBuilder(s.numbering)
	err := s.each(ctx, len(s.people.first), workers, func(i int) uint32 { return uint32(i) }, func(stays []memindex.DenseStay) {
		mu.Lock()
		defer mu.Unlock()
		piles.Add(stays)
	})
	if err != nil {
		return err
	}
	s.index = piles.Build(s.places, workers)
	s.stays = s.index.Size().Stays
	return nil
}

// each derives the stays of n people and gives them to take, in blocks that are reused.
func (s *state) each(ctx context.Context, n, workers int, person func(int) uint32, take func([]memindex.DenseStay)) error {
	const block = 256
	var next atomic.Int64
	var wait sync.WaitGroup
	for range max(1, min(workers, n/block)) {
		wait.Go(func() {
			d := deriver{state: s, stay: stay.NewDeriver(s.places, math.MaxInt64)}
			for ctx.Err() == nil {
				end := int(next.Add(block))
				if end-block >= n {
					return
				}
				for i := end - block; i < min(end, n); i++ {
					d.person(person(i))
				}
				take(d.dense)
				d.dense = d.dense[:0]
			}
		})
	}
	wait.Wait()
	return context.Cause(ctx)
}

// scansOf appends the scans of a person to scans.
func (s *state) scansOf(scans []stay.Scan, person uint32) []stay.Scan {
	s.people.aliases(person, func(alias uint32) { scans = s.scans.Of(scans, alias, s.people.erased[alias]) })
	return scans
}

// deriver derives one person after the other and keeps its working memory between them.
type deriver struct {
	*state
	stay  *stay.Deriver
	scans []stay.Scan
	stays []tracing.Stay
	dense []memindex.DenseStay
}

// person appends the stays of a person to dense.
func (d *deriver) person(person uint32) {
	d.scans = d.scansOf(d.scans[:0], person)
	if len(d.scans) == 0 {
		return
	}
	d.stays = d.stay.Append(d.stays[:0], d.numbering.PersonID(person), d.scans)
	for i := range d.stays {
		s := &d.stays[i]
		d.dense = append(d.dense, memindex.DenseStay{
			Person: person, Place: d.numbering.Place(s.Place), Enter: s.Enter, Leave: s.Leave, Basis: s.Basis, Flagged: s.Flagged,
		})
	}
}

// bytes returns about how much memory the state takes.
func (s *state) bytes() int64 {
	n := s.scans.Bytes() + s.people.bytes() + s.numbering.Bytes()
	if s.index == nil {
		return n + int64(s.scans.Len())*bytesOfPiles
	}
	return n + s.index.Size().Bytes
}

// bytesOfPiles is what memindex.Builder takes for a stay, of which there are fewer than scans.
const bytesOfPiles = 16
