package registrytest

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

func testPlaces(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	other := registry.Organisation{ID: id(0xa0, 2), Name: "Bến xe"}
	must(t, s.PutOrganisation(ctx, other))
	site, part, inner, bare := place(9, uuid.Nil), place(1, id(0xc0, 9)), place(2, id(0xc0, 1)), place(3, uuid.Nil)
	bare.Organisation = other.ID
	bare.Area, bare.Address, bare.Dwell, bare.Code = "", "", 0, ""
	inner.Area = ""
	site.Key, part.Key, bare.Key = "chợ 'A'", "?", "?" // each organisation has keys of its own

	must(t, s.PutPlaces(ctx, nil))
	wantValue(t, []registry.Place{})(allPlaces(t, s))
	must(t, s.PutPlaces(ctx, []registry.Place{inner, part, site})) // parts before their site
	must(t, s.PutPlaces(ctx, []registry.Place{bare}))

	wantValue(t, 3)(s.CountPlaces(ctx, organisation.ID))
	wantValue(t, 0)(s.CountPlaces(ctx, id(0xa0, 9)))
	wantValue(t, site)(s.Place(ctx, site.ID))
	wantValue(t, part)(s.Place(ctx, part.ID))
	wantValue(t, bare)(s.Place(ctx, bare.ID))
	wantValue(t, []registry.Place{part, inner, bare, site})(allPlaces(t, s))
	asked := []uuid.UUID{inner.ID, part.ID, site.ID, bare.ID, id(0xc0, 77), inner.ID}
	lying := map[uuid.UUID]registry.Lying{site.ID: {Area: "00001", Level: 1}, part.ID: {Area: "00001", Level: 2}, inner.ID: {Level: 3}}
	wantValue(t, lying)(s.Lying(ctx, organisation.ID, asked))
	wantValue(t, map[uuid.UUID]registry.Lying{})(s.Lying(ctx, organisation.ID, nil))
	wantValue(t, map[string]uuid.UUID{site.Key: site.ID, "?": part.ID})(s.Keyed(ctx, organisation.ID, []string{"?", "", site.Key, "nowhere"}))
	wantValue(t, map[string]uuid.UUID{})(s.Keyed(ctx, organisation.ID, nil))
	_, err := s.Place(ctx, id(0xc0, 77))
	wantError(t, err, registry.ErrNotFound)
}

// testPlacesWithin has many put places at the same time, of which one alone can go in.
func testPlacesWithin(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	other := registry.Organisation{ID: id(0xa0, 2), Name: "Bến xe"}
	must(t, s.PutOrganisation(ctx, other))
	theirs := place(9, uuid.Nil)
	theirs.Organisation = other.ID
	must(t, s.PutPlacesWithin(ctx, nil, 1))
	must(t, s.PutPlacesWithin(ctx, []registry.Place{theirs}, 1)) // which do not count
	must(t, s.PutPlacesWithin(ctx, []registry.Place{place(1, uuid.Nil)}, 0))
	wantError(t, s.PutPlacesWithin(ctx, []registry.Place{place(2, uuid.Nil), place(3, uuid.Nil)}, 2), registry.ErrFull)
	var group sync.WaitGroup
	put := make(chan error, 6)
	for n := range byte(6) {
		group.Go(func() {
			put <- s.PutPlacesWithin(ctx, []registry.Place{place(10+2*n, uuid.Nil), place(11+2*n, uuid.Nil)}, 3)
		})
	}
	group.Wait()
	close(put)
	var in int
	for err := range put {
		if err == nil {
			in++
		} else {
			wantError(t, err, registry.ErrFull)
		}
	}
	wantValue(t, 1)(in, nil)
	wantValue(t, 3)(s.CountPlaces(ctx, organisation.ID))
}

func testPlacesAtomic(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	kept := []registry.Place{place(1, uuid.Nil)}
	kept[0].Key = "k"
	must(t, s.PutPlaces(ctx, kept))
	stranger, abroad := place(4, uuid.Nil), place(4, uuid.Nil)
	stranger.Organisation = id(0xa0, 9)
	abroad.Area = "99999"
	same, twin := place(4, uuid.Nil), place(5, uuid.Nil)
	same.Key, twin.Key = "l", "l"
	second := place(4, uuid.Nil)
	second.Key = "k"
	refused := []struct {
		name   string
		places []registry.Place
		want   error
	}{
		{"an id that is taken", []registry.Place{place(2, uuid.Nil), place(1, uuid.Nil)}, registry.ErrExists},
		{"an id twice", []registry.Place{place(2, uuid.Nil), place(2, uuid.Nil)}, registry.ErrExists},
		{"a key that is taken", []registry.Place{place(2, uuid.Nil), second}, registry.ErrExists},
		{"a key twice", []registry.Place{same, twin}, registry.ErrExists},
		{"an unknown parent", []registry.Place{place(2, uuid.Nil), place(3, id(0xc0, 50))}, registry.ErrDangling},
		{"an unknown organisation", []registry.Place{place(2, uuid.Nil), stranger}, registry.ErrDangling},
		{"an unknown area", []registry.Place{place(2, uuid.Nil), abroad}, registry.ErrDangling},
		{"a place in itself", []registry.Place{place(2, id(0xc0, 2))}, registry.ErrPlaces},
		{"a ring", []registry.Place{place(2, id(0xc0, 3)), place(3, id(0xc0, 4)), place(4, id(0xc0, 2))}, registry.ErrPlaces},
	}
	for _, test := range refused {
		t.Run(test.name, func(t *testing.T) {
			wantError(t, s.PutPlaces(ctx, test.places), test.want)
			wantValue(t, kept)(allPlaces(t, s))
		})
	}
	must(t, s.PutPlaces(ctx, []registry.Place{place(2, id(0xc0, 1))}))
}

