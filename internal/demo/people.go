package demo

import (
	"fmt"

	"github.com/truyvet/truyvet/internal/registry"
)

// role is what somebody does with the day.
type role uint8

const (
	roleChild     role = iota // under 11, at primary school or at home
	rolePupil                 // secondary school, 11 to 14
	roleHighPupil             // high school, 15 to 17
	roleOffice                // at a desk in the district
	roleFactory               // in a hall in the district
	roleVendor                // at a market stall
	roleShop                  // keeps a shop
	roleEats                  // cooks and serves
	roleTeacher               // at any school
	roleMedic                 // at the hospital or a clinic
	roleDriver                // drives a bus
	roleOutside               // works, or studies, outside the district
	roleHome                  // at home
	roleRetired               // 60 and over
	roles         = iota
)

// employment is how many of a thousand inhabitants between 18 and 59 do what. The rest works or studies outside.
var employment = [...]struct {
	role     role
	permille int
}{
	{roleFactory, 180},
	{roleOffice, 160},
	{roleVendor, 45},
	{roleShop, 70},
	{roleEats, 45},
	{roleTeacher, 25},
	{roleMedic, 22},
	{roleDriver, 3},
	{roleHome, 150},
}

// resident is somebody who scans, as far as habits need it.
type resident struct {
	home      int // position of the ward
	household uint64
	role      role
	diligence float64 // how readily they take the phone out where nobody asks them to
	leaves    float64 // the probability that they check out when they leave
	room      int32   // where they work or learn, −1 where it has no code here
	shift     int     // seconds added to the usual hours
	rest      int     // the weekday off of those who work at weekends
	ride      ride    // how they commute, if by bus
	market    int32
	stalls    [3]int32
	shops     [3]int32
	eats      [3]int32
	lunch     int32
}

// ride is somebody's usual bus: its run to work and its run home. vehicle is −1 for everybody who takes none.
type ride struct {
	vehicle   int32
	out, back int
}

// inhabitant is anybody in the district. Most never scan and matter only in how many share a room.
type inhabitant struct {
	home      int
	household uint64
	role      role
	scans     bool
}

// settle makes the inhabitants, household by household. Households have 3.5 people on average, as urban ones had in the
// Vietnamese census of 2019 (3.3 to 3.6).
func settle(seed uint64, size Size) []inhabitant {
	d := newDice(seed, streamPeople, 0, 0)
	all := make([]inhabitant, 0, size.Inhabitants)
	for household := uint64(0); len(all) < size.Inhabitants; household++ {
		home := d.upTo(size.Wards)
		members := pick(d, []int{1, 2, 2, 3, 3, 4, 4, 4, 4, 5, 5, 5})
		for m := range members {
			age := ageOf(d, m)
			all = append(all, inhabitant{home: home, household: household, role: roleOf(d, age), scans: d.chance(scanning(age))})
		}
	}
	return all[:size.Inhabitants]
}

// ageOf draws the age of a household's member number m: the first two are as a rule adults, the others mostly their
// children or parents.
func ageOf(d *dice, m int) int {
	x := d.share()
	switch {
	case m < 2 && x < 0.80, m >= 2 && x < 0.20:
		return d.between(23, 59)
	case m < 2, m >= 2 && x < 0.30:
		return d.between(60, 85)
	case x < 0.45:
		return d.between(18, 22)
	default:
		return d.between(0, 17)
	}
}

func roleOf(d *dice, age int) role {
	switch {
	case age < 11:
		return roleChild
	case age < 15:
		return rolePupil
	case age < 18:
		return roleHighPupil
	case age >= 60:
		return roleRetired
	}
	x := d.upTo(1000)
	for _, e := range employment {
		if x -= e.permille; x < 0 {
			return e.role
		}
	}
	return roleOutside
}

