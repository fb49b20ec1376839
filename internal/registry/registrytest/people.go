package registrytest

import (
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

func testEnsurePerson(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	link := registry.Link{Alias: id(0xe0, 1), Kind: "phone", Linked: 50}
	_, err := s.PersonByAlias(ctx, link.Alias)
	wantError(t, err, registry.ErrNotFound)

	people := make([]registry.Person, 8)
	for _, err := range atOnce(len(people), func(i int) (err error) {
		people[i], err = s.EnsurePerson(ctx, link, "00001")
		return err
	}) {
		must(t, err)
	}
	first := people[0]
	if first.ID == uuid.Nil || first.Area != "00001" || first.Created != 50 {
		t.Errorf("the person made is %+v", first)
	}
	for _, p := range people {
		if p != first {
			t.Errorf("calls at once gave %+v and %+v", first, p)
		}
	}
	link.Linked = 60
	wantValue(t, first)(s.EnsurePerson(ctx, link, "00004")) // nothing of who is there changes
	wantValue(t, first)(s.PersonByAlias(ctx, link.Alias))
	wantValue(t, []registry.Person{first})(s.People(ctx))

	named := registry.Link{Alias: id(0xe0, 2), Person: id(0xd0, 1), Kind: "id_card", Linked: 70}
	wantValue(t, registry.Person{ID: id(0xd0, 1), Created: 70})(s.EnsurePerson(ctx, named, ""))
	wantValue(t, map[uuid.UUID]uuid.UUID{link.Alias: first.ID, named.Alias: named.Person})(s.Links(ctx))

	_, err = s.EnsurePerson(ctx, registry.Link{Alias: id(0xe0, 3), Kind: "phone"}, "99999")
	wantError(t, err, registry.ErrDangling)
	_, err = s.PersonByAlias(ctx, id(0xe0, 3))
	wantError(t, err, registry.ErrNotFound)
}

func testPutPeople(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	wantValue(t, []registry.Person{})(s.People(ctx))
	wantValue(t, map[uuid.UUID]uuid.UUID{})(s.Links(ctx))
	people := []registry.Person{{ID: id(0xd0, 1), Area: "00001", Created: 1}, {ID: id(0xd0, 2), Area: "001", Created: 2}}
	links := []registry.Link{
		{Alias: id(0xe0, 1), Person: people[0].ID, Kind: "phone", Linked: 3},
		{Alias: id(0xe0, 2), Person: people[1].ID, Kind: "phone", Linked: 3},
	}
	must(t, s.PutPeople(ctx, people, links))
	second := registry.Link{Alias: id(0xe0, 3), Person: people[0].ID, Kind: "id_card", Linked: 4}
	must(t, s.PutPeople(ctx, nil, []registry.Link{second})) // another alias of somebody who is there
	held := map[uuid.UUID]uuid.UUID{links[0].Alias: people[0].ID, links[1].Alias: people[1].ID, second.Alias: people[0].ID}

	fresh := registry.Person{ID: id(0xd0, 5)}
	refused := []struct {
		name   string
		people []registry.Person
		links  []registry.Link
		want   error
	}{
		{"a person who is there", []registry.Person{fresh, people[0]}, nil, registry.ErrExists},
		{"an alias that is there", []registry.Person{fresh}, []registry.Link{{Alias: id(0xe0, 2), Person: fresh.ID}}, registry.ErrExists},
		{"a link to nobody", []registry.Person{fresh}, []registry.Link{{Alias: id(0xe0, 8), Person: id(0xd0, 8)}}, registry.ErrDangling},
		{"an unknown area", []registry.Person{fresh, {ID: id(0xd0, 6), Area: "99999"}}, nil, registry.ErrDangling},
	}
	for _, test := range refused {
		t.Run(test.name, func(t *testing.T) {
			wantError(t, s.PutPeople(ctx, test.people, test.links), test.want)
			wantValue(t, people)(s.People(ctx))
			wantValue(t, held)(s.Links(ctx))
		})
	}
	wantValue(t, people[0])(s.PersonByAlias(ctx, second.Alias))
}

func testRevokedCredentials(t *testing.T, s Store) {
	ctx := t.Context()
	wantValue(t, map[uuid.UUID]int64{})(s.RevokedCredentials(ctx))
	must(t, s.RevokeCredentials(ctx, id(0xe0, 1), 100))
	must(t, s.RevokeCredentials(ctx, id(0xe0, 1), 200))
	must(t, s.RevokeCredentials(ctx, id(0xe0, 1), 150)) // earlier than what holds
	must(t, s.RevokeCredentials(ctx, id(0xe0, 2), 50))
	wantValue(t, map[uuid.UUID]int64{id(0xe0, 1): 200, id(0xe0, 2): 50})(s.RevokedCredentials(ctx))
}

func testChallenges(t *testing.T, s Store) {
	ctx := t.Context()
	c := registry.Challenge{ID: id(0xf0, 1), Alias: id(0xe0, 1), CodeHash: []byte{1, 0, 255}, Created: 100, Expires: 400}
	must(t, s.PutChallenge(ctx, c))
	wantError(t, s.PutChallenge(ctx, c), registry.ErrExists)
	c.Tries = 1
	wantValue(t, c)(s.TryChallenge(ctx, c.ID, 100))
	c.Tries = 2
	wantValue(t, c)(s.TryChallenge(ctx, c.ID, 399))
	_, err := s.TryChallenge(ctx, c.ID, 400) // the interval is half-open
	wantError(t, err, registry.ErrNotFound)
	_, err = s.TryChallenge(ctx, id(0xf0, 2), 100)
	wantError(t, err, registry.ErrNotFound)

	later := registry.Challenge{ID: id(0xf0, 3), Alias: id(0xe0, 1), CodeHash: []byte{2}, Created: 100, Expires: 401}
	must(t, s.PutChallenge(ctx, later))
	must(t, s.DropExpired(ctx, 400))
	wantError(t, s.DeleteChallenge(ctx, c.ID), registry.ErrNotFound)
	must(t, s.DeleteChallenge(ctx, later.ID))
	wantError(t, s.DeleteChallenge(ctx, later.ID), registry.ErrNotFound)
	_, err = s.TryChallenge(ctx, later.ID, 100)
	wantError(t, err, registry.ErrNotFound)
}

func testChallengeRace(t *testing.T, s Store) {
	ctx := t.Context()
	c := registry.Challenge{ID: id(0xf0, 1), Alias: id(0xe0, 1), CodeHash: []byte{1}, Expires: 400}
	must(t, s.PutChallenge(ctx, c))
	const n = 8
	seen := make([]int, n)
	for _, err := range atOnce(n, func(i int) error {
		tried, err := s.TryChallenge(ctx, c.ID, 1)
		seen[i] = tried.Tries
		return err
	}) {
		must(t, err)
	}
	counted := make(map[int]bool)
	for _, tries := range seen {
		counted[tries] = true
	}
	for want := 1; want <= n; want++ {
		if !counted[want] {
			t.Errorf("the tries seen are %v, want each of 1 to %d", seen, n)
			break
		}
	}
	used := 0
	for _, err := range atOnce(n, func(int) error { return s.DeleteChallenge(ctx, c.ID) }) {
		if err == nil {
			used++
		} else {
			wantError(t, err, registry.ErrNotFound)
		}
	}
	if used != 1 {
		t.Errorf("%d of %d deleted the challenge, want 1", used, n)
	}
}
