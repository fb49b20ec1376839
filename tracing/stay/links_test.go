package stay_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/tracing/stay"
)

// TestAliasesAreThoseOfPerson sees Aliases list exactly the ids that Person maps to the person, also where ids of people
// are aliases of others.
func TestAliasesAreThoseOfPerson(t *testing.T) {
	ids := make([]uuid.UUID, 6)
	for i := range ids {
		ids[i] = uuid.UUID{15: byte(i + 1)}
	}
	rapid.Check(t, func(t *rapid.T) {
		one := rapid.SampledFrom(ids)
		links := stay.NewLinks(rapid.MapOf(one, one).Draw(t, "links"))
		for _, person := range ids {
			var want []uuid.UUID
			for _, alias := range ids {
				if links.Person(alias) == person {
					want = append(want, alias)
				}
			}
			got := slices.SortedFunc(slices.Values(links.Aliases(person)), func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
			if !slices.Equal(got, want) {
				t.Fatalf("aliases of %s: %v, want %v", person, got, want)
			}
		}
	})
}

func TestErased(t *testing.T) {
	alias, other, person := uuid.UUID{15: 1}, uuid.UUID{15: 2}, uuid.UUID{15: 3}
	all := stay.NewLinks(map[uuid.UUID]uuid.UUID{alias: person})
	erased := map[uuid.UUID]int64{alias: 100}
	links := all.Without(erased)
	erased[alias] = 200 // the caller's own
	for _, test := range []struct {
		links      *stay.Links
		alias      uuid.UUID
		receivedAt int64
		want       bool
	}{
		{links, alias, 99, true},
		{links, alias, 100, false},
		{links, other, 99, false},
		{links, person, 99, false},
		{links, other, -1, false}, // there is no erasure, whatever the instant
		{all, alias, 99, false},
		{links.Without(nil), alias, 99, false},
	} {
		if got := test.links.Erased(test.alias, test.receivedAt); got != test.want {
			t.Errorf("%v, received at %d: erased %v", test.alias, test.receivedAt, got)
		}
	}
	if links.Person(alias) != person || len(links.Aliases(person)) != 2 {
		t.Error("the links are not those of before")
	}
}