// scanning returns the share of an age that has the means and the habit to scan at all: nobody who is too young for a
// phone of their own, most young adults, few old people. Of all inhabitants it makes about 39 in 100. (Of every 100
// Vietnamese about 60 to 70 had a smartphone in 2021; not all of them had an app that scans, or used it.)
func scanning(age int) float64 {
	switch {
	case age < 11:
		return 0
	case age < 15:
		return 0.10
	case age < 18:
		return 0.70
	case age < 40:
		return 0.62
	case age < 60:
		return 0.48
	default:
		return 0.20
	}
}

// residents gives everybody a place at work or at school and returns those who scan, with their habits.
func (t *town) residents(all []inhabitant) []resident {
	d := newDice(t.seed, streamPeople, 1, 0)
	next := make(map[role]int)
	var people []resident
	for _, in := range all {
		room := int32(-1)
		if desks := t.desks[in.role]; len(desks) > 0 {
			room = desks[next[in.role]%len(desks)]
			next[in.role]++
		}
		if in.scans {
			people = append(people, t.habits(d, in, room))
		}
	}
	return people
}

func (t *town) habits(d *dice, in inhabitant, room int32) resident {
	p := resident{
		home: in.home, household: in.household, role: in.role, room: room,
		diligence: 0.2 + 0.8*d.share(),
		shift:     d.around(0, 10*minute),
		rest:      d.upTo(7),
		market:    t.markets[in.home],
		ride:      ride{vehicle: -1},
	}
	if d.chance(0.22) {
		p.leaves = 0.3 + 0.5*d.share()
	}
	for i := range p.stalls {
		p.stalls[i] = pick(d, t.spots[p.market].parts)
	}
	for i := range p.shops {
		p.shops[i] = t.near(d, t.shops, in.home)
	}
	for i := range p.eats {
		p.eats[i] = t.near(d, t.eats, in.home)
	}
	p.lunch = t.near(d, t.eats, in.home)
	if room >= 0 {
		p.lunch = pick(d, t.eats[t.spots[room].ward])
	}
	if commutes(in.role) && d.chance(0.08) {
		p.ride = ride{vehicle: pick(d, t.buses), out: d.between(0, 2), back: d.between(8, 10)}
	}
	return p
}

// commutes says whether somebody goes to work or school in the morning and comes home in the afternoon.
func commutes(r role) bool {
	switch r {
	case roleHighPupil, roleOffice, roleFactory, roleTeacher, roleOutside:
		return true
	default:
		return false
	}
}

// near picks a place of somebody's own ward three times out of four, else one anywhere.
func (t *town) near(d *dice, byWard [][]int32, home int) int32 {
	ward := home
	if d.chance(0.25) {
		ward = d.upTo(len(byWard))
	}
	return pick(d, byWard[ward])
}

// Person is somebody who scans. Phone and IDCard are what the aliases are made from, in the form that people type; only a
// few have an ID card on record. No name and no address exists of them.
type Person struct {
	registry.Person
	Phone  string
	IDCard string
}

// Numbers that belong to nobody: no operator was given the block 057, and no province has the code 099.
const (
	phoneBlock  = "057"
	idCardBlock = "099"
)

// withCards is how many of a thousand people also hand over their ID card at gates.
const withCards = 15

// register makes the records of the people who scan.
func register(seed uint64, people []resident, wards []string, created int64) []Person {
	d := newDice(seed, streamNumbers, 0, 0)
	// Multiplying by a number that has no factor in common with the modulus goes through all numbers without a repeat.
	const phones, step = 10_000_000, 6_180_339
	offset := d.upTo(phones)
	records := make([]Person, len(people))
	for i, p := range people {
		records[i] = Person{
			Person: registry.Person{ID: d.uuid(), Area: wards[p.home], Created: created},
			Phone:  fmt.Sprintf("%s%07d", phoneBlock, (offset+i*step)%phones),
		}
		if d.upTo(1000) < withCards {
			records[i].IDCard = fmt.Sprintf("%s%03d%06d", idCardBlock, d.between(60, 199), i)
		}
	}
	return records
}
