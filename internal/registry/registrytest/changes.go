package registrytest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

func testRelink(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	a, b := registry.Person{ID: id(0xd0, 1)}, registry.Person{ID: id(0xd0, 2)}
	link := registry.Link{Alias: id(0xe0, 1), Person: a.ID, Kind: "phone", Linked: 3}
	must(t, s.PutPeople(ctx, []registry.Person{a, b}, []registry.Link{link}))

	link.Person, link.Kind, link.Linked = b.ID, "id_card", 4
	must(t, s.Relink(ctx, link))
	wantValue(t, b)(s.PersonByAlias(ctx, link.Alias))
	wantValue(t, map[uuid.UUID]uuid.UUID{link.Alias: b.ID})(links(t, s))
	for _, nobody := range []uuid.UUID{id(0xd0, 8), uuid.Nil} {
		wantError(t, s.Relink(ctx, registry.Link{Alias: link.Alias, Person: nobody}), registry.ErrDangling)
	}
	wantError(t, s.Relink(ctx, registry.Link{Alias: id(0xe0, 8), Person: a.ID}), registry.ErrNotFound)
	wantValue(t, b)(s.PersonByAlias(ctx, link.Alias))

	must(t, s.Unlink(ctx, link.Alias, 5))
	_, err := s.PersonByAlias(ctx, link.Alias)
	wantError(t, err, registry.ErrNotFound)
	wantValue(t, map[uuid.UUID]uuid.UUID{})(links(t, s))
	wantError(t, s.Unlink(ctx, link.Alias, 6), registry.ErrNotFound)
	wantError(t, s.Relink(ctx, link), registry.ErrNotFound)
	must(t, s.PutPeople(ctx, nil, []registry.Link{link})) // as if it had never been linked
	wantValue(t, b)(s.PersonByAlias(ctx, link.Alias))
}

func testErase(t *testing.T, s Store) {
	ctx := t.Context()
	erased := func() (map[uuid.UUID]int64, error) {
		w, err := s.World(ctx)
		return w.Erased, err
	}
	wantValue(t, map[uuid.UUID]int64{})(erased())
	a, b := id(0xe0, 1), id(0xe0, 2) // who need not be anybody's
	must(t, s.Erase(ctx, registry.Erasure{Alias: a, Before: 100}, registry.Erasure{Alias: b, Before: 50}))
	must(t, s.Erase(ctx, registry.Erasure{Alias: a, Before: 99}, registry.Erasure{Alias: b, Before: 51}))
	wantValue(t, map[uuid.UUID]int64{a: 100, b: 51})(erased())
}

// testChanges makes changes in random order, looks at the world now and then, and holds each of those worlds with what has
// changed since to the world in the end.
func testChanges(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	seed := rand.Uint64()
	dice := rand.New(rand.NewPCG(seed, 0))
	people := []registry.Person{{ID: id(0xd0, 0)}, {ID: id(0xd0, 1)}, {ID: id(0xd0, 2)}}
	must(t, s.PutPeople(ctx, people, nil))
	var worlds []registry.World
	look := func() registry.World {
		w, err := s.World(ctx)
		must(t, err)
		worlds = append(worlds, w)
		return w
	}
	places := byte(0)
	for range 120 {
		w := look()
		alias, person := id(0xe0, byte(dice.IntN(6))), people[dice.IntN(len(people))].ID
		_, linked := w.Links[alias]
		link := registry.Link{Alias: alias, Person: person, Kind: "phone", Linked: 9}
		switch what := dice.IntN(6); {
		case what == 0:
			must(t, s.PutPlaces(ctx, []registry.Place{place(places, uuid.Nil)}))
			places++
		case what == 1 && places > 0:
			p, err := s.Place(ctx, w.Places[dice.IntN(len(w.Places))].ID)
			must(t, err)
			p.Dwell = 60 + dice.Int64N(3)
			must(t, s.UpdatePlace(ctx, p))
		case what == 2:
			must(t, s.Erase(ctx, registry.Erasure{Alias: alias, Before: dice.Int64N(20)}))
		case what == 3 && linked:
			must(t, s.Unlink(ctx, alias, 9))
		case linked:
			must(t, s.Relink(ctx, link))
		default:
			must(t, s.PutPeople(ctx, nil, []registry.Link{link}))
		}
	}
	now := look()
	for _, w := range worlds {
		d, err := s.Changes(ctx, w.Revision)
		must(t, err)
		if fault := unlike(w, d, now); fault != "" {
			t.Fatalf("seed %d: what has changed since revision %d: %s", seed, w.Revision, fault)
		}
	}
	_, err := s.Changes(ctx, now.Revision+1)
	wantError(t, err, registry.ErrRevision)
}

// unlike says how a world with what has changed since differs from the world of now, and whether more was given than that.
func unlike(was registry.World, d registry.Delta, now registry.World) string {
	links, erased := maps.Clone(was.Links), maps.Clone(was.Erased)
	for alias, person := range d.Links {
		links[alias] = person
	}
	maps.DeleteFunc(links, func(_, person uuid.UUID) bool { return person == uuid.Nil })
	maps.Copy(erased, d.Erased)
	if d.Revision != now.Revision || !maps.Equal(links, now.Links) || !maps.Equal(erased, now.Erased) {
		return fmt.Sprintf("%+v makes %v and %v, want %+v", d, links, erased, now)
	}
	if was.Revision == now.Revision && len(d.Links)+len(d.Erased)+len(d.Places) > 0 {
		return fmt.Sprintf("nothing has changed, and it is %+v", d)
	}
	matters := func(w registry.World) (facts []string) { // for stays, of the places
		for i := range w.Places {
			p := &w.Places[i]
			facts = append(facts, fmt.Sprint(p.ID, p.Parent, p.DwellSeconds(), p.Kind, p.Area))
		}
		for _, a := range w.Areas {
			facts = append(facts, fmt.Sprint(a.Code, a.Level, a.Parent))
		}
		return facts
	}
	if d.Places != nil {
		return cmp.Diff(now.Places, d.Places) + cmp.Diff(now.Areas, d.Areas)
	}
	if !slices.Equal(matters(was), matters(now)) {
		return "places have changed and are not among it"
	}
	return ""
}
