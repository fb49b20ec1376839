package sealed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
)

const forever int64 = math.MaxInt64

// Source is a snapshot of the stays: those that a pass has sealed, and beside them in memory those of everybody who has
// changed since. It is good for as long as [grace] lasts.
type Source struct {
	s       *Stays
	w       World
	upTo    scanlog.Watermark
	asOf    int64
	until   time.Time // when what it reads may begin to go
	days    []sealedDay
	base    int64 // the instant from which instants are counted in walks
	numbers *memindex.Numbering
	sealed  uint32 // people who have a number in the pass; those from here on are the source's own
	people  []uuid.UUID
	places  []tracing.Place
	own     map[uuid.UUID]uint32
	ownAt   map[tracing.Place]uint32
	placed  uint32 // as sealed, of places

	excluded bits        // people whose sealed stays do not count
	fresh    []freshStay // by person, then enter

	part, anywhere, site func() *layout
}

var _ tracing.Walker = (*Source)(nil)

// Open returns what is known at asOf of the scans up to a watermark, in a world. The errors: ErrUnsealed, those of the world,
// of the store and of ctx.
func (s *Stays) Open(ctx context.Context, w World, upTo scanlog.Watermark, asOf int64) (*Source, error) {
	opened := s.o.Clock()
	p, numbers, err := s.latest(ctx)
	if err != nil {
		return nil, err
	}
	if p != nil && !upTo.Covers(p.Watermark) {
		p = nil // the log has begun anew, or the watermark is one of before
	}
	changed, err := s.changed(ctx, p, w, upTo, s.o.Fresh)
	if errors.Is(err, ErrRevision) {
		p = nil
		changed, err = s.changed(ctx, nil, w, upTo, s.o.Fresh)
	}
	if err != nil {
		return nil, err
	}
	src := &Source{
		s: s, w: w, upTo: maps.Clone(upTo), asOf: asOf, until: opened.Add(grace - graceMargin),
		own: make(map[uuid.UUID]uint32), ownAt: make(map[tracing.Place]uint32),
	}
	if p != nil {
		src.days, src.numbers = p.Days, numbers
		people, places := numbers.Names()
		src.people, src.places = slices.Clip(people[:p.People]), slices.Clip(places[:p.Places])
		src.sealed, src.placed = uint32(p.People), uint32(p.Places)
	}
	if err := src.refresh(ctx, changed, upTo); err != nil {
		return nil, err
	}
	src.base = forever
	for _, d := range src.days {
		src.base = min(src.base, startOf(d.Day))
	}
	for _, f := range src.fresh {
		src.base = min(src.base, f.enter)
	}
	src.part = sync.OnceValue(func() *layout { return src.newLayout(tracing.ScopePart) })
	src.anywhere = sync.OnceValue(func() *layout { return src.newLayout(tracing.ScopePlace) })
	src.site = sync.OnceValue(func() *layout { return src.newLayout(tracing.ScopeSite) })
	return src, nil
}

// PersonNumber implements [tracing.Walker].
func (src *Source) PersonNumber(id uuid.UUID) (uint32, bool) {
	if src.numbers != nil {
		if n, known := src.numbers.FindPerson(id); known && n < src.sealed {
			return n, true
		}
	}
	n, known := src.own[id]
	return n, known
}

// PersonID implements [tracing.Walker].
func (src *Source) PersonID(number uint32) uuid.UUID { return src.people[number] }

// person returns the number of somebody, a new one of the source's own where there is none.
func (src *Source) person(id uuid.UUID) uint32 {
	n, known := src.PersonNumber(id)
	if !known {
		n = uint32(len(src.people))
		src.people = append(src.people, id)
		src.own[id] = n
	}
	return n
}

// place is person for a place.
func (src *Source) place(p tracing.Place) uint32 {
	n, known := src.placeNumber(p)
	if !known {
		n = uint32(len(src.places))
		src.places = append(src.places, p)
		src.ownAt[p] = n
	}
	return n
}

func (src *Source) placeNumber(p tracing.Place) (uint32, bool) {
	if src.numbers != nil {
		if n, known := src.numbers.FindPlace(p); known && n < src.placed {
			return n, true
		}
	}
	n, known := src.ownAt[p]
	return n, known
}

// check fails once the source is too old to be read.
func (src *Source) check() error {
	if src.s.o.Clock().After(src.until) {
		return ErrOld
	}
	return nil
}

// row is a group as it was read.
type row struct {
	key   uint32
	day   int32
	group []byte
}

// rows reads the groups that conditions mean, of which none are of one group.
func (src *Source) rows(ctx context.Context, what uint8, conditions ...string) ([]row, error) {
	if len(conditions) == 0 {
		return nil, nil
	}
	begin := "SELECT key, day, stays FROM sealed_stays WHERE what = " + strconv.Itoa(int(what)) + " AND "
	query := begin + strings.Join(conditions, " UNION ALL "+begin)
	var all []row
	var r row
	into := []any{&r.key, &r.day, &r.group}
	err := src.s.each(quickly(ctx), query, func(rows driver.Rows) error {
		err := rows.Scan(into...)
		all = append(all, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading sealed stays: %w", err)
	}
	return all, nil
}

// keysAre is the condition of a row being of some keys.
func keysAre(keys []uint32) string {
	var b strings.Builder
	b.WriteString("key IN (")
	for i, key := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatUint(uint64(key), 10))
	}
	b.WriteByte(')')
	return b.String()
}

