package cases_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// sight is who an actor sees, by phone number.
func (to *town) sight(t *testing.T, list *cases.List) []string {
	t.Helper()
	byPerson := make(map[uuid.UUID]string)
	for phone := range to.area {
		byPerson[to.person(t, phone)] = phone
	}
	var seen []string
	for _, row := range list.People {
		seen = append(seen, byPerson[row.Person])
	}
	slices.Sort(seen)
	return seen
}

func TestListShowsEachTheirOwn(t *testing.T) {
	to := newTown(t)
	c := to.record(t, to.ward1, mai)
	run := to.run(t, to.city, c.ID)
	market := places.Name{Name: marketName, Address: "@1 Âu Cơ", Area: "-Hòa Minh", Kind: qrgen.KindMarket}
	shop := places.Name{Name: shopName, Address: "2 Âu Cơ", Area: "Hòa Khánh Bắc", Kind: qrgen.KindShop}
	w1 := cases.WardCount{Area: "w1", Name: "-Hòa Minh", F1: 1}
	w2 := cases.WardCount{Area: "w2", Name: "Hòa Khánh Bắc", F1: 1, F2: 1}
	unknown, district := cases.WardCount{F1: 1}, cases.WardCount{Area: "d1", Name: "Liên Chiểu", F1: 1}
	type wanted struct {
		actor  registry.Account
		people []string
		names  map[uuid.UUID]places.Name
		wards  []cases.WardCount
		cases  []registry.Case
	}
	both := map[uuid.UUID]places.Name{to.market.ID: market, to.shop.ID: shop}
	all := map[string]wanted{
		"ward 1":     {to.ward1, []string{an}, map[uuid.UUID]places.Name{to.market.ID: market}, []cases.WardCount{w1}, []registry.Case{c}},
		"ward 2":     {to.ward2, []string{binh, em}, both, []cases.WardCount{w2}, nil},
		"ward 3":     {to.ward3, nil, map[uuid.UUID]places.Name{}, []cases.WardCount{}, nil},
		"district":   {to.district, []string{an, binh, chi, dung, em}, both, []cases.WardCount{w2, unknown, district, w1}, []registry.Case{c}},
		"district 2": {to.district2, []string{chi}, map[uuid.UUID]places.Name{to.market.ID: market}, []cases.WardCount{unknown}, nil},
		"city":       {to.city, []string{an, binh, chi, dung, em}, both, []cases.WardCount{w2, unknown, district, w1}, []registry.Case{c}},
	}
	// Twice, so that each is answered once from what was cached for another.
	for range 2 {
		for name, want := range all {
			list, err := to.List(t.Context(), want.actor, run.ID)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got := to.sight(t, list); !slices.Equal(got, want.people) || list.Hidden != 5-len(want.people) {
				t.Errorf("%s sees %v, and %d are hidden; want %v", name, got, list.Hidden, want.people)
			}
			if d := cmp.Diff(want.names, list.PlaceNames); d != "" {
				t.Errorf("%s: places %s", name, d)
			}
			if d := cmp.Diff(want.wards, list.ByWard); d != "" {
				t.Errorf("%s: wards %s", name, d)
			}
			if d := cmp.Diff(want.cases, list.Cases); d != "" {
				t.Errorf("%s: cases %s", name, d)
			}
			if list.Run.ID != run.ID || list.Run.Report != nil || list.Run.F1 != 4 || list.Run.F2 != 1 || list.Profile.Name != "vn-2021-12" {
				t.Errorf("%s: %+v", name, list.Run)
			}
		}
	}
	for name, nobody := range map[string]registry.Account{"admin": {Role: registry.RoleAdmin}, "owner": {Role: registry.RoleOwner}} {
		if _, err := to.List(t.Context(), nobody, run.ID); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := to.List(t.Context(), to.city, uuid.New()); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("unknown run: %v", err)
	}
}

