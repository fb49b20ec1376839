package sealed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/truyvet/truyvet/tracing"
)

// meeting is one call of Meet.
type meeting struct {
	src   *Source
	q     tracing.Question
	l     *layout
	fresh freshPlaces
	asOf  int64 // from the source's base, as all instants here
	least int64 // how long the overlap of a contact is, at least 1

	sources []tracing.Infectious // by person
	who     bits                 // the people among them
	first   []int32              // by person, for those in who: the position of their first window
	numbers []uint32             // by position: the how-manieth person that is

	from, to int64 // between which any of them infects others, with the linger
	tally    *tally
}

// Meet implements [tracing.Walker].
func (src *Source) Meet(ctx context.Context, q tracing.Question, sources []tracing.Infectious) (tracing.Meetings, error) {
	if err := src.check(); err != nil {
		return tracing.Meetings{}, err
	}
	m, err := src.newMeeting(q, sources)
	if err != nil || len(sources) == 0 {
		return tracing.Meetings{}, err
	}
	units, err := m.plan(ctx)
	if err != nil {
		return tracing.Meetings{}, err
	}
	workers := make([]*worker, min(src.s.sizes.workers, max(1, len(units))))
	for i := range workers {
		workers[i] = m.newWorker()
	}
	for {
		if err := m.run(ctx, units, workers); err != nil {
			return tracing.Meetings{}, err
		}
		if !m.tally.take(workers) {
			break
		}
	}
	if err := src.check(); err != nil {
		return tracing.Meetings{}, err
	}
	return m.collect(workers), nil
}

func (src *Source) newMeeting(q tracing.Question, sources []tracing.Infectious) (*meeting, error) {
	byPerson := func(a, b tracing.Infectious) int { return cmp.Compare(a.Person, b.Person) }
	if !slices.IsSortedFunc(sources, byPerson) {
		sources = slices.Clone(sources)
		slices.SortStableFunc(sources, byPerson)
	}
	m := &meeting{
		src: src, q: q, l: src.layout(q.Numbers.Scope), sources: sources, least: max(q.Numbers.MinOverlap, 1),
		who: newBits(len(src.people)), first: make([]int32, len(src.people)), numbers: make([]uint32, len(sources)),
		from: forever, to: math.MinInt64,
	}
	m.fresh = src.freshAt(m.l)
	last := src.base
	for _, d := range src.days {
		last = max(last, d.Latest)
	}
	for _, f := range src.fresh {
		last = max(last, f.leave)
	}
	if last-src.base >= math.MaxUint32 {
		return nil, errors.New("there are 136 years between the stays")
	}
	clip := func(t int64) int64 { return min(max(t, src.base), last) - src.base }
	m.asOf = clip(src.asOf)
	var people []uint32 // the sources, by number
	m.sources = make([]tracing.Infectious, len(sources))
	for i, s := range sources {
		s.Window = tracing.Window{From: clip(s.Window.From), To: clip(s.Window.To)}
		m.sources[i] = s
		if i == 0 || s.Person != sources[i-1].Person {
			m.who.set(s.Person)
			m.first[s.Person] = int32(i)
			people = append(people, s.Person)
		}
		m.numbers[i] = uint32(len(people) - 1)
		m.from, m.to = min(m.from, s.Window.From), max(m.to, s.Window.To+q.Numbers.Linger)
	}
	if q.Sources {
		m.tally = newTally(len(src.people), people, src.s.sizes.workers, src.s.o.Memory)
	}
	return m, nil
}

// relevant returns the days of which a stay may meet [from, to), from base, and all that lie between them; all there are where
// the crowd counts, which is that of the whole stay of a source.
func (m *meeting) relevant(from, to int64) []sealedDay {
	days := m.src.days
	if m.q.Numbers.CrowdLimit > 0 {
		return days
	}
	for len(days) > 0 && days[0].Latest-m.src.base <= from {
		days = days[1:]
	}
	for len(days) > 0 && startOf(days[len(days)-1].Day)-m.src.base >= to {
		days = days[:len(days)-1]
	}
	return days
}

