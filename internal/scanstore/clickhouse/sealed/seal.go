package sealed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
)

// Order says what a pass is to seal.
type Order struct {
	World World
	UpTo  scanlog.Watermark // as far as scans are stored
	First scan.Day          // the first day that retention keeps; stays of earlier days are left out
	// Progress is told now and then how many of the people who have changed were derived; it may be nil.
	Progress func(done, total int)
}

// Sealed is what a pass did.
type Sealed struct {
	People int // whose stays were derived
	Days   int // that were written anew
}

// sealing is a pass under way.
type sealing struct {
	*Stays
	Order
	before  *pass // nil for the first
	numbers *memindex.Numbering
	pass    pass

	people newNumbers[uuid.UUID]
	places newNumbers[tracing.Place]

	changed map[int32]bits    // by day: the people whose stays of that day are others than before
	staged  map[int32][]group // by day: what those have now
	bytes   int               // of staged
	spilled map[int32]bool    // days of which some of staged was written to the server
}

// group is a row to be written.
type group struct {
	key   uint32
	stays []byte
}

// newNumbers are numbers that a pass gives, from first on.
type newNumbers[T comparable] struct {
	first  int
	number map[T]uint32
	things []T
}

func (n *newNumbers[T]) of(thing T, known func(T) (uint32, bool)) uint32 {
	if number, is := known(thing); is && int(number) < n.first {
		return number
	}
	number, is := n.number[thing]
	if !is {
		number = uint32(n.first + len(n.things))
		n.number[thing] = number
		n.things = append(n.things, thing)
	}
	return number
}

// Seal makes stays of everything that was stored since the last pass, and of whoever is concerned by what has changed in the
// world; without a pass before, or where one was damaged, of everything. One process at a time should do it; where two do, one
// of them has worked for nothing. Whatever interrupts it, the last pass that was finished holds, and the next begins from there.
func (s *Stays) Seal(ctx context.Context, o Order) (Sealed, error) {
	before, numbers, err := s.latest(ctx)
	if err != nil {
		return Sealed{}, err
	}
	if before != nil && !o.UpTo.Covers(before.Watermark) {
		before = nil
	}
	changed, err := s.changed(ctx, before, o.World, o.UpTo, math.MaxInt)
	if errors.Is(err, ErrRevision) {
		before = nil
		changed, err = s.changed(ctx, nil, o.World, o.UpTo, math.MaxInt)
	}
	if err != nil {
		return Sealed{}, err
	}
	if before != nil && len(changed) == 0 && (len(before.Days) == 0 || scan.Day(before.Days[0].Day) >= o.First) {
		return Sealed{}, s.drop(ctx, before.ID)
	}
	p := &sealing{
		Stays: s, Order: o, before: before, numbers: numbers,
		people: newNumbers[uuid.UUID]{number: make(map[uuid.UUID]uint32)}, places: newNumbers[tracing.Place]{number: make(map[tracing.Place]uint32)},
		changed: make(map[int32]bits), staged: make(map[int32][]group), spilled: make(map[int32]bool),
	}
	if err := p.begin(ctx); err != nil {
		return Sealed{}, err
	}
	if err := p.deriveAll(ctx, changed); err != nil {
		return Sealed{}, fmt.Errorf("deriving stays to seal: %w", err)
	}
	days, err := p.writeDays(ctx)
	if err != nil {
		return Sealed{}, fmt.Errorf("writing sealed stays: %w", err)
	}
	if err := p.finish(ctx); err != nil {
		return Sealed{}, fmt.Errorf("finishing a pass: %w", err)
	}
	return Sealed{People: len(changed), Days: days}, s.drop(ctx, p.pass.ID)
}

// begin gives the pass a number that no other had or will have, larger than those before it. Even ones are of passes; the odd
// one after it is the version of what a pass puts aside for itself.
func (p *sealing) begin(ctx context.Context) error {
	var newest uint64
	if err := p.conn.QueryRow(ctx, "SELECT max(pass) FROM sealed_passes").Scan(&newest); err != nil {
		return fmt.Errorf("reading the passes: %w", err)
	}
	const luck = 20 // bits, against another process in the same millisecond
	id := uint64(p.o.Clock().UnixMilli())<<luck | rand.Uint64N(1<<luck)
	p.pass = pass{
		ID: max(id, newest+2) &^ 1, Watermark: p.UpTo, Revision: p.World.Revision, First: p.First,
	}
	if p.before != nil {
		p.pass.Previous = p.before.ID
		p.pass.Tree, p.pass.TreeSize, p.pass.Links = p.before.Tree, p.before.TreeSize, p.before.Links
		p.people.first, p.places.first = p.before.People, p.before.Places
	}
	return nil
}

