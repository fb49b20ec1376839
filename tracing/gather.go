package tracing

import (
	"cmp"
	"context"
	"slices"
	"sort"

	"github.com/google/uuid"
)

// gathering finds contacts by asking a source, and describes them. People get numbers as they are met.
type gathering struct {
	src     Source
	numbers map[uuid.UUID]uint32
	ids     []uuid.UUID
	q       Question

	met   []met // by person
	pairs []pair

	// Where evidence is wanted of a person, wanted says so and evidence holds it, in order; for somebody new wantNew decides.
	wanted     []bool
	evidence   [][]Evidence
	wantNew    bool
	encounters [][]encounter // of the call at work with those who are wanted, in blocks

	// seen[n] is the number of the last presence in whose crowd person n was counted.
	seen      []int32
	presences int32
	contacts  []int // guests of the presence at work that were met, a scratch slice
}

// met is what a hop found of a person.
type met struct{ first, carrying int64 }

// pair is two people who had a contact, and the position of the source's window.
type pair struct{ contact, source, window uint32 }

// presence is a stay of a source who is infectious during a part of it.
type presence struct {
	person uint32
	window uint32 // its position among the sources
	stay   United
	from   int64 // the infectious part, which ends at to
	to     int64
	until  int64 // to + linger
}

// reach is the end of all that the contacts and the crowd of the presence depend on.
func (p *presence) reach() int64 { return max(p.stay.Leave, p.until) }

// guest is a stay at the place of a presence.
type guest struct {
	person uint32
	enter  int64
	leave  int64
	parts  []Part
}

func newGathering(src Source) *gathering {
	return &gathering{src: src, numbers: make(map[uuid.UUID]uint32)}
}

// number returns the number of a person, a new one for somebody new.
func (g *gathering) number(id uuid.UUID) uint32 {
	n, known := g.numbers[id]
	if !known {
		n = uint32(len(g.ids))
		g.numbers[id] = n
		g.ids = append(g.ids, id)
		g.met = append(g.met, met{Never, Never})
		g.seen = append(g.seen, 0)
		g.wanted = append(g.wanted, g.wantNew)
		g.evidence = append(g.evidence, nil)
	}
	return n
}

// want makes the gathering keep the evidence of a person.
func (g *gathering) want(id uuid.UUID) { g.wanted[g.number(id)] = true }

// know numbers those whom a request names.
func (g *gathering) know(req Request) {
	for _, c := range req.Cases {
		g.number(c.Person)
	}
	for id := range req.Isolated {
		g.number(id)
	}
}

// PersonNumber implements meeter: who has none has not been met.
func (g *gathering) PersonNumber(id uuid.UUID) (uint32, bool) {
	n, known := g.numbers[id]
	return n, known
}

// PersonID implements meeter.
func (g *gathering) PersonID(number uint32) uuid.UUID { return g.ids[number] }

// Meet implements meeter, with at most one call of each method of the source. Evidence is kept of the first call that
// finds any: that of the generation.
func (g *gathering) Meet(ctx context.Context, q Question, sources []Infectious) (Meetings, error) {
	g.q = q
	presences, err := g.presencesOf(ctx, sources)
	if err != nil {
		return Meetings{}, err
	}
	if err := g.meetAll(ctx, presences); err != nil {
		return Meetings{}, err
	}
	g.describeAll()
	return g.collect(sources), nil
}

