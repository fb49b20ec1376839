package cases

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/tracing"
)

// List is a run as one account may see it. What it points to is shared with other readers and must not be changed.
type List struct {
	Run        registry.Run // without its inputs and its report; F1 and F2 count everybody
	Profile    tracing.Profile
	Cases      []registry.Case           // those of the run that lie in the reader's area
	People     []Row                     // in the order of the report
	PlaceNames map[uuid.UUID]places.Name // of the places in the evidence of People, as far as they are known
	Hidden     int                       // how many listed people reside outside the reader's area
	ByWard     []WardCount               // of People, the ward with most people first
}

// Row is one listed person and where they reside: a ward, or a district where no more is known; Area is empty where
// nothing is.
type Row struct {
	tracing.Contact
	Area     string
	AreaName string
}

// WardCount says how many people of a ward are listed, which is what the ward must act on.
type WardCount struct {
	Area   string
	Name   string
	F1, F2 int
}

// List returns the list of a run. A ward sees its own people; a district or city those of its area and those of whom it is
// not known where they reside. A run that does not concern the actor is registry.ErrNotFound.
//
// Where people reside and what places are called is as it was at most a minute ago, not when the run was made.
func (s *Service) List(ctx context.Context, actor registry.Account, id uuid.UUID) (*List, error) {
	list, err := s.list(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	if err := s.d.Audit.Append(ctx, actor.Login, "list_read", id.String(), ""); err != nil {
		return nil, fmt.Errorf("auditing the reading of a list: %w", err)
	}
	return list, nil
}

// list is List without its audit entry.
func (s *Service) list(ctx context.Context, actor registry.Account, id uuid.UUID) (*List, error) {
	full, err := s.lists.get(ctx, id, s.d.Clock(), s.load)
	if err != nil {
		return nil, err
	}
	if !s.concerns(full.Run, actor) {
		return nil, registry.ErrNotFound
	}
	mine := *full
	mine.People, mine.PlaceNames = nil, make(map[uuid.UUID]places.Name)
	for _, row := range full.People {
		if !s.maySee(row, actor) {
			continue
		}
		mine.People = append(mine.People, row)
		for _, e := range row.Evidence {
			if name, known := full.PlaceNames[e.Place.ID]; known {
				mine.PlaceNames[e.Place.ID] = name
			}
		}
	}
	mine.Hidden = len(full.People) - len(mine.People)
	mine.ByWard = byWard(mine.People)
	mine.Cases = nil
	for _, c := range full.Cases {
		if s.d.Places.Within(c.Area, actor.Area) {
			mine.Cases = append(mine.Cases, c)
		}
	}
	return &mine, nil
}

func (s *Service) maySee(row Row, actor registry.Account) bool {
	if row.Area == "" {
		return actor.Role == registry.RoleDistrict || actor.Role == registry.RoleCity
	}
	return s.d.Places.Within(row.Area, actor.Area)
}

// load reads a run and everything that its list names, whoever may see it.
func (s *Service) load(ctx context.Context, id uuid.UUID) (*List, error) {
	run, err := s.d.Runs.Run(ctx, id)
	if err != nil {
		return nil, err
	}
	list := &List{Run: run, PlaceNames: make(map[uuid.UUID]places.Name)}
	list.Run.Inputs, list.Run.Report = nil, nil
	if err := json.Unmarshal(run.Rules, &list.Profile); err != nil {
		return nil, fmt.Errorf("reading the profile of a run: %w", err)
	}
	var report tracing.Report
	if err := json.Unmarshal(run.Report, &report); err != nil {
		return nil, fmt.Errorf("reading the report of a run: %w", err)
	}
	for _, caseID := range run.Cases {
		c, err := s.d.Book.Case(ctx, caseID)
		if err != nil {
			return nil, fmt.Errorf("reading a case of a run: %w", err)
		}
		list.Cases = append(list.Cases, c)
	}
	people := make([]uuid.UUID, len(report.Contacts))
	for i := range report.Contacts {
		people[i] = report.Contacts[i].Person
	}
	areas, err := s.d.People.AreasOf(ctx, people)
	if err != nil {
		return nil, fmt.Errorf("reading where people reside: %w", err)
	}
	for _, contact := range report.Contacts {
		area := areas[contact.Person]
		list.People = append(list.People, Row{Contact: contact, Area: area, AreaName: s.d.Places.AreaName(area)})
		for _, e := range contact.Evidence {
			if name, known := s.d.Places.Name(e.Place.ID); known {
				list.PlaceNames[e.Place.ID] = name
			}
		}
	}
	return list, nil
}

// byWard counts people by ward, most people first.
func byWard(rows []Row) []WardCount {
	counts := make(map[string]*WardCount)
	for _, row := range rows {
		c := counts[row.Area]
		if c == nil {
			c = &WardCount{Area: row.Area, Name: row.AreaName}
			counts[row.Area] = c
		}
		switch row.Generation {
		case 1:
			c.F1++
		case 2:
			c.F2++
		}
	}
	out := make([]WardCount, 0, len(counts))
	for _, c := range counts {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b WardCount) int {
		if d := (b.F1 + b.F2) - (a.F1 + a.F2); d != 0 {
			return d
		}
		return strings.Compare(a.Area, b.Area)
	})
	return out
}