func (p *sealing) person(id uuid.UUID) uint32 {
	return p.people.of(id, func(id uuid.UUID) (uint32, bool) {
		if p.before == nil {
			return 0, false
		}
		return p.numbers.FindPerson(id)
	})
}

func (p *sealing) place(at tracing.Place) uint32 {
	return p.places.of(at, func(at tracing.Place) (uint32, bool) {
		if p.before == nil {
			return 0, false
		}
		return p.numbers.FindPlace(at)
	})
}

// deriveAll derives the stays of people and puts aside what is not as it was.
func (p *sealing) deriveAll(ctx context.Context, changed people) error {
	of := make([]uuid.UUID, 0, len(changed))
	for id := range changed {
		of = append(of, id)
	}
	done := 0
	return p.derive(ctx, p.World, p.UpTo, of, func(batch []uuid.UUID, stays func(uuid.UUID) []tracing.Stay) error {
		old, err := p.groupsOf(ctx, batch)
		if err != nil {
			return err
		}
		for _, id := range batch {
			if err := p.compare(p.person(id), stays(id), old); err != nil {
				return err
			}
		}
		if p.bytes > p.sizes.staged {
			if err := p.spill(ctx); err != nil {
				return err
			}
		}
		if done += len(batch); p.Progress != nil {
			p.Progress(done, len(of))
		}
		return nil
	})
}

// personDay is what a group of a person is of.
type personDay struct {
	person uint32
	day    int32
}

