package tracing_test

import (
	"encoding/binary"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
)

// TestDeepTree makes a chain of places whose every step up must be taken once only: taken anew for each place, there are
// twenty billion.
func TestDeepTree(t *testing.T) {
	infos := make([]tracing.PlaceInfo, 200_000)
	for i := range infos {
		binary.BigEndian.PutUint64(infos[i].ID[8:], uint64(i+1))
		infos[i].Dwell = 60
		if i > 0 {
			infos[i].Parent = infos[i-1].ID
		}
	}
	places, err := tracing.NewPlaces(infos)
	if err != nil {
		t.Fatal(err)
	}
	root, _ := places.Contact(tracing.ScopeSite, tracing.Place{ID: infos[len(infos)-1].ID})
	if root != (tracing.Place{ID: infos[0].ID}) || places.Parent(infos[0].ID) != uuid.Nil {
		t.Errorf("the root is %v", root)
	}
}
