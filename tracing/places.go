package tracing

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// Scope says at which places people count as having met.
type Scope uint8

// The scopes. ScopePart is the default.
const (
	ScopePart  Scope = iota // the place scanned, but only places with no parts beneath them: the front door of a building whose rooms have codes is none
	ScopePlace              // any place scanned
	ScopeSite               // rolled up to the root of the place
)

// String returns the scope as profiles write it: part, place or site.
func (s Scope) String() string {
	switch s {
	case ScopePart:
		return "part"
	case ScopePlace:
		return "place"
	default:
		return "site"
	}
}

// ParseScope is the inverse of Scope.String.
func ParseScope(text string) (Scope, error) {
	for _, s := range []Scope{ScopePart, ScopePlace, ScopeSite} {
		if s.String() == text {
			return s, nil
		}
	}
	return 0, fmt.Errorf("scope %q is none of part, place, site", text)
}

// MarshalText writes the scope as String does.
func (s Scope) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (s *Scope) UnmarshalText(text []byte) error {
	scope, err := ParseScope(string(text))
	if err != nil {
		return err
	}
	*s = scope
	return nil
}

// PlaceInfo is what tracing needs to know of a place. Parent is uuid.Nil for a site or a vehicle that is part of nothing.
// Dwell, in seconds, is the stay that is assumed when nothing says when the person left. Area names where it is, as
// "province/district", or "province" where no more is known; it is empty where nothing is, and for what moves.
type PlaceInfo struct {
	ID     uuid.UUID
	Parent uuid.UUID
	Dwell  int64
	Area   string
}

// DefaultDwell, in seconds, is assumed at a place that the tree does not know.
const DefaultDwell int64 = 60 * 60

// Places is the tree of places, immutable and safe for concurrent use.
type Places struct {
	info     map[uuid.UUID]PlaceInfo
	root     map[uuid.UUID]uuid.UUID
	hasParts map[uuid.UUID]bool
	below    map[uuid.UUID][]uuid.UUID // by root, the root itself included
}

// PlaceError is what is wrong with one of the places of a tree. Field is that of [PlaceInfo] which is at fault.
type PlaceError struct {
	ID    uuid.UUID
	Field string
	Why   string
}

// Error names the place by its id.
func (e *PlaceError) Error() string { return fmt.Sprintf("place %s: %s", e.ID, e.Why) }

// NewPlaces makes the tree. It is a [PlaceError] when a place stands twice, when a parent is missing, when places are their own
// ancestors, or when a dwell is not positive.
func NewPlaces(infos []PlaceInfo) (*Places, error) {
	p := &Places{
		info:     make(map[uuid.UUID]PlaceInfo, len(infos)),
		root:     make(map[uuid.UUID]uuid.UUID, len(infos)),
		hasParts: make(map[uuid.UUID]bool),
		below:    make(map[uuid.UUID][]uuid.UUID),
	}
	for _, in := range infos {
		if _, twice := p.info[in.ID]; twice {
			return nil, &PlaceError{in.ID, "ID", "stands twice"}
		}
		if in.Dwell <= 0 {
			return nil, &PlaceError{in.ID, "Dwell", fmt.Sprintf("a dwell of %d s is not positive", in.Dwell)}
		}
		p.info[in.ID] = in
	}
	for _, in := range infos {
		if in.Parent != uuid.Nil {
			p.hasParts[in.Parent] = true
		}
		if err := p.findRoot(in.ID); err != nil {
			return nil, err
		}
		root := p.root[in.ID]
		p.below[root] = append(p.below[root], in.ID)
	}
	return p, nil
}

// findRoot notes the root of a place and of every place on the way up to it, so that each step up is taken once.
func (p *Places) findRoot(id uuid.UUID) error {
	var way []uuid.UUID
	root, known := p.root[id]
	for !known {
		way = append(way, id)
		parent := p.info[id].Parent
		if parent == uuid.Nil {
			root = id
			break
		}
		if _, there := p.info[parent]; !there {
			return &PlaceError{id, "Parent", "the parent is not known"}
		}
		if len(way) > len(p.info) {
			return &PlaceError{way[0], "Parent", "is its own ancestor"}
		}
		id = parent
		root, known = p.root[id]
	}
	for _, passed := range way {
		p.root[passed] = root
	}
	return nil
}

// Dwell returns the dwell of a place in seconds.
func (p *Places) Dwell(id uuid.UUID) int64 {
	if in, ok := p.info[id]; ok {
		return in.Dwell
	}
	return DefaultDwell
}

// Apart says how far from one another two places are at least, as far as their areas tell.
type Apart uint8

// Near is also the answer where an area is not known.
const (
	Near Apart = iota
	OtherDistrict
	OtherProvince
)

// Apart compares the areas of two places.
func (p *Places) Apart(a, b uuid.UUID) Apart {
	one, other := p.info[a].Area, p.info[b].Area
	if one == other || one == "" || other == "" {
		return Near
	}
	provinceOne, districtOne, _ := strings.Cut(one, "/")
	provinceOther, districtOther, _ := strings.Cut(other, "/")
	switch {
	case provinceOne != provinceOther:
		return OtherProvince
	case districtOne != "" && districtOther != "":
		return OtherDistrict
	default:
		return Near
	}
}

// Parent returns the parent of a place, uuid.Nil where there is none.
func (p *Places) Parent(id uuid.UUID) uuid.UUID { return p.info[id].Parent }

// IsAncestor says whether a lies above v in the tree. A trip's ancestors are those of its vehicle, and no trip is an ancestor.
func (p *Places) IsAncestor(a, v Place) bool {
	if a.Trip != uuid.Nil {
		return false
	}
	for id := p.Parent(v.ID); id != uuid.Nil; id = p.Parent(id) {
		if id == a.ID {
			return true
		}
	}
	return false
}

// Contact returns the contact place of a scanned place, and whether it has one in this scope. A trip stays a trip when it
// is rolled up: people on two runs of one vehicle did not meet in it.
func (p *Places) Contact(scope Scope, v Place) (Place, bool) {
	switch scope {
	case ScopePart:
		return v, !p.hasParts[v.ID]
	case ScopePlace:
		return v, true
	default:
		if root, ok := p.root[v.ID]; ok {
			return Place{ID: root, Trip: v.Trip}, true
		}
		return v, true
	}
}

// Below returns every place whose contact place in the scope has the given id, that id itself included: with ScopeSite
// all the parts of a site, else the place alone. The order is not defined; the result is shared and must not be changed.
func (p *Places) Below(scope Scope, id uuid.UUID) []uuid.UUID {
	if scope == ScopeSite {
		if below, ok := p.below[id]; ok {
			return below
		}
	}
	return []uuid.UUID{id}
}