// TestUnknownResidenceIsForWiderAreas holds the role and not the area alone against it.
func TestUnknownResidenceIsForWiderAreas(t *testing.T) {
	to := newTown(t)
	run := to.run(t, to.city, to.record(t, to.ward1, mai).ID)
	for role, want := range map[registry.Role]bool{
		registry.RoleDistrict: true, registry.RoleCity: true, registry.RoleWard: false, registry.RoleAdmin: false, "": false,
	} {
		list, err := to.List(t.Context(), registry.Account{Role: role, Area: "d1"}, run.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Contains(to.sight(t, list), chi); got != want {
			t.Errorf("%q sees who resides nowhere: %v", role, got)
		}
	}
}

// moving is where people reside who all move at once, and counts how often it is asked.
type moving struct {
	*town
	to    string
	asked int
}

func (m *moving) PersonByAlias(ctx context.Context, alias uuid.UUID) (registry.Person, error) {
	return m.store.PersonByAlias(ctx, alias)
}

func (m *moving) AreasOf(ctx context.Context, people []uuid.UUID) (map[uuid.UUID]string, error) {
	m.asked++
	areas, err := m.store.AreasOf(ctx, people)
	for id := range areas {
		if m.to != "" {
			areas[id] = m.to
		}
	}
	return areas, err
}

func TestListFollowsWherePeopleReside(t *testing.T) {
	to := newTown(t)
	m := &moving{town: to}
	to.deps.People = m
	to.Service = cases.New(to.deps)
	run := to.run(t, to.city, to.record(t, to.ward1, mai).ID)
	count := func(actor registry.Account) int {
		list, err := to.List(t.Context(), actor, run.ID)
		must(t, err)
		return len(list.People)
	}
	if count(to.ward1) != 1 || count(to.ward3) != 0 || m.asked != 1 {
		t.Errorf("asked %d times", m.asked)
	}
	m.to = "w3"
	to.now = to.now.Add(time.Minute)
	if got := []int{count(to.ward1), count(to.ward3)}; !slices.Equal(got, []int{0, 5}) || m.asked != 2 {
		t.Errorf("a minute later the wards see %v; asked %d times", got, m.asked)
	}
}

func TestListsConcurrently(t *testing.T) {
	to := newTown(t)
	c := to.record(t, to.ward1, mai)
	var runs []registry.Run
	for range 6 { // more than are cached
		runs = append(runs, to.run(t, to.city, c.ID))
	}
	var group sync.WaitGroup
	for actor, want := range map[*registry.Account]int{&to.ward1: 1, &to.ward2: 2, &to.ward3: 0, &to.district: 5} {
		group.Go(func() {
			for i := range 12 {
				list, err := to.List(context.Background(), *actor, runs[i%len(runs)].ID)
				if err != nil || len(list.People) != want || list.Run.ID != runs[i%len(runs)].ID {
					t.Errorf("%s: %v, %v", actor.Login, list, err)
				}
			}
		})
	}
	group.Wait()
}

func TestCSV(t *testing.T) {
	to := newTown(t)
	c := to.record(t, to.ward1, mai)
	run := to.run(t, to.city, c.ID)
	var out bytes.Buffer
	must(t, to.WriteCSV(t.Context(), to.district, run.ID, uuid.Nil, &out))
	lines, err := csv.NewReader(&out).ReadAll()
	must(t, err)
	if head := strings.Join(lines[0][:5], ","); head != "person,generation,first_exposure,overlap,encounters" {
		t.Errorf("the columns begin with %s", head)
	}
	rows := make(map[string]map[string]string) // by person
	for _, line := range lines[1:] {
		row := make(map[string]string)
		for i, name := range lines[0] {
			row[name] = line[i]
			if line[i] != "" && strings.ContainsAny(line[i][:1], "=+-@\t\r\n") || strings.HasPrefix(line[i], "＋") {
				t.Errorf("a cell begins like a formula: %q", line[i])
			}
		}
		rows[row["person"]] = row
	}
	if len(rows) != 5 || len(lines) != 6 {
		t.Fatalf("%d lines about %d people", len(lines)-1, len(rows))
	}
	emma, anna := to.person(t, em).String(), to.person(t, an).String()
	want := map[string]string{
		"person": emma, "generation": "2", "first_exposure": "2021-12-06T15:00:00+07:00", "last_exposure": "2021-12-06T16:00:00+07:00",
		"overlap": "3600", "encounters": "1", "certainty": "confirmed", "score": rows[emma]["score"], "ward": "Hòa Khánh Bắc",
		"source": anna, "place": "'" + shopName, "site": "", "address": "2 Âu Cơ", "from": "2021-12-06T15:00:00+07:00",
		"to": "2021-12-06T16:00:00+07:00", "encounter_overlap": "3600", "encounter_certainty": "confirmed",
		"source_basis": "checkout", "contact_basis": "checkout", "crowd": "1", "flagged": "false", "doubts": "",
		"cases": "1", "case_ids": c.ID.String(), "lab_refs": "XN-1",
		"route": "", "trip_began": "", "trip_over": "",
	}
	if d := cmp.Diff(want, rows[emma]); d != "" {
		t.Error(d)
	}
	if got := rows[anna]; got["place"] != "'"+marketName || got["address"] != "'@1 Âu Cơ" || got["ward"] != "'-Hòa Minh" || got["crowd"] != "4" {
		t.Errorf("%q", got)
	}

	var ward bytes.Buffer
	must(t, to.WriteCSV(t.Context(), to.ward1, run.ID, uuid.Nil, &ward))
	if lines, err := csv.NewReader(&ward).ReadAll(); err != nil || len(lines) != 2 || lines[1][0] != anna {
		t.Errorf("the ward got %q, %v", lines, err)
	}
	if err := to.WriteCSV(t.Context(), to.ward1, uuid.New(), uuid.Nil, refusing{t}); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("unknown run: %v", err)
	}
	if err := to.WriteCSV(t.Context(), to.ward1, run.ID, uuid.Nil, full{}); !errors.Is(err, errFull) {
		t.Errorf("a writer that fails: %v", err)
	}
}

var errFull = errors.New("full")

// full is a writer without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
