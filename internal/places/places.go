// Package places keeps an organisation's places and their codes: it makes them, signs their codes, re-issues them, and
// knows their names without asking the registry on the way of a scan.
package places

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unique"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// Store is what the service keeps its places in. UpdatePlace is refused with registry.ErrChanged unless p has the revision
// that is stored, and raises it by one. Gazetteer returns what has changed since a known count of changes, of one moment, or
// everything where it cannot tell. PutPlacesWithin adds places of one organisation, which may have most; 0 is no limit, and beyond it
// the error is registry.ErrFull and none is added. No place of a store lies in itself, and no area does.
type Store interface {
	CodeStore
	PutPlacesWithin(ctx context.Context, places []registry.Place, most int) error
	UpdatePlace(ctx context.Context, p registry.Place) error
	Gazetteer(ctx context.Context, known int64) (registry.Gazetteer, error)
}

// CodeStore keeps the lives of codes. Of a code that is recorded twice the earlier end holds. Succeed is UpdatePlace, and records
// the code of before with it: where that ends, no older one is good for longer.
type CodeStore interface {
	PutCode(ctx context.Context, c registry.Code) error
	Succeed(ctx context.Context, p registry.Place, before registry.Code) error
}

// ErrOutside refuses the code of a place that is no part of another.
var ErrOutside = errs.New(errs.Forbidden, "gate_place_outside", "This place does not lie inside that of the gate.")

// Name is what a person reads about a place.
type Name struct {
	Name    string
	Site    string // the name of the site that it is a part of; empty for a site
	Address string // its own, or that of the nearest place around it that has one
	Area    string // the name of its ward, found in the same way
	Kind    qrgen.Kind
}

// Service keeps places. It is safe for concurrent use. It answers from memory: what another process writes to the store is
// known after the next Refresh.
type Service struct {
	store Store
	keys  *qrgen.KeySet
	clock func() time.Time
	forms []string // that places may ask for

	// changing is held while the store is changed or read anew, so that what was read before a change never takes the place
	// of what is known since. It is taken before mu.
	changing sync.Mutex
	most     int   // places of an organisation; 0 = no limit
	changes  int64 // the store's count of changes when it was last read; held by changing
	fresh    atomic.Int64

	codeChanges atomic.Int64 // goes up with each change of codes that is known here
	revoked     revokedFile

	mu     sync.RWMutex
	places map[uuid.UUID]registry.Place
	owned  map[uuid.UUID]*holding        // by organisation
	parts  map[uuid.UUID][]uuid.UUID     // of each place that has some
	codes  map[uuid.UUID][]registry.Code // by place, in the order of their serials
	areas  map[string]registry.Area
	weeks  map[string]registry.Week // by hours as they are kept, those that were asked for
}

// holding is what an organisation has.
type holding struct {
	places []uuid.UUID
	areas  map[string]int // how many places say of themselves that they lie there
}

// nothingRead is a count of changes that no store has.
const nothingRead = -1

// New returns a service that knows nothing yet; Refresh makes it know what the store holds. Forms are the names of those that places
// may ask people to fill in.
func New(store Store, keys *qrgen.KeySet, clock func() time.Time, forms ...string) *Service {
	return &Service{
		store: store, keys: keys, clock: clock, forms: forms, changes: nothingRead,
		places: make(map[uuid.UUID]registry.Place), owned: make(map[uuid.UUID]*holding), parts: make(map[uuid.UUID][]uuid.UUID),
		codes: make(map[uuid.UUID][]registry.Code), areas: make(map[string]registry.Area), weeks: make(map[string]registry.Week),
	}
}

// Bounded keeps organisations from making more places than so many; 0 is no limit. It is called before anything else, and returns s.
func (s *Service) Bounded(most int) *Service {
	s.most = most
	return s
}

