package demo

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
	"github.com/truyvet/truyvet/tracing/stay"
)

// spanDays is from the first positive sample to the last, both days included: 6 November to 2 December 2021.
const spanDays = 27

// outbreak chooses who falls ill, and isolates them and their contacts.
type outbreak struct {
	d       *District
	t       *town
	cal     *calendar
	people  []resident
	history *history
	places  *tracing.Places
	profile tracing.Profile
	number  map[uuid.UUID]int32 // of a person
	placeNo map[uuid.UUID]int32
	byRole  [roles][]int32
	atPlace map[int32][]int32 // the scans at a contact place, by time
	whose   []int32           // the person of each scan
	ill     []illness
	isCase  map[int32]bool
	exposed map[int32]int64 // when each contact was first exposed
}

// illness is one case as it came to be known. Days are those of the calendar.
type illness struct {
	person   int32
	sample   int
	onset    int   // −1 for a case without symptoms
	isolated int64 // in the future for some
}

func newOutbreak(d *District, t *town, cal *calendar, people []resident, h *history) (*outbreak, error) {
	infos := make([]tracing.PlaceInfo, len(d.Places))
	placeNo := make(map[uuid.UUID]int32, len(d.Places))
	for i := range d.Places {
		p := &d.Places[i]
		infos[i] = tracing.PlaceInfo{ID: p.ID, Parent: p.Parent, Dwell: p.DwellSeconds()}
		placeNo[p.ID] = int32(i)
	}
	places, err := tracing.NewPlaces(infos)
	if err != nil {
		return nil, err
	}
	profile, err := tracing.ProfileNamed(tracing.DefaultProfile)
	if err != nil {
		return nil, err
	}
	o := &outbreak{
		d: d, t: t, cal: cal, people: people, history: h, places: places, profile: profile,
		number: make(map[uuid.UUID]int32, len(people)), placeNo: placeNo, atPlace: make(map[int32][]int32),
		whose: make([]int32, len(h.events)), isCase: make(map[int32]bool), exposed: make(map[int32]int64),
	}
	for i := range people {
		o.number[d.People[i].ID] = int32(i)
		o.byRole[people[i].role] = append(o.byRole[people[i].role], int32(i))
		for e := h.first[i]; e < h.first[i+1]; e++ {
			o.whose[e] = int32(i)
			if place := h.events[e].place; len(t.spots[place].parts) == 0 {
				o.atPlace[place] = append(o.atPlace[place], int32(e))
			}
		}
	}
	for _, scans := range o.atPlace {
		slices.SortFunc(scans, func(a, b int32) int { return cmp.Compare(h.events[a].at, h.events[b].at) })
	}
	return o, nil
}

// stricken says what the cases that stand at the start of a chain do, in turn: those whose work brings them together with
// many, as reported clusters began in factories, offices, schools and markets.
func stricken() []role {
	return []role{
		roleFactory, roleOffice, roleHighPupil, roleVendor, roleFactory, roleOffice, roleMedic, roleFactory,
		roleHighPupil, roleOutside, roleFactory, roleOffice, roleTeacher, roleFactory, roleHome, roleFactory,
	}
}

// spread lets n people fall ill, one after the other, and records the cases and isolations.
func (o *outbreak) spread(n int) error {
	for i := range n {
		d := newDice(o.t.seed, streamOutbreak, uint64(i), 0)
		c := illness{sample: scanDays - spanDays, onset: -1}
		if n > 1 {
			c.sample += i * (spanDays - 1) / (n - 1)
		}
		if d.chance(0.8) {
			c.onset = max(1, c.sample-d.between(0, 3))
		}
		if err := o.strike(d, i, &c); err != nil {
			return err
		}
		o.ill = append(o.ill, c)
		o.isCase[c.person] = true
		o.history.isolated[c.person] = min(o.history.isolated[c.person], c.isolated)
		if err := o.isolateContacts(&c); err != nil {
			return err
		}
	}
	o.record()
	return o.showWay()
}

// strike chooses the person of case number i. Every fourth is a contact of an earlier case, where there is one who was
// exposed two to seven days before falling ill. Whoever meets many is more likely to be the one: it is those who get
// infected, and those whose infection is found.
func (o *outbreak) strike(d *dice, i int, c *illness) error {
	planned := o.cal.start[c.sample] + 36*hour + int64(d.between(-4*hour, 4*hour))
	group := o.fellIll(c)
	if i%4 != 3 || len(group) == 0 {
		plan := stricken()
		group = o.byRole[plan[i%len(plan)]]
	}
	fitting := int32(-1)
	for range 100 {
		if len(group) == 0 {
			break
		}
		c.person = pick(d, group)
		c.isolated = min(planned, o.history.isolated[c.person])
		if !o.fits(c) {
			continue
		}
		fitting = c.person
		report, err := o.contacts(c)
		if err != nil {
			return err
		}
		if d.chance(float64(len(report.Contacts)) / 90) {
			break
		}
	}
	for person := int32(0); fitting < 0 && int(person) < len(o.people); person++ {
		c.person, c.isolated = person, min(planned, o.history.isolated[person])
		if o.fits(c) {
			fitting = person
		}
	}
	if fitting < 0 {
		return fmt.Errorf("nobody can be case %d", i+1)
	}
	c.person, c.isolated = fitting, min(planned, o.history.isolated[fitting])
	return nil
}

// fits says whether somebody can be the case: there must be a trail to follow, at least four scans while infectious. Cases
// without one are found by asking them, and not by this system.
func (o *outbreak) fits(c *illness) bool {
	window, err := o.window(c)
	if err != nil || o.isCase[c.person] {
		return false
	}
	scans := 0
	for _, e := range o.history.of(c.person) {
		if e.at >= window.From && e.at < window.To {
			scans++
		}
	}
	return scans >= 4
}

