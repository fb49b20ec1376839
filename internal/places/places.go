// Package places keeps an organisation's places and their codes: it makes them, signs their codes, re-issues them, and
// knows their names without asking the registry on the way of a scan.
package places

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// MaxNameLength bounds names and addresses, in characters.
const MaxNameLength = 200

// maxDwell is the longest that anybody is assumed to stay: a stay ends after 24 hours.
const maxDwell = 24 * 60

// maxDepth bounds how deep parts lie beneath their site.
const maxDepth = 8

// The reasons for refusing a place. Compare with errors.Is.
var (
	ErrName   = errs.New(errs.Invalid, "place_name", "A place needs a name of 1 to 200 characters.")
	ErrKind   = errs.New(errs.Invalid, "place_kind", "The kind of place is not known.")
	ErrDwell  = errs.New(errs.Invalid, "place_dwell", "The assumed stay is 1 to 1440 minutes, or empty for the kind's own.")
	ErrParent = errs.New(errs.Invalid, "place_parent", "The place that it should be a part of is not one of yours, or lies too deep.")
	ErrArea   = errs.New(errs.Invalid, "place_area", "The ward is not known.")
)

// Store is what the service keeps its places in.
type Store interface {
	PutPlaces(ctx context.Context, places []registry.Place) error
	UpdatePlace(ctx context.Context, p registry.Place) error
	AllPlaces(ctx context.Context) ([]registry.Place, error)
	Areas(ctx context.Context) ([]registry.Area, error)
	Revoker
}

// Revoker records that older codes of a place are dead.
type Revoker interface {
	Revoke(ctx context.Context, r registry.Revocation) error
	Revocations(ctx context.Context) ([]registry.Revocation, error)
}

// Name is what a person reads about a place: its own name, and the name of the site where it is a part of one.
type Name struct {
	Name    string
	Site    string
	Address string
	Area    string
	Kind    qrgen.Kind
}

// Service keeps places. It is safe for concurrent use.
type Service struct {
	store Store
	keys  *qrgen.KeySet
	clock func() time.Time

	mu      sync.RWMutex
	places  map[uuid.UUID]registry.Place
	revoked map[uuid.UUID]uint32 // place → the highest serial that is dead
	areas   map[string]registry.Area
}

// New returns a service that knows nothing yet; Refresh makes it know what the store holds.
func New(store Store, keys *qrgen.KeySet, clock func() time.Time) *Service {
	return &Service{store: store, keys: keys, clock: clock}
}

// Refresh reads places, revocations and areas anew from the store. Call it at the start, and now and then where other
// processes write to the same store.
func (s *Service) Refresh(ctx context.Context) error {
	all, err := s.store.AllPlaces(ctx)
	if err != nil {
		return fmt.Errorf("reading places: %w", err)
	}
	revocations, err := s.store.Revocations(ctx)
	if err != nil {
		return fmt.Errorf("reading revocations: %w", err)
	}
	areas, err := s.store.Areas(ctx)
	if err != nil {
		return fmt.Errorf("reading areas: %w", err)
	}
	places := make(map[uuid.UUID]registry.Place, len(all))
	for _, p := range all {
		places[p.ID] = p
	}
	revoked := make(map[uuid.UUID]uint32, len(revocations))
	for _, r := range revocations {
		revoked[r.Place] = max(revoked[r.Place], r.Serial)
	}
	byCode := make(map[string]registry.Area, len(areas))
	for _, a := range areas {
		byCode[a.Code] = a
	}
	s.mu.Lock()
	s.places, s.revoked, s.areas = places, revoked, byCode
	s.mu.Unlock()
	return nil
}

// Revoked says whether a serial of a place's code is dead. It is a qrgen.Revocations.
func (s *Service) Revoked(place uuid.UUID, serial uint32) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	dead, any := s.revoked[place]
	return any && serial <= dead
}

// Name returns what a person reads about a place, and whether the place is known.
func (s *Service) Name(id uuid.UUID) (Name, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, known := s.places[id]
	if !known {
		return Name{}, false
	}
	n := Name{Name: p.Name, Address: p.Address, Kind: p.Kind, Area: s.areas[p.Area].Name}
	root := p
	for range maxDepth {
		if root.Parent == uuid.Nil {
			break
		}
		root = s.places[root.Parent]
	}
	if root.ID != p.ID {
		n.Site = root.Name
		if n.Address == "" {
			n.Address = root.Address
		}
	}
	return n, true
}

// Areas returns the areas, ordered by code.
func (s *Service) Areas() []registry.Area {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]registry.Area, 0, len(s.areas))
	for _, a := range s.areas {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b registry.Area) int { return strings.Compare(a.Code, b.Code) })
	return out
}

// Within says whether an area is root or lies in it.
func (s *Service) Within(area, root string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for range maxDepth {
		if area == "" {
			return false
		}
		if area == root {
			return true
		}
		area = s.areas[area].Parent
	}
	return false
}

// AreaName returns the name of an area, empty where it is not known.
func (s *Service) AreaName(code string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.areas[code].Name
}

