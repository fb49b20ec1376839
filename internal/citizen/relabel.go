package citizen

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/vault"
)

// KindDependant is the kind of the alias of somebody without a phone of their own. It is made from who answers for them, and
// which of those under that phone it is.
const KindDependant = "dependant"

// LinkStore is what following a key needs of the registry. AddLinks adds those whose alias has none.
type LinkStore interface {
	vault.Shelf
	PersonByAlias(ctx context.Context, alias uuid.UUID) (registry.Person, error)
	WalkDependants(ctx context.Context, after uuid.UUID, limit int) ([]registry.Dependant, error)
	AddLinks(ctx context.Context, links []registry.Link) (int, error)
}

// Follow links, for everybody whose number is in the vault, the alias under a key to the person that the one under another key
// stands for, and does the same for dependants. Links that are there stay, so it may be ended and begun again; what was scanned
// before keeps its alias, which stays linked too. It returns how many links it has added. Seen is told how many details were
// looked at, and how many links were added.
func Follow(
	ctx context.Context, store LinkStore, ring *vault.Ring, keys FollowedKeys, now time.Time, seen func(looked, linked int),
) (int, error) {
	linked := 0
	add := func(links []registry.Link) error {
		if len(links) == 0 {
			return nil
		}
		n, err := store.AddLinks(ctx, links)
		linked += n
		if err != nil {
			return fmt.Errorf("linking aliases: %w", err)
		}
		return nil
	}
	f := follower{store: store, keys: keys, now: now.Unix()}
	err := ring.Identifiers(ctx, store, func(found []vault.Identifier) error {
		links, err := f.ofIdentifiers(ctx, found)
		return errors.Join(err, add(links))
	}, func(looked int) { seen(looked, linked) })
	if err != nil {
		return linked, err
	}
	for last := uuid.Nil; ; {
		found, err := store.WalkDependants(ctx, last, followAtOnce)
		if err != nil || len(found) == 0 {
			return linked, err
		}
		links := make([]registry.Link, len(found))
		for i, d := range found {
			links[i] = registry.Link{Alias: keys.To.dependant(d.Guardian, d.Number), Person: d.Person, Kind: KindDependant, Linked: f.now}
		}
		if err := add(links); err != nil {
			return linked, err
		}
		last = found[len(found)-1].Person
	}
}

// followAtOnce is how many dependants are read at a time.
const followAtOnce = 500

// FollowedKeys are the pseudonyms of before and of from now on.
type FollowedKeys struct{ From, To *Pseudonyms }

type follower struct {
	store LinkStore
	keys  FollowedKeys
	now   int64
}

// ofIdentifiers returns the links of the aliases under the new key. An alias of before that was linked to somebody else since the
// number was kept leads to them.
func (f follower) ofIdentifiers(ctx context.Context, found []vault.Identifier) ([]registry.Link, error) {
	links := make([]registry.Link, 0, len(found))
	for _, identifier := range found {
		kind := KindPhone
		if identifier.Field == vault.IDCard {
			kind = KindIDCard
		}
		person, err := f.store.PersonByAlias(ctx, f.keys.From.alias(kind, identifier.Text))
		switch {
		case errors.Is(err, registry.ErrNotFound):
			person.ID = identifier.Person
		case err != nil:
			return nil, fmt.Errorf("finding whose an alias is: %w", err)
		}
		links = append(links, registry.Link{Alias: f.keys.To.alias(kind, identifier.Text), Person: person.ID, Kind: kind, Linked: f.now})
	}
	return links, nil
}
