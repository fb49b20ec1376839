package memindex

import (
	"cmp"
	"slices"
	"sort"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
)

// view is a set of united stays in two orders.
type view struct {
	people   []uuid.UUID
	personNo map[uuid.UUID]int32
	places   []tracing.Place
	placeNo  map[tracing.Place]int32

	united   []union // by person, then entry
	parts    []tracing.Part
	byPerson groups  // of united
	atPlaces []int32 // positions in united: by place, then entry
	byPlace  groups  // of atPlaces
}

// union is a united stay, with numbers for its person and place and positions for its parts.
type union struct {
	person, place int32
	enter, leave  int64
	first, end    int32 // of its parts
}

// groups cuts a list into consecutive groups, each in the order of the entries: group i is [start[i], start[i+1]). latest
// is, for each member, the last exit so far in its group, so that the first candidates of a window can be searched for.
type groups struct {
	start  []int32
	latest []int64
}

// newView makes the view of visits, in which those of person i are [start[i], start[i+1]). It reorders visits.
func newView(people numbering[uuid.UUID], places numbering[tracing.Place], start []int32, visits []visit) *view {
	v := &view{
		people: people.things, personNo: people.number, places: places.things, placeNo: places.number,
		united: make([]union, 0, len(visits)), parts: make([]tracing.Part, 0, len(visits)),
	}
	v.byPerson.start = make([]int32, 0, len(start))
	var scratch []tracing.United
	for person := range v.people {
		v.byPerson.start = append(v.byPerson.start, int32(len(v.united)))
		scratch = v.addPerson(int32(person), visits[start[person]:start[person+1]], scratch)
	}
	v.byPerson.start = append(v.byPerson.start, int32(len(v.united)))
	v.byPerson.latest = v.latest(v.byPerson.start, func(i int32) *union { return &v.united[i] })
	v.orderByPlace()
	return v
}

// addPerson adds what the visits of a person unite to, and returns scratch to be used again.
func (v *view) addPerson(person int32, visits []visit, scratch []tracing.United) []tracing.United {
	visits = slices.DeleteFunc(visits, func(w visit) bool { return w.part.Leave <= w.part.Enter })
	slices.SortFunc(visits, func(a, b visit) int { return cmp.Compare(a.place, b.place) })
	firstUnion := len(v.united)
	for i := 0; i < len(visits); {
		place := visits[i].place
		first := len(v.parts)
		for ; i < len(visits) && visits[i].place == place; i++ {
			v.parts = append(v.parts, visits[i].part)
		}
		scratch = tracing.UniteParts(scratch[:0], v.people[person], v.places[place], v.parts[first:])
		for _, u := range scratch {
			end := first + len(u.Parts)
			v.united = append(v.united, union{person, place, u.Enter, u.Leave, int32(first), int32(end)})
			first = end
		}
	}
	slices.SortFunc(v.united[firstUnion:], func(a, b union) int { return cmp.Compare(a.enter, b.enter) })
	return scratch
}

// orderByPlace makes the second order.
func (v *view) orderByPlace() {
	start := make([]int32, len(v.places)+1)
	for i := range v.united {
		start[v.united[i].place]++
	}
	starts(start)
	v.atPlaces = make([]int32, len(v.united))
	next := slices.Clone(start)
	for i := range v.united {
		n := &next[v.united[i].place]
		v.atPlaces[*n] = int32(i)
		*n++
	}
	for place := range v.places {
		slices.SortFunc(v.atPlaces[start[place]:start[place+1]], func(i, j int32) int {
			return cmp.Compare(v.united[i].enter, v.united[j].enter)
		})
	}
	v.byPlace = groups{start: start, latest: v.latest(start, func(i int32) *union { return &v.united[v.atPlaces[i]] })}
}

// latest returns the running maximum of the exits in each group.
func (v *view) latest(start []int32, at func(int32) *union) []int64 {
	latest := make([]int64, len(v.united))
	for g := range start[:len(start)-1] {
		for i := start[g]; i < start[g+1]; i++ {
			latest[i] = at(i).leave
			if i > start[g] {
				latest[i] = max(latest[i], latest[i-1])
			}
		}
	}
	return latest
}

// since returns the positions of the members of a group from the first that leaves after from.
func (g *groups) since(group int32, from int64) (first, end int32) {
	first, end = g.start[group], g.start[group+1]
	skipped := sort.Search(int(end-first), func(i int) bool { return g.latest[first+int32(i)] > from })
	return first + int32(skipped), end
}

// rolledUp returns the view of the same stays at other places.
func (v *view) rolledUp(to func(tracing.Place) tracing.Place) *view {
	places := numbering[tracing.Place]{number: make(map[tracing.Place]int32)}
	number := make([]int32, len(v.places))
	for i, p := range v.places {
		number[i] = places.of(to(p))
	}
	visits := make([]visit, 0, len(v.parts))
	start := make([]int32, 0, len(v.people)+1)
	for person := range v.people {
		start = append(start, int32(len(visits)))
		for _, u := range v.united[v.byPerson.start[person]:v.byPerson.start[person+1]] {
			for _, part := range v.parts[u.first:u.end] {
				visits = append(visits, visit{number[u.place], part})
			}
		}
	}
	start = append(start, int32(len(visits)))
	return newView(numbering[uuid.UUID]{v.personNo, v.people}, places, start, visits)
}
