package registrytest

import (
	"slices"
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

	named := registry.Link{Alias: id(0xe0, 2), Person: id(0xd0, 1), Kind: "id_card", Linked: 70}
	wantValue(t, registry.Person{ID: id(0xd0, 1), Created: 70})(s.EnsurePerson(ctx, named, ""))
	wantValue(t, map[uuid.UUID]uuid.UUID{link.Alias: first.ID, named.Alias: named.Person})(links(t, s))
	wantValue(t, map[uuid.UUID]string{first.ID: "00001", named.Person: ""})(s.AreasOf(ctx, []uuid.UUID{first.ID, named.Person}))

	_, err = s.EnsurePerson(ctx, registry.Link{Alias: id(0xe0, 3), Kind: "phone"}, "99999")
	wantError(t, err, registry.ErrDangling)
	_, err = s.PersonByAlias(ctx, id(0xe0, 3))
	wantError(t, err, registry.ErrNotFound)
}

func testEnsurePeople(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	wantValue(t, []registry.Person{})(s.EnsurePeople(ctx, nil))
	there, err := s.EnsurePerson(ctx, registry.Link{Alias: id(0xe0, 3), Kind: "phone", Linked: 50}, "00001")
	must(t, err)
	var all []registry.Link
	for n := range byte(6) {
		all = append(all, registry.Link{Alias: id(0xe0, n+1), Kind: "id_card", Linked: 60})
	}
	made := make([][]registry.Person, 4)
	for _, err := range atOnce(len(made), func(i int) (err error) {
		asked := slices.Clone(all)
		if i%2 == 1 {
			slices.Reverse(asked)
		}
		if made[i], err = s.EnsurePeople(ctx, append(asked, asked[0])); i%2 == 1 {
			slices.Reverse(made[i])
		}
		return err
	}) {
		must(t, err)
	}
	first := made[0][:len(all)]
	for i, people := range made {
		if i%2 == 1 {
			people = people[1:]
		}
		wantValue(t, first)(people[:len(all)], nil)
	}
	if first[2] != there || first[1].Created != 60 || first[1].Area != "" {
		t.Errorf("the people are %+v; %+v was there before", first, there)
	}
	for i, p := range first {
		wantValue(t, p)(s.PersonByAlias(ctx, all[i].Alias))
	}
	taken := registry.Link{Alias: id(0xe0, 20), Person: there.ID, Kind: "phone"}
	_, err = s.EnsurePeople(ctx, []registry.Link{{Alias: id(0xe0, 10), Kind: "phone"}, taken})
	wantError(t, err, registry.ErrExists)
	_, err = s.PersonByAlias(ctx, id(0xe0, 10))
	wantError(t, err, registry.ErrNotFound)
}

func testPutPeople(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	wantValue(t, map[uuid.UUID]uuid.UUID{})(links(t, s))
	people := []registry.Person{{ID: id(0xd0, 1), Area: "00001", Created: 1}, {ID: id(0xd0, 2), Area: "001", Created: 2}}
	linked := []registry.Link{
		{Alias: id(0xe0, 1), Person: people[0].ID, Kind: "phone", Linked: 3},
		{Alias: id(0xe0, 2), Person: people[1].ID, Kind: "phone", Linked: 3},
	}
	must(t, s.PutPeople(ctx, people, linked))
	second := registry.Link{Alias: id(0xe0, 3), Person: people[0].ID, Kind: "id_card", Linked: 4}
	must(t, s.PutPeople(ctx, nil, []registry.Link{second})) // another alias of somebody who is there
	held := map[uuid.UUID]uuid.UUID{linked[0].Alias: people[0].ID, linked[1].Alias: people[1].ID, second.Alias: people[0].ID}
	reside := map[uuid.UUID]string{people[0].ID: "00001", people[1].ID: "001"}

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
			wantValue(t, reside)(s.AreasOf(ctx, []uuid.UUID{people[0].ID, people[1].ID, fresh.ID, id(0xd0, 6)}))
			wantValue(t, held)(links(t, s))
		})
	}
	wantValue(t, people[0])(s.PersonByAlias(ctx, second.Alias))
	aliases, err := s.AliasesOf(ctx, []uuid.UUID{people[0].ID, fresh.ID})
	must(t, err)
	slices.SortFunc(aliases, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	wantValue(t, []uuid.UUID{linked[0].Alias, second.Alias})(aliases, nil)
}

func links(t *testing.T, s Store) (map[uuid.UUID]uuid.UUID, error) {
	w, err := s.World(t.Context())
	return w.Links, err
}

