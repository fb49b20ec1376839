package clickhouse

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// Source is a tracing.Source that asks the store: it finds the people, reads all their scans and derives their stays. It
// is a snapshot for as long as retention drops none of its days.
//
// A person is read and derived once and then remembered, at most maxPeople at a time (a few hundred megabytes); beyond
// that they are forgotten all together and read again when asked for. So the queries of a walk grow with the people in
// it, a few thousand to a query, and not with its calls.
type Source struct {
	store  *Store
	places *tracing.Places
	links  *stay.Links
	upTo   string // condition of the rows that are seen
	asOf   int64

	mu     sync.Mutex
	people map[uuid.UUID][]tracing.Stay
}

var _ tracing.Source = (*Source)(nil)

// The bounds of a Source.
const (
	maxPeople = 100_000
	// listed is how many UUIDs are written into a query: at 39 bytes each they stay within the 256 KB that a query may
	// have by default.
	listed = 5_000
)

// NewSource makes a source that sees the stored scans up to a watermark, through the given places and links, clipped at
// asOf (math.MaxInt64 clips nothing).
func NewSource(store *Store, places *tracing.Places, links *stay.Links, upTo scanlog.Watermark, asOf int64) *Source {
	return &Source{
		store:  store,
		places: places,
		links:  links,
		upTo:   covered(upTo),
		asOf:   asOf,
		people: make(map[uuid.UUID][]tracing.Stay),
	}
}

// OfPeople implements tracing.Source.
func (s *Source) OfPeople(ctx context.Context, scope tracing.Scope, windows []tracing.PersonWindow, yield func(int, tracing.United) error) error {
	of := make(map[uuid.UUID][]int)
	for i, w := range windows {
		if w.From < w.To {
			of[w.Person] = append(of[w.Person], i)
		}
	}
	return s.each(ctx, scope, sortedIDs(of), func(u tracing.United) error {
		for _, i := range of[u.Person] {
			if err := yieldMet(i, u, windows[i].From, windows[i].To, yield); err != nil {
				return err
			}
		}
		return nil
	})
}

// AtPlaces implements tracing.Source.
func (s *Source) AtPlaces(ctx context.Context, scope tracing.Scope, windows []tracing.PlaceWindow, yield func(int, tracing.United) error) error {
	at := make(map[tracing.Place][]int)
	for i, w := range windows {
		contact, is := s.places.Contact(scope, w.Place)
		if w.From < w.To && is && contact == w.Place {
			at[w.Place] = append(at[w.Place], i)
		}
	}
	people, err := s.peopleAt(ctx, scope, at, windows)
	if err != nil {
		return err
	}
	return s.each(ctx, scope, sortedIDs(people), func(u tracing.United) error {
		for _, i := range at[u.Place] {
			if err := yieldMet(i, u, windows[i].From, windows[i].To, yield); err != nil {
				return err
			}
		}
		return nil
	})
}

func yieldMet(i int, u tracing.United, from, to int64, yield func(int, tracing.United) error) error {
	if u.Enter < to && from < u.Leave {
		return yield(i, u)
	}
	return nil
}

