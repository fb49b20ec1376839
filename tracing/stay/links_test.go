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
