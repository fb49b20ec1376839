package cases_test

import (
	"bytes"
	"encoding/csv"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

// TestTheRunsOfAVehicleAreNamed in the list of who was aboard, and to whom sees them alone.
func TestTheRunsOfAVehicleAreNamed(t *testing.T) {
	to := newTown(t)
	bus := registry.Place{ID: uuid.New(), Organisation: to.shop.Organisation, Kind: qrgen.KindVehicle, Name: "43B-012.34", Serial: 1}
	must(t, to.store.PutPlaces(t.Context(), []registry.Place{bus}))
	trip := registry.Trip{
		ID: uuid.New(), Vehicle: bus.ID, Route: "=Đà Nẵng – Huế", Began: local(7, 8, 0).Unix(), Ended: local(7, 10, 30).Unix(),
	}
	must(t, to.store.PutTrips(t.Context(), []registry.Trip{trip}))
	for _, phone := range []string{mai, binh} {
		_, err := to.scans.Append(t.Context(), []scan.Scan{{
			ID: uuid.New(), Alias: to.alias(t, phone), Place: bus.ID, Trip: trip.ID, At: trip.Began + 60, ReceivedAt: trip.Began + 60,
			Kind: stay.In, How: scan.GateCard,
		}})
		must(t, err)
	}
	run := to.run(t, to.city, to.record(t, to.ward1, mai).ID)
	for actor, want := range map[*registry.Account]map[uuid.UUID]registry.Trip{
		&to.city: {trip.ID: trip}, &to.ward2: {trip.ID: trip}, &to.ward1: {},
	} {
		list, err := to.List(t.Context(), *actor, run.ID)
		must(t, err)
		if d := cmp.Diff(want, list.Trips); d != "" {
			t.Errorf("%s: trips %s", actor.Login, d)
		}
	}
	var file bytes.Buffer
	must(t, to.WriteCSV(t.Context(), to.ward2, run.ID, uuid.Nil, &file))
	lines, err := csv.NewReader(&file).ReadAll()
	must(t, err)
	first := slices.Index(lines[0], "route")
	want := []string{"'" + trip.Route, "2021-12-07T08:00:00+07:00", "2021-12-07T10:30:00+07:00"}
	if !slices.ContainsFunc(lines, func(line []string) bool { return slices.Equal(line[first:], want) }) {
		t.Errorf("the file has %q", lines)
	}
}
