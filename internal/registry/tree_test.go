package registry_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/registry"
)

// TestCheckPlacesAgreesWithWalkingUp compares with the plain way: from each place go up as many steps as there are places;
// who is still under way goes in a ring.
func TestCheckPlacesAgreesWithWalkingUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 12).Draw(t, "places")
		id := func(i int) uuid.UUID { return uuid.UUID{0: byte(i), 15: 1} }
		places := make([]registry.Place, n)
		parents := make(map[uuid.UUID]uuid.UUID)
		for i := range places {
			places[i].ID = id(i)
			// -1 is a site; n is a place that is not among these.
			if parent := rapid.IntRange(-1, n).Draw(t, "parent"); parent >= 0 {
				places[i].Parent = id(parent)
			}
			parents[places[i].ID] = places[i].Parent
		}
		ring := false
		for i := range places {
			at := places[i].ID
			for range n {
				at = parents[at]
			}
			ring = ring || at != uuid.Nil && parents[at] != uuid.Nil
		}
		if err := registry.CheckPlaces(places); errors.Is(err, registry.ErrPlaces) != ring || (err == nil) == ring {
			t.Fatalf("a ring: %v, but the check says %v", ring, err)
		}
	})
}
