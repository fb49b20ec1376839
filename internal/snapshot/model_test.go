package snapshot_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
)

// model is a registry, a log and a store in memory, as plain as their contracts allow. Like the shards of a stream its
// shards go by alias, and like a store behind a stream it may have a scan twice.
type model struct {
	dice     *rand.Rand
	revision int64
	before   registry.World // of the revision before
	places   []registry.Place
	links    map[uuid.UUID]uuid.UUID
	erased   map[uuid.UUID]int64
	tail     scanlog.Watermark
	stored   []scan.Scan // by shard and seq
}

func (m *model) Revision(context.Context) (int64, error)           { return m.revision, nil }
func (m *model) Tail(context.Context) (scanlog.Watermark, error)   { return m.tail, nil }
func (m *model) Stored(context.Context) (scanlog.Watermark, error) { return m.tail, nil }

func (m *model) World(context.Context) (registry.World, error) {
	return registry.World{Revision: m.revision, Places: m.places, Areas: areas, Links: m.links, Erased: m.erased}, nil
}

// Changes knows what it was only one revision ago, as far as the dice like.
func (m *model) Changes(_ context.Context, since int64) (registry.Delta, error) {
	if since != m.before.Revision || m.dice.IntN(4) == 0 {
		return registry.Delta{}, registry.ErrRevision
	}
	d := registry.Delta{Revision: m.revision, Links: map[uuid.UUID]uuid.UUID{}, Erased: map[uuid.UUID]int64{}}
	for alias, person := range m.links {
		if m.before.Links[alias] != person {
			d.Links[alias] = person
		}
	}
	for alias, before := range m.erased {
		if m.before.Erased[alias] != before {
			d.Erased[alias] = before
		}
	}
	if !slices.EqualFunc(m.places, m.before.Places, func(a, b registry.Place) bool {
		return a.ID == b.ID && a.Parent == b.Parent && a.Dwell == b.Dwell && a.Area == b.Area
	}) {
		d.Places, d.Areas = m.places, areas
	}
	return d, nil
}

// raise begins another revision.
func (m *model) raise() {
	m.before = registry.World{Revision: m.revision, Places: m.places, Links: m.links, Erased: m.erased}
	m.revision++
}

// PutPlaces puts new places, and new versions of those that are there.
func (m *model) PutPlaces(_ context.Context, places []registry.Place) error {
	m.raise()
	m.places = slices.Clone(m.places)
	for _, p := range places {
		if i := slices.IndexFunc(m.places, func(q registry.Place) bool { return q.ID == p.ID }); i >= 0 {
			m.places[i] = p
		} else {
			m.places = append(m.places, p)
		}
	}
	return nil
}

func (m *model) PutPeople(_ context.Context, _ []registry.Person, links []registry.Link) error {
	m.raise()
	m.links = maps.Clone(m.links)
	if m.links == nil {
		m.links = make(map[uuid.UUID]uuid.UUID)
	}
	for _, l := range links {
		m.links[l.Alias] = l.Person
	}
	return nil
}

func (m *model) Erase(_ context.Context, erasures ...registry.Erasure) error {
	m.raise()
	erased := maps.Clone(m.erased)
	if erased == nil {
		erased = make(map[uuid.UUID]int64)
	}
	for _, e := range erasures {
		erased[e.Alias] = max(erased[e.Alias], e.Before)
	}
	m.erased = erased
	return nil
}

func (m *model) Append(_ context.Context, scans []scan.Scan) ([]scanlog.Outcome, error) {
	tail := maps.Clone(m.tail)
	if tail == nil {
		tail = make(scanlog.Watermark)
	}
	for _, s := range scans {
		for range 1 + m.dice.IntN(8)/7 {
			s.Shard = uint32(s.Alias[0] % 3)
			tail[s.Shard]++
			s.Seq = tail[s.Shard]
			m.stored = append(m.stored, s)
		}
	}
	slices.SortFunc(m.stored, func(a, b scan.Scan) int {
		if a.Shard != b.Shard {
			return int(a.Shard) - int(b.Shard)
		}
		return int(a.Seq) - int(b.Seq)
	})
	m.tail = tail
	return make([]scanlog.Outcome, len(scans)), nil
}

// Read gives blocks of seven at the most, in one piece of memory.
func (m *model) Read(_ context.Context, after, upTo scanlog.Watermark, yield func([]scan.Scan) error) error {
	var asked []scan.Scan
	for _, s := range m.stored {
		if s.Seq > after[s.Shard] && s.Seq <= upTo[s.Shard] {
			asked = append(asked, s)
		}
	}
	memory := make([]scan.Scan, 7)
	for block := range slices.Chunk(asked, len(memory)) {
		if err := yield(memory[:copy(memory, block)]); err != nil {
			return err
		}
		clear(memory)
	}
	return nil
}

func (m *model) DropBefore(_ context.Context, first scan.Day) ([]scan.Day, error) {
	m.stored = slices.DeleteFunc(m.stored, func(s scan.Scan) bool { return scan.DayOf(s.At) < first })
	return nil, nil
}
