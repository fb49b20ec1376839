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

	must(t, s.PutPlaces(ctx, nil))
	wantValue(t, []registry.Place{})(s.AllPlaces(ctx))
	must(t, s.PutPlaces(ctx, []registry.Place{inner, part, site})) // parts before their site
	must(t, s.PutPlaces(ctx, []registry.Place{bare}))

	wantValue(t, site)(s.Place(ctx, site.ID))
	wantValue(t, part)(s.Place(ctx, part.ID))
	wantValue(t, bare)(s.Place(ctx, bare.ID))
	wantValue(t, []registry.Place{part, inner, bare, site})(s.AllPlaces(ctx))
	wantValue(t, []registry.Place{part, inner, site})(s.PlacesOf(ctx, organisation.ID))
	wantValue(t, []registry.Place{bare})(s.PlacesOf(ctx, other.ID))
	wantValue(t, []registry.Place{part})(s.PartsOf(ctx, site.ID))
	wantValue(t, []registry.Place{})(s.PartsOf(ctx, bare.ID))
	_, err := s.Place(ctx, id(0xc0, 77))
	wantError(t, err, registry.ErrNotFound)
}

func testPlacesAtomic(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	kept := []registry.Place{place(1, uuid.Nil)}
	must(t, s.PutPlaces(ctx, kept))
	stranger, abroad := place(4, uuid.Nil), place(4, uuid.Nil)
	stranger.Organisation = id(0xa0, 9)
	abroad.Area = "99999"
	refused := []struct {
		name   string
		places []registry.Place
		want   error
	}{
		{"an id that is taken", []registry.Place{place(2, uuid.Nil), place(1, uuid.Nil)}, registry.ErrExists},
		{"an id twice", []registry.Place{place(2, uuid.Nil), place(2, uuid.Nil)}, registry.ErrExists},
		{"an unknown parent", []registry.Place{place(2, uuid.Nil), place(3, id(0xc0, 50))}, registry.ErrDangling},
		{"an unknown organisation", []registry.Place{place(2, uuid.Nil), stranger}, registry.ErrDangling},
		{"an unknown area", []registry.Place{place(2, uuid.Nil), abroad}, registry.ErrDangling},
		{"a place in itself", []registry.Place{place(2, id(0xc0, 2))}, registry.ErrPlaces},
		{"a ring", []registry.Place{place(2, id(0xc0, 3)), place(3, id(0xc0, 4)), place(4, id(0xc0, 2))}, registry.ErrPlaces},
	}
	for _, test := range refused {
		t.Run(test.name, func(t *testing.T) {
			wantError(t, s.PutPlaces(ctx, test.places), test.want)
			wantValue(t, kept)(s.AllPlaces(ctx))
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
	edited.Dwell, edited.Code, edited.Serial, edited.Issued = 0, "BBBB", 7, 900
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

func testRevocations(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	must(t, s.PutPlaces(ctx, []registry.Place{place(1, uuid.Nil), place(2, uuid.Nil)}))
	wantValue(t, []registry.Revocation{})(s.Revocations(ctx))
	first := registry.Revocation{Place: id(0xc0, 2), Serial: 4_000_000_000, At: 10}
	must(t, s.Revoke(ctx, first))
	must(t, s.Revoke(ctx, registry.Revocation{Place: id(0xc0, 1), Serial: 3, At: 10}))
	must(t, s.Revoke(ctx, registry.Revocation{Place: id(0xc0, 1), Serial: 5, At: 20}))
	must(t, s.Revoke(ctx, registry.Revocation{Place: id(0xc0, 1), Serial: 4, At: 30})) // reaches no further
	wantValue(t, []registry.Revocation{{Place: id(0xc0, 1), Serial: 5, At: 20}, first})(s.Revocations(ctx))
	wantError(t, s.Revoke(ctx, registry.Revocation{Place: id(0xc0, 9), Serial: 1}), registry.ErrDangling)
}

func testRevision(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	link := registry.Link{Alias: id(0xe0, 1), Kind: "phone", Linked: 9}
	p := place(1, uuid.Nil)
	steps := []struct {
		name   string
		do     func() error
		raises bool
	}{
		{"places put", func() error { return s.PutPlaces(ctx, []registry.Place{p}) }, true},
		{"places refused", func() error { return ignore(s.PutPlaces(ctx, []registry.Place{p}), registry.ErrExists) }, false},
		{"place updated", func() error { return s.UpdatePlace(ctx, p) }, true},
		{"update refused", func() error { return ignore(s.UpdatePlace(ctx, p), registry.ErrChanged) }, false},
		{"person made", func() error { _, err := s.EnsurePerson(ctx, link, ""); return err }, true},
		{"person found", func() error { _, err := s.EnsurePerson(ctx, link, ""); return err }, false},
		{"people put", func() error { return s.PutPeople(ctx, []registry.Person{{ID: id(0xd0, 9)}}, nil) }, true},
		{"organisation put", func() error { return s.PutOrganisation(ctx, registry.Organisation{ID: id(0xa0, 7)}) }, false},
	}
	before, err := s.Revision(ctx)
	must(t, err)
	for _, step := range steps {
		must(t, step.do())
		after, err := s.Revision(ctx)
		must(t, err)
		if (after > before) != step.raises {
			t.Errorf("%s: the revision goes from %d to %d", step.name, before, after)
		}
		before = after
	}
}

// ignore drops the error that was expected; anything else, and none too, is a failure.
func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return errors.Join(errors.New("the expected refusal did not come"), err)
}
