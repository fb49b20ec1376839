package tracingtest

import (
	"bytes"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// tree answers questions about the places of a world by looking through them.
type tree []tracing.PlaceInfo

func (t tree) find(id uuid.UUID) (tracing.PlaceInfo, bool) {
	for _, p := range t {
		if p.ID == id {
			return p, true
		}
	}
	return tracing.PlaceInfo{ID: id, Dwell: tracing.DefaultDwell}, false
}

// above lists the ancestors of a place, nearest first.
func (t tree) above(id uuid.UUID) []uuid.UUID {
	var ids []uuid.UUID
	for p, _ := t.find(id); p.Parent != uuid.Nil; p, _ = t.find(p.Parent) {
		ids = append(ids, p.Parent)
	}
	return ids
}

func (t tree) contact(scope tracing.Scope, p tracing.Place) (tracing.Place, bool) {
	switch scope {
	case tracing.ScopePart:
		for _, other := range t {
			if other.Parent == p.ID {
				return p, false
			}
		}
	case tracing.ScopeSite:
		if ids := t.above(p.ID); len(ids) > 0 {
			p.ID = ids[len(ids)-1]
		}
	}
	return p, true
}

// NaiveStays derives the stays of a world, slowly and in another way than package stay: for every scan that opens a stay it
// looks ahead for the scan that ends it. They are clipped at w.AsOf and sorted by (person, enter, place, trip, leave).
func NaiveStays(w World) []tracing.Stay {
	var stays []tracing.Stay
	for person, scans := range judged(w) {
		for i, s := range scans {
			if slices.IndexFunc(scans, func(o stay.Scan) bool { return o.Place == s.Place }) == i {
				stays = append(stays, staysAt(w, person, s.Place, scans)...)
			}
		}
	}
	clipped := stays[:0]
	for _, s := range stays {
		if s.Leave = min(s.Leave, w.AsOf); s.Leave > s.Enter {
			clipped = append(clipped, s)
		}
	}
	sort.Slice(clipped, func(i, j int) bool {
		a, b := clipped[i], clipped[j]
		if a.Person != b.Person {
			return bytes.Compare(a.Person[:], b.Person[:]) < 0
		}
		if a.Enter != b.Enter {
			return a.Enter < b.Enter
		}
		if c := a.Place.Compare(b.Place); c != 0 {
			return c < 0
		}
		return a.Leave < b.Leave
	})
	return clipped
}

// judged returns the scans of each person that count, in their order, with all doubts.
func judged(w World) map[uuid.UUID][]stay.Scan {
	byPerson := map[uuid.UUID][]stay.Scan{}
	for i, s := range w.Scans {
		if counts(w.Scans, i) {
			byPerson[w.person(s.Alias)] = append(byPerson[w.person(s.Alias)], s)
		}
	}
	for _, scans := range byPerson {
		sort.Slice(scans, func(i, j int) bool { return readBefore(scans[i], scans[j]) })
		doubt(w, scans)
	}
	return byPerson
}

// doubt adds to a person's scans, in their order, the doubts that they cast on one another: it looks at every two of them.
func doubt(w World, scans []stay.Scan) {
	moved := func(i int) bool { return i == 0 || scans[i].Place != scans[i-1].Place }
	for i := range scans {
		moves := 0
		for j := i; j < len(scans); j++ {
			if moved(j) {
				moves++
			}
			if moved(i) && moved(j) && moves >= 8 && scans[j].At-scans[i].At <= 120 {
				for k := i; k <= j; k++ {
					scans[k].Doubts |= stay.Burst
				}
			}
			if j == i+1 && scans[j].At-scans[i].At < way(w, scans[i].Place, scans[j].Place) {
				scans[i].Doubts |= stay.TwoPlaces
				scans[j].Doubts |= stay.TwoPlaces
			}
		}
	}
}

// way returns how many seconds are between two places at least.
func way(w World, a, b tracing.Place) int64 {
	one, _ := tree(w.Places).find(a.ID)
	other, _ := tree(w.Places).find(b.ID)
	from, to := strings.Split(one.Area, "/"), strings.Split(other.Area, "/")
	switch {
	case a.Trip != uuid.Nil || b.Trip != uuid.Nil || one.Area == "" || other.Area == "":
		return 0
	case from[0] != to[0]:
		return 300
	case len(from) == 2 && len(to) == 2 && from[1] != to[1]:
		return 120
	}
	return 0
}

// counts says whether scan i is no void, no repeat and not taken back.
func counts(scans []stay.Scan, i int) bool {
	s := scans[i]
	if s.Kind == stay.Void {
		return false
	}
	for j, other := range scans {
		if other.Alias != s.Alias {
			continue
		}
		if j < i && other.ID == s.ID || other.Kind == stay.Void && other.Voids == s.ID {
			return false
		}
	}
	return true
}

func readBefore(a, b stay.Scan) bool {
	if a.At != b.At {
		return a.At < b.At
	}
	if outA, outB := a.Kind == stay.Out, b.Kind == stay.Out; outA != outB {
		return outA
	}
	if a.ID != b.ID {
		return bytes.Compare(a.ID[:], b.ID[:]) < 0
	}
	return bytes.Compare(a.Alias[:], b.Alias[:]) < 0
}

// staysAt returns one person's stays at v.
func staysAt(w World, person uuid.UUID, v tracing.Place, scans []stay.Scan) []tracing.Stay {
	info, _ := tree(w.Places).find(v.ID)
	var stays []tracing.Stay
	closed := -1 // the scan that ended the last stay; len(scans) if none did
	for i, s := range scans {
		if s.Place != v || i < closed {
			continue
		}
		switch {
		case s.Kind != stay.Out:
			one, end := follow(w, info, scans, i)
			one.Person = person
			stays, closed = append(stays, one), end
		case i != closed && !endsAnother(w, scans, i):
			enter := s.At - info.Dwell
			if i > 0 {
				enter = max(enter, scans[i-1].At)
			}
			stays = append(stays, tracing.Stay{
				Person: person, Place: v, Enter: enter, Leave: s.At, Basis: tracing.Assumed, Flagged: s.Doubts != 0,
			})
		}
	}
	return stays
}

// endsAnother says whether scan i, which is a check-out, ends a stay on another trip of its vehicle.
func endsAnother(w World, scans []stay.Scan, i int) bool {
	for _, other := range scans[:i] {
		if v := other.Place; v.ID == scans[i].Place.ID && v != scans[i].Place {
			info, _ := tree(w.Places).find(v.ID)
			closed := -1
			for k, s := range scans[:i] {
				if s.Place == v && s.Kind != stay.Out && k >= closed {
					if _, closed = follow(w, info, scans, k); closed == i {
						return true
					}
				}
			}
		}
	}
	return false
}

// follow returns the stay that scan i opens and the position of the scan that ends it.
func follow(w World, info tracing.PlaceInfo, scans []stay.Scan, i int) (tracing.Stay, int) {
	const hour, day = 3600, 24 * 3600
	v, enter := scans[i].Place, scans[i].At
	end := enter + min(info.Dwell, day)
	flagged := scans[i].Doubts != 0
	ends := func(leave int64, basis tracing.Basis, flagged bool, by int) (tracing.Stay, int) {
		return tracing.Stay{Place: v, Enter: enter, Leave: leave, Basis: basis, Flagged: flagged}, by
	}
	for j := i + 1; j < len(scans); j++ {
		s := scans[j]
		below := v.Trip == uuid.Nil && slices.Contains(tree(w.Places).above(s.Place.ID), v.ID)
		checksOut := s.Place.ID == v.ID && s.Kind == stay.Out
		switch {
		case checksOut && (s.At <= end || s.At <= enter+min(day, max(4*hour, 2*info.Dwell))):
			return ends(s.At, tracing.Checkout, flagged || s.Doubts != 0, j)
		case checksOut, s.At > end:
			return ends(end, tracing.Assumed, flagged, j)
		case s.Place == v || below:
			end = min(s.At+info.Dwell, enter+day)
			flagged = flagged || s.Doubts != 0
		case s.At == end:
			return ends(end, tracing.Assumed, flagged, j)
		default:
			return ends(s.At, tracing.Moved, flagged || s.Doubts != 0, j)
		}
	}
	return ends(end, tracing.Assumed, flagged, len(scans))
}

// NaiveUnited unites the stays of a world at the contact places of a scope: those that touch, directly or through others,
// are one. The order is not defined.
func NaiveUnited(w World, scope tracing.Scope) []tracing.United {
	return naiveUnited(w, NaiveStays(w), scope)
}

func naiveUnited(w World, stays []tracing.Stay, scope tracing.Scope) []tracing.United {
	var united []tracing.United
	for _, s := range stays {
		place, ok := tree(w.Places).contact(scope, s.Place)
		if !ok {
			continue
		}
		one := tracing.United{
			Person: s.Person, Place: place, Enter: s.Enter, Leave: s.Leave,
			Parts: []tracing.Part{{Enter: s.Enter, Leave: s.Leave, Basis: s.Basis, Flagged: s.Flagged}},
		}
		var apart []tracing.United
		for _, u := range united {
			touches := u.Person == one.Person && u.Place == one.Place && u.Enter <= one.Leave && one.Enter <= u.Leave
			if !touches {
				apart = append(apart, u)
				continue
			}
			one.Enter, one.Leave = min(one.Enter, u.Enter), max(one.Leave, u.Leave)
			one.Parts = append(one.Parts, u.Parts...)
		}
		united = append(apart, one)
	}
	for _, u := range united {
		sort.Slice(u.Parts, func(i, j int) bool {
			a, b := u.Parts[i], u.Parts[j]
			if a.Enter != b.Enter {
				return a.Enter < b.Enter
			}
			if a.Leave != b.Leave {
				return a.Leave < b.Leave
			}
			if a.Basis != b.Basis {
				return a.Basis < b.Basis
			}
			return !a.Flagged && b.Flagged
		})
	}
	return united
}

// NaiveTrace walks through a world, comparing everybody with everybody at every hop.
func NaiveTrace(w World, req tracing.Request) *tracing.Report {
	return naiveWalk(NaiveUnited(w, req.Numbers.Scope), req)
}

// meeting is one contact: b was exposed.
type meeting struct {
	b        uuid.UUID
	evidence tracing.Evidence
}

func naiveWalk(united []tracing.United, req tracing.Request) *tracing.Report {
	n := req.Numbers
	listed := map[uuid.UUID]int{}
	evidence := map[uuid.UUID][]tracing.Evidence{}
	carrying := map[uuid.UUID]int64{}
	for hop := 1; hop <= n.Depth; hop++ {
		var meetings []meeting
		for _, c := range req.Cases {
			meetings = append(meetings, meetingsOf(united, c.Person, c.Window, n)...)
		}
		for a, c := range carrying {
			until := req.End
			if isolated, ok := req.Isolated[a]; ok && isolated < until {
				until = isolated
			}
			meetings = append(meetings, meetingsOf(united, a, tracing.Window{From: c + n.Latency, To: until}, n)...)
		}
		after := map[uuid.UUID]int64{}
		for a, c := range carrying {
			after[a] = c
		}
		for _, m := range meetings {
			if slices.ContainsFunc(req.Cases, func(c tracing.Case) bool { return c.Person == m.b }) {
				continue
			}
			if listed[m.b] == 0 {
				listed[m.b] = hop
			}
			if listed[m.b] == hop {
				evidence[m.b] = append(evidence[m.b], m.evidence)
			}
			if n.CrowdLimit > 0 && m.evidence.Crowd > n.CrowdLimit {
				continue
			}
			if label, ok := after[m.b]; !ok || m.evidence.From < label {
				after[m.b] = m.evidence.From
			}
		}
		carrying = after
	}
	return naiveReport(listed, evidence)
}

// meetingsOf returns every contact that a causes during the infectious window.
func meetingsOf(united []tracing.United, a uuid.UUID, infectious tracing.Window, n tracing.Numbers) []meeting {
	var meetings []meeting
	for _, s := range united {
		from, to := max(s.Enter, infectious.From), min(s.Leave, infectious.To)
		if s.Person != a || from >= to {
			continue
		}
		crowd := map[uuid.UUID]bool{}
		for _, t := range united {
			if t.Place == s.Place && t.Person != a && t.Enter < s.Leave && s.Enter < t.Leave {
				crowd[t.Person] = true
			}
		}
		for _, t := range united {
			e := tracing.Evidence{
				Source: a, Place: s.Place, From: max(from, t.Enter), To: min(to+n.Linger, t.Leave), Crowd: len(crowd),
			}
			if t.Place != s.Place || t.Person == a || e.To <= e.From || e.To-e.From < n.MinOverlap {
				continue
			}
			sourceParts := during(s.Parts, e.From, e.To)
			if len(sourceParts) == 0 { // met in the linger only
				sourceParts = during(s.Parts, to-1, to)
			}
			contactParts := during(t.Parts, e.From, e.To)
			for _, p := range sourceParts {
				e.SourceBasis = max(e.SourceBasis, p.Basis)
			}
			for _, p := range contactParts {
				e.ContactBasis = max(e.ContactBasis, p.Basis)
			}
			for _, p := range append(sourceParts, contactParts...) {
				e.Flagged = e.Flagged || p.Flagged
				if p.Basis == tracing.Moved {
					e.Certainty = max(e.Certainty, tracing.Probable)
				}
				if p.Basis == tracing.Assumed || p.Flagged {
					e.Certainty = tracing.Possible
				}
			}
			meetings = append(meetings, meeting{b: t.Person, evidence: e})
		}
	}
	return meetings
}

// during returns those parts that meet [from, to).
func during(parts []tracing.Part, from, to int64) []tracing.Part {
	var met []tracing.Part
	for _, p := range parts {
		if p.Enter < to && from < p.Leave {
			met = append(met, p)
		}
	}
	return met
}

// naiveReport puts the lists in the form and order of a report.
func naiveReport(listed map[uuid.UUID]int, evidence map[uuid.UUID][]tracing.Evidence) *tracing.Report {
	report := &tracing.Report{}
	for b, generation := range listed {
		c := tracing.Contact{
			Person: b, Generation: generation, FirstExposure: math.MaxInt64, LastExposure: math.MinInt64,
			Certainty: tracing.Possible, Evidence: evidence[b], Encounters: len(evidence[b]),
		}
		for _, e := range c.Evidence {
			c.FirstExposure, c.LastExposure = min(c.FirstExposure, e.From), max(c.LastExposure, e.To)
			c.Overlap += e.To - e.From
			c.Certainty = min(c.Certainty, e.Certainty)
			weight := map[tracing.Certainty]int64{tracing.Confirmed: 30, tracing.Probable: 20, tracing.Possible: 10}
			c.Score += (e.To - e.From) * weight[e.Certainty] / int64(10+e.Crowd)
		}
		sort.Slice(c.Evidence, func(i, j int) bool { return evidenceBefore(c.Evidence[i], c.Evidence[j]) })
		report.Contacts = append(report.Contacts, c)
	}
	sort.Slice(report.Contacts, func(i, j int) bool {
		a, b := report.Contacts[i], report.Contacts[j]
		if a.Generation != b.Generation {
			return a.Generation < b.Generation
		}
		if a.Score != b.Score {
			return a.Score > b.Score
		}
		return a.Person.String() < b.Person.String()
	})
	return report
}

func evidenceBefore(a, b tracing.Evidence) bool {
	switch {
	case a.From != b.From:
		return a.From < b.From
	case a.To != b.To:
		return a.To < b.To
	case a.Source != b.Source:
		return a.Source.String() < b.Source.String()
	case a.Place != b.Place:
		return a.Place.Compare(b.Place) < 0
	case a.SourceBasis != b.SourceBasis:
		return a.SourceBasis < b.SourceBasis
	case a.ContactBasis != b.ContactBasis:
		return a.ContactBasis < b.ContactBasis
	case a.Crowd != b.Crowd:
		return a.Crowd < b.Crowd
	default:
		return !a.Flagged && b.Flagged
	}
}
