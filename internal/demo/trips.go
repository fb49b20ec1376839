package demo

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// A driver begins a trip some minutes before the bus leaves, when people get on, and ends it when the last has got off.
const (
	boardingTime  = 5 * minute
	alightingTime = 10 * minute
)

// run is a ride of one vehicle.
type run struct {
	bus  int32
	ride int16
}

// trip returns the id of a vehicle's run on a day.
func (t *town) trip(d *dice, bus int32, ride int16) uuid.UUID {
	d.set(t.seed, streamTrip, uint64(bus), uint64(ride))
	return d.uuid()
}

// trips returns the runs on which anybody was scanned, by vehicle and time. One that is under way has no end.
func (h *history) trips(t *town, cal *calendar) []registry.Trip {
	runs := make(map[run]bool)
	for person := range int32(len(h.isolated)) {
		for _, e := range h.of(person) {
			if e.ride != standing {
				runs[run{e.place, e.ride}] = true
			}
		}
	}
	byTime := slices.SortedFunc(maps.Keys(runs), func(a, b run) int {
		return cmp.Or(cmp.Compare(a.bus, b.bus), cmp.Compare(a.ride, b.ride))
	})
	ids := looseDice()
	trips := make([]registry.Trip, len(byTime))
	for i, r := range byTime {
		number := int(r.ride) % maxRuns
		leaves := cal.start[int(r.ride)/maxRuns] + int64(runStart(number))
		trips[i] = registry.Trip{
			ID: t.trip(ids, r.bus, r.ride), Vehicle: t.places[r.bus].ID, Route: t.route(r.bus, number),
			Began: leaves - boardingTime, Ended: leaves + int64(rideTime) + alightingTime,
		}
		if trips[i].Ended > cal.now {
			trips[i].Ended = 0
		}
	}
	return trips
}

// route is what drivers call a run: out, and back.
func (t *town) route(bus int32, number int) string {
	from, to := t.places[t.station].Name, t.lines[bus]
	if number%2 == 1 {
		from, to = to, from
	}
	return fmt.Sprintf("%s – %s", from, to)
}