func testUpdatePlace(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	site, part := place(1, uuid.Nil), place(2, id(0xc0, 1))
	must(t, s.PutPlaces(ctx, []registry.Place{site, part}))

	edited := part
	edited.Kind, edited.Name, edited.Address, edited.Area = qrgen.KindStall, "Quầy 2", "", "00004"
	edited.Dwell, edited.Hours, edited.Form, edited.Code, edited.Serial, edited.Issued = 0, "Mo 07:00-08:00", "", "BBBB", 7, 900
	must(t, s.UpdatePlace(ctx, edited))
	stored := edited
	stored.Revision++
	wantValue(t, stored)(s.Place(ctx, part.ID))
	wantValue(t, site)(s.Place(ctx, site.ID))

	wantError(t, s.UpdatePlace(ctx, edited), registry.ErrChanged) // it names the revision before
	ahead := stored
	ahead.Revision++
	wantError(t, s.UpdatePlace(ctx, ahead), registry.ErrChanged)
	moved := stored
	moved.Parent = uuid.Nil
	wantError(t, s.UpdatePlace(ctx, moved), registry.ErrPlaces)
	sold := stored
	sold.Organisation = id(0xa0, 9)
	wantError(t, s.UpdatePlace(ctx, sold), registry.ErrPlaces)
	abroad := stored
	abroad.Area = "99999"
	wantError(t, s.UpdatePlace(ctx, abroad), registry.ErrDangling)
	wantError(t, s.UpdatePlace(ctx, place(9, uuid.Nil)), registry.ErrNotFound)
	wantValue(t, stored)(s.Place(ctx, part.ID))
}

func testUpdateRace(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	p := place(1, uuid.Nil)
	must(t, s.PutPlaces(ctx, []registry.Place{p}))
	outcomes := atOnce(8, func(int) error { return s.UpdatePlace(ctx, p) })
	won := 0
	for _, err := range outcomes {
		if err == nil {
			won++
		} else {
			wantError(t, err, registry.ErrChanged)
		}
	}
	if won != 1 {
		t.Errorf("%d of 8 updates of one revision succeeded, want 1", won)
	}
}

// atOnce calls do from n goroutines and returns what each got.
func atOnce(n int, do func(i int) error) []error {
	outcomes := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { outcomes[i] = do(i) })
	}
	group.Wait()
	return outcomes
}

// allPlaces returns the places as both that read everything give them.
func allPlaces(t *testing.T, s Store) ([]registry.Place, error) {
	t.Helper()
	w, err := s.World(t.Context())
	must(t, err)
	g, err := s.Gazetteer(t.Context(), -1)
	shapes := make([]registry.Place, len(g.Places))
	for i, p := range g.Places {
		shapes[i] = registry.Place{ID: p.ID, Parent: p.Parent, Kind: p.Kind, Area: p.Area, Dwell: p.Dwell}
	}
	wantSame(t, shapes, w.Places)
	return g.Places, err
}

