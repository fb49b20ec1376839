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
	"github.com/truyvet/truyvet/internal/scanlog"
)

// walk turns all pages of a listing forth and then back, with pages of every length up to 4, and holds them to what is wanted.
func walk[T any](t *testing.T, what string, want []T, id func(T) uuid.UUID, part func(registry.Cursor) (registry.Part[T], error)) {
	t.Helper()
	ids := func(records []T) []uuid.UUID {
		out := []uuid.UUID{}
		for _, r := range records {
			out = append(out, id(r))
		}
		return out
	}
	for limit := 1; limit <= 4; limit++ {
		var forth, back []T
		at := registry.Cursor{Limit: limit}
		for more := true; more; {
			p, err := part(at)
			must(t, err)
			if p.Previous != (len(forth) > 0) || p.Next != (len(forth)+len(p.Records) < len(want)) {
				t.Fatalf("%s, %d at a time: after %d of %d it says %v, %v", what, limit, len(forth), len(want), p.Previous, p.Next)
			}
			forth = append(forth, p.Records...)
			if more = p.Next; more {
				at.After = id(p.Records[len(p.Records)-1])
			}
		}
		wantSame(t, ids(want), ids(forth))
		if len(want) == 0 {
			continue
		}
		back = want[len(want)-1:]
		at = registry.Cursor{Before: id(back[0]), Limit: limit}
		for more := true; more; {
			p, err := part(at)
			must(t, err)
			back = append(slices.Clone(p.Records), back...)
			if !p.Next || p.Previous != (len(back) < len(want)) {
				t.Fatalf("%s, %d at a time, back: %v, %v", what, limit, p.Previous, p.Next)
			}
			if more = p.Previous; more {
				at.Before = id(p.Records[0])
			}
		}
		wantSame(t, ids(want), ids(back))
	}
	_, err := part(registry.Cursor{Limit: 1, After: uuid.UUID{9}})
	wantError(t, err, registry.ErrNotFound)
	for _, at := range []registry.Cursor{{}, {Limit: 1, After: uuid.UUID{1}, Before: uuid.UUID{1}}} {
		if _, err := part(at); err == nil {
			t.Errorf("%s: %+v is answered", what, at)
		}
	}
}

// chosen returns the records that take picks, in an order.
func chosen[T any](all []T, take func(T) bool, order func(a, b T) int) []T {
	var out []T
	for _, r := range all {
		if take(r) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, order)
	return out
}

// lies says whether an area of the ground is another or lies in it.
func lies(area, in string) bool {
	return area != "" && (area == in || in == "01" || in == "001" && area != "01")
}

func testListings(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	person := putSomebody(t, s)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	places := []string{"", "01", "001", "00001", "00004"}
	var cases []registry.Case
	var runs []registry.Run
	for i := range 12 {
		c := sampleCase(byte(dice.IntN(20)*12+i), person.ID, 900*dice.Int64N(4))
		c.Area, c.Isolated = places[dice.IntN(len(places))], 100*dice.Int64N(3)
		c.Sample = []string{"", "2021-11-22", "2021-11-23"}[dice.IntN(3)]
		must(t, s.PutCase(ctx, c))
		cases = append(cases, c)
		run := registry.Run{
			ID: id(0x80, byte(dice.IntN(20)*12+i)), Cases: []uuid.UUID{cases[dice.IntN(len(cases))].ID}, Rules: []byte("{}"),
			Watermark: scanlog.Watermark{}, Area: places[dice.IntN(len(places))], Author: officer.ID, Created: dice.Int64N(4),
		}
		must(t, s.PutRun(ctx, run))
		runs = append(runs, run)
	}
	newest := func(a, b registry.Case) int {
		return cmp.Or(cmp.Compare(b.Created, a.Created), bytes.Compare(b.ID[:], a.ID[:]))
	}
	for _, area := range places {
		holdCases(t, s, area, cases, newest)
		for _, of := range []uuid.UUID{uuid.Nil, cases[0].ID} {
			want := chosen(runs, func(r registry.Run) bool {
				return area != "" && (lies(r.Area, area) || lies(area, r.Area)) && (of == uuid.Nil || slices.Contains(r.Cases, of))
			}, func(a, b registry.Run) int {
				return cmp.Or(cmp.Compare(b.Created, a.Created), bytes.Compare(b.ID[:], a.ID[:]))
			})
			walk(t, "runs of "+area, want, func(r registry.Run) uuid.UUID { return r.ID },
				func(at registry.Cursor) (registry.Part[registry.Run], error) {
					p, err := s.RunsPart(ctx, registry.RunFilter{Around: area, Case: of}, at)
					for _, r := range p.Records {
						wantSame(t, runs[slices.IndexFunc(runs, func(known registry.Run) bool { return known.ID == r.ID })].Cases, r.Cases)
					}
					return p, err
				})
		}
	}
}

