// Package tracingtest holds what every tracing source is tested with: small worlds, a naive oracle that traces them without
// any of the engine's code, a conformance suite and readable outbreak scripts.
package tracingtest

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// World is all that a source is made of: places, scans in the order in which they arrived (identical repeats included), the
// person behind each linked alias, and the as-of time, which is math.MaxInt64 where nothing is clipped. Worlds share no
// id, so that many of them fit into one table. All times are between 2021 and 2022.
type World struct {
	Name   string // tells it apart, in messages
	Places []tracing.PlaceInfo
	Scans  []stay.Scan
	Links  map[uuid.UUID]uuid.UUID
	AsOf   int64
}

func (w World) person(alias uuid.UUID) uuid.UUID {
	if person, linked := w.Links[alias]; linked {
		return person
	}
	return alias
}

// people returns everybody who may have a stay, each once.
func (w World) people() []uuid.UUID {
	var people []uuid.UUID
	for _, s := range w.Scans {
		if p := w.person(s.Alias); !slices.Contains(people, p) {
			people = append(people, p)
		}
	}
	return people
}

// String shows the world to a human who looks for the fault, with ids cut short.
func (w World) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "world %s, as of %s\n", w.Name, clock(w.AsOf))
	for _, p := range w.Places {
		fmt.Fprintf(&b, "  place %s in %s dwell %s area %q\n", short(p.ID), short(p.Parent), time.Duration(p.Dwell)*time.Second, p.Area)
	}
	var links []string
	for alias, person := range w.Links {
		links = append(links, fmt.Sprintf("  alias %s is %s\n", short(alias), short(person)))
	}
	slices.Sort(links)
	b.WriteString(strings.Join(links, ""))
	for _, s := range w.Scans {
		kind := [...]string{stay.In: "in", stay.Out: "out", stay.Renew: "renew", stay.Void: "void"}[s.Kind]
		fmt.Fprintf(&b, "  %s %s of %s (%s) %s at %s/%s", clock(s.At), short(s.ID), short(w.person(s.Alias)), short(s.Alias), kind,
			short(s.Place.ID), short(s.Place.Trip))
		if s.Kind == stay.Void {
			fmt.Fprintf(&b, " takes back %s", short(s.Voids))
		}
		if s.Doubts != 0 {
			fmt.Fprintf(&b, " doubts %b", s.Doubts)
		}
		b.WriteByte('\n')
	}
	b.WriteString("  stays:\n")
	for _, s := range NaiveStays(w) {
		fmt.Fprintf(&b, "    %s at %s/%s %s to %s %s flagged=%t\n", short(s.Person), short(s.Place.ID), short(s.Place.Trip),
			clock(s.Enter), clock(s.Leave), s.Basis, s.Flagged)
	}
	return b.String()
}

func short(id uuid.UUID) string {
	if id == uuid.Nil {
		return "-"
	}
	return id.String()[:8]
}

func clock(t int64) string {
	if t < 0 || t > math.MaxUint32 {
		return fmt.Sprint(t)
	}
	return fmt.Sprintf("%s (%d)", time.Unix(t, 0).UTC().Format("02 15:04:05"), t)
}

// dice makes a random world.
type dice struct {
	*rand.Rand
	odd      *rand.Rand // for what makes scans doubtful, apart from what makes contacts
	world    World
	trips    map[uuid.UUID][]uuid.UUID
	from, to int64
}

// RandomWorld makes the small world of a seed: the same each time. It has up to 12 people and about 60 scans, and likes the
// awkward: equal times, stays that touch or cross midnight, forgotten check-outs, several aliases, voids, doubted scans, places
// three levels deep, trips, people who are at many places, or at far ones, at once.
func RandomWorld(seed uint64) World {
	d := newDice(seed)
	d.world.Name = fmt.Sprintf("seed %d", seed)
	d.makePlaces()
	// Few days: where worlds share tables, most days are of several worlds.
	midnight := time.Date(2021, 12, 1+d.IntN(4), 0, 0, 0, 0, time.UTC).Unix()
	hours := pick(d, []int64{2, 3, 4, 8, 30})
	d.from = midnight - hours*3600/2
	d.to = d.from + hours*3600
	for range 4 + d.IntN(9) {
		d.makePerson()
	}
	if d.odd.IntN(6) == 0 {
		d.roam()
	}
	d.spoil()
	d.world.AsOf = math.MaxInt64
	if d.IntN(4) == 0 {
		d.world.AsOf = d.time()
	}
	return d.world
}