// run gives the units to the workers.
func (m *meeting) run(ctx context.Context, units []unit, workers []*worker) error {
	return inParallel(ctx, len(workers), len(units), func(ctx context.Context, worker, n int) error {
		return workers[worker].unit(ctx, &units[n])
	})
}

// inParallel has workers do n pieces of work, each the next that is left, until one of them fails.
func inParallel(ctx context.Context, workers, n int, do func(ctx context.Context, worker, n int) error) error {
	var next atomic.Int64
	var wait sync.WaitGroup
	faults := make([]error, workers)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for i := range workers {
		wait.Go(func() {
			for at := next.Add(1) - 1; at < int64(n) && faults[i] == nil; at = next.Add(1) - 1 {
				if faults[i] = do(ctx, i, int(at)); faults[i] != nil {
					cancel()
				}
			}
		})
	}
	wait.Wait()
	// What made the others stop comes first.
	slices.SortStableFunc(faults, func(a, b error) int {
		return cmp.Compare(bit(errors.Is(a, context.Canceled)), bit(errors.Is(b, context.Canceled)))
	})
	return errors.Join(faults...)
}

// plan divides the places that must be looked at into units: with many sources all, with few those where they were.
func (m *meeting) plan(ctx context.Context) ([]unit, error) {
	src := m.src
	if int64(m.numbers[len(m.numbers)-1])+1 > int64(len(src.people)/src.s.sizes.sweepFrom) {
		return m.everywhere(), nil
	}
	return m.whereSourcesWere(ctx)
}

// everywhere divides all contact places.
func (m *meeting) everywhere() []unit {
	days := m.relevant(m.from, m.to)
	if m.l.starts != nil {
		contacts := make([]uint32, len(m.l.names))
		for c := range contacts {
			contacts[c] = uint32(c)
		}
		return m.src.listed(m.l, contacts)
	}
	bytes := int64(0)
	for _, d := range days {
		bytes += d.Bytes
	}
	pieces := max(int(bytes/m.src.s.sizes.chunk), 2*m.src.s.sizes.workers)
	units := make([]unit, 0, pieces)
	n := len(m.l.names)
	for i := range pieces {
		u := unit{conditions: []string{fmt.Sprintf("key >= %d AND key < %d AND %s", n*i/pieces, n*(i+1)/pieces, daysAre(days))}}
		for c := n * i / pieces; c < n*(i+1)/pieces; c++ {
			if m.l.contact[c] != nowhere {
				u.contacts = append(u.contacts, uint32(c))
			}
		}
		units = append(units, u)
	}
	return units
}

// visit is a contact place on a day.
type visit struct {
	contact uint32
	day     int32
}

// whereSourcesWere asks where the sources were, and divides these places and days.
func (m *meeting) whereSourcesWere(ctx context.Context) ([]unit, error) {
	src := m.src
	visits := make(map[visit]struct{})
	var sealed []uint32
	for i := range m.sources {
		person := m.sources[i].Person
		if i > 0 && person == m.sources[i-1].Person {
			continue
		}
		if person < src.sealed && !src.excluded.has(person) {
			sealed = append(sealed, person)
		}
		for _, f := range src.freshOf(person) {
			m.visit(visits, person, f.place, f.enter, f.leave)
		}
	}
	all, err := src.rowsOf(ctx, sealed, m.relevant(m.from, m.to))
	if err != nil {
		return nil, err
	}
	var pieces []piece
	for _, r := range all {
		if pieces, err = appendPieces(pieces[:0], r.day, r.group); err != nil {
			return nil, err
		}
		for _, p := range pieces {
			m.visit(visits, r.key, p.other, p.enter, p.leave)
		}
	}
	return m.visited(visits), nil
}