func holdCases(t *testing.T, s Store, area string, cases []registry.Case, newest func(a, b registry.Case) int) {
	t.Helper()
	ctx := t.Context()
	for _, f := range []registry.CaseFilter{
		{},
		{OpenAt: 100},
		{Sample: "2021-11-22", From: 900, To: 2700},
		{OpenAt: 150, Sample: "2021-11-23"},
		{IDs: []uuid.UUID{cases[2].ID, cases[7].ID, id(0x90, 255)}},
	} {
		f.Within = area
		want := chosen(cases, func(c registry.Case) bool {
			open := f.OpenAt == 0 || c.Isolated == 0 || c.Isolated > f.OpenAt
			day := f.Sample == "" || c.Sample == f.Sample || c.Sample == "" && f.From <= c.Created && c.Created < f.To
			named := f.IDs == nil || slices.Contains(f.IDs, c.ID)
			return lies(c.Area, area) && open && day && named
		}, newest)
		walk(t, fmt.Sprintf("cases of %+v", f), want, func(c registry.Case) uuid.UUID { return c.ID },
			func(at registry.Cursor) (registry.Part[registry.Case], error) { return s.CasesPart(ctx, f, at) })
		wantValue(t, len(want))(s.CountCases(ctx, f))
	}
	tally := registry.CaseTally{BySample: map[string]int{}, ByEntry: map[int64]int{}}
	for _, c := range cases {
		if !lies(c.Area, area) {
			continue
		}
		tally.All++
		if c.Isolated == 0 || c.Isolated > 100 {
			tally.Open++
		}
		if c.Sample == "" {
			tally.ByEntry[c.Created]++
		} else {
			tally.BySample[c.Sample]++
		}
	}
	wantValue(t, tally)(s.TallyCases(ctx, area, 100))
}

func testListingsOfAccounts(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	must(t, s.PutPlaces(ctx, []registry.Place{place(1, uuid.Nil)}))
	organisations := []registry.Organisation{organisation}
	accounts := []registry.Account{officer}
	for i := range byte(7) {
		o := registry.Organisation{ID: id(0xa0, 90-i), Name: []string{"Bến xe", "bến xe", "Đò"}[i%3], Created: 5}
		must(t, s.PutOrganisation(ctx, o))
		organisations = append(organisations, o)
		a := registry.Account{ID: id(0xb0, 100-i), Login: fmt.Sprintf("%c%d", "bBz"[i%3], i), Created: 5}
		switch i % 4 {
		case 0:
			a.Role, a.Organisation = registry.RoleOwner, organisation.ID
		case 1:
			a.Role, a.Place = registry.RoleGate, id(0xc0, 1)
		case 2:
			a.Role, a.Area = registry.RoleWard, "00001"
		case 3:
			a.Role, a.Organisation = registry.RoleOwner, o.ID
		}
		must(t, s.PutAccount(ctx, a))
		accounts = append(accounts, a)
	}
	tracers := []registry.Role{registry.RoleWard, registry.RoleCity}
	for _, f := range []registry.AccountFilter{
		{}, {Organisation: organisation.ID}, {Within: "01", Roles: tracers}, {Within: "001"}, {Roles: []registry.Role{registry.RoleAuditor}},
	} {
		want := chosen(accounts, func(a registry.Account) bool {
			mine := f.Organisation == uuid.Nil || a.Organisation == f.Organisation || a.Place != uuid.Nil
			return mine && (f.Within == "" || lies(a.Area, f.Within)) && (f.Roles == nil || slices.Contains(f.Roles, a.Role))
		}, func(a, b registry.Account) int { return strings.Compare(a.Login, b.Login) })
		walk(t, fmt.Sprintf("accounts of %+v", f), want, func(a registry.Account) uuid.UUID { return a.ID },
			func(at registry.Cursor) (registry.Part[registry.Account], error) { return s.AccountsPart(ctx, f, at) })
	}
	slices.SortFunc(organisations, func(a, b registry.Organisation) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), bytes.Compare(a.ID[:], b.ID[:]))
	})
	walk(t, "organisations", organisations, func(o registry.Organisation) uuid.UUID { return o.ID },
		func(at registry.Cursor) (registry.Part[registry.Organisation], error) {
			return s.OrganisationsPart(ctx, at)
		})
}
