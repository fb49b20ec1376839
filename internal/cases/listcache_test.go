package cases

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
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
		list, err := c.get(t.Context(), id, now, func(_ context.Context, asked uuid.UUID) (*List, error) {
			loads++
			return &List{Run: registry.Run{ID: asked}}, nil
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
		fail := func(context.Context, uuid.UUID) (*List, error) { loads++; return nil, errAway }
		if _, err := c.get(t.Context(), uuid.UUID{15: 99}, now, fail); !errors.Is(err, errAway) {
			t.Error(err)
		}
	}
	if loads != maxLists+5 || len(c.lists) != maxLists {
		t.Errorf("%d loads, %d lists: an error was kept", loads, len(c.lists))
	}
}

// TestListsAreLoadedOnceAndSideBySide has a list that takes long to load, two who wait for it of whom the first leaves, and
// another list meanwhile.
func TestListsAreLoadedOnceAndSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c listCache
		now := time.Now()
		slow, quick := uuid.UUID{15: 1}, uuid.UUID{15: 2}
		release := make(chan struct{})
		loads := 0
		load := func(ctx context.Context, id uuid.UUID) (*List, error) {
			if id == slow {
				loads++
				<-release
			}
			return &List{Run: registry.Run{ID: id}}, ctx.Err()
		}
		ctx, leave := context.WithCancel(t.Context())
		left, stayed := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := c.get(ctx, slow, now, load)
			left <- err
		}()
		synctest.Wait() // the one who leaves is the one whose question is loading
		go func() {
			_, err := c.get(t.Context(), slow, now, load)
			stayed <- err
		}()
		synctest.Wait()
		if _, err := c.get(t.Context(), quick, now, load); err != nil {
			t.Errorf("another list: %v", err)
		}
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("who left got %v", err)
		}
		close(release)
		if err := <-stayed; err != nil {
			t.Errorf("who stayed got %v", err)
		}
		if _, err := c.get(t.Context(), slow, now, load); err != nil || loads != 1 {
			t.Errorf("%d loads, %v", loads, err)
		}
	})
}