// keysListed is how many keys stand in a query at most.
const keysListed = 8_000

// OfPeople implements [tracing.Source].
func (src *Source) OfPeople(
	ctx context.Context, scope tracing.Scope, windows []tracing.PersonWindow, yield func(int, tracing.United) error,
) error {
	of := make(map[uint32][]int)
	var sealed []uint32
	for i, w := range windows {
		n, known := src.PersonNumber(w.Person)
		if !known || w.From >= w.To {
			continue
		}
		if of[n] == nil && n < src.sealed && !src.excluded.has(n) {
			sealed = append(sealed, n)
		}
		of[n] = append(of[n], i)
	}
	l := src.layout(scope)
	give := func(person uint32, stays []freshStay) error {
		return src.unite(l, stays, func(u tracing.United) error {
			return yieldMet(of[person], u, func(i int) (int64, int64) { return windows[i].From, windows[i].To }, yield)
		})
	}
	for _, person := range slices.Sorted(maps.Keys(of)) {
		if stays := slices.Clone(src.freshOf(person)); len(stays) > 0 {
			if err := give(person, stays); err != nil {
				return err
			}
		}
	}
	slices.Sort(sealed)
	for part := range slices.Chunk(sealed, keysListed) {
		if err := src.check(); err != nil {
			return err
		}
		rows, err := src.rows(ctx, ofPerson, keysAre(part)+" AND "+daysAre(src.days))
		if err != nil {
			return err
		}
		slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.key, b.key) })
		var pieces []piece
		var stays []freshStay
		for i, r := range rows {
			if pieces, err = appendPieces(pieces[:0], r.day, r.group); err != nil {
				return err
			}
			for _, p := range pieces {
				stays = append(stays, freshStay{r.key, p.other, p.enter, p.leave, p.basis, p.flagged})
			}
			if i+1 == len(rows) || rows[i+1].key != r.key {
				if err := give(r.key, stays); err != nil {
					return err
				}
				stays = stays[:0]
			}
		}
	}
	return nil
}

// yieldMet gives a united stay for each of the windows that it meets.
func yieldMet(of []int, u tracing.United, window func(int) (from, to int64), yield func(int, tracing.United) error) error {
	for _, i := range of {
		if from, to := window(i); u.Enter < to && from < u.Leave {
			if err := yield(i, u); err != nil {
				return err
			}
		}
	}
	return nil
}

// unite gives take what stays unite to at their contact places, as it is known at the as-of time. It reorders stays.
func (src *Source) unite(l *layout, stays []freshStay, take func(tracing.United) error) error {
	stays = slices.DeleteFunc(stays, func(s freshStay) bool { return l.contact[s.place] == nowhere })
	slices.SortFunc(stays, func(a, b freshStay) int {
		return cmp.Or(cmp.Compare(l.contact[a.place], l.contact[b.place]), cmp.Compare(a.person, b.person))
	})
	parts := make([]tracing.Part, 0, len(stays))
	var united []tracing.United
	for i, s := range stays {
		parts = append(parts, tracing.Part{Enter: s.enter, Leave: s.leave, Basis: s.basis, Flagged: s.flagged})
		contact := l.contact[s.place]
		if i+1 < len(stays) && stays[i+1].person == s.person && l.contact[stays[i+1].place] == contact {
			continue
		}
		united = tracing.UniteParts(united[:0], src.people[s.person], l.names[contact], parts)
		parts = parts[len(parts):]
		for _, u := range united {
			if known, is := u.Clip(src.asOf); is {
				if err := take(known); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// AtPlaces implements [tracing.Source].
func (src *Source) AtPlaces(
	ctx context.Context, scope tracing.Scope, windows []tracing.PlaceWindow, yield func(int, tracing.United) error,
) error {
	l := src.layout(scope)
	at := make(map[uint32][]int)
	for i, w := range windows {
		if contact, is := l.number(w.Place); is && w.From < w.To {
			at[contact] = append(at[contact], i)
		}
	}
	byPlace := src.freshAt(l)
	for _, unit := range src.listed(l, slices.Sorted(maps.Keys(at))) {
		if err := src.check(); err != nil {
			return err
		}
		rows, err := src.rows(ctx, ofPlace, unit.conditions...)
		if err != nil {
			return err
		}
		stays := make(map[uint32][]freshStay, len(unit.contacts))
		var pieces []piece
		for _, r := range rows {
			if pieces, err = appendPieces(pieces[:0], r.day, r.group); err != nil {
				return err
			}
			contact := l.contact[r.key]
			for _, p := range pieces {
				if !src.excluded.has(p.other) {
					stays[contact] = append(stays[contact], freshStay{p.other, r.key, p.enter, p.leave, p.basis, p.flagged})
				}
			}
		}
		for _, contact := range unit.contacts {
			all := append(stays[contact], byPlace.at(l, contact)...)
			err := src.unite(l, all, func(u tracing.United) error {
				return yieldMet(at[contact], u, func(i int) (int64, int64) { return windows[i].From, windows[i].To }, yield)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// layout returns what the contact places of a scope are.
func (src *Source) layout(scope tracing.Scope) *layout {
	switch scope {
	case tracing.ScopePart:
		return src.part()
	case tracing.ScopePlace:
		return src.anywhere()
	default:
		return src.site()
	}
}
