package snapshot

import (
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

func TestAreasOfPlaces(t *testing.T) {
	areas := []registry.Area{
		{Code: "26734", Level: registry.Ward, Parent: "760"},
		{Code: "760", Level: registry.District, Parent: "79"},
		{Code: "79", Level: registry.Province},
		{Code: "00001", Level: registry.Ward, Parent: "79"},  // in no district
		{Code: "999", Level: registry.District},              // of an unknown province
		{Code: "00002", Level: registry.Ward, Parent: "999"}, // in it
	}
	const site, part, deep, bus, seat, nowhere, province, lost = 1, 2, 3, 4, 5, 6, 7, 8
	places := []registry.Place{
		{ID: id(deep), Parent: id(part)}, // before what it lies in
		{ID: id(site), Area: "26734"},
		{ID: id(part), Parent: id(site)},
		{ID: id(bus), Area: "26734", Kind: qrgen.KindVehicle},
		{ID: id(seat), Parent: id(bus), Area: "26734"},
		{ID: id(nowhere)},
		{ID: id(province), Area: "00001"},
		{ID: id(lost), Area: "00002"},
	}
	want := map[uuid.UUID]string{id(site): "79/760", id(part): "79/760", id(deep): "79/760", id(province): "79"}
	for _, info := range infos(places, areas) {
		if info.Area != want[info.ID] {
			t.Errorf("place %d lies in %q, want %q", info.ID[15], info.Area, want[info.ID])
		}
	}
}
