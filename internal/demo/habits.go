package demo

import (
	"time"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/tracing/stay"
)

// event is a scan of one person. ride says on which run of a vehicle.
type event struct {
	at    int64
	place int32
	ride  int16
	kind  stay.Kind
	how   scan.How
}

// A vehicle's runs: the first leaves at firstRun, the others follow, and each takes as long as people stay on board.
const (
	runEvery = 75 * minute
	rideTime = int(dwellBus)
)

// standing is the ride of a scan at a place that is no vehicle; any other ride is day × maxRuns + run.
const standing int16 = -1

const maxRuns = 16

// runStart returns when a run, from 0, leaves: in seconds since local midnight.
func runStart(run int) int { return clock(5, 45) + run*runEvery }

// readiness is how much somebody's diligence adds at a code that nobody watches, from 0 to 1.
const readiness = 0.8

// diary writes down the scans of one person after the other. Everything that a person does on a day is drawn from dice of
// that person and day; what a household does together, from dice of the household and day.
type diary struct {
	t      *town
	cal    *calendar
	d      *dice
	family *dice

	p      *resident
	card   bool // has handed over an ID card at gates
	day    int
	week   time.Weekday
	clock  int // since local midnight: when the person is free again
	events []event
}

// month appends the scans of a person for all days. They are in no order.
func (y *diary) month(n int, p *resident, card bool) {
	y.p, y.card = p, card
	for y.day = range scanDays {
		y.week, y.clock = y.cal.week[y.day], 0
		y.d.set(y.t.seed, streamDay, uint64(n), uint64(y.day))
		y.live()
	}
}

func (y *diary) live() {
	if y.d.chance(0.06) { // ill, away or on leave
		return
	}
	switch {
	case !y.works():
		y.freeDay()
	case y.p.role == roleVendor:
		y.standAtStall()
	case y.p.role == roleDriver:
		y.drive()
	default:
		y.workDay()
	}
	y.evening()
}

// works says whether it is one of the person's working days.
func (y *diary) works() bool {
	switch y.p.role {
	case roleOffice, roleOutside, rolePupil:
		return monToFri.on(y.week)
	case roleFactory, roleHighPupil, roleTeacher:
		return y.week != time.Sunday
	case roleVendor, roleShop, roleEats:
		return int(y.week) != y.p.rest
	case roleMedic, roleDriver:
		return int(y.week) != y.p.rest && int(y.week) != (y.p.rest+3)%7
	default:
		return false
	}
}

// workDay is a day at work or at school, with the way there and back.
func (y *diary) workDay() {
	from, to := y.shiftHours()
	from, to = from+y.p.shift, to+y.p.shift
	if y.d.chance(0.10) {
		y.shopAtMarket(from - y.d.between(75, 110)*minute)
	}
	byBus := y.p.ride.vehicle >= 0 && y.d.chance(0.8)
	if byBus {
		y.takeBus(y.p.ride.out)
	}
	switch {
	case y.p.room >= 0:
		y.beAtWork(max(from+y.d.around(0, 5*minute), y.clock), to)
	case y.d.chance(0.12): // somebody who works elsewhere comes by
		y.visit(y.t.near(y.d, y.t.shops, y.p.home), clock(12, 0)+y.d.upTo(90*minute), 15*minute)
	}
	y.clock = max(y.clock, to)
	if byBus {
		y.takeBus(y.p.ride.back)
	}
}

// shiftHours returns the usual hours of the person's work.
func (y *diary) shiftHours() (from, to int) {
	switch y.p.role {
	case rolePupil, roleHighPupil:
		return clock(6, 55), clock(11, 20)
	case roleTeacher:
		return clock(6, 45), clock(16, 0)
	case roleFactory:
		return clock(7, 10), clock(16, 30)
	case roleMedic:
		return clock(7, 15), clock(16, 45)
	case roleShop:
		return clock(8, 0), clock(18, 30)
	case roleEats:
		return clock(9, 30), clock(20, 30)
	default:
		return clock(7, 50), clock(17, 0)
	}
}

// beAtWork is the person's time in a building: the code at its gate, the one on the room, meetings, lunch.
func (y *diary) beAtWork(from, to int) {
	s := &y.t.spots[y.p.room]
	leaves := y.d.chance(y.p.leaves)
	if s.parent >= 0 {
		y.check(s.parent, from, y.likely(y.t.spots[s.parent].gate), stay.In)
	}
	y.check(y.p.room, from+y.d.between(1, 6)*minute, y.likely(s.inside), stay.In)
	if y.p.role == roleOffice && y.d.chance(0.15) {
		y.meet(s.parent)
	}
	if to > clock(13, 0) && y.d.chance(0.2) {
		y.clock = clock(11, 30)
		if y.visit(y.p.lunch, clock(11, 30)+y.d.upTo(45*minute), y.d.between(25, 50)*minute) {
			y.check(y.p.room, y.clock+10*minute, 0.4*y.likely(s.inside), stay.In)
		}
	}
	if leaves {
		y.check(y.p.room, to-y.d.upTo(5*minute), y.likely(s.inside), stay.Out)
	}
	y.clock = to
}