// testAreasOfMany asks for more people than fit into one query.
func testAreasOfMany(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	const n = 1203
	people := make([]registry.Person, n)
	ids := make([]uuid.UUID, n)
	want := make(map[uuid.UUID]string, n)
	for i := range people {
		people[i] = registry.Person{ID: uuid.New(), Area: areas[i%len(areas)].Code}
		ids[i] = people[i].ID
		want[ids[i]] = people[i].Area
	}
	must(t, s.PutPeople(ctx, people, nil))
	wantValue(t, want)(s.AreasOf(ctx, append(ids, ids[0], uuid.New())))
	wantValue(t, map[uuid.UUID]string{})(s.AreasOf(ctx, nil))
}

func testRevokedCredentials(t *testing.T, s Store) {
	ctx := t.Context()
	a, b := id(0xd0, 1), id(0xd0, 2)
	must(t, s.PutPeople(ctx, []registry.Person{{ID: a}, {ID: b}}, []registry.Link{
		{Alias: id(0xe0, 1), Person: a, Kind: "phone"}, {Alias: id(0xe0, 3), Person: a, Kind: "id_card"}, {Alias: id(0xe0, 2), Person: b, Kind: "phone"},
	}))
	wantValue(t, map[uuid.UUID]int64{})(s.RevokedCredentials(ctx))
	must(t, s.RevokeCredentials(ctx, a, 100))
	must(t, s.RevokeCredentials(ctx, a, 200))
	must(t, s.RevokeCredentials(ctx, a, 150)) // earlier than what holds
	must(t, s.RevokeCredentials(ctx, b, 50))
	must(t, s.RevokeCredentials(ctx, id(0xd0, 9), 50)) // nobody
	wantValue(t, map[uuid.UUID]int64{id(0xe0, 1): 200, id(0xe0, 3): 200, id(0xe0, 2): 50})(s.RevokedCredentials(ctx))
}

func testChallenges(t *testing.T, s Store) {
	ctx := t.Context()
	c := registry.Challenge{ID: id(0xf0, 1), Alias: id(0xe0, 1), CodeHash: []byte{1, 0, 255}, Phone: []byte{2, 0, 255}, Created: 100, Expires: 400}
	must(t, s.PutChallenge(ctx, c))
	wantError(t, s.PutChallenge(ctx, c), registry.ErrExists)
	c.Tries = 1
	wantValue(t, c)(s.TryChallenge(ctx, c.ID, 100, 2))
	c.Tries = 2
	wantValue(t, c)(s.TryChallenge(ctx, c.ID, 399, 2))
	_, err := s.TryChallenge(ctx, c.ID, 399, 2)
	wantError(t, err, registry.ErrSpent)
	_, err = s.TryChallenge(ctx, c.ID, 400, 2) // the interval is half-open
	wantError(t, err, registry.ErrNotFound)
	_, err = s.TryChallenge(ctx, id(0xf0, 2), 100, 2)
	wantError(t, err, registry.ErrNotFound)
	c.Tries = 3
	wantValue(t, c)(s.TryChallenge(ctx, c.ID, 399, 3)) // what was refused was not counted

	later := registry.Challenge{ID: id(0xf0, 3), Alias: id(0xe0, 1), CodeHash: []byte{2}, Phone: []byte{3}, Created: 100, Expires: 401}
	must(t, s.PutChallenge(ctx, later))
	must(t, s.DropExpired(ctx, 400))
	wantError(t, s.DeleteChallenge(ctx, c.ID), registry.ErrNotFound)
	must(t, s.DeleteChallenge(ctx, later.ID))
	wantError(t, s.DeleteChallenge(ctx, later.ID), registry.ErrNotFound)
	_, err = s.TryChallenge(ctx, later.ID, 100, 2)
	wantError(t, err, registry.ErrNotFound)
}

func testChallengeRace(t *testing.T, s Store) {
	ctx := t.Context()
	c := registry.Challenge{ID: id(0xf0, 1), Alias: id(0xe0, 1), CodeHash: []byte{1}, Expires: 400}
	must(t, s.PutChallenge(ctx, c))
	const n, limit = 8, 5
	seen := make([]int, n)
	spent := 0
	for _, err := range atOnce(n, func(i int) error {
		tried, err := s.TryChallenge(ctx, c.ID, 1, limit)
		seen[i] = tried.Tries
		return err
	}) {
		if err != nil {
			wantError(t, err, registry.ErrSpent)
			spent++
		}
	}
	slices.Sort(seen)
	if want := []int{0, 0, 0, 1, 2, 3, 4, 5}; !slices.Equal(seen, want) || spent != n-limit {
		t.Errorf("the tries seen are %v, want %v; %d were refused", seen, want, spent)
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
