package cases

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

func TestListCache(t *testing.T) {
	var c listCache
	now := time.Unix(0, 0)
	loads := 0
	get := func(run byte) *List {
		t.Helper()
		id := uuid.UUID{15: run}
		list, err := c.get(id, now, func() (*List, error) {
			loads++
			return &List{Run: registry.Run{ID: id}}, nil
		})
		if err != nil || list.Run.ID != id {
			t.Fatalf("%v, %v", list, err)
		}
		return list
	}
	first := get(1)
	for run := byte(2); run <= maxLists; run++ {
		get(run)
	}
	if get(1) != first || loads != maxLists {
		t.Errorf("%d loads", loads)
	}
	get(maxLists + 1) // for which 2 goes, the one that was not asked for the longest
	if get(1) != first || loads != maxLists+1 || len(c.lists) != maxLists {
		t.Errorf("%d loads, %d lists", loads, len(c.lists))
	}
	get(2)
	if loads != maxLists+2 {
		t.Errorf("%d loads", loads)
	}
	now = now.Add(maxListAge - 1)
	if get(1) != first {
		t.Error("a list went before its time")
	}
	now = now.Add(1)
	if get(1) == first || len(c.lists) != maxLists {
		t.Error("a list stayed for too long")
	}
	errAway := errors.New("away")
	for range 2 {
		if _, err := c.get(uuid.UUID{15: 99}, now, func() (*List, error) { loads++; return nil, errAway }); !errors.Is(err, errAway) {
			t.Error(err)
		}
	}
	if loads != maxLists+5 || len(c.lists) != maxLists {
		t.Errorf("%d loads, %d lists: an error was kept", loads, len(c.lists))
	}
}