func newDice(seed uint64) *dice {
	return &dice{
		Rand: rand.New(rand.NewPCG(seed, 0x7275796574)), odd: rand.New(rand.NewPCG(seed, 0x6f6464)),
		trips: map[uuid.UUID][]uuid.UUID{}, world: World{Links: map[uuid.UUID]uuid.UUID{}},
	}
}

func pick[T any](d interface{ IntN(int) int }, of []T) T { return of[d.IntN(len(of))] }

func (d *dice) id() uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], d.Uint64())
	binary.BigEndian.PutUint64(id[8:], d.Uint64())
	return id
}

// time returns a time of the world, often one of few, so that times coincide.
func (d *dice) time() int64 {
	t := d.from + d.Int64N(d.to-d.from)
	if d.IntN(4) > 0 {
		t -= t % 900
	}
	return t
}

func (d *dice) makePlaces() {
	w := &d.world
	depth := map[uuid.UUID]int{}
	for range pick(d, []int{2, 3, 4, 6, 8, 10, 12}) {
		p := tracing.PlaceInfo{
			ID: d.id(), Dwell: pick(d, []int64{900, 1800, 3600, 5400, 5400, 32400, 90000}),
			Area: pick(d.odd, []string{"1/1", "1/1", "1/1", "1/2", "2/1", "1", ""}),
		}
		if len(w.Places) > 0 && d.IntN(2) == 0 {
			if parent := pick(d, w.Places).ID; depth[parent] < 3 {
				p.Parent = parent
				depth[p.ID] = depth[parent] + 1
			}
		}
		if d.IntN(4) == 0 {
			d.trips[p.ID] = []uuid.UUID{uuid.Nil, d.id(), d.id()}
		}
		w.Places = append(w.Places, p)
	}
	// A part may stand before what it is part of.
	d.Shuffle(len(w.Places), func(i, j int) { w.Places[i], w.Places[j] = w.Places[j], w.Places[i] })
}

func (d *dice) place() tracing.Place {
	places := d.world.Places
	id := pick(d, places).ID
	if d.IntN(60) == 0 {
		return tracing.Place{ID: d.id()} // one that the tree does not know
	}
	p := tracing.Place{ID: id}
	if trips := d.trips[id]; trips != nil {
		p.Trip = pick(d, trips)
	}
	return p
}

func (d *dice) makePerson() {
	aliases := []uuid.UUID{d.id()}
	if d.IntN(3) == 0 {
		person := d.id()
		if d.IntN(2) == 0 {
			person = aliases[0] // a person may go under one of the aliases
		}
		for range d.IntN(3) {
			aliases = append(aliases, d.id())
		}
		for _, a := range aliases {
			d.world.Links[a] = person
		}
	}
	habits := []tracing.Place{d.place(), d.place()} // so that chains form
	at := d.time()
	for range 1 + d.IntN(5) {
		if d.IntN(3) == 0 {
			at = d.time()
		}
		at = d.visit(aliases, pick(d, habits), at) + pick(d, []int64{0, 0, 300, 900, 3600})
	}
}

// visit makes the scans of a visit from at on, complete or not, and returns when it ends.
func (d *dice) visit(aliases []uuid.UUID, v tracing.Place, at int64) int64 {
	scan := func(kind stay.Kind) {
		d.world.Scans = append(d.world.Scans, stay.Scan{
			ID: d.id(), Alias: pick(d, aliases), Place: v, At: at, Kind: kind, Doubts: d.doubts(),
		})
	}
	later := func() { at += pick(d, []int64{0, 1, 300, 900, 900, 1800, 1800, 3600, 3600, 3600, 7200, 20000}) }
	if d.IntN(12) > 0 {
		scan(stay.In)
		later()
	}
	if d.IntN(4) == 0 {
		scan(pick(d, []stay.Kind{stay.Renew, stay.In}))
		later()
	}
	if d.IntN(8) < 6 {
		scan(stay.Out)
	}
	return at
}

// doubts returns what a scan comes with, seldom anything.
func (d *dice) doubts() stay.Doubts {
	if d.IntN(20) > 0 {
		return 0
	}
	return pick(d.odd, []stay.Doubts{stay.Late, stay.OutOfHours, stay.Late | stay.OutOfHours})
}