// Tree returns the places of the actor's organisation, each site followed by its parts, siblings by name.
func (s *Service) Tree(_ context.Context, actor registry.Account) ([]registry.Place, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	parts := make(map[uuid.UUID][]registry.Place)
	for _, p := range s.places {
		if p.Organisation == actor.Organisation && actor.Organisation != uuid.Nil {
			parts[p.Parent] = append(parts[p.Parent], p)
		}
	}
	var tree []registry.Place
	var add func(parent uuid.UUID, depth int)
	add = func(parent uuid.UUID, depth int) {
		siblings := parts[parent]
		slices.SortFunc(siblings, func(a, b registry.Place) int {
			return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID.String(), b.ID.String()))
		})
		for _, p := range siblings {
			tree = append(tree, p)
			if depth < maxDepth {
				add(p.ID, depth+1)
			}
		}
	}
	add(uuid.Nil, 0)
	return tree, nil
}

// Place returns one of the actor's places. What belongs to others is registry.ErrNotFound, as what is not there.
func (s *Service) Place(_ context.Context, actor registry.Account, id uuid.UUID) (registry.Place, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, known := s.places[id]
	if !known || p.Organisation != actor.Organisation || actor.Organisation == uuid.Nil {
		return registry.Place{}, registry.ErrNotFound
	}
	return p, nil
}

// NewPlace is what an owner says about a place. Parent is uuid.Nil for a site. DwellMinutes 0 means the kind's own. A part
// may leave Address and Area empty: they are its parent's.
type NewPlace struct {
	Parent       uuid.UUID
	Kind         qrgen.Kind
	Name         string
	Address      string
	Area         string
	DwellMinutes int
}

// Create makes a place of the actor's organisation and signs its first code.
func (s *Service) Create(ctx context.Context, actor registry.Account, in NewPlace) (registry.Place, error) {
	in.Name, in.Address = strings.TrimSpace(in.Name), strings.TrimSpace(in.Address)
	p, err := s.newPlace(actor, in)
	if err != nil {
		return registry.Place{}, err
	}
	if p.Code, err = s.sign(p); err != nil {
		return registry.Place{}, err
	}
	if err := s.store.PutPlaces(ctx, []registry.Place{p}); err != nil {
		return registry.Place{}, fmt.Errorf("keeping a place: %w", err)
	}
	return p, s.Refresh(ctx)
}

// newPlace checks what the owner said and fills in the rest.
func (s *Service) newPlace(actor registry.Account, in NewPlace) (registry.Place, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch n := utf8.RuneCountInString(in.Name); {
	case n == 0 || n > MaxNameLength || !utf8.ValidString(in.Name) || utf8.RuneCountInString(in.Address) > MaxNameLength:
		return registry.Place{}, ErrName
	case !in.Kind.Valid():
		return registry.Place{}, ErrKind
	case in.DwellMinutes < 0 || in.DwellMinutes > maxDwell:
		return registry.Place{}, ErrDwell
	}
	if in.Parent != uuid.Nil {
		parent, known := s.places[in.Parent]
		if !known || parent.Organisation != actor.Organisation || s.depth(parent) >= maxDepth-1 {
			return registry.Place{}, ErrParent
		}
		if in.Area == "" {
			in.Area = parent.Area
		}
	}
	if a, known := s.areas[in.Area]; in.Area != "" && (!known || a.Level != registry.Ward) {
		return registry.Place{}, ErrArea
	}
	id, err := uuid.NewV7()
	if err != nil {
		return registry.Place{}, fmt.Errorf("making an id: %w", err)
	}
	now := s.clock().Unix()
	return registry.Place{
		ID: id, Parent: in.Parent, Organisation: actor.Organisation, Kind: in.Kind, Name: in.Name, Address: in.Address,
		Area: in.Area, Dwell: int64(in.DwellMinutes) * 60, Serial: 1, Issued: now, Created: now, Revision: 1,
	}, nil
}

func (s *Service) depth(p registry.Place) int {
	depth := 0
	for p.Parent != uuid.Nil && depth < maxDepth {
		p = s.places[p.Parent]
		depth++
	}
	return depth
}

func (s *Service) sign(p registry.Place) (string, error) {
	token := qrgen.Token{Kind: p.Kind, Place: p.ID, IssuedAt: time.Unix(p.Issued, 0), Serial: p.Serial}
	code, err := s.keys.Sign(token)
	if err != nil {
		return "", fmt.Errorf("signing a code: %w", err)
	}
	return code, nil
}

// Reissue signs the next serial of a place's code. The older codes die now.
func (s *Service) Reissue(ctx context.Context, actor registry.Account, id uuid.UUID) (registry.Place, error) {
	p, err := s.Place(ctx, actor, id)
	if err != nil {
		return registry.Place{}, err
	}
	dead := p.Serial
	p.Serial++
	p.Issued = s.clock().Unix()
	if p.Code, err = s.sign(p); err != nil {
		return registry.Place{}, err
	}
	// The new code is kept before the old one dies: cut off in between, the owner has two good codes and not none.
	if err := s.store.UpdatePlace(ctx, p); err != nil {
		return registry.Place{}, fmt.Errorf("keeping the new code: %w", err)
	}
	if err := s.store.Revoke(ctx, registry.Revocation{Place: id, Serial: dead, At: p.Issued}); err != nil {
		return registry.Place{}, fmt.Errorf("revoking the old codes: %w", err)
	}
	if err := s.Refresh(ctx); err != nil {
		return registry.Place{}, err
	}
	return s.Place(ctx, actor, id)
}
