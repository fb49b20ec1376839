package snapshot

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanstore"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
	"github.com/truyvet/truyvet/tracing/stay"
)

// Memory keeps an index of all stays in memory, fed in sequence from the scan store. Each snapshot reads only what is new
// since the one before, and derives anew only the people whose stays that can change: who has new scans, whose aliases were
// linked or erased, and who was at a place that is new, lies elsewhere or has another dwell.
//
// It is safe for concurrent use. Snapshots taken at the same time wait for the store side by side, and for one another while
// they read and derive. Those that were given stay good.
type Memory struct {
	registry Registry
	progress scanlog.Progress
	store    scanstore.Reader

	turn    chan struct{} // holds one token; who has it may use what follows
	read    scanlog.Watermark
	scans   map[uuid.UUID][]held         // by alias, in the order of the log
	changed map[uuid.UUID]bool           // aliases whose scans have changed since stays were derived from them
	world   *world                       // that stays are derived with; nil before the first snapshot
	stays   map[uuid.UUID][]tracing.Stay // by person
	index   *memindex.Index              // of stays; nil where it is not up to date
}

// held is a scan as Memory keeps it: with when it was received, by which erasures go.
type held struct {
	stay.Scan
	received int64
}

// NewMemory returns a Memory that has read nothing yet.
func NewMemory(registry Registry, progress scanlog.Progress, store scanstore.Reader) *Memory {
	m := &Memory{
		registry: registry, progress: progress, store: store, turn: make(chan struct{}, 1),
		read: make(scanlog.Watermark), scans: make(map[uuid.UUID][]held), changed: make(map[uuid.UUID]bool),
		stays: make(map[uuid.UUID][]tracing.Stay),
	}
	m.turn <- struct{}{}
	return m
}

// Snapshot catches up with the log and returns what is known at asOf. The errors: ErrBehind, and those of the registry, the
// log, the store and ctx. The next call starts from where a failed one got.
func (m *Memory) Snapshot(ctx context.Context, asOf int64) (Snapshot, error) {
	stored, err := caughtUp(ctx, m.progress)
	if err != nil {
		return Snapshot{}, err
	}
	select {
	case <-m.turn:
	case <-ctx.Done():
		return Snapshot{}, fmt.Errorf("waiting for another snapshot: %w", context.Cause(ctx))
	}
	defer func() { m.turn <- struct{}{} }()
	if err := m.readTo(ctx, stored); err != nil {
		return Snapshot{}, err
	}
	if err := m.derive(ctx); err != nil {
		return Snapshot{}, err
	}
	return Snapshot{
		Source: m.index.AsOf(asOf), Places: m.world.places, AsOf: asOf, Watermark: maps.Clone(m.read), Revision: m.world.revision,
	}, nil
}