// meet is a meeting with people of the building's other rooms, and the way back to the desk.
func (y *diary) meet(building int32) {
	rooms := y.t.meetings[building]
	if len(rooms) == 0 {
		return
	}
	at := pick(y.d, []int{clock(9, 0), clock(10, 30), clock(14, 0), clock(15, 30)})
	inside := y.likely(y.t.spots[y.p.room].inside)
	y.check(pick(y.d, rooms), at-y.d.upTo(5*minute), inside, stay.In)
	y.check(y.p.room, at+y.d.between(50, 70)*minute, 0.7*inside, stay.In)
}

// standAtStall is a vendor's morning: one code, scanned on arrival and now and then again.
func (y *diary) standAtStall() {
	from := clock(4, 45) + y.p.shift + y.d.around(0, 10*minute)
	y.check(y.p.room, from, y.likely(0.5), stay.In)
	for at := from + y.d.between(25, 45)*minute; at < clock(11, 0); at += y.d.between(25, 45) * minute {
		y.check(y.p.room, at, 0.7*y.likely(0.3), stay.Renew)
	}
	y.clock = clock(11, 30)
}

// drive is a driver's day: some of the runs of the vehicle.
func (y *diary) drive() {
	first := y.d.between(0, 4)
	for run := first; run < first+6; run++ {
		if y.d.chance(y.likely(0.5)) {
			y.add(y.p.room, runStart(run)-2*minute, y.ride(run), stay.In, scan.Phone)
			if y.d.chance(0.6) {
				y.add(y.p.room, runStart(run)+rideTime, y.ride(run), stay.Out, scan.Phone)
			}
		}
	}
	y.clock = runStart(first+6) + rideTime
}

// freeDay is the day of somebody who stays at home, or of anybody on a day off.
func (y *diary) freeDay() {
	goes := 0.20
	if y.p.role == roleHome || y.p.role == roleRetired {
		goes = 0.45
	}
	if y.d.chance(goes) {
		y.shopAtMarket(clock(5, 45) + y.d.upTo(3*hour))
	}
	y.clock = max(y.clock, clock(8, 0))
	x := y.d.share()
	switch {
	case x < 0.006:
		y.seeDoctor()
	case x < 0.012:
		y.visit(pick(y.d, y.t.clinics), y.clock+y.d.upTo(4*hour), 50*minute)
	case x < 0.022:
		y.visit(y.t.wardDesk[y.p.home], y.clock+y.d.upTo(3*hour), 30*minute)
	case x < 0.045:
		y.visit(y.t.worship[y.p.home], y.clock+y.d.upTo(3*hour), 40*minute)
	case x < 0.065:
		y.travel()
	case x < 0.20:
		y.visit(pick(y.d, y.p.shops[:]), y.clock+y.d.upTo(6*hour), y.d.between(8, 25)*minute)
	}
}

// seeDoctor is a visit to one department of the hospital, where the gate reads ID cards.
func (y *diary) seeDoctor() {
	at := y.clock + y.d.upTo(5*hour)
	s := &y.t.spots[y.t.hospital]
	y.check(y.t.hospital, at, y.likely(s.gate), stay.In)
	y.check(pick(y.d, s.parts), at+y.d.between(5, 20)*minute, y.likely(s.inside), stay.In)
	y.clock = at + 2*hour
}

// travel is a trip with one of the buses, from the station.
func (y *diary) travel() {
	run := y.d.between(2, 8)
	s := &y.t.spots[y.t.station]
	at := runStart(run) - y.d.between(10, 35)*minute
	y.check(y.t.station, at, y.likely(s.gate), stay.In)
	y.check(pick(y.d, s.parts), at+3*minute, y.likely(s.inside), stay.In)
	y.board(pick(y.d, y.t.buses), run)
}

// takeBus is the usual ride.
func (y *diary) takeBus(run int) {
	if runStart(run) >= y.clock {
		y.board(y.p.ride.vehicle, run)
	}
}