// collect returns what was found, and forgets it.
func (g *gathering) collect(sources []Infectious) Meetings {
	var m Meetings
	row := make([]int, len(g.ids))
	for n := range g.met {
		found := &g.met[n]
		if found.first == Never {
			continue
		}
		row[n] = len(m.Met)
		m.Met = append(m.Met, Met{Person: uint32(n), First: found.first})
		if g.q.Numbers.CrowdLimit > 0 {
			m.Carrying = append(m.Carrying, found.carrying)
		}
		*found = met{Never, Never}
		if g.evidence[n] != nil {
			g.wanted[n] = false
		}
	}
	slices.SortFunc(g.pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.contact, b.contact), cmp.Compare(a.source, b.source), cmp.Compare(a.window, b.window))
	})
	g.pairs = slices.Compact(g.pairs)
	for i, p := range g.pairs {
		if g.q.Sources && (i == 0 || p.contact != g.pairs[i-1].contact || p.source != g.pairs[i-1].source) {
			m.Met[row[p.contact]].Sources++
		}
	}
	m.Roots = g.roots(sources, row, len(m.Met))
	g.pairs = g.pairs[:0]
	return m
}

// roots returns the union of the cases of those whom each person met.
func (g *gathering) roots(sources []Infectious, row []int, rows int) []uint64 {
	words := g.q.Words
	if words == 0 {
		return nil
	}
	roots := make([]uint64, rows*words)
	for _, p := range g.pairs {
		for w, bits := range sources[p.window].Roots {
			roots[row[p.contact]*words+w] |= bits
		}
	}
	return roots
}

// presencesOf asks where the sources were while infectious.
func (g *gathering) presencesOf(ctx context.Context, sources []Infectious) ([]presence, error) {
	windows := make([]PersonWindow, len(sources))
	for i, s := range sources {
		windows[i] = PersonWindow{Person: g.ids[s.Person], From: s.Window.From, To: s.Window.To}
	}
	var presences []presence
	err := g.src.OfPeople(ctx, g.q.Numbers.Scope, windows, func(i int, s United) error {
		presences = append(presences, g.presence(i, sources, s))
		return nil
	})
	return presences, err
}

// presence returns the presence of the i-th source during a stay that meets their window.
func (g *gathering) presence(i int, sources []Infectious, s United) presence {
	source := &sources[i]
	to := min(s.Leave, source.Window.To)
	return presence{
		person: source.Person, window: uint32(i), stay: s, from: max(s.Enter, source.Window.From), to: to, until: to + g.q.Numbers.Linger,
	}
}

// presencesNear asks where sources were, while infectious, that people may have met them: at the places and times of these
// people. It asks twice.
func (g *gathering) presencesNear(ctx context.Context, people []uuid.UUID, sources []Infectious) ([]presence, error) {
	of := make(map[uint32][]int, len(sources))
	first := Never
	for i, s := range sources {
		of[s.Person] = append(of[s.Person], i)
		first = min(first, s.Window.From)
	}
	windows := make([]PersonWindow, len(people))
	for i, id := range people {
		windows[i] = PersonWindow{Person: id, From: first, To: Never}
	}
	var near []PlaceWindow
	err := g.src.OfPeople(ctx, g.q.Numbers.Scope, windows, func(_ int, s United) error {
		near = append(near, PlaceWindow{Place: s.Place, From: s.Enter - g.q.Numbers.Linger, To: s.Leave})
		return nil
	})
	if err != nil {
		return nil, err
	}
	type stayKey struct {
		person uint32
		place  Place
		enter  int64
	}
	seen := make(map[stayKey]bool)
	var presences []presence
	err = g.src.AtPlaces(ctx, g.q.Numbers.Scope, near, func(_ int, s United) error {
		number, known := g.numbers[s.Person]
		if !known || len(of[number]) == 0 || seen[stayKey{number, s.Place, s.Enter}] {
			return nil
		}
		seen[stayKey{number, s.Place, s.Enter}] = true
		for _, n := range of[number] {
			if s.Enter < sources[n].Window.To && sources[n].Window.From < s.Leave {
				presences = append(presences, g.presence(n, sources, s))
			}
		}
		return nil
	})
	return presences, err
}