// window returns when the case was infectious, as far as is known now. It is an error when isolation came first.
func (o *outbreak) window(c *illness) (tracing.Window, error) {
	return o.profile.InfectiousWindow(o.known(c), o.cal.now, o.cal.loc)
}

// first returns the day that the infectious window is counted from.
func (c *illness) first() int {
	if c.onset >= 0 {
		return c.onset
	}
	return c.sample
}

// fellIll returns the contacts of earlier cases who were exposed two to seven days before the case falls ill.
func (o *outbreak) fellIll(c *illness) []int32 {
	from, to := o.cal.start[max(0, c.first()-7)], o.cal.start[max(0, c.first()-1)]
	var able []int32
	for person, at := range o.exposed {
		if at >= from && at < to {
			able = append(able, person)
		}
	}
	slices.Sort(able)
	return able
}

// isolateContacts isolates the contacts of a case within two days of its isolation, or of its sample if it had been
// isolated before.
func (o *outbreak) isolateContacts(c *illness) error {
	report, err := o.contacts(c)
	if err != nil {
		return err
	}
	known := max(c.isolated, o.cal.start[c.sample]+12*hour)
	d := looseDice()
	for _, contact := range report.Contacts {
		person := o.number[contact.Person]
		if at, ok := o.exposed[person]; !ok || contact.FirstExposure < at {
			o.exposed[person] = contact.FirstExposure
		}
		if o.isCase[person] {
			continue
		}
		d.set(o.t.seed, streamIsolation, uint64(person), uint64(c.person))
		at := o.cal.daytime(known + int64(d.between(6*hour, 36*hour)))
		if at <= o.cal.now {
			o.history.isolated[person] = min(o.history.isolated[person], at)
		}
	}
	return nil
}

// contacts returns the F1 of one case. It derives the stays of those people only who scanned where the case was.
func (o *outbreak) contacts(c *illness) (*tracing.Report, error) {
	window, err := o.window(c)
	if err != nil {
		return nil, err
	}
	stays := o.stays(nil, c.person)
	near := map[int32]bool{c.person: true}
	for _, s := range stays {
		if s.Enter < window.To && s.Leave > window.From {
			for _, person := range o.around(s.Place.ID, s.Enter-day, s.Leave+day) {
				near[person] = true
			}
		}
	}
	stays = stays[:0]
	for _, person := range slices.Sorted(maps.Keys(near)) {
		stays = o.stays(stays, person)
	}
	numbers := o.profile.Numbers
	numbers.Depth = 1
	source := memindex.Build(o.places, stays).AsOf(o.cal.now)
	return tracing.Trace(context.Background(), source, tracing.Request{
		Cases:   []tracing.Case{{Person: o.d.People[c.person].ID, Window: window}},
		Numbers: numbers,
		End:     o.cal.now,
	})
}

// known is what the records say of a case.
func (o *outbreak) known(c *illness) tracing.Illness {
	ill := tracing.Illness{Sample: o.cal.date[c.sample]}
	if c.onset >= 0 {
		ill.Onset = o.cal.date[c.onset]
	}
	if c.isolated <= o.cal.now {
		ill.IsolatedAt = c.isolated
	}
	return ill
}

// around returns the people who scanned at a place during [from, to]; none at a place where nobody counts as met.
func (o *outbreak) around(place uuid.UUID, from, to int64) []int32 {
	scans := o.atPlace[o.placeNo[place]]
	first, _ := slices.BinarySearchFunc(scans, from, func(e int32, at int64) int { return cmp.Compare(o.history.events[e].at, at) })
	var people []int32
	for _, e := range scans[first:] {
		if o.history.events[e].at > to {
			break
		}
		people = append(people, o.whose[e])
	}
	return people
}

// stays appends the stays of a person, derived from the scans before isolation.
func (o *outbreak) stays(all []tracing.Stay, person int32) []tracing.Stay {
	trips := looseDice()
	events := o.history.of(person)
	scans := make([]stay.Scan, len(events))
	for i, e := range events {
		s := &scans[i]
		s.At, s.Kind, s.Place.ID = e.at, e.kind, o.d.Places[e.place].ID
		if e.ride != standing {
			s.Place.Trip = o.t.trip(trips, e.place, e.ride)
		}
		binary.BigEndian.PutUint64(s.ID[8:], uint64(i)+1) // the order that the ids will have
	}
	return append(all, stay.Derive(o.d.People[person].ID, scans, o.places, o.cal.now)...)
}

// record writes down what is known by now.
func (o *outbreak) record() {
	d := newDice(o.t.seed, streamOutbreak, 0, 1)
	for i := range o.ill {
		c := &o.ill[i]
		known := o.known(c)
		o.d.Cases = append(o.d.Cases, registry.Case{
			ID: d.uuid(), Person: o.d.People[c.person].ID, Onset: known.Onset.String(), Sample: known.Sample.String(),
			Isolated: known.IsolatedAt, LabRef: fmt.Sprintf("XN-%s-%03d", o.t.words.laboratory, i+1), Area: districtCode,
			Created: min(o.cal.now, o.cal.start[c.sample]+18*hour),
		})
	}
	for i, at := range o.history.isolated {
		if person := int32(i); !o.isCase[person] && at <= o.cal.now {
			o.d.Isolations = append(o.d.Isolations, registry.Isolation{Person: o.d.People[i].ID, At: at, Recorded: at})
		}
	}
}