// Refresh reads from the store what has changed of places, codes and areas. Call it at the start, and now
// and then where other processes write to the same store. After an error what was known before is still known.
func (s *Service) Refresh(ctx context.Context) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	asked := s.clock().Unix()
	now, err := s.store.Gazetteer(ctx, s.changes)
	if err != nil {
		return fmt.Errorf("refreshing what is known of places: %w", err)
	}
	defer s.fresh.Store(asked)
	if now.Changes == s.changes {
		return nil
	}
	s.changes = now.Changes
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Whole {
		s.places, s.owned = make(map[uuid.UUID]registry.Place, len(now.Places)), make(map[uuid.UUID]*holding)
		s.parts, s.codes = make(map[uuid.UUID][]uuid.UUID), make(map[uuid.UUID][]registry.Code)
	}
	for _, p := range now.Places {
		s.hold(p)
	}
	for _, c := range now.Codes {
		s.learn(c)
	}
	if now.Areas != nil {
		s.areas = make(map[string]registry.Area, len(now.Areas))
		for _, a := range now.Areas {
			s.areas[a.Code] = a
		}
	}
	return nil
}

// hold takes over a place as it is now. The caller holds mu.
func (s *Service) hold(p registry.Place) {
	p.Area, p.Hours, p.Form = unique.Make(p.Area).Value(), unique.Make(p.Hours).Value(), unique.Make(p.Form).Value() // few, of many places
	of := s.owned[p.Organisation]
	if of == nil {
		of = &holding{areas: make(map[string]int)}
		s.owned[p.Organisation] = of
	}
	before, known := s.places[p.ID]
	if before.Serial != p.Serial {
		s.codeChanges.Add(1)
	}
	if !known {
		of.places = append(of.places, p.ID)
		if p.Parent != uuid.Nil {
			s.parts[p.Parent] = append(s.parts[p.Parent], p.ID)
		}
	} else if of.areas[before.Area]--; of.areas[before.Area] == 0 {
		delete(of.areas, before.Area)
	}
	of.areas[p.Area]++
	s.places[p.ID] = p
}

// Fresh returns the instant, in UTC seconds, as of which everything is known that any process wrote to the store; 0 before the
// first Refresh.
func (s *Service) Fresh() int64 { return s.fresh.Load() }

// Name returns what a person reads about a place, and whether the place is known.
func (s *Service) Name(id uuid.UUID) (Name, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, known := s.places[id]
	if !known {
		return Name{}, false
	}
	n := Name{Name: p.Name, Address: p.Address, Kind: p.Kind}
	area := p.Area
	for around := range s.ancestors(p) {
		n.Site = around.Name
		n.Address = cmp.Or(n.Address, around.Address)
		area = cmp.Or(area, around.Area)
	}
	n.Area = s.areas[area].Name
	return n, true
}

// Kind returns what kind of place it is, and whether the place is known.
func (s *Service) Kind(id uuid.UUID) (kind qrgen.Kind, known bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, known := s.places[id]
	return p.Kind, known
}

// Dwell returns for how many seconds somebody is taken to stay at a place who says nothing; 0 of a place that is not known.
func (s *Service) Dwell(id uuid.UUID) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, known := s.places[id]
	if !known {
		return 0
	}
	return p.DwellSeconds()
}

// Code returns the token of a place's newest code, and whether the place is known.
func (s *Service) Code(id uuid.UUID) (code string, known bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, known := s.places[id]
	return p.Code, known
}

// ancestors yields the places around a place, from the nearest to the site. The caller holds the lock.
func (s *Service) ancestors(p registry.Place) iter.Seq[registry.Place] {
	return func(yield func(registry.Place) bool) {
		for p.Parent != uuid.Nil {
			around, known := s.places[p.Parent]
			if !known || !yield(around) {
				return
			}
			p = around
		}
	}
}

// Part reads the code of a place that is the given one, or a part of it at whatever depth, from its token or the address that this
// stands in. Whether the code is good is not looked at. The errors: a qrgen.Refusal for what is no code of a place, and ErrOutside.
func (s *Service) Part(site uuid.UUID, text string) (token string, place uuid.UUID, err error) {
	if token, err = qrgen.FromURL(text); err != nil {
		return "", uuid.Nil, fmt.Errorf("reading the code of a part: %w", err)
	}
	read, err := qrgen.Parse(token)
	if err != nil {
		return "", uuid.Nil, fmt.Errorf("reading the code of a part: %w", err)
	}
	if place = read.Token.Place; place != site && !s.Inside(place, site) {
		return "", uuid.Nil, ErrOutside
	}
	return token, place, nil
}

// Inside says whether a place is a part of another, or of a part of it. No place lies in itself.
func (s *Service) Inside(place, site uuid.UUID) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for around := range s.ancestors(s.places[place]) {
		if around.ID == site {
			return true
		}
	}
	return false
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