// testCounts holds both counters against what each change changes.
func testCounts(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	link := registry.Link{Alias: id(0xe0, 1), Kind: "phone", Linked: 9}
	other := registry.Link{Alias: id(0xe0, 2), Person: id(0xd0, 9), Kind: "phone", Linked: 9}
	relinked, dangling := link, link
	relinked.Person, dangling.Person = other.Person, id(0xd0, 8)
	p := place(1, uuid.Nil)
	update := func(change func()) func() error {
		return func() error {
			change()
			err := s.UpdatePlace(ctx, p)
			p.Revision++
			return err
		}
	}
	revoke := func() error { return s.PutCode(ctx, registry.Code{Place: p.ID, Serial: 7, Ends: 10, Revoked: true}) }
	succeed := func() error {
		p.Serial++
		err := s.Succeed(ctx, p, registry.Code{Place: p.ID, Serial: p.Serial - 1, Ends: 20})
		p.Revision++
		return err
	}
	steps := []struct {
		name         string
		do           func() error
		world, named bool // which counter goes up
	}{
		{"no places put", func() error { return s.PutPlaces(ctx, nil) }, false, false},
		{"places put", func() error { return s.PutPlaces(ctx, []registry.Place{p}) }, true, true},
		{"places refused", func() error { return ignore(s.PutPlaces(ctx, []registry.Place{p}), registry.ErrExists) }, false, false},
		{"another name", update(func() { p.Name, p.Address = "x", "y" }), false, true},
		{"another area", update(func() { p.Area = "00004" }), true, true},
		{"another code", update(func() { p.Code, p.Serial, p.Issued = "BBBB", 9, 300 }), false, true},
		{"another kind with the same dwell", update(func() { p.Kind = qrgen.KindOffice }), true, true},
		{"another dwell", update(func() { p.Dwell = 60 }), true, true},
		{"the kind's own dwell", update(func() { p.Dwell = 0 }), true, true},
		{"another kind and so another dwell", update(func() { p.Kind = qrgen.KindStall }), true, true},
		{"update refused", func() error { return ignore(s.UpdatePlace(ctx, place(1, uuid.Nil)), registry.ErrChanged) }, false, false},
		{"a code ended", revoke, false, true},
		{"a code ended again", revoke, false, false},
		{"a next code", succeed, false, true},
		{"areas put", func() error { return s.PutAreas(ctx, areas[:1]) }, false, true},
		{"person made", func() error { _, err := s.EnsurePerson(ctx, link, ""); return err }, true, false},
		{"person found", func() error { _, err := s.EnsurePerson(ctx, link, ""); return err }, false, false},
		{"people without links", func() error { return s.PutPeople(ctx, []registry.Person{{ID: other.Person}}, nil) }, false, false},
		{"a link", func() error { return s.PutPeople(ctx, nil, []registry.Link{other}) }, true, false},
		{"linked to another", func() error { return s.Relink(ctx, relinked) }, true, false},
		{"linked to the same", func() error { return s.Relink(ctx, relinked) }, false, false},
		{"linked to nobody there is", func() error { return ignore(s.Relink(ctx, dangling), registry.ErrDangling) }, false, false},
		{"unlinked", func() error { return s.Unlink(ctx, other.Alias, 9) }, true, false},
		{"unlinked again", func() error { return ignore(s.Unlink(ctx, other.Alias, 9), registry.ErrNotFound) }, false, false},
		{"nothing erased", func() error { return s.Erase(ctx) }, false, false},
		{"erased", func() error { return s.Erase(ctx, registry.Erasure{Alias: link.Alias, Before: 9}) }, true, false},
		{"erased before", func() error { return s.Erase(ctx, registry.Erasure{Alias: link.Alias, Before: 9}) }, false, false},
		{"organisation put", func() error { return s.PutOrganisation(ctx, registry.Organisation{ID: id(0xa0, 7)}) }, false, false},
	}
	for _, step := range steps {
		revision, err := s.Revision(ctx)
		must(t, err)
		before, err := s.Gazetteer(ctx, -1)
		must(t, err)
		if before.Areas == nil {
			t.Errorf("before %q: nothing was read", step.name)
		}
		must(t, step.do())
		w, err := s.World(ctx)
		must(t, err)
		wantValue(t, w.Revision)(s.Revision(ctx))
		after, err := s.Gazetteer(ctx, before.Changes)
		must(t, err)
		if (w.Revision > revision) != step.world || w.Revision < revision {
			t.Errorf("%s: the revision goes from %d to %d", step.name, revision, w.Revision)
		}
		if (after.Changes > before.Changes) != step.named || after.Changes < before.Changes {
			t.Errorf("%s: the count of changes goes from %d to %d", step.name, before.Changes, after.Changes)
		}
		if (after.Places != nil) != step.named || (after.Codes != nil) != step.named || (after.Areas != nil) != (step.name == "areas put") || after.Whole {
			t.Errorf("%s: of what is known again %d places and %d areas are read", step.name, len(after.Places), len(after.Areas))
		}
	}
}

// testWorldOfOneMoment reads while a place and a link are put in turn: whatever is read, its revision counts it.
func testWorldOfOneMoment(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	before, err := s.Revision(ctx)
	must(t, err)
	const rounds = 40
	done := make(chan error, 1)
	go func() {
		for n := range byte(rounds) {
			if err := s.PutPlaces(ctx, []registry.Place{place(n, uuid.Nil)}); err != nil {
				done <- err
				return
			}
			if _, err := s.EnsurePerson(ctx, registry.Link{Alias: id(0xe0, n), Kind: "phone"}, ""); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for ended := false; !ended; {
		select {
		case err := <-done:
			must(t, err)
			ended = true
		default:
		}
		w, err := s.World(ctx)
		must(t, err)
		if places, links := len(w.Places), len(w.Links); w.Revision-before != int64(places+links) || places-links > 1 || places < links {
			t.Fatalf("revision %d counts %d places and %d links", w.Revision-before, places, links)
		}
		if ended && len(w.Links) != rounds {
			t.Errorf("in the end there are %d links", len(w.Links))
		}
	}
}

// ignoring drops an error that may come.
func ignoring(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

// ignore drops the error that was expected; anything else, and none too, is a failure.
func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return errors.Join(errors.New("the expected refusal did not come"), err)
}
