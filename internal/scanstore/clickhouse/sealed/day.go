package sealed

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/truyvet/truyvet/internal/scan"
)

// writeDays writes every day that has changed anew, one at a time, and returns how many they were.
func (p *sealing) writeDays(ctx context.Context) (int, error) {
	days := make(map[int32]sealedDay)
	if p.before != nil {
		for _, d := range p.before.Days {
			if scan.Day(d.Day) >= p.First {
				days[d.Day] = d
			}
		}
	}
	written := 0
	for _, day := range slices.Sorted(maps.Keys(p.changed)) {
		if scan.Day(day) < p.First {
			continue
		}
		d, err := p.writeDay(ctx, day, days[day])
		if err != nil {
			return 0, err
		}
		written++
		delete(days, day)
		if d.Rows > 0 {
			days[day] = d
		}
	}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		p.pass.Days = append(p.pass.Days, days[day])
	}
	return written, nil
}

// writeDay writes a day anew: what those have who have not changed, and what was put aside of the others. A day stands in
// memory while it is written.
func (p *sealing) writeDay(ctx context.Context, day int32, was sealedDay) (sealedDay, error) {
	people, err := p.peopleOf(ctx, day, was)
	if err != nil {
		return sealedDay{}, err
	}
	places, latest, err := turn(people, day, p.places.first+len(p.places.things))
	if err != nil {
		return sealedDay{}, err
	}
	d := sealedDay{Day: day, Version: p.pass.ID, Rows: uint64(len(people) + len(places)), Latest: latest}
	for _, g := range places {
		d.Bytes += int64(len(g.stays))
	}
	if err := p.insert(ctx, ofPerson, day, d.Version, people); err != nil {
		return sealedDay{}, err
	}
	return d, p.insert(ctx, ofPlace, day, d.Version, places)
}

// peopleOf returns what everybody has on a day.
func (p *sealing) peopleOf(ctx context.Context, day int32, was sealedDay) ([]group, error) {
	people := p.staged[day]
	versions := make(map[uint64]bits) // that are read, and who is left out
	if was.Rows > 0 {
		versions[was.Version] = p.changed[day]
	}
	if p.spilled[day] {
		versions[p.pass.ID+1] = nil
	}
	for version, without := range versions {
		query := fmt.Sprintf("SELECT key, stays FROM sealed_stays WHERE what = 1 AND day = %d AND version = %d", day, version)
		err := p.each(quickly(ctx), query, func(rows driver.Rows) error {
			var g group
			if err := rows.Scan(&g.key, &g.stays); err != nil {
				return err
			}
			if !without.has(g.key) {
				people = append(people, g)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return people, nil
}

// turn makes the groups of places out of those of people, and says when the last stay ends.
func turn(people []group, day int32, places int) (groups []group, latest int64, err error) {
	type at struct {
		place uint32
		piece
	}
	var all []at
	starts := make([]int, places+1)
	var pieces []piece
	for _, g := range people {
		if pieces, err = appendPieces(pieces[:0], day, g.stays); err != nil {
			return nil, 0, err
		}
		for _, piece := range pieces {
			if int(piece.other) >= places {
				return nil, 0, errGroup
			}
			place := piece.other
			piece.other = g.key
			all = append(all, at{place, piece})
			starts[place+1]++
			latest = max(latest, piece.leave)
		}
	}
	for place := range places {
		starts[place+1] += starts[place]
	}
	sorted := make([]piece, len(all))
	next := slices.Clone(starts)
	for i := range all {
		sorted[next[all[i].place]] = all[i].piece
		next[all[i].place]++
	}
	for place := range places {
		if starts[place] == starts[place+1] {
			continue
		}
		stays, err := appendGroup(nil, day, sorted[starts[place]:starts[place+1]])
		if err != nil {
			return nil, 0, err
		}
		groups = append(groups, group{uint32(place), stays})
	}
	return groups, latest, nil
}

// drop drops the versions of days that no pass needs which is the last, or was so within grace. What a pass wrote that was
// never finished goes too. A merge that an old server ends at the same moment brings a version back: the next pass drops it
// again, as every pass does, even one that finds nothing new.
func (s *Stays) drop(ctx context.Context, newest uint64) error {
	needed, err := s.needed(ctx)
	if err == nil {
		err = s.eachPartition(ctx, func(server driver.Conn, table string, of partition, _ uint64) error {
			if of.version > newest+1 || needed[of] {
				return nil
			}
			return server.Exec(ctx, fmt.Sprintf("ALTER TABLE %s DROP PARTITION (%d,%d)", table, of.day, of.version))
		})
	}
	if err != nil {
		return fmt.Errorf("dropping what no run needs any more: %w", err)
	}
	return nil
}

// needed returns what somebody may read.
func (s *Stays) needed(ctx context.Context) (map[partition]bool, error) {
	chain, err := s.chain(ctx)
	if err != nil {
		return nil, err
	}
	needed := make(map[partition]bool)
	oldest := s.o.Clock().Add(-grace).Unix()
	for i := range chain {
		if i > 0 && chain[i-1].At < oldest {
			break
		}
		if err := s.read(ctx, &chain[i]); err != nil {
			return nil, err
		}
		for _, d := range chain[i].Days {
			needed[partition{d.Day, d.Version}] = true
		}
	}
	return needed, nil
}
