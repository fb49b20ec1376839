package registry

import (
	"fmt"

	"github.com/google/uuid"
)

// rank orders the levels from the widest, 1; it is 0 for what is no level.
func (l Level) rank() int {
	switch l {
	case Province:
		return 1
	case District:
		return 2
	case Ward:
		return 3
	}
	return 0
}

// AreaFault says what is wrong with one area.
type AreaFault struct {
	Code string
	Why  string
}

// Error implements error.
func (f *AreaFault) Error() string { return fmt.Sprintf("area %q %s", f.Code, f.Why) }

// CheckAreas says whether the areas, all that there are, form a tree: each has a level, and lies in none or in one of a
// wider level. A ward may lie in a province at once. The error is ErrAreas, or ErrDangling for a parent that is none of
// them, with an *AreaFault as its cause.
func CheckAreas(areas []Area) error {
	levels := make(map[string]int, len(areas))
	for _, a := range areas {
		levels[a.Code] = a.Level.rank()
	}
	for _, a := range areas {
		own := a.Level.rank()
		if a.Code == "" || own == 0 {
			return ErrAreas.Because(&AreaFault{a.Code, fmt.Sprintf("has level %q", a.Level)})
		}
		if a.Parent == "" {
			continue
		}
		parent, known := levels[a.Parent]
		if !known {
			return ErrDangling.Because(&AreaFault{a.Code, fmt.Sprintf("lies in the unknown %q", a.Parent)})
		}
		if parent >= own {
			return ErrAreas.Because(&AreaFault{a.Code, fmt.Sprintf("lies in %q, which is not wider", a.Parent)})
		}
	}
	return nil
}

// CheckPlaces says whether none of these places lies in itself, however many steps it takes. Parents that are not among
// them end the way up. The error is ErrPlaces.
func CheckPlaces(places []Place) error {
	parents := make(map[uuid.UUID]uuid.UUID, len(places))
	for i := range places {
		parents[places[i].ID] = places[i].Parent
	}
	cleared := make(map[uuid.UUID]bool, len(places))
	for i := range places {
		var way []uuid.UUID
		onWay := make(map[uuid.UUID]bool)
		for at := places[i].ID; at != uuid.Nil && !cleared[at]; at = parents[at] {
			if onWay[at] {
				return ErrPlaces
			}
			onWay[at] = true
			way = append(way, at)
		}
		for _, passed := range way {
			cleared[passed] = true
		}
	}
	return nil
}