// readTo reads what is new up to a watermark, which may be older than what was read: then another snapshot was faster.
// Blocks come in the order of shard and seq, so after an error reading goes on behind the last one.
func (m *Memory) readTo(ctx context.Context, upTo scanlog.Watermark) error {
	err := m.store.Read(ctx, maps.Clone(m.read), upTo, func(block []scan.Scan) error {
		for i := range block {
			alias := block[i].Alias
			m.scans[alias] = append(m.scans[alias], held{block[i].ForStay(), block[i].ReceivedAt})
			m.changed[alias] = true
			m.read[block[i].Shard] = block[i].Seq
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading the scan store: %w", err)
	}
	for shard, seq := range upTo {
		m.read[shard] = max(m.read[shard], seq)
	}
	return nil
}

// derive brings stays and index up to date with the scans that were read and with the registry.
func (m *Memory) derive(ctx context.Context) error {
	revision, err := m.registry.Revision(ctx)
	if err != nil {
		return fmt.Errorf("reading the registry's revision: %w", err)
	}
	stale := make(map[uuid.UUID]bool) // people
	if m.world == nil || revision != m.world.revision {
		if stale, err = m.takeOver(ctx); err != nil {
			return err
		}
	}
	for alias := range m.changed {
		stale[m.world.links.Person(alias)] = true
	}
	clear(m.changed)
	for person := range stale {
		m.derivePerson(person)
	}
	if m.index == nil || len(stale) > 0 {
		m.index = memindex.BuildSeq(m.world.places, m.allStays)
	}
	return nil
}

// takeOver makes the registry's world of now the one that stays are derived with, and returns the people whose stays that
// can change. On an error nothing has changed.
func (m *Memory) takeOver(ctx context.Context) (stale map[uuid.UUID]bool, err error) {
	now, err := readWorld(ctx, m.registry)
	if err != nil {
		return nil, err
	}
	stale = make(map[uuid.UUID]bool)
	before := m.world
	m.world = &now
	if before == nil {
		return stale, nil // nothing was derived yet: everybody is among the changed
	}
	moved := movedPlaces(before.infos, now.infos)
	if len(moved) > 0 {
		m.index = nil // it holds the tree of places
	} else {
		now.places = before.places
	}
	for alias, scans := range m.scans {
		was, is := before.links.Person(alias), now.links.Person(alias)
		if was != is {
			stale[was], stale[is] = true, true
		} else if before.erased[alias] != now.erased[alias] ||
			len(moved) > 0 && slices.ContainsFunc(scans, func(s held) bool { return moved[s.Place.ID] }) {
			stale[is] = true
		}
	}
	return stale, nil
}

// movedPlaces returns the places for which a stay may not be what it was: those that are in one of the two lists alone, that
// have another parent or dwell, or lie in one of these.
func movedPlaces(before, now []tracing.PlaceInfo) map[uuid.UUID]bool {
	if slices.Equal(before, now) {
		return nil
	}
	byID := func(infos []tracing.PlaceInfo) map[uuid.UUID]tracing.PlaceInfo {
		m := make(map[uuid.UUID]tracing.PlaceInfo, len(infos))
		for _, info := range infos {
			m[info.ID] = info
		}
		return m
	}
	was, is := byID(before), byID(now)
	judged := make(map[uuid.UUID]bool) // whether a place has moved
	var judge func(id uuid.UUID) bool
	judge = func(id uuid.UUID) bool {
		if id == uuid.Nil {
			return false
		}
		if verdict, done := judged[id]; done {
			return verdict
		}
		a, inBefore := was[id]
		b, inNow := is[id]
		judged[id] = a != b || inBefore != inNow || judge(a.Parent)
		return judged[id]
	}
	moved := make(map[uuid.UUID]bool)
	for _, infos := range [][]tracing.PlaceInfo{before, now} {
		for _, info := range infos {
			if judge(info.ID) {
				moved[info.ID] = true
			}
		}
	}
	return moved
}

// derivePerson derives the stays of a person anew.
func (m *Memory) derivePerson(person uuid.UUID) {
	var scans []stay.Scan
	for _, alias := range m.world.links.Aliases(person) {
		for _, s := range m.scans[alias] {
			if !m.world.links.Erased(alias, s.received) {
				scans = append(scans, s.Scan)
			}
		}
	}
	stays := stay.Derive(person, scans, m.world.places, math.MaxInt64)
	if len(stays) == 0 {
		delete(m.stays, person)
		return
	}
	m.stays[person] = stays
}

// allStays yields the stays of everybody.
func (m *Memory) allStays(yield func(tracing.Stay) bool) {
	for _, stays := range m.stays {
		for _, s := range stays {
			if !yield(s) {
				return
			}
		}
	}
}

// DropBefore forgets the scans of the days before first, as retention does in the store. Call it once the store has dropped
// them: what Memory has yet to read from a store that still has them is there again.
func (m *Memory) DropBefore(first scan.Day) {
	<-m.turn
	defer func() { m.turn <- struct{}{} }()
	expired := func(s held) bool { return scan.DayOf(s.At) < first }
	for alias, scans := range m.scans {
		kept := slices.DeleteFunc(scans, expired)
		if len(kept) == len(scans) {
			continue
		}
		m.changed[alias] = true
		if len(kept) == 0 {
			delete(m.scans, alias)
		} else {
			m.scans[alias] = slices.Clone(kept) // without the room of those that are gone
		}
	}
}