// Within says whether an area is root or lies in it. No area, the empty code, lies nowhere, and nothing lies in it.
func (s *Service) Within(area, root string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for ; area != ""; area = s.areas[area].Parent {
		if area == root {
			return true
		}
	}
	return false
}

// AreaName returns the name of an area, empty where it is not known.
func (s *Service) AreaName(code string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.areas[code].Name
}

// Tree returns the places of the actor's organisation, each followed by its parts, siblings in the order of their names. A
// place that lies in one of another organisation stands among the sites.
func (s *Service) Tree(actor registry.Account) []registry.Place {
	s.mu.RLock()
	defer s.mu.RUnlock()
	parts := make(map[uuid.UUID][]registry.Place)
	for _, id := range s.placesOf(actor) {
		p := s.places[id]
		above := p.Parent
		if !owns(actor, s.places[above]) {
			above = uuid.Nil
		}
		parts[above] = append(parts[above], p)
	}
	var tree []registry.Place
	var add func(above uuid.UUID)
	add = func(above uuid.UUID) {
		siblings := parts[above]
		slices.SortFunc(siblings, byName)
		for _, p := range siblings {
			tree = append(tree, p)
			add(p.ID)
		}
	}
	add(uuid.Nil)
	return tree
}

// byName orders places that lie in the same one.
func byName(a, b registry.Place) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), bytes.Compare(a.ID[:], b.ID[:]))
}

// Branch returns what one of the actor's places lies in, the site first, and its parts in the order of their names, both as far as they are
// the organisation's. What belongs to others is registry.ErrNotFound.
func (s *Service) Branch(actor registry.Account, id uuid.UUID) (above, parts []registry.Place, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, known := s.places[id]
	if !known || !owns(actor, p) {
		return nil, nil, registry.ErrNotFound
	}
	for around := range s.ancestors(p) {
		if !owns(actor, around) {
			break
		}
		above = append(above, around)
	}
	slices.Reverse(above)
	for _, part := range s.parts[id] {
		if part := s.places[part]; owns(actor, part) {
			parts = append(parts, part)
		}
	}
	slices.SortFunc(parts, byName)
	return above, parts, nil
}

// placesOf returns the ids of the places of the actor's organisation. The caller holds the lock.
func (s *Service) placesOf(actor registry.Account) []uuid.UUID {
	if of := s.owned[actor.Organisation]; of != nil && actor.Organisation != uuid.Nil {
		return of.places
	}
	return nil
}

// Count returns how many places the actor's organisation has.
func (s *Service) Count(actor registry.Account) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.placesOf(actor))
}

// AreasOf returns the areas that places of the actor's organisation lie in, the wider before those in them, each rank in the order of
// the codes.
func (s *Service) AreasOf(actor registry.Account) []registry.Area {
	s.mu.RLock()
	defer s.mu.RUnlock()
	of := s.owned[actor.Organisation]
	if of == nil || actor.Organisation == uuid.Nil {
		return nil
	}
	used := make(map[string]bool)
	var list []registry.Area
	for code := range of.areas {
		for ; code != "" && !used[code]; code = s.areas[code].Parent {
			used[code] = true
			list = append(list, s.areas[code])
		}
	}
	rank := []registry.Level{registry.Province, registry.District, registry.Ward}
	slices.SortFunc(list, func(a, b registry.Area) int {
		return cmp.Or(slices.Index(rank, a.Level)-slices.Index(rank, b.Level), strings.Compare(a.Code, b.Code))
	})
	return list
}

// owns says whether a place is of the actor's organisation.
func owns(actor registry.Account, p registry.Place) bool {
	return actor.Organisation != uuid.Nil && p.Organisation == actor.Organisation
}

// Place returns one of the actor's places. What belongs to others is registry.ErrNotFound, as what is not there.
func (s *Service) Place(actor registry.Account, id uuid.UUID) (registry.Place, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, known := s.places[id]
	if !known || !owns(actor, p) {
		return registry.Place{}, registry.ErrNotFound
	}
	return p, nil
}

// FormOf returns the name of the form that a place asks people to fill in: its own, or that of the nearest place around it that says
// so; empty for none.
func (s *Service) FormOf(id uuid.UUID) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.places[id]
	form := p.Form
	for around := range s.ancestors(p) {
		form = cmp.Or(form, around.Form)
	}
	if form == registry.NoForm {
		return ""
	}
	return form
}
