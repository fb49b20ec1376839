package page

import "github.com/truyvet/truyvet/internal/registry"

// mostWards is how many wards a menu may have that anybody can ask for: those of any city, and not those of the country.
const mostWards = 1000

// Wards returns the wards that somebody may reside in, or ask for an account from; none where there are too many to choose from.
func (s *Site) Wards() []WardGroup {
	groups, n := WardsOf(s.Areas.Areas()), 0
	for _, group := range groups {
		n += len(group.Wards)
	}
	if n > mostWards {
		return nil
	}
	return groups
}

// WardGroup is the wards of one district, for choosing one.
type WardGroup struct {
	Name  string
	Wards []registry.Area
}

// WardsOf groups the wards by the unit that they lie in, in the order given.
func WardsOf(areas []registry.Area) []WardGroup {
	names := make(map[string]string, len(areas))
	for _, a := range areas {
		names[a.Code] = a.Name
	}
	position := make(map[string]int)
	var groups []WardGroup
	for _, a := range areas {
		if a.Level != registry.Ward {
			continue
		}
		i, ok := position[a.Parent]
		if !ok {
			i = len(groups)
			position[a.Parent] = i
			groups = append(groups, WardGroup{Name: names[a.Parent]})
		}
		groups[i].Wards = append(groups[i].Wards, a)
	}
	return groups
}