func sortedIDs[T any](set map[uuid.UUID]T) []uuid.UUID {
	ids := make([]uuid.UUID, 0, len(set))
	for id := range set {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return ids
}

// each derives the people, some thousand at a time, and gives their united stays in a scope to take.
func (s *Source) each(ctx context.Context, scope tracing.Scope, people []uuid.UUID, take func(tracing.United) error) error {
	for part := range slices.Chunk(people, listed) {
		stays, err := s.staysOf(ctx, part)
		if err != nil {
			return err
		}
		for _, person := range part {
			var atContacts []tracing.Stay
			for _, st := range stays[person] {
				contact, is := s.places.Contact(scope, st.Place)
				if !is {
					continue
				}
				st.Place = contact
				atContacts = append(atContacts, st)
			}
			for _, u := range tracing.Unite(atContacts) {
				if err := take(u); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// staysOf returns the stays of people, read and derived where they are not remembered.
func (s *Source) staysOf(ctx context.Context, people []uuid.UUID) (map[uuid.UUID][]tracing.Stay, error) {
	stays := make(map[uuid.UUID][]tracing.Stay, len(people))
	var unknown []uuid.UUID
	s.mu.Lock()
	for _, person := range people {
		if known, ok := s.people[person]; ok {
			stays[person] = known
		} else {
			unknown = append(unknown, person)
		}
	}
	s.mu.Unlock()
	if len(unknown) == 0 {
		return stays, nil
	}
	scans, err := s.scansOf(ctx, unknown)
	if err != nil {
		return nil, err
	}
	for _, person := range unknown {
		stays[person] = stay.Derive(person, scans[person], s.places, s.asOf)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.people)+len(unknown) > maxPeople {
		clear(s.people)
	}
	for _, person := range unknown {
		s.people[person] = stays[person]
	}
	return stays, nil
}

// scansOf reads every scan of people that was not erased, in the order of their positions: that is what decides between two of one id.
func (s *Source) scansOf(ctx context.Context, people []uuid.UUID) (map[uuid.UUID][]stay.Scan, error) {
	aliases := make(map[uuid.UUID]bool, len(people))
	for _, person := range people {
		for _, alias := range s.links.Aliases(person) {
			aliases[alias] = true
		}
	}
	found := make(map[uuid.UUID][]scan.Scan, len(people))
	for part := range slices.Chunk(sortedIDs(aliases), listed) {
		query := "SELECT " + selectColumns + " FROM scans WHERE alias IN (" + uuidList(part) + ") AND " + s.upTo
		err := s.store.query(ctx, query, func(sc scan.Scan) error {
			if !s.links.Erased(sc.Alias, sc.ReceivedAt) {
				person := s.links.Person(sc.Alias)
				found[person] = append(found[person], sc)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("reading the scans of people: %w", err)
		}
	}
	scans := make(map[uuid.UUID][]stay.Scan, len(found))
	for person, of := range found {
		slices.SortFunc(of, func(a, b scan.Scan) int {
			return cmp.Or(cmp.Compare(a.Shard, b.Shard), cmp.Compare(a.Seq, b.Seq))
		})
		list := make([]stay.Scan, len(of))
		for i := range of {
			list[i] = of[i].ForStay()
		}
		scans[person] = list
	}
	return scans, nil
}

// longestStay, in seconds, is how long after its entry a stay ends at the latest.
const longestStay int64 = 24 * 60 * 60

// hour, in seconds, is how finely people are looked for; who was there a little before or after is sorted out once the
// stays are derived.
const hour = 60 * 60

// span is a range of hours, both ends included.
type span struct{ first, last int64 }

// peopleAt returns everybody who may have a stay that meets a window. United stays meet a window when one of the stays
// that they were made of does, and a stay [enter, leave) at v meets [from, to) only if v was scanned near it:
//
//   - Opened by a check-in or a renewal, it began with that scan and ends at most 24 hours later, by whatever rule: so v
//     was scanned in (from − 24 h, to).
//   - Made of a check-out alone, it ends with that scan and began at most v's dwell before: so v was scanned in
//     (from, to + dwell).
//
// So everybody scanned at v during (from − 24 h, to + dwell) is looked at, and nobody else can be meant.
func (s *Source) peopleAt(
	ctx context.Context, scope tracing.Scope, at map[tracing.Place][]int, windows []tracing.PlaceWindow,
) (map[uuid.UUID]struct{}, error) {
	spans := make(map[tracing.Place][]span) // by the place that was scanned
	ids := make(map[uuid.UUID]struct{})
	whole := span{first: scan.MaxAt / hour, last: 0}
	for place, those := range at {
		below := s.places.Below(scope, place.ID)
		for _, id := range below {
			ids[id] = struct{}{}
		}
		for _, i := range those {
			for _, id := range below {
				near := s.near(id, windows[i].From, windows[i].To)
				scanned := tracing.Place{ID: id, Trip: place.Trip}
				spans[scanned] = append(spans[scanned], near)
				whole.first, whole.last = min(whole.first, near.first), max(whole.last, near.last)
			}
		}
	}
	people := make(map[uuid.UUID]struct{})
	for part := range slices.Chunk(sortedIDs(ids), listed) {
		if err := s.findPeople(ctx, part, whole, spans, people); err != nil {
			return nil, fmt.Errorf("finding the people of places: %w", err)
		}
	}
	return people, nil
}

// near returns the hours in which a place must have been scanned by whoever has a stay there that meets [from, to).
func (s *Source) near(place uuid.UUID, from, to int64) span {
	// Clamped to what a scan can carry before anything is added, so that endless windows do not overflow.
	from, to = min(max(from, 0), scan.MaxAt), min(max(to, 0), scan.MaxAt)
	dwell := min(s.places.Dwell(place), scan.MaxAt)
	return span{first: max(from-longestStay, 0) / hour, last: min(to+dwell, scan.MaxAt) / hour}
}

// findPeople adds to people whoever was scanned at some of the places in a span of theirs.
func (s *Source) findPeople(
	ctx context.Context, places []uuid.UUID, whole span, spans map[tracing.Place][]span, people map[uuid.UUID]struct{},
) error {
	query := fmt.Sprintf("SELECT DISTINCT place, trip, intDiv(toUInt32(at), %d) AS hour, alias FROM scans_by_place"+
		" WHERE place IN (%s) AND at >= toDateTime(%d, 'UTC') AND at <= toDateTime(%d, 'UTC') AND %s",
		hour, uuidList(places), whole.first*hour, min(whole.last*hour+hour-1, scan.MaxAt), s.upTo)
	rows, err := s.store.conn.Query(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var place tracing.Place
		var alias uuid.UUID
		var at uint32
		if err := rows.Scan(&place.ID, &place.Trip, &at, &alias); err != nil {
			return err
		}
		if slices.ContainsFunc(spans[place], func(near span) bool { return near.first <= int64(at) && int64(at) <= near.last }) {
			people[s.links.Person(alias)] = struct{}{}
		}
	}
	return rows.Err()
}

// uuidList writes ids as a list of a query.
func uuidList(ids []uuid.UUID) string {
	var b strings.Builder
	b.Grow(39 * len(ids))
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\'')
		b.WriteString(id.String())
		b.WriteByte('\'')
	}
	return b.String()
}
