package citizen_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/registry"
)

// paper is an audit log and a registry that note what they are asked, and can fail at one of the steps.
type paper struct {
	steps   []string
	erased  []registry.Erasure
	forgot  []uuid.UUID             // whose declarations were dropped
	people  map[uuid.UUID]uuid.UUID // by alias
	under   map[uuid.UUID][]uuid.UUID
	listed  map[uuid.UUID]int64 // by person: when their newest list was made
	failsAt string
}

var errPaper = errors.New("the paper is full")

func (p *paper) step(name string) error {
	p.steps = append(p.steps, name)
	if p.failsAt == name {
		return errPaper
	}
	return nil
}

func (p *paper) Append(_ context.Context, actor, action, subject, detail string) error {
	return p.step(actor + " " + action + " " + subject + " " + detail)
}

func (p *paper) Erase(_ context.Context, erasures ...registry.Erasure) error {
	p.erased = append(p.erased, erasures...)
	return p.step("erase")
}

func (p *paper) DropDatedOf(_ context.Context, people []uuid.UUID) error {
	p.forgot = append(p.forgot, people...)
	return p.step("drop declarations")
}

func (p *paper) PersonByAlias(_ context.Context, alias uuid.UUID) (registry.Person, error) {
	if p.people[alias] == uuid.Nil {
		return registry.Person{}, registry.ErrNotFound
	}
	return registry.Person{ID: p.people[alias]}, nil
}

func (p *paper) NewestListOf(_ context.Context, person uuid.UUID) (int64, error) {
	return p.listed[person], nil
}

func (p *paper) AliasesOf(_ context.Context, people []uuid.UUID) (aliases []uuid.UUID, err error) {
	for alias, person := range p.people {
		if slices.Contains(people, person) {
			aliases = append(aliases, alias)
		}
	}
	return aliases, nil
}

func (p *paper) Dependants(_ context.Context, guardian uuid.UUID) (found []registry.Dependant, err error) {
	for i, person := range p.under[guardian] {
		found = append(found, registry.Dependant{Person: person, Guardian: guardian, Number: i + 1})
	}
	return found, nil
}