// groupsOf reads what people have in the pass before.
func (p *sealing) groupsOf(ctx context.Context, batch []uuid.UUID) (map[personDay][]byte, error) {
	if p.before == nil {
		return nil, nil
	}
	var keys []uint32
	for _, id := range batch {
		if n := p.person(id); int(n) < p.people.first {
			keys = append(keys, n)
		}
	}
	old := make(map[personDay][]byte)
	for part := range slices.Chunk(keys, keysListed) {
		query := "SELECT key, day, stays FROM sealed_stays WHERE what = 1 AND " + keysAre(part) + " AND " + daysAre(p.before.Days)
		err := p.each(ctx, query, func(rows driver.Rows) error {
			var of personDay
			var stays []byte
			err := rows.Scan(&of.person, &of.day, &stays)
			old[of] = stays
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return old, nil
}

// compare puts aside the days on which somebody has not what they had. Those are taken out of old.
func (p *sealing) compare(person uint32, stays []tracing.Stay, old map[personDay][]byte) error {
	var pieces []piece
	days := make(map[int32]bool)
	for i, st := range stays {
		pieces = append(pieces, piece{p.place(st.Place), st.Enter, st.Leave, st.Basis, st.Flagged})
		day := dayOf(st.Enter)
		if i+1 < len(stays) && dayOf(stays[i+1].Enter) == day {
			continue
		}
		days[day] = true
		if scan.Day(day) >= p.First {
			now, err := appendGroup(nil, day, pieces)
			if err != nil {
				return err
			}
			if !bytes.Equal(now, old[personDay{person, day}]) {
				p.change(day, person)
				p.staged[day] = append(p.staged[day], group{person, now})
				p.bytes += len(now) + 32
			}
		}
		pieces = pieces[:0]
	}
	if p.before != nil {
		for _, d := range p.before.Days {
			if _, had := old[personDay{person, d.Day}]; had && !days[d.Day] {
				p.change(d.Day, person)
			}
		}
	}
	return nil
}

func (p *sealing) change(day int32, person uint32) {
	of := p.changed[day]
	for int(person/64) >= len(of) {
		of = append(of, make([]uint64, len(of)+64)...)
	}
	of.set(person)
	p.changed[day] = of
}

// spill writes what was put aside to the server.
func (p *sealing) spill(ctx context.Context) error {
	for day, groups := range p.staged {
		if err := p.insert(ctx, ofPerson, day, p.pass.ID+1, groups); err != nil {
			return err
		}
		p.spilled[day] = true
	}
	clear(p.staged)
	p.bytes = 0
	return nil
}

// insert writes groups, in as few blocks as may be: each is a part of its partition on the server, which is in no hurry to
// bring together what is as small as that, and a walk has to look its keys up in every part.
func (s *Stays) insert(ctx context.Context, what uint8, day int32, version uint64, groups []group) error {
	const block = 1 << 20
	for part := range slices.Chunk(groups, block) {
		batch, err := s.conn.PrepareBatch(ctx, "INSERT INTO sealed_stays (what, key, day, version, stays)")
		if err != nil {
			return err
		}
		keys, stays := make([]uint32, len(part)), make([][]byte, len(part))
		for i := range part {
			keys[i], stays[i] = part[i].key, part[i].stays
		}
		for i, column := range []any{
			slices.Repeat([]uint8{what}, len(part)), keys, slices.Repeat([]int32{day}, len(part)),
			slices.Repeat([]uint64{version}, len(part)), stays,
		} {
			if err := batch.Column(i).Append(column); err != nil {
				return errors.Join(err, batch.Close())
			}
		}
		if err := batch.Send(); err != nil {
			return errors.Join(err, batch.Close())
		}
	}
	return nil
}

// finish writes what the pass has numbered and linked, and then the pass itself: with this one row it holds.
func (p *sealing) finish(ctx context.Context) error {
	p.pass.People, p.pass.Places = p.people.first+len(p.people.things), p.places.first+len(p.places.things)
	if err := p.writeNumbers(ctx); err != nil {
		return err
	}
	if err := p.writeWorld(ctx); err != nil {
		return err
	}
	p.pass.At = p.o.Clock().Unix()
	body, err := json.Marshal(p.pass)
	if err != nil {
		return err
	}
	return p.write(ctx, "sealed_passes (pass, previous, body)", 1, func(int) []any {
		return []any{p.pass.ID, p.pass.Previous, string(body)}
	})
}

// write inserts n rows.
func (s *Stays) write(ctx context.Context, table string, n int, row func(int) []any) error {
	const block = 200_000
	for first := 0; first < n; first += block {
		batch, err := s.conn.PrepareBatch(ctx, "INSERT INTO "+table)
		if err != nil {
			return err
		}
		for i := first; i < min(first+block, n); i++ {
			if err := batch.Append(row(i)...); err != nil {
				return errors.Join(err, batch.Close())
			}
		}
		if err := batch.Send(); err != nil {
			return errors.Join(err, batch.Close())
		}
	}
	return nil
}

func (p *sealing) writeNumbers(ctx context.Context) error {
	const table = "sealed_numbers (pass, what, number, id, trip)"
	err := p.write(ctx, table, len(p.people.things), func(i int) []any {
		return []any{p.pass.ID, ofPerson, uint32(p.people.first + i), p.people.things[i], uuid.Nil}
	})
	if err != nil {
		return err
	}
	return p.write(ctx, table, len(p.places.things), func(i int) []any {
		at := p.places.things[i]
		return []any{p.pass.ID, ofPlace, uint32(p.places.first + i), at.ID, at.Trip}
	})
}

func (p *sealing) writeWorld(ctx context.Context) error {
	since := Beginning
	var tree []tracing.PlaceInfo
	if p.before != nil {
		since = p.before.Revision
		var err error
		if tree, _, err = p.treeOf(ctx, p.before); err != nil {
			return err
		}
	}
	if infos := p.World.Infos; p.before == nil || len(tracing.MovedPlaces(tree, infos)) > 0 {
		p.pass.Tree, p.pass.TreeSize = p.pass.ID, len(infos)
		err := p.write(ctx, "sealed_places (pass, id, parent, dwell, area)", len(infos), func(i int) []any {
			return []any{p.pass.ID, infos[i].ID, infos[i].Parent, infos[i].Dwell, infos[i].Area}
		})
		if err != nil {
			return err
		}
	}
	aliases, err := p.World.Changed(ctx, since)
	if err != nil {
		return err
	}
	p.pass.Links += len(aliases)
	return p.write(ctx, "sealed_world (pass, what, id, other)", len(aliases), func(i int) []any {
		return []any{p.pass.ID, ofPerson, aliases[i], p.World.Links.Person(aliases[i])}
	})
}

// How long what a pass wrote is kept after a newer pass has taken its place, and by how much earlier a source gives up.
const (
	grace       = time.Hour
	graceMargin = 10 * time.Minute
)
