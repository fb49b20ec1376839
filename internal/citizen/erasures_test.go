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
	people  map[uuid.UUID]uuid.UUID
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

func (p *paper) PersonByAlias(_ context.Context, alias uuid.UUID) (registry.Person, error) {
	if p.people[alias] == uuid.Nil {
		return registry.Person{}, registry.ErrNotFound
	}
	return registry.Person{ID: p.people[alias]}, nil
}

func (p *paper) NewestListOf(_ context.Context, person uuid.UUID) (int64, error) {
	return p.listed[person], nil
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
		until, err := erasures.HeldUntil(t.Context(), test.alias)
		if err != nil || until != test.until {
			t.Errorf("at %d it is held until %d, %v; want %d", now, until, err, test.until)
		}
		err = erasures.Erase(t.Context(), test.alias, "asked by the citizen")
		if errors.Is(err, citizen.ErrHeld) != (until != 0) || (len(p.erased) > 0) != (until == 0) {
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
		{"", []string{entry, "erase"}},
		{entry, []string{entry}}, // nothing is erased that is not in the log
		{"erase", []string{entry, "erase"}},
	} {
		p := &paper{failsAt: test.failsAt}
		erasures := citizen.NewErasures(p, p, time.Hour, func() time.Time { return time.Unix(1000, 999) })
		err := erasures.Erase(t.Context(), alias, "asked by the citizen")
		if errors.Is(err, errPaper) != (test.failsAt != "") || !slices.Equal(p.steps, test.steps) {
			t.Errorf("failing at %q: %v, %q", test.failsAt, err, p.steps)
		}
		if len(p.erased) > 0 && p.erased[0] != (registry.Erasure{Alias: alias, Before: 1001}) {
			t.Errorf("erased is %+v", p.erased)
		}
	}
}
