package citizen

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/tracing"
)

// PeopleByAlias finds who an alias stands for; registry.ErrNotFound for nobody.
type PeopleByAlias interface {
	PersonByAlias(ctx context.Context, alias uuid.UUID) (registry.Person, error)
}

// Snapshots gives what traces walk on: people are shown no more and no less of themselves than a trace would find.
type Snapshots interface {
	Snapshot(ctx context.Context, asOf int64) (snapshot.Snapshot, error)
}

// Openings is the audit log, where each opening of somebody's details stands as details_opened with the person as its subject
// and a detail area=…;purpose=…, in which more may follow.
type Openings interface {
	Ledger
	Find(ctx context.Context, f registry.AuditFilter, before int64, limit int) ([]registry.AuditEntry, error)
}

// Trips knows the runs of vehicles, those that are kept.
type Trips interface {
	Trips(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]registry.Trip, error)
}

// History tells people what is known of them. It is safe for concurrent use.
type History struct{ HistoryDeps }

// Family finds who an alias stands for, and who is under their phone.
type Family interface {
	PeopleByAlias
	Dependants(ctx context.Context, guardian uuid.UUID) ([]registry.Dependant, error)
}

// HistoryDeps is what a History needs. Everything in it is safe for concurrent use.
type HistoryDeps struct {
	People    Family
	Snapshots Snapshots
	Openings  Openings
	Trips     Trips
	Clock     func() time.Time
	Delay     time.Duration // before somebody is told that their details were opened
}

// NewHistory returns the history of everybody.
func NewHistory(d HistoryDeps) *History { return &History{d} }

// The most that is shown of somebody. Whoever is scanned more often than that in some weeks is a machine.
const (
	maxVisits   = 5000
	maxOpenings = 500
)

// Visit is one stay at one place, as traces take it. Basis says how its end is known.
type Visit struct {
	Place tracing.Place
	Route string // of the vehicle's run, where it was on one that is known
	Enter int64
	Leave int64
	Basis tracing.Basis
	Open  bool // it had not ended when it was read, and Leave is that instant
}

// Visits returns where the person of an alias was, the newest first: what all their aliases were scanned for, without what was
// taken back or erased. That it was read stands in the audit log before it is returned. The errors are those of taking a snapshot.
func (h *History) Visits(ctx context.Context, alias uuid.UUID) ([]Visit, error) {
	person, err := personOf(ctx, h.People, alias)
	if err != nil {
		return nil, err
	}
	now := h.Clock().Unix()
	sight, err := h.Snapshots.Snapshot(ctx, now)
	if err != nil {
		return nil, fmt.Errorf("reading somebody's own check-ins: %w", err)
	}
	if err := h.Openings.Append(ctx, "system", "own_visits_read", alias.String(), ""); err != nil {
		return nil, err
	}
	visits := []Visit{}
	window := []tracing.PersonWindow{{Person: person, From: 0, To: now + 1}}
	err = sight.Source.OfPeople(ctx, tracing.ScopePlace, window, func(_ int, u tracing.United) error {
		v := Visit{Place: u.Place, Enter: u.Enter, Leave: u.Leave, Open: u.Leave >= now}
		for _, part := range u.Parts {
			if part.Leave == u.Leave {
				v.Basis = max(v.Basis, part.Basis)
			}
		}
		visits = append(visits, v)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading somebody's own check-ins: %w", err)
	}
	slices.SortFunc(visits, func(a, b Visit) int {
		return cmp.Or(-cmp.Compare(a.Enter, b.Enter), -cmp.Compare(a.Leave, b.Leave), slices.Compare(a.Place.ID[:], b.Place.ID[:]), slices.Compare(a.Place.Trip[:], b.Place.Trip[:]))
	})
	visits = visits[:min(len(visits), maxVisits)]
	return visits, h.nameRoutes(ctx, visits)
}

// nameRoutes says of visits to vehicles which routes they ran.
func (h *History) nameRoutes(ctx context.Context, visits []Visit) error {
	var ids []uuid.UUID
	for _, v := range visits {
		if v.Place.Trip != uuid.Nil {
			ids = append(ids, v.Place.Trip)
		}
	}
	known, err := h.Trips.Trips(ctx, ids)
	if err != nil {
		return fmt.Errorf("reading on which trips somebody was: %w", err)
	}
	for i := range visits {
		visits[i].Route = known[visits[i].Place.Trip].Route
	}
	return nil
}

// Opening is that an authority opened somebody's details. It says no account.
type Opening struct {
	At      int64
	Area    string // code of the area that the authority is of
	Purpose string // a stable word
	Under   int    // the number of the one under their phone whose details it were, 0 where it were their own
}

// Opened returns who opened the details of the person of an alias, and of those under their phone, with which the phone number is
// opened too; the newest first, as far as the delay is over.
func (h *History) Opened(ctx context.Context, alias uuid.UUID) ([]Opening, error) {
	person, err := personOf(ctx, h.People, alias)
	if err != nil {
		return nil, err
	}
	under, err := h.People.Dependants(ctx, person)
	if err != nil {
		return nil, fmt.Errorf("finding who is under a phone: %w", err)
	}
	opened, err := h.openedOf(ctx, person, 0)
	for _, dependant := range under {
		if err != nil {
			return nil, err
		}
		var more []Opening
		more, err = h.openedOf(ctx, dependant.Person, dependant.Number)
		opened = append(opened, more...)
	}
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(opened, func(a, b Opening) int { return cmp.Compare(b.At, a.At) })
	return opened[:min(len(opened), maxOpenings)], nil
}

// openedOf returns who opened the details of a person, the newest first.
func (h *History) openedOf(ctx context.Context, person uuid.UUID, under int) ([]Opening, error) {
	told := h.Clock().Add(-h.Delay).Unix() + 1
	filter := registry.AuditFilter{Action: "details_opened", Subject: person.String(), To: told}
	entries, err := h.Openings.Find(ctx, filter, 0, maxOpenings)
	if err != nil {
		return nil, fmt.Errorf("reading who opened somebody's details: %w", err)
	}
	opened := make([]Opening, len(entries))
	for i, e := range entries {
		opened[i] = Opening{At: e.At, Under: under}
		for field := range strings.SplitSeq(e.Detail, ";") {
			switch name, value, _ := strings.Cut(field, "="); {
			case name == "area" && opened[i].Area == "":
				opened[i].Area = value
			case name == "purpose" && opened[i].Purpose == "":
				opened[i].Purpose = value
			}
		}
	}
	return opened, nil
}
