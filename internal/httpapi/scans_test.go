package httpapi_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
)

// TestAVoidComesSoon: a scan of one's own is taken back for a minute and what a network takes, by the later of the times that a void
// says of itself.
func TestAVoidComesSoon(t *testing.T) {
	b := newBench(t)
	token := b.token(nil)
	const last = citizen.UndoFor + citizen.UndoGrace
	old, recent := now.Add(-30*time.Minute), now.Add(-last)
	void := func(id, of uuid.UUID, at time.Time) string {
		return wire(id, token, fmt.Sprintf(`,"kind":"void","voids":%q,"at":%d`, of, at.Unix()))
	}
	var got []string
	for _, r := range b.results(b.post(batch(
		void(v7(now), v7(recent), now),
		void(uuid.New(), v7(recent), now),
		void(v7(old.Add(20*time.Second)), v7(old), old), // delivered late
		void(v7(now), v7(recent.Add(-time.Second)), now),
		void(v7(old), v7(old), old.Add(2*time.Minute)),
		void(v7(now), v7(old), old),
		void(v7(now), uuid.New(), now),
		wire(v7(now), token, `,"kind":"void"`),
	))) {
		got = append(got, r.Status+" "+r.Code)
	}
	want := []string{
		"accepted ", "accepted ", "accepted ", "refused undo_too_late", "refused undo_too_late", "refused undo_too_late", "refused scan_id_time",
		"refused scan_voids_wrong",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the voids are %q, want %q", got, want)
	}
}
