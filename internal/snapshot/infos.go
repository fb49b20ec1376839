package snapshot

import (
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing"
)

// infos returns the places as stays are derived with them.
func infos(places []registry.Place, areas []registry.Area) []tracing.PlaceInfo {
	district := districts(areas)
	position := make(map[uuid.UUID]int, len(places))
	for i := range places {
		position[places[i].ID] = i
	}
	out := make([]tracing.PlaceInfo, len(places))
	for i := range places {
		p := &places[i]
		out[i] = tracing.PlaceInfo{ID: p.ID, Parent: p.Parent, Dwell: p.DwellSeconds(), Area: district[areaOf(places, position, p)]}
	}
	return out
}

// areaOf returns the code of the area in which a place lies, its own or that of the nearest place around it that has one. What
// is a vehicle, or a part of one, lies nowhere.
func areaOf(places []registry.Place, position map[uuid.UUID]int, p *registry.Place) (code string) {
	for range len(places) { // no place of a registry lies in itself
		if p.Kind == qrgen.KindVehicle {
			return ""
		}
		if code == "" {
			code = p.Area
		}
		around, known := position[p.Parent]
		if !known {
			break
		}
		p = &places[around]
	}
	return code
}

// districts returns of each area, by its code, the district that it is or lies in, as tracing.PlaceInfo has it.
func districts(areas []registry.Area) map[string]string {
	byCode := make(map[string]*registry.Area, len(areas))
	for i := range areas {
		byCode[areas[i].Code] = &areas[i]
	}
	named := make(map[string]string, len(areas))
	var name func(code string) string
	name = func(code string) string {
		if known, done := named[code]; done {
			return known
		}
		a, known := byCode[code]
		if !known {
			return ""
		}
		around := name(a.Parent)
		switch {
		case a.Level == registry.Province:
			around = code
		case a.Level == registry.District && around != "":
			around += "/" + code
		}
		named[code] = around
		return around
	}
	for i := range areas {
		name(areas[i].Code)
	}
	return named
}