// roam makes a person read the codes of one place after the other within a short time, perhaps too short.
func (d *dice) roam() {
	alias := d.id()
	if len(d.world.Scans) > 0 && d.IntN(2) == 0 {
		alias = pick(d, d.world.Scans).Alias
	}
	at := d.time()
	step := pick(d, []int64{1, 17, 18, 40, 120})
	for range 6 + d.IntN(6) {
		d.world.Scans = append(d.world.Scans, stay.Scan{
			ID: d.id(), Alias: alias, Place: d.place(), At: at, Kind: pick(d, []stay.Kind{stay.In, stay.In, stay.Out, stay.Renew}),
		})
		at += d.Int64N(step + 1)
	}
}

// spoil takes back some scans, repeats some, lets aliases use one id, and shuffles them.
func (d *dice) spoil() {
	for _, s := range slices.Clone(d.world.Scans) {
		switch d.IntN(24) {
		case 0:
			void := s
			void.ID, void.Kind, void.Voids, void.At = d.id(), stay.Void, s.ID, s.At+d.Int64N(900)
			d.world.Scans = append(d.world.Scans, void)
			if d.IntN(3) == 0 { // a void cannot be taken back
				again := void
				again.ID, again.Voids = d.id(), void.ID
				d.world.Scans = append(d.world.Scans, again)
			}
		case 1:
			stranger := pick(d, d.world.Scans)
			if stranger.Alias != s.Alias {
				stranger.ID, stranger.Kind, stranger.Voids = d.id(), stay.Void, s.ID
				d.world.Scans = append(d.world.Scans, stranger)
			}
		case 2:
			d.world.Scans = append(d.world.Scans, s)
		case 3:
			other := d.IntN(len(d.world.Scans))
			d.shareID(other, s)
		}
	}
	d.Shuffle(len(d.world.Scans), func(i, j int) {
		d.world.Scans[i], d.world.Scans[j] = d.world.Scans[j], d.world.Scans[i]
	})
}

// shareID gives scan i the id of s if that leaves each alias with one scan to an id.
func (d *dice) shareID(i int, s stay.Scan) {
	scans := d.world.Scans
	taken := slices.ContainsFunc(scans, func(o stay.Scan) bool { return o.Alias == scans[i].Alias && o.ID == s.ID })
	repeated := 0
	for _, o := range scans {
		if o.Alias == scans[i].Alias && (o.ID == scans[i].ID || o.Voids == scans[i].ID) {
			repeated++
		}
	}
	if !taken && repeated == 1 {
		scans[i].ID = s.ID
	}
}

// request makes a random request about the world.
func (d *dice) request() tracing.Request {
	people := append(d.world.people(), d.world.people()...)
	people = append(people, d.id())
	req := tracing.Request{
		Numbers: tracing.Numbers{
			MinOverlap: pick(d, []int64{0, 0, 1, 300, 900, 3600}),
			Linger:     pick(d, []int64{0, 0, 1, 600, 3600}),
			Latency:    pick(d, []int64{0, 0, 0, 0, 1800, 7200}),
			Depth:      pick(d, []int{1, 2, 3, 3, 4}),
			Scope:      pick(d, []tracing.Scope{tracing.ScopePart, tracing.ScopePlace, tracing.ScopeSite}),
			CrowdLimit: pick(d, []int{0, 0, 0, 0, 1, 2, 4}),
		},
		End:      pick(d, []int64{math.MaxInt64, d.to + 86400, d.to, d.to, d.time()}),
		Isolated: map[uuid.UUID]int64{},
	}
	for range pick(d, []int{1, 1, 1, 2, 3}) {
		w := tracing.Window{From: 0, To: math.MaxInt64}
		if d.IntN(5) < 2 {
			a, b := d.time(), d.time()
			w.From, w.To = min(a, b), max(a, b, min(a, b)+1)
		}
		if d.IntN(20) == 0 {
			w.To = w.From - d.Int64N(2) // isolated before it could begin
		}
		req.Cases = append(req.Cases, tracing.Case{Person: pick(d, people), Window: w})
	}
	for _, p := range people {
		if d.IntN(10) == 0 {
			req.Isolated[p] = d.time()
		}
	}
	return req
}
