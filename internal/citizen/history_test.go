package citizen_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
)

// stays is what is known at one time, by everybody.
type stays []tracing.Stay

func (s stays) Snapshot(_ context.Context, asOf int64) (snapshot.Snapshot, error) {
	if s == nil {
		return snapshot.Snapshot{}, snapshot.ErrLoading
	}
	places, err := tracing.NewPlaces([]tracing.PlaceInfo{{ID: uuid.UUID{1}, Dwell: 60}, {ID: uuid.UUID{2}, Dwell: 60}})
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	return snapshot.Snapshot{Source: memindex.Build(places, s).AsOf(asOf), Places: places, AsOf: asOf}, nil
}

// log is an audit log that finds what its one filter asks for.
type log struct {
	paper
	entries []registry.AuditEntry
	asked   registry.AuditFilter
}

func (l *log) Trips(context.Context, []uuid.UUID) (map[uuid.UUID]registry.Trip, error) {
	return nil, nil
}

func (l *log) Find(_ context.Context, f registry.AuditFilter, _ int64, limit int) ([]registry.AuditEntry, error) {
	l.asked = f
	found := slices.DeleteFunc(slices.Clone(l.entries), func(e registry.AuditEntry) bool { return e.Subject != f.Subject })
	return found[:min(limit, len(found))], nil
}

func TestVisits(t *testing.T) {
	phone, person, other := uuid.UUID{15: 1}, uuid.UUID{15: 9}, uuid.UUID{15: 3}
	at := func(n byte) tracing.Place { return tracing.Place{ID: uuid.UUID{n}} }
	l := &log{paper: paper{people: map[uuid.UUID]uuid.UUID{phone: person}}}
	h := citizen.NewHistory(citizen.HistoryDeps{
		People: l, Openings: l, Trips: l, Clock: func() time.Time { return time.Unix(5000, 0) },
		Snapshots: stays{
			{Person: person, Place: at(1), Enter: 1000, Leave: 2000, Basis: tracing.Checkout},
			{Person: person, Place: at(2), Enter: 2000, Leave: 2600, Basis: tracing.Moved},
			{Person: person, Place: at(2), Enter: 2600, Leave: 3000, Basis: tracing.Assumed},
			{Person: other, Place: at(2), Enter: 2500, Leave: 3000, Basis: tracing.Checkout},
			{Person: person, Place: at(1), Enter: 4000, Leave: 7600, Basis: tracing.Assumed},
		},
	})
	visits, err := h.Visits(t.Context(), phone)
	want := []citizen.Visit{
		{Place: at(1), Enter: 4000, Leave: 5000, Basis: tracing.Assumed, Open: true},
		{Place: at(2), Enter: 2000, Leave: 3000, Basis: tracing.Assumed},
		{Place: at(1), Enter: 1000, Leave: 2000, Basis: tracing.Checkout},
	}
	if diff := cmp.Diff(want, visits); err != nil || diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
	if entry := "system own_visits_read " + phone.String() + " "; !slices.Equal(l.steps, []string{entry}) {
		t.Errorf("the log has %q", l.steps)
	}
	// An alias that nobody has linked is a person of its own.
	if visits, err := h.Visits(t.Context(), other); err != nil || len(visits) != 1 {
		t.Errorf("the other has %+v, %v", visits, err)
	}
	if visits, err := h.Visits(t.Context(), uuid.UUID{15: 7}); err != nil || visits == nil || len(visits) > 0 {
		t.Errorf("nobody has %+v, %v", visits, err)
	}
	l.failsAt = "system own_visits_read " + phone.String() + " "
	if visits, err := h.Visits(t.Context(), phone); !errors.Is(err, errPaper) || visits != nil {
		t.Errorf("what cannot be entered is shown: %+v, %v", visits, err)
	}
}

func TestOpened(t *testing.T) {
	phone, person, child := uuid.UUID{15: 1}, uuid.UUID{15: 9}, uuid.UUID{15: 8}
	l := &log{
		paper: paper{people: map[uuid.UUID]uuid.UUID{phone: person}, under: map[uuid.UUID][]uuid.UUID{person: {child}}},
		entries: []registry.AuditEntry{
			{At: 300, Actor: "ward", Subject: person.String(), Detail: "area=26794;purpose=inform;run=1;text=area=1;purpose=x"},
			{At: 250, Subject: child.String(), Detail: "area=79;purpose=test"},
			{At: 240, Subject: uuid.NewString(), Detail: "area=79;purpose=test"},
			{At: 200, Subject: person.String(), Detail: "purpose=other;area=79"},
			{At: 100, Subject: person.String(), Detail: ""},
		},
	}
	h := citizen.NewHistory(citizen.HistoryDeps{
		People: l, Openings: l, Trips: l, Clock: func() time.Time { return time.Unix(5000, 0) }, Delay: 1000 * time.Second,
	})
	opened, err := h.Opened(t.Context(), phone)
	want := []citizen.Opening{
		{At: 300, Area: "26794", Purpose: "inform"},
		{At: 250, Area: "79", Purpose: "test", Under: 1},
		{At: 200, Area: "79", Purpose: "other"},
		{At: 100},
	}
	if diff := cmp.Diff(want, opened); err != nil || diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
	if want := (registry.AuditFilter{Action: "details_opened", Subject: child.String(), To: 4001}); l.asked != want {
		t.Errorf("asked for %+v", l.asked)
	}
}
