package cases

import (
	"errors"
	"math"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
)

// TestRunsAreBounded has one case who met three people.
func TestRunsAreBounded(t *testing.T) {
	tree, err := tracing.NewPlaces([]tracing.PlaceInfo{{ID: uuid.UUID{1}, Dwell: 60}})
	if err != nil {
		t.Fatal(err)
	}
	var stays []tracing.Stay
	for n := range byte(4) {
		stays = append(stays, tracing.Stay{Person: uuid.UUID{15: n}, Place: tracing.Place{ID: uuid.UUID{1}}, Enter: 1000, Leave: 2000})
	}
	req := tracing.Request{
		Cases:   []tracing.Case{{Person: uuid.UUID{}, Window: tracing.Window{To: math.MaxInt64}}},
		Numbers: tracing.Numbers{Depth: 2}, End: math.MaxInt64,
	}
	src := memindex.Build(tree, stays).AsOf(math.MaxInt64)
	for limit, want := range map[int]error{2: ErrTooLong, 3: nil, 4: nil} {
		if err := bounded(t.Context(), src, req, limit); !errors.Is(err, want) {
			t.Errorf("of at most %d: %v, want %v", limit, err, want)
		}
	}
}
