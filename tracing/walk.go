package tracing

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sort"

	"github.com/google/uuid"
)

// walk is the state of one trace. People are numbered as they are met, so that what is known of them stands in slices.
type walk struct {
	src Source
	req Request

	numbers map[uuid.UUID]int32
	people  []person
	earlier []int32 // who got an earlier label in this hop, each once

	// seen[n] is the number of the last presence in whose crowd person n was counted.
	seen      []int32
	presences int32
	met       []int // guests of the presence at work that were met, a scratch slice
}

// person is what is known of a numbered person.
type person struct {
	id         uuid.UUID
	isCase     bool
	isEarlier  bool // stands in walk.earlier
	generation int  // 0: not listed
	carrying   int64
	evidence   []Evidence
}

// never is the label of those who do not carry on.
const never int64 = math.MaxInt64

// source is somebody who may infect others during window.
type source struct {
	person int32
	window Window
}

// presence is a stay of a source who is infectious during a part of it.
type presence struct {
	person int32
	stay   United
	from   int64 // the infectious part, which ends at to
	to     int64
	until  int64 // to + linger
}

// reach is the end of all that the contacts and the crowd of the presence depend on.
func (p *presence) reach() int64 { return max(p.stay.Leave, p.until) }

// guest is a stay at the place of a presence.
type guest struct {
	person int32
	enter  int64
	leave  int64
	parts  []Part
}

func newWalk(src Source, req Request) *walk {
	w := &walk{src: src, req: req, numbers: make(map[uuid.UUID]int32)}
	for _, c := range req.Cases {
		w.people[w.number(c.Person)].isCase = true
	}
	return w
}

// number returns the number of a person, a new one for somebody new.
func (w *walk) number(id uuid.UUID) int32 {
	n, known := w.numbers[id]
	if !known {
		n = int32(len(w.people))
		w.numbers[id] = n
		w.people = append(w.people, person{id: id, carrying: never})
		w.seen = append(w.seen, 0)
	}
	return n
}

// changed returns those who got an earlier label in the last hop, as sources, and forgets that they did.
func (w *walk) changed() []source {
	sources := make([]source, 0, len(w.earlier))
	for _, n := range w.earlier {
		p := &w.people[n]
		p.isEarlier = false
		window := Window{From: p.carrying + w.req.Numbers.Latency, To: w.req.End}
		if isolated, ok := w.req.Isolated[p.id]; ok {
			window.To = min(window.To, isolated)
		}
		if window.From < window.To {
			sources = append(sources, source{person: n, window: window})
		}
	}
	w.earlier = w.earlier[:0]
	return sources
}

// hop takes every contact of the sources and labels the people whom they reach.
func (w *walk) hop(ctx context.Context, hop int, sources []source) error {
	presences, err := w.presencesOf(ctx, sources)
	if err != nil || len(presences) == 0 {
		return err
	}
	windows, groups := placeWindows(presences)
	guests := make([][]guest, len(windows))
	err = w.src.AtPlaces(ctx, w.req.Numbers.Scope, windows, func(i int, s United) error {
		guests[i] = append(guests[i], guest{person: w.number(s.Person), enter: s.Enter, leave: s.Leave, parts: s.Parts})
		return nil
	})
	if err != nil {
		return err
	}
	for i := range groups {
		if err := ctx.Err(); err != nil {
			return err
		}
		w.meet(hop, groups[i], guests[i])
		guests[i] = nil
	}
	return nil
}

// presencesOf asks where the sources were while infectious.
func (w *walk) presencesOf(ctx context.Context, sources []source) ([]presence, error) {
	windows := make([]PersonWindow, len(sources))
	for i, s := range sources {
		windows[i] = PersonWindow{Person: w.people[s.person].id, From: s.window.From, To: s.window.To}
	}
	var presences []presence
	err := w.src.OfPeople(ctx, w.req.Numbers.Scope, windows, func(i int, s United) error {
		to := min(s.Leave, windows[i].To)
		presences = append(presences, presence{
			person: sources[i].person, stay: s, from: max(s.Enter, windows[i].From), to: to, until: to + w.req.Numbers.Linger,
		})
		return nil
	})
	return presences, err
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
func (w *walk) meet(hop int, presences []presence, guests []guest) {
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
		w.meetOne(hop, p, guests[first:last])
	}
}

// meetOne takes the contacts of one presence.
func (w *walk) meetOne(hop int, p *presence, guests []guest) {
	w.presences++
	w.seen[p.person] = w.presences // nobody is in their own crowd
	w.met = w.met[:0]
	crowd := 0
	for i := range guests {
		g := &guests[i]
		if g.enter < p.stay.Leave && p.stay.Enter < g.leave && w.seen[g.person] != w.presences {
			w.seen[g.person] = w.presences
			crowd++
		}
		overlap := min(p.until, g.leave) - max(p.from, g.enter)
		if overlap > 0 && overlap >= w.req.Numbers.MinOverlap && g.person != p.person && !w.people[g.person].isCase {
			w.met = append(w.met, i)
		}
	}
	carries := w.req.Numbers.CrowdLimit == 0 || crowd <= w.req.Numbers.CrowdLimit
	for _, i := range w.met {
		w.reached(hop, p, &guests[i], crowd, carries)
	}
}

// reached labels a guest whom p reached at this hop.
func (w *walk) reached(hop int, p *presence, g *guest, crowd int, carries bool) {
	b := &w.people[g.person]
	exposed := max(p.from, g.enter)
	if carries && exposed < b.carrying {
		b.carrying = exposed
		if !b.isEarlier {
			b.isEarlier = true
			w.earlier = append(w.earlier, g.person)
		}
	}
	if b.generation == 0 {
		b.generation = hop
	}
	if b.generation == hop {
		b.evidence = append(b.evidence, w.evidence(p, g, crowd))
	}
}

// evidence describes a contact.
func (w *walk) evidence(p *presence, g *guest, crowd int) Evidence {
	from, to := max(p.from, g.enter), min(p.until, g.leave)
	sourceBasis, sourceFlagged, met := worst(p.stay.Parts, from, to)
	if !met {
		sourceBasis, sourceFlagged, _ = worst(p.stay.Parts, p.to-1, p.to)
	}
	contactBasis, contactFlagged, _ := worst(g.parts, from, to)
	e := Evidence{
		Source: w.people[p.person].id, Place: p.stay.Place, From: from, To: to,
		SourceBasis: sourceBasis, ContactBasis: contactBasis,
		Crowd: crowd, Flagged: sourceFlagged || contactFlagged,
	}
	switch basis := max(sourceBasis, contactBasis); {
	case e.Flagged || basis == Assumed:
		e.Certainty = Possible
	case basis == Moved:
		e.Certainty = Probable
	default:
		e.Certainty = Confirmed
	}
	return e
}

// report sums up what the walk found.
func (w *walk) report() *Report {
	var contacts []Contact
	for i := range w.people {
		if p := &w.people[i]; p.generation > 0 {
			contacts = append(contacts, contactOf(p.id, p.generation, p.evidence))
		}
	}
	return newReport(contacts)
}
