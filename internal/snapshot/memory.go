package snapshot

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanstore"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
	"github.com/truyvet/truyvet/tracing/stay"
)

// Memory keeps an index of all stays in memory, fed in sequence from the scan store. Each snapshot reads only what is new
// since the one before, and derives anew only the people who have new scans, or everybody where places or links have changed.
//
// It is safe for concurrent use; snapshots taken at the same time wait for one another. Those that were given stay good.
type Memory struct {
	registry Registry
	progress scanlog.Progress
	store    scanstore.Reader

	mu      sync.Mutex
	read    scanlog.Watermark
	scans   map[uuid.UUID][]stay.Scan // by alias, in the order of the log
	changed map[uuid.UUID]bool        // aliases with scans that no stay was derived from yet
	world   world
	stays   map[uuid.UUID][]tracing.Stay // by person
	index   *memindex.Index              // of stays; nil when there is none or everything must be derived anew
}

// NewMemory returns a Memory that has read nothing yet.
func NewMemory(registry Registry, progress scanlog.Progress, store scanstore.Reader) *Memory {
	m := &Memory{registry: registry, progress: progress, store: store}
	m.forget()
	return m
}

// Snapshot catches up with the log and returns what is known at asOf. The errors: ErrBehind, one that asks to try again where
// the registry changes all the time, and those of the registry, the log, the store and ctx. The next call starts from where
// a failed one got.
func (m *Memory) Snapshot(ctx context.Context, asOf int64) (Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	stored, err := caughtUp(ctx, m.progress)
	if err != nil {
		return Snapshot{}, err
	}
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

// readTo reads what is new.
func (m *Memory) readTo(ctx context.Context, upTo scanlog.Watermark) error {
	err := m.store.Read(ctx, m.read, upTo, func(block []scan.Scan) error {
		for i := range block {
			alias := block[i].Alias
			m.scans[alias] = append(m.scans[alias], block[i].ForStay())
			m.changed[alias] = true
		}
		return nil
	})
	if err != nil {
		m.forget() // what came before the error is there in part: only reading from the start gives every scan once
		return fmt.Errorf("reading the scan store: %w", err)
	}
	m.read = upTo
	return nil
}

func (m *Memory) forget() {
	m.read, m.index = nil, nil
	m.scans = make(map[uuid.UUID][]stay.Scan)
	m.changed = make(map[uuid.UUID]bool)
}

// derive brings stays and index up to date with the scans that were read and with the registry.
func (m *Memory) derive(ctx context.Context) error {
	revision, err := m.registry.Revision(ctx)
	if err != nil {
		return fmt.Errorf("reading the registry's revision: %w", err)
	}
	switch {
	case m.index == nil || revision != m.world.revision:
		if err := m.deriveAll(ctx); err != nil {
			return err
		}
	case len(m.changed) > 0:
		m.deriveChanged()
	default:
		return nil
	}
	total := 0
	for _, stays := range m.stays {
		total += len(stays)
	}
	all := make([]tracing.Stay, 0, total)
	for _, stays := range m.stays {
		all = append(all, stays...)
	}
	m.index = memindex.Build(m.world.places, all)
	clear(m.changed)
	return nil
}

// deriveAll derives the stays of everybody from places and links as they are now. On an error nothing has changed.
func (m *Memory) deriveAll(ctx context.Context) error {
	now, err := readWorld(ctx, m.registry)
	if err != nil {
		return err
	}
	m.world = now
	m.stays = make(map[uuid.UUID][]tracing.Stay, len(m.scans))
	for alias := range m.scans {
		m.derivePerson(now.links.Person(alias))
	}
	return nil
}

// deriveChanged derives the stays of those who have new scans.
func (m *Memory) deriveChanged() {
	for alias := range m.changed {
		delete(m.stays, m.world.links.Person(alias))
	}
	for alias := range m.changed {
		m.derivePerson(m.world.links.Person(alias))
	}
}

// derivePerson derives the stays of a person that has none yet.
func (m *Memory) derivePerson(person uuid.UUID) {
	if _, done := m.stays[person]; done {
		return
	}
	var scans []stay.Scan
	for _, alias := range m.world.links.Aliases(person) {
		scans = append(scans, m.scans[alias]...)
	}
	m.stays[person] = stay.Derive(person, scans, m.world.places, math.MaxInt64)
}

// DropBefore forgets the scans of the days before first, as retention does in the store. Call it once the store has dropped
// them: what Memory has to read anew from a store that still has them is there again.
func (m *Memory) DropBefore(first scan.Day) {
	m.mu.Lock()
	defer m.mu.Unlock()
	expired := func(s stay.Scan) bool { return scan.DayOf(s.At) < first }
	for alias, scans := range m.scans {
		kept := slices.DeleteFunc(scans, expired)
		if len(kept) == len(scans) {
			continue
		}
		m.index = nil
		if len(kept) == 0 {
			delete(m.scans, alias)
		} else {
			m.scans[alias] = slices.Clone(kept) // without the room of those that are gone
		}
	}
}
