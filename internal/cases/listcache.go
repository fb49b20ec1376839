package cases

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"
)

// The bounds of the cache of decoded lists, of which one of 5,000 people is about 10 MB. A list that is longer than all may be
// together is kept alone.
const (
	maxLists   = 4
	maxPeople  = 50_000
	maxListAge = time.Minute
)

// listCache keeps the lists that were read last, with everybody in them: a run never changes, and a reader who pages and
// filters asks for the same one again and again. What may change, where people reside above all, is what says who may see
// them, so a list is not kept for long. The zero value is ready. It is safe for concurrent use.
type listCache struct {
	loading singleflight.Group // by the run's id

	mu    sync.Mutex
	lists []cachedList // most recently used last
}

type cachedList struct {
	*List
	loaded time.Time
}

// get returns the list of a run, loading it where it is not there or has become too old. No list is loaded twice at once:
// who asks meanwhile waits for it, and who waits may leave by ctx, which ends nobody else's loading. Lists are shared and
// must not be changed.
func (c *listCache) get(
	ctx context.Context, id uuid.UUID, now time.Time, load func(context.Context, uuid.UUID) (*List, error),
) (*List, error) {
	if list := c.cached(id, now); list != nil {
		return list, nil
	}
	loaded := c.loading.DoChan(id.String(), func() (any, error) {
		list, err := load(context.WithoutCancel(ctx), id)
		if err != nil {
			return nil, err
		}
		c.keep(cachedList{list, now})
		return list, nil
	})
	select {
	case result := <-loaded:
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*List), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for a list: %w", context.Cause(ctx))
	}
}

// cached returns the list of a run if it is there and young enough, and forgets it if it is too old.
func (c *listCache) cached(id uuid.UUID, now time.Time) *List {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.lists, func(l cachedList) bool { return l.Run.ID == id })
	if i < 0 {
		return nil
	}
	found := c.lists[i]
	c.lists = slices.Delete(c.lists, i, i+1)
	if now.Sub(found.loaded) >= maxListAge {
		return nil
	}
	c.lists = append(c.lists, found)
	return found.List
}

// keep takes in a list, in place of those that were used the longest ago where there is no room.
func (c *listCache) keep(list cachedList) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lists = slices.DeleteFunc(c.lists, func(l cachedList) bool { return l.Run.ID == list.Run.ID })
	c.lists = append(c.lists, list)
	people := 0
	for _, l := range c.lists {
		people += len(l.People)
	}
	for len(c.lists) > maxLists || people > maxPeople && len(c.lists) > 1 {
		people -= len(c.lists[0].People)
		c.lists = slices.Delete(c.lists, 0, 1)
	}
}