// meetAll takes the contacts of presences.
func (g *gathering) meetAll(ctx context.Context, presences []presence) error {
	if len(presences) == 0 {
		return nil
	}
	windows, groups := placeWindows(presences)
	guests := make([][]guest, len(windows))
	err := g.src.AtPlaces(ctx, g.q.Numbers.Scope, windows, func(i int, s United) error {
		guests[i] = append(guests[i], guest{person: g.number(s.Person), enter: s.Enter, leave: s.Leave, parts: s.Parts})
		return nil
	})
	if err != nil {
		return err
	}
	for i := range groups {
		if err := ctx.Err(); err != nil {
			return err
		}
		g.meet(groups[i], guests[i])
		guests[i] = nil
	}
	return nil
}

// placeWindows sorts the presences by place and entry, cuts them into groups of those that are at one place and hang
// together in time, and returns for each group the window that all its contacts and crowds lie in.
func placeWindows(presences []presence) ([]PlaceWindow, [][]presence) {
	slices.SortFunc(presences, func(a, b presence) int {
		if c := a.stay.Place.Compare(b.stay.Place); c != 0 {
			return c
		}
		return cmp.Compare(a.stay.Enter, b.stay.Enter)
	})
	var windows []PlaceWindow
	var groups [][]presence
	first := 0
	for i := range presences {
		p := &presences[i]
		if last := len(windows) - 1; last >= 0 && windows[last].Place == p.stay.Place && p.stay.Enter <= windows[last].To {
			windows[last].To = max(windows[last].To, p.reach())
		} else {
			windows = append(windows, PlaceWindow{Place: p.stay.Place, From: p.stay.Enter, To: p.reach()})
			groups = append(groups, nil)
			first = i
		}
		groups[len(groups)-1] = presences[first : i+1]
	}
	return windows, groups
}

// meet takes the contacts of presences at one place with the guests of that place.
func (g *gathering) meet(presences []presence, guests []guest) {
	slices.SortFunc(guests, func(a, b guest) int { return cmp.Compare(a.enter, b.enter) })
	latest := make([]int64, len(guests)) // latest[i] is the last to leave of guests[:i+1]
	for i := range guests {
		latest[i] = guests[i].leave
		if i > 0 {
			latest[i] = max(latest[i], latest[i-1])
		}
	}
	for i := range presences {
		p := &presences[i]
		// Outside [first, last) nobody meets the stay or its linger.
		first := sort.Search(len(guests), func(j int) bool { return latest[j] > p.stay.Enter })
		reach := p.reach()
		last := first + sort.Search(len(guests)-first, func(j int) bool { return guests[first+j].enter >= reach })
		g.meetOne(p, guests[first:last])
	}
}

// meetOne takes the contacts of one presence.
func (g *gathering) meetOne(p *presence, guests []guest) {
	g.presences++
	g.seen[p.person] = g.presences // nobody is in their own crowd
	g.contacts = g.contacts[:0]
	crowd := 0
	for i := range guests {
		b := &guests[i]
		if b.enter < p.stay.Leave && p.stay.Enter < b.leave && g.seen[b.person] != g.presences {
			g.seen[b.person] = g.presences
			crowd++
		}
		overlap := min(p.until, b.leave) - max(p.from, b.enter)
		if overlap > 0 && overlap >= g.q.Numbers.MinOverlap && b.person != p.person {
			g.contacts = append(g.contacts, i)
		}
	}
	for _, i := range g.contacts {
		g.contact(p, &guests[i], crowd)
	}
}

// contact takes in one contact.
func (g *gathering) contact(p *presence, b *guest, crowd int) {
	exposed := max(p.from, b.enter)
	m := &g.met[b.person]
	m.first = min(m.first, exposed)
	if limit := g.q.Numbers.CrowdLimit; limit == 0 || crowd <= limit {
		m.carrying = min(m.carrying, exposed)
	}
	if g.q.Sources || g.q.Words > 0 {
		g.pairs = append(g.pairs, pair{b.person, p.person, p.window})
	}
	if g.wanted[b.person] {
		g.note(encounter{b.person, int32(crowd), p, b})
	}
}