func (y *diary) board(bus int32, run int) {
	at := runStart(run) + y.d.between(0, 12)*minute
	if y.d.chance(y.likely(y.t.spots[bus].inside)) {
		y.add(bus, at, y.ride(run), stay.In, scan.Phone)
	}
	y.clock = runStart(run) + rideTime
}

func (y *diary) ride(run int) int16 { return int16(y.day*maxRuns + run) }

// evening is what comes after work: shops, the supermarket, eating out, alone or with the household.
func (y *diary) evening() {
	y.clock = max(y.clock, clock(16, 0))
	if y.goOutTogether() {
		return
	}
	weekend := 1.0
	if !monToFri.on(y.week) {
		weekend = 1.8
	}
	if y.d.chance(0.22 * weekend) {
		y.visit(pick(y.d, y.p.shops[:]), y.clock+y.d.upTo(2*hour), y.d.between(5, 25)*minute)
	}
	if y.d.chance(0.05 * weekend) {
		y.shopAtSupermarket(pick(y.d, y.t.supers), y.clock+y.d.upTo(90*minute))
	}
	if y.d.chance(0.08 * weekend) {
		y.visit(pick(y.d, y.p.eats[:]), max(y.clock, clock(17, 30))+y.d.upTo(2*hour), y.d.between(40, 80)*minute)
	}
}

// goOutTogether says whether the household has a plan for the evening and the person comes along.
func (y *diary) goOutTogether() bool {
	f := y.family
	f.set(y.t.seed, streamOuting, y.p.household, uint64(y.day))
	often := 0.03
	if !monToFri.on(y.week) {
		often = 0.15
	}
	if !f.chance(often) || !y.d.chance(0.7) {
		return false
	}
	at := clock(17, 45) + f.upTo(90*minute)
	if f.chance(0.3) {
		y.shopAtSupermarket(pick(f, y.t.supers), max(at, y.clock)+y.d.upTo(3*minute))
		return true
	}
	return y.visit(y.t.near(f, y.t.eats, y.p.home), max(at, y.clock)+y.d.upTo(3*minute), 75*minute)
}

func (y *diary) shopAtMarket(at int) {
	market := y.p.market
	if y.d.chance(0.15) {
		market = pick(y.d, y.t.markets)
	}
	s := &y.t.spots[market]
	if !s.hours.at(y.week, at) {
		return
	}
	y.check(market, at, y.likely(s.gate), stay.In)
	for range y.d.between(1, 3) {
		at += y.d.between(3, 12) * minute
		stall := pick(y.d, s.parts)
		if market == y.p.market {
			stall = pick(y.d, y.p.stalls[:])
		}
		y.check(stall, at, 0.5*y.likely(s.inside), stay.In)
	}
	y.clock = at + 5*minute
}

func (y *diary) shopAtSupermarket(site int32, at int) {
	s := &y.t.spots[site]
	y.check(site, at, y.likely(s.gate), stay.In)
	y.check(pick(y.d, s.parts), at+y.d.between(4, 15)*minute, 0.4*y.likely(s.inside), stay.In)
	y.clock = at + y.d.between(20, 55)*minute
	if y.d.chance(y.p.leaves) {
		y.check(site, y.clock, y.likely(s.gate), stay.Out)
	}
}

// visit is a stay at a place with one code at its door. It says whether the place was open.
func (y *diary) visit(place int32, at, length int) bool {
	s := &y.t.spots[place]
	at = max(at, y.clock)
	if !s.hours.at(y.week, at) {
		return false
	}
	y.clock = at + length
	if y.check(place, at, y.likely(s.inside), stay.In) && y.d.chance(y.p.leaves) {
		y.check(place, y.clock, 1, stay.Out)
	}
	return true
}

// likely returns the probability that the person scans a code where somebody of no diligence would with probability base.
func (y *diary) likely(base float64) float64 { return base + (1-base)*readiness*y.p.diligence }

// check scans a code with probability p, if the place is open, and says whether it did.
func (y *diary) check(place int32, at int, p float64, kind stay.Kind) bool {
	if !y.d.chance(p) {
		return false
	}
	how := scan.Phone
	if y.card && y.t.readsCards(place) {
		how = scan.GateCard
	}
	return y.add(place, at, standing, kind, how)
}

// add writes down a scan within the minute after at, a number of seconds since local midnight, if the place is open then.
func (y *diary) add(place int32, at int, ride int16, kind stay.Kind, how scan.How) bool {
	at += y.d.upTo(minute)
	t := y.cal.start[y.day] + int64(at)
	if t > y.cal.now || !y.t.spots[place].hours.at(y.week, at) {
		return false
	}
	y.events = append(y.events, event{at: t, place: place, ride: ride, kind: kind, how: how})
	return true
}