// rowsOf reads the groups that some people have on some days, of which each worker takes some: they lie in files of their own.
func (src *Source) rowsOf(ctx context.Context, people []uint32, days []sealedDay) ([]row, error) {
	workers := src.s.sizes.workers
	var conditions []string
	for of := range slices.Chunk(days, len(days)/workers+1) {
		for part := range slices.Chunk(people, keysListed) {
			conditions = append(conditions, keysAre(part)+" AND "+daysAre(of))
		}
	}
	found := make([][]row, len(conditions))
	err := inParallel(ctx, workers, len(conditions), func(ctx context.Context, _, n int) (err error) {
		found[n], err = src.rows(ctx, ofPerson, conditions[n])
		return err
	})
	return slices.Concat(found...), err
}

// noDay is the day of a visit for fresh stays alone.
const noDay = math.MinInt32

// leastVisits is how many visits are worth a query of their own.
const leastVisits = 64

// visit adds the days on which a stay of a source can have contacts.
func (m *meeting) visit(visits map[visit]struct{}, person, place uint32, enter, leave int64) {
	contact := m.l.contact[place]
	if contact == nowhere {
		return
	}
	for i := int(m.first[person]); i < len(m.sources) && m.sources[i].Person == person; i++ {
		w := m.sources[i].Window
		from, to := max(enter-m.src.base, w.From), min(leave-m.src.base, w.To, m.asOf)
		if from >= to {
			continue
		}
		visits[visit{contact, noDay}] = struct{}{}
		for _, d := range m.relevant(from, to+m.q.Numbers.Linger) {
			visits[visit{contact, d.Day}] = struct{}{}
		}
	}
}

// visited divides visits into units, so many that every worker has some. What is asked of each day stands apart: the server
// would look for the places of all days on each of them otherwise.
func (m *meeting) visited(visits map[visit]struct{}) []unit {
	all := make([]visit, 0, len(visits))
	for v := range visits {
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b visit) int { return cmp.Or(cmp.Compare(a.contact, b.contact), cmp.Compare(a.day, b.day)) })
	versions := make(map[int32]sealedDay, len(m.src.days))
	for _, d := range m.src.days {
		versions[d.Day] = d
	}
	most := min(m.src.s.sizes.pairs, max(leastVisits, len(all)/(2*m.src.s.sizes.workers)+1))
	var units []unit
	for len(all) > 0 {
		var u unit
		keys := make(map[int32][]uint32)
		n, listed := 0, 0
		for n < len(all) && (listed < most || all[n].contact == all[n-1].contact) {
			v := all[n]
			if len(u.contacts) == 0 || u.contacts[len(u.contacts)-1] != v.contact {
				u.contacts = append(u.contacts, v.contact)
			}
			if v.day != noDay {
				before := len(keys[v.day])
				keys[v.day] = m.l.appendMembers(keys[v.day], v.contact)
				listed += len(keys[v.day]) - before
			}
			n++
		}
		for _, d := range m.src.days {
			if of := keys[d.Day]; len(of) > 0 {
				u.conditions = append(u.conditions, fmt.Sprintf("day = %d AND version = %d AND %s", d.Day, d.Version, keysAre(of)))
			}
		}
		units = append(units, u)
		all = all[n:]
	}
	return units
}

// collect puts together what the workers found.
func (m *meeting) collect(workers []*worker) tracing.Meetings {
	var found tracing.Meetings
	limited, words := m.q.Numbers.CrowdLimit > 0, m.q.Words
	for person := range m.src.people {
		early, carrying := uint32(0), uint32(0)
		for _, w := range workers {
			early = max(early, w.early[person])
			if limited {
				carrying = max(carrying, w.carrying[person])
			}
		}
		if early == 0 {
			continue
		}
		met := tracing.Met{Person: uint32(person), First: m.src.base + int64(^early)}
		if m.q.Sources {
			met.Sources = m.tally.sources[person]
		}
		found.Met = append(found.Met, met)
		if limited {
			at := tracing.Never
			if carrying != 0 {
				at = m.src.base + int64(^carrying)
			}
			found.Carrying = append(found.Carrying, at)
		}
		if words > 0 {
			row := make([]uint64, words)
			for _, w := range workers {
				for i, b := range w.roots[person*words:][:words] {
					row[i] |= b
				}
			}
			found.Roots = append(found.Roots, row...)
		}
	}
	return found
}
