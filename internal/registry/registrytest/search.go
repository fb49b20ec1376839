package registrytest

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// pages reads every page of a search, and holds each to its limit.
func pages(t *testing.T, s Store, q registry.Search) (found []registry.Place) {
	t.Helper()
	for range 10_000 {
		page, err := s.SearchPlaces(t.Context(), q)
		must(t, err)
		if len(page.Places) > q.Limit {
			t.Fatalf("%d places on a page of %d", len(page.Places), q.Limit)
		}
		found = append(found, page.Places...)
		if page.Next == uuid.Nil {
			return found
		}
		q.After = page.Next
	}
	t.Fatal("the pages have no end")
	return nil
}

// searched is what a search must find, by the plain way.
func searched(all []registry.Place, q registry.Search) (found []registry.Place) {
	words, text := registry.Words(q.Text), make(map[uuid.UUID]string)
	for _, p := range all {
		if q.Organisation != uuid.Nil && q.Organisation != p.Organisation || q.Area != "" && !lies(p.Area, q.Area) {
			continue
		}
		if folded := registry.SearchText(p.Name); registry.Matches(folded, words) {
			found, text[p.ID] = append(found, p), folded
		}
	}
	slices.SortFunc(found, func(a, b registry.Place) int {
		return cmp.Or(strings.Compare(text[a.ID], text[b.ID]), bytes.Compare(a.ID[:], b.ID[:]))
	})
	return found
}

func testSearch(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	other := registry.Organisation{ID: id(0xa0, 2), Name: "Bến xe"}
	must(t, s.PutOrganisation(ctx, other))
	names := []string{"Chợ Đồng Xuân", "Chợ Đồng Xuân", "Cổng Đông, chợ Đồng Xuân", "Đồng Tháp", "Bến xe Mỹ Đình", "№ 5", "!!", "Phường Đội Cấn", "Chợ Hôm 2", "Doãn Kế Thiện"}
	var all []registry.Place
	for i, name := range names {
		p := place(byte(i), uuid.Nil)
		p.Name = name
		if i%3 == 2 {
			p.Organisation = other.ID
		}
		p.Area = []string{"00001", "00004", "", "001"}[i%4]
		all = append(all, p)
	}
	must(t, s.PutPlaces(ctx, all))
	hold := func() {
		t.Helper()
		for _, text := range []string{"", "cho", "CHỢ đ", "dong", "xuan cho", "xuân chợ cổng", "d", "đ", "2", "no", "!", "xyz", "cho xyz", "ben xe my dinh", "uan"} {
			for _, owner := range []uuid.UUID{uuid.Nil, organisation.ID, other.ID, id(0xa0, 3)} {
				for limit := 1; limit < 5; limit++ {
					q := registry.Search{Organisation: owner, Text: text, Limit: limit, Area: []string{"", "00001", "001", "99"}[limit%4]}
					wantValue(t, searched(all, q))(pages(t, s, q), nil)
				}
			}
		}
	}
	hold()
	all[3].Name, all[8].Name = "Chợ Bến Tre", "chợ hôm 2"
	for _, i := range []int{3, 8} {
		must(t, s.UpdatePlace(ctx, all[i]))
		all[i].Revision++
	}
	hold()
	for _, q := range []registry.Search{{Text: "cho"}, {Limit: -1}} {
		if _, err := s.SearchPlaces(ctx, q); err == nil {
			t.Errorf("%+v is searched for", q)
		}
	}
	long := registry.Search{Text: strings.Repeat("dong ", 20) + "xyz", Limit: 20}
	wantValue(t, searched(all, registry.Search{Text: "dong"}))(pages(t, s, long), nil)
	_, err := s.SearchPlaces(ctx, registry.Search{Limit: 1, After: id(0xc0, 99)})
	wantError(t, err, registry.ErrNotFound)
}

// testSearchAmongMany has words that are in more places than a search begins with, and places that are found beyond those that
// one page looks at.
func testSearchAmongMany(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	seed := rand.Uint64()
	dice := rand.New(rand.NewPCG(seed, 0))
	const n = 24_000
	all := make([]registry.Place, n)
	for i := range all {
		all[i] = place(0, uuid.Nil)
		all[i].ID = uuid.UUID{0: byte(dice.IntN(256)), 1: byte(i >> 16), 2: byte(i >> 8), 3: byte(i)}
		all[i].Name = fmt.Sprintf("Cửa hàng %d phố %d", dice.IntN(3000), dice.IntN(4))
		all[i].Area = areas[dice.IntN(2)].Code
	}
	all[7].Name = "Cửa hàng 9999 phố hàng Đào, chợ"
	must(t, s.PutPlaces(ctx, all))
	for _, text := range []string{"cua hang 1234", "hàng 12", "pho 1 hang 2", "cho", "cua dao", "hang pho cua 999", "cua hang pho 5"} {
		q := registry.Search{Organisation: organisation.ID, Text: text, Limit: 1 + dice.IntN(400)}
		q.Area = []string{"", "00004", "001"}[dice.IntN(3)]
		got, want := pages(t, s, q), searched(all, q)
		if !slices.Equal(got, want) {
			t.Errorf("seed %d: %q in %q finds %d places, want %d", seed, text, q.Area, len(got), len(want))
		}
	}
}
