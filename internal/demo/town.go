package demo

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// spot is what habits need to know of a place; it has the position of its registry.Place.
type spot struct {
	parent int32 // −1 for a site or a vehicle
	ward   int
	hours  hours
	gate   float64 // how much is made of scanning at the entrance: the probability for somebody of no diligence
	inside float64 // the same for the codes on the rooms
	parts  []int32
}

// town is the district without its people. Places are named by their positions.
type town struct {
	seed  uint64
	d     *dice
	words words

	organisationNames, placeNames namer

	issued        int64 // when everything was recorded and the codes signed
	areas         []registry.Area
	wards         []string // codes
	wardNames     []string
	organisations []registry.Organisation
	places        []registry.Place
	spots         []spot

	desks    [roles][]int32    // a room for each place at work or school
	meetings map[int32][]int32 // by office building
	markets  []int32           // by ward
	shops    [][]int32         // by ward
	eats     [][]int32         // by ward
	supers   []int32
	hospital int32
	wardDesk []int32 // the office of each ward
	clinics  []int32
	worship  []int32
	station  int32
	buses    []int32
	lines    map[int32]string // where a bus goes to
}

// build makes a town with a place at work for everybody.
func build(seed uint64, size Size, all []inhabitant, issued int64) *town {
	t := &town{
		seed: seed, d: newDice(seed, streamTown, 0, 0), words: newWords(),
		organisationNames: namer{used: make(map[string]int)}, placeNames: namer{used: make(map[string]int)},
		issued: issued, meetings: make(map[int32][]int32), lines: make(map[int32]string),
	}
	workers := make(map[role]int)
	for _, in := range all {
		workers[in.role]++
	}
	t.layAreas(size.Wards)
	t.buildMarkets(workers[roleVendor])
	t.buildOffices(workers[roleOffice])
	t.buildFactories(workers[roleFactory])
	t.buildSchools(workers)
	t.buildHospital(workers[roleMedic])
	t.buildStreets(workers)
	t.buildSupermarkets()
	t.buildStation(workers[roleDriver])
	for r := range t.desks {
		shuffle(t.d, t.desks[r])
	}
	t.askForDeclarations()
	return t
}

func (t *town) layAreas(wards int) {
	t.areas = []registry.Area{
		{Code: cityCode, Level: registry.Province, Name: cityName},
		{Code: districtCode, Level: registry.District, Parent: cityCode, Name: districtName},
	}
	for i, name := range wardNames()[:wards] {
		code := fmt.Sprintf("%s%02d", districtCode, i+1)
		t.wards = append(t.wards, code)
		t.wardNames = append(t.wardNames, name)
		t.areas = append(t.areas, registry.Area{Code: code, Level: registry.Ward, Parent: districtCode, Name: "Phường " + name})
	}
}

// organisation adds one and returns its id.
func (t *town) organisation(name string) uuid.UUID {
	o := registry.Organisation{ID: t.d.uuid(), Name: t.organisationNames.once(name), Created: t.issued}
	t.organisations = append(t.organisations, o)
	return o.ID
}

// site adds a place that is part of nothing and returns its position.
func (t *town) site(organisation uuid.UUID, kind qrgen.Kind, name string, s spot) int32 {
	s.parent = -1
	address := fmt.Sprintf("Số %d, đường %s, phường %s", t.d.between(1, 280), pick(t.d, t.words.streets), t.wardNames[s.ward])
	return t.add(registry.Place{Organisation: organisation, Kind: kind, Name: t.placeNames.once(name), Address: address}, s)
}

// part adds a part of a site. It has the site's hours and ways unless dwell (seconds) or the kind says otherwise.
func (t *town) part(site int32, kind qrgen.Kind, name string, dwell int64) int32 {
	at, s := t.places[site], t.spots[site]
	s.parent, s.parts = site, nil
	i := t.add(registry.Place{
		Parent: at.ID, Organisation: at.Organisation, Kind: kind, Name: name, Address: at.Address, Dwell: dwell,
	}, s)
	t.spots[site].parts = append(t.spots[site].parts, i)
	return i
}

func (t *town) add(p registry.Place, s spot) int32 {
	p.ID, p.Area = t.d.uuid(), t.wards[s.ward]
	p.Serial, p.Issued, p.Created = 1, t.issued, t.issued
	t.places, t.spots = append(t.places, p), append(t.spots, s)
	return int32(len(t.places) - 1)
}

// seat gives n people of a role a place in a room.
func (t *town) seat(r role, room int32, n int) {
	for range n {
		t.desks[r] = append(t.desks[r], room)
	}
}

// company returns a made-up two-word name.
func (t *town) company() string { return pick(t.d, t.words.first) + " " + pick(t.d, t.words.second) }

// ward returns the position of a ward, going round.
func (t *town) ward(i int) int { return i % len(t.wards) }

// per returns how many units of the given size hold n, at least lowest.
func per(n, size, lowest int) int { return max(lowest, (n+size-1)/size) }

// readsCards says whether a guard at the place's entrance reads the ID cards of those who show them.
func (t *town) readsCards(place int32) bool {
	switch t.places[place].Kind {
	case qrgen.KindHospital, qrgen.KindPublicService:
		return t.spots[place].parent < 0
	default:
		return false
	}
}
