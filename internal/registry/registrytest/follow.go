package registrytest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// follower keeps what is read as a whole up to date by its changes alone, as a server does.
type follower struct {
	store Store
	world registry.World
	names registry.Gazetteer
}

func newFollower(t *testing.T, s Store) *follower {
	t.Helper()
	f := &follower{store: s}
	var err error
	f.world, err = s.World(t.Context())
	must(t, err)
	f.names, err = s.Gazetteer(t.Context(), -1)
	must(t, err)
	return f
}

func (f *follower) look(t *testing.T) {
	t.Helper()
	d, err := f.store.Changes(t.Context(), f.world.Revision)
	must(t, err)
	f.world.Revision = d.Revision
	if d.Places != nil {
		f.world.Places, f.world.Areas = d.Places, d.Areas
	}
	maps.Copy(f.world.Links, d.Links)
	maps.DeleteFunc(f.world.Links, func(_, person uuid.UUID) bool { return person == uuid.Nil })
	maps.Copy(f.world.Erased, d.Erased)
	names, err := f.store.Gazetteer(t.Context(), f.names.Changes)
	must(t, err)
	if names.Changes == f.names.Changes {
		return
	}
	if names.Whole {
		t.Error("everything was read again")
	}
	f.names.Changes = names.Changes
	f.names.Places = replaced(f.names.Places, names.Places, func(p registry.Place) uuid.UUID { return p.ID })
	f.names.Codes = replaced(f.names.Codes, names.Codes, func(c registry.Code) uuid.UUID {
		return uuid.UUID(binary.BigEndian.AppendUint32(slices.Clone(c.Place[:12]), c.Serial)) // all places end alike
	})
	if names.Areas != nil {
		f.names.Areas = names.Areas
	}
}

// replaced puts records over those of before, in the order of their ids.
func replaced[T any](before, now []T, id func(T) uuid.UUID) []T {
	byID := make(map[uuid.UUID]T)
	for _, record := range slices.Concat(before, now) {
		byID[id(record)] = record
	}
	ids := slices.SortedFunc(maps.Keys(byID), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	all := make([]T, len(ids))
	for i := range ids {
		all[i] = byID[ids[i]]
	}
	return all
}

// testFollow makes changes from many sides at once while somebody follows them. A change that could be seen only after one
// with a higher count could be seen would be missed for good.
func testFollow(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	people := []registry.Person{{ID: id(0xd0, 0)}, {ID: id(0xd0, 1)}}
	must(t, s.PutPeople(ctx, people, nil))
	f := newFollower(t, s)
	const sides, rounds = 6, 25
	seed := rand.Uint64()
	ended := make(chan []error)
	go func() {
		ended <- atOnce(sides, func(side int) error {
			dice := rand.New(rand.NewPCG(seed, uint64(side)))
			for n := range byte(rounds) {
				if err := disturb(t, s, dice, byte(side)*rounds+n, people); err != nil {
					return err
				}
			}
			return nil
		})
	}()
	for going := true; going; {
		select {
		case outcomes := <-ended:
			for _, err := range outcomes {
				must(t, err)
			}
			going = false
		default:
		}
		f.look(t)
	}
	now := newFollower(t, s)
	if diff := cmp.Diff(now.world.Links, f.world.Links) + cmp.Diff(now.world.Erased, f.world.Erased); diff != "" {
		t.Errorf("seed %d: what was followed differs from what is:\n%s", seed, diff)
	}
	if diff := cmp.Diff(now.names, f.names); diff != "" {
		t.Errorf("seed %d: the places that were followed differ from those that are:\n%s", seed, diff)
	}
}

// disturb makes a change. That others made one first, so that it cannot be made, is no error.
func disturb(t *testing.T, s Store, dice *rand.Rand, n byte, people []registry.Person) error {
	ctx := t.Context()
	link := registry.Link{Alias: id(0xe0, byte(dice.IntN(8))), Person: people[dice.IntN(2)].ID, Kind: "phone", Linked: 9}
	var err error
	switch dice.IntN(8) {
	case 0:
		err = s.PutPeople(ctx, nil, []registry.Link{link})
	case 1:
		err = s.Relink(ctx, link)
	case 2:
		err = s.Unlink(ctx, link.Alias, 9)
	case 3:
		err = s.Erase(ctx, registry.Erasure{Alias: link.Alias, Before: dice.Int64N(50)})
	case 4:
		err = s.PutPlaces(ctx, []registry.Place{place(n, uuid.Nil)})
	case 5:
		err = s.PutAreas(ctx, areas[:1+dice.IntN(3)])
	case 6:
		err = s.PutCode(ctx, registry.Code{Place: id(0xc0, byte(dice.IntN(int(n)+1))), Serial: dice.Uint32N(9), Ends: dice.Int64N(9)})
	default:
		var p registry.Place
		if p, err = s.Place(ctx, id(0xc0, byte(dice.IntN(int(n)+1)))); err == nil {
			p.Dwell = 60 + dice.Int64N(9)
			err = s.UpdatePlace(ctx, p)
		}
	}
	for _, lost := range []error{registry.ErrExists, registry.ErrNotFound, registry.ErrChanged, registry.ErrDangling} {
		if errors.Is(err, lost) {
			return nil
		}
	}
	return err
}
