package citizen

import (
	"testing"

	"github.com/google/uuid"
)

// TestScansOfCompanions: each tap and each of who is there has an id of its own, at the time of the tap.
func TestScansOfCompanions(t *testing.T) {
	seen := make(map[uuid.UUID]bool)
	people := []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
	for range 50 {
		tap := uuid.Must(uuid.NewV7())
		seen[tap] = true
		for _, who := range people {
			id := CompanionScan(tap, who)
			if id != CompanionScan(tap, who) {
				t.Error("sent again, the scan is another one")
			}
			if id.Version() != 7 || id.Variant() != uuid.RFC4122 || id.Time() != tap.Time() {
				t.Errorf("%s of the tap %s", id, tap)
			}
			seen[id] = true
		}
	}
	if len(seen) != 50*(1+len(people)) {
		t.Errorf("%d ids", len(seen))
	}
}