// gone returns the aliases whose scans were erased, in order.
func (p *paper) gone() (aliases []uuid.UUID) {
	for _, e := range p.erased {
		aliases = append(aliases, e.Alias)
	}
	slices.SortFunc(aliases, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return aliases
}

// TestAListHoldsScans: while a list has somebody in it, under whatever alias, nothing of them is erased.
func TestAListHoldsScans(t *testing.T) {
	phone, card, other, person := uuid.UUID{15: 1}, uuid.UUID{15: 2}, uuid.UUID{15: 3}, uuid.UUID{15: 9}
	p := &paper{
		people: map[uuid.UUID]uuid.UUID{phone: person, card: person}, listed: map[uuid.UUID]int64{person: 1000, other: 400},
	}
	now := int64(1000)
	erasures := citizen.NewErasures(p, p, 500*time.Second, func() time.Time { return time.Unix(now, 0) })
	for _, test := range []struct {
		at    int64
		alias uuid.UUID
		until int64
	}{{1000, phone, 1500}, {1499, card, 1500}, {1500, phone, 0}, {600, other, 900}, {900, other, 0}, {600, uuid.UUID{15: 7}, 0}} {
		now = test.at
		p.erased = nil
		held, err := erasures.Held(t.Context(), test.alias)
		if err != nil || held.Own != test.until {
			t.Errorf("at %d it is held until %d, %v; want %d", now, held.Own, err, test.until)
		}
		_, err = erasures.Erase(t.Context(), citizen.Wish{Alias: test.alias, Under: true, By: "asked by the citizen"})
		if errors.Is(err, citizen.ErrHeld) != (test.until != 0) || (len(p.erased) > 0) != (test.until == 0) {
			t.Errorf("at %d: %v, erased %v", now, err, p.erased)
		}
	}
}

func TestErase(t *testing.T) {
	alias := uuid.UUID{15: 1}
	entry := "system scans_erased " + alias.String() + " asked by the citizen"
	for _, test := range []struct {
		failsAt string
		steps   []string
	}{
		{"", []string{entry, "erase", "drop declarations"}},
		{entry, []string{entry}}, // nothing is erased that is not in the log
		{"erase", []string{entry, "erase"}},
		{"drop declarations", []string{entry, "erase", "drop declarations"}},
	} {
		p := &paper{failsAt: test.failsAt}
		erasures := citizen.NewErasures(p, p, time.Hour, func() time.Time { return time.Unix(1000, 999) })
		_, err := erasures.Erase(t.Context(), citizen.Wish{Alias: alias, By: "asked by the citizen"})
		if errors.Is(err, errPaper) != (test.failsAt != "") || !slices.Equal(p.steps, test.steps) {
			t.Errorf("failing at %q: %v, %q", test.failsAt, err, p.steps)
		}
		if len(p.erased) > 0 && p.erased[0] != (registry.Erasure{Alias: alias, Before: 1001}) {
			t.Errorf("erased is %+v", p.erased)
		}
	}
}

// TestEraseTakesAlong erases under every alias of somebody, and if it is wished those under their phone: a list that one of them is
// in holds that one alone.
func TestEraseTakesAlong(t *testing.T) {
	id := func(n byte) uuid.UUID { return uuid.UUID{15: n} }
	own, child, old := id(1), id(2), id(3)
	people := map[uuid.UUID]uuid.UUID{id(11): own, id(12): own, id(21): child, id(22): child, id(31): old, id(99): id(9)}
	for _, test := range []struct {
		name   string
		under  bool
		listed map[uuid.UUID]int64
		gone   []uuid.UUID
		own    bool
		n      int
	}{
		{"alone", false, nil, []uuid.UUID{id(11), id(12)}, true, 0},
		{"with the others", true, nil, []uuid.UUID{id(11), id(12), id(21), id(22), id(31)}, true, 2},
		{"one of the others is held", true, map[uuid.UUID]int64{child: 900}, []uuid.UUID{id(11), id(12), id(31)}, true, 1},
		{"they are held", true, map[uuid.UUID]int64{own: 900}, []uuid.UUID{id(21), id(22), id(31)}, false, 2},
		{"they are held, alone", false, map[uuid.UUID]int64{own: 900}, nil, false, 0},
		{"all are held", true, map[uuid.UUID]int64{own: 900, child: 950, old: 980}, nil, false, 0},
	} {
		p := &paper{people: people, listed: test.listed, under: map[uuid.UUID][]uuid.UUID{own: {child, old}}}
		erasures := citizen.NewErasures(p, p, 500*time.Second, func() time.Time { return time.Unix(1000, 0) })
		done, err := erasures.Erase(t.Context(), citizen.Wish{Alias: id(12), Under: test.under, By: "x"})
		if errors.Is(err, citizen.ErrHeld) != (test.gone == nil) || !slices.Equal(p.gone(), test.gone) || done.Own != test.own || done.Under != test.n {
			t.Errorf("%s: %+v, %v; erased are %v", test.name, done, err, p.gone())
		}
		entries := test.n
		if test.own {
			entries++
		}
		if test.gone != nil {
			entries += 2 // the erasing itself, of scans and of declarations
		}
		for _, alias := range test.gone {
			if !slices.Contains(p.forgot, people[alias]) {
				t.Errorf("%s: declarations are dropped of %v", test.name, p.forgot)
			}
		}
		if len(p.steps) != entries {
			t.Errorf("%s: the steps are %q", test.name, p.steps)
		}
		want := citizen.Held{Under: []int64{0, 0}}
		for person, until := range map[uuid.UUID]*int64{own: &want.Own, child: &want.Under[0], old: &want.Under[1]} {
			if created := test.listed[person]; created != 0 {
				*until = created + 500
			}
		}
		held, err := erasures.Held(t.Context(), id(12))
		if err != nil || held.Own != want.Own || !slices.Equal(held.Under, want.Under) {
			t.Errorf("%s: held are %+v, %v; want %+v", test.name, held, err, want)
		}
	}
}
