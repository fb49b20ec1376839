package cases

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// List is a run as one account may see it. What it points to is shared with other readers and must not be changed.
type List struct {
	Run        registry.Run // without its inputs and its report; F1 and F2 count everybody
	Profile    tracing.Profile
	Cases      []registry.Case             // those of the run that lie in the reader's area
	People     []Row                       // in the order of the report
	PlaceNames map[uuid.UUID]places.Name   // of the places in the evidence of People, as far as they are known
	Trips      map[uuid.UUID]registry.Trip // of vehicles in the evidence of People, as far as they are known
	Hidden     int                         // how many listed people reside outside the reader's area
	ByWard     []WardCount                 // of People, the ward with most people first
	ByCase     []CaseCount                 // of People, for each of Cases, the case with most people first

	led map[uuid.UUID]tracing.CaseSet // the cases behind whoever may be a source, listed or a case
}

// Row is one listed person and where they reside: a ward, or a district where no more is known; Area is empty where
// nothing is.
type Row struct {
	tracing.Contact
	Area     string
	AreaName string
	Roots    tracing.CaseSet // the cases that led to them, by their positions in the run
	Doubts   []stay.Doubts   // why each of Evidence is flagged; nil where none is
}

// WardCount says how many people of a ward are listed, which is what the ward must act on.
type WardCount struct {
	Area   string
	Name   string
	F1, F2 int
}

// CaseCount says how many people a case led to. Who has it from several cases counts for each of them.
type CaseCount struct {
	registry.Case
	Root   int // its position in the run
	F1, F2 int
}

// FirstFrom returns when somebody was first exposed in the encounters that lead back to a case, by its position in the run, where
// any does. A person's first exposure of all may be another case's.
func (l *List) FirstFrom(row Row, root int) int64 {
	for _, e := range row.Evidence { // the earliest comes first
		if l.led[e.Source].Has(root) {
			return e.From
		}
	}
	return row.FirstExposure
}

// byRoot returns the cases that the reader may see by their positions in the run, nil for the others.
func (l *List) byRoot() []*registry.Case {
	all := make([]*registry.Case, len(l.Run.Cases))
	for i := range l.ByCase {
		all[l.ByCase[i].Root] = &l.ByCase[i].Case
	}
	return all
}

// from returns the list with the people alone whom a case led to; registry.ErrNotFound for a case that is not in it.
func (l *List) from(id uuid.UUID) (*List, error) {
	n := slices.IndexFunc(l.ByCase, func(c CaseCount) bool { return c.ID == id })
	if n < 0 {
		return nil, registry.ErrNotFound
	}
	part := *l
	part.People = nil
	for _, row := range l.People {
		if row.Roots.Has(l.ByCase[n].Root) {
			part.People = append(part.People, row)
		}
	}
	return &part, nil
}

// List returns the list of a run. A ward sees its own people; a district or city those of its area and those of whom it is
// not known where they reside. A run that does not concern the actor is registry.ErrNotFound.
//
// Where people reside, what places are called and when trips were over is as it was at most a minute ago, not when the run was made.
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

// Export is List for somebody who takes the whole of it away in a format, and is audited as such.
func (s *Service) Export(ctx context.Context, actor registry.Account, id uuid.UUID, format string) (*List, error) {
	list, err := s.list(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	if err := s.auditExport(ctx, actor, list, format); err != nil {
		return nil, err
	}
	return list, nil
}

func (s *Service) auditExport(ctx context.Context, actor registry.Account, list *List, format string) error {
	detail := fmt.Sprintf("%s, %d people", format, len(list.People))
	if err := s.d.Audit.Append(ctx, actor.Login, "export", list.Run.ID.String(), detail); err != nil {
		return fmt.Errorf("auditing an export: %w", err)
	}
	return nil
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
	mine.People, mine.PlaceNames, mine.Trips = nil, make(map[uuid.UUID]places.Name), make(map[uuid.UUID]registry.Trip)
	for _, row := range full.People {
		if !s.maySee(row, actor) {
			continue
		}
		mine.People = append(mine.People, row)
		for _, e := range row.Evidence {
			if name, known := full.PlaceNames[e.Place.ID]; known {
				mine.PlaceNames[e.Place.ID] = name
			}
			if trip, known := full.Trips[e.Place.Trip]; known {
				mine.Trips[trip.ID] = trip
			}
		}
	}
	mine.Hidden = len(full.People) - len(mine.People)
	mine.ByWard = byWard(mine.People)
	mine.Cases = nil
	for i, c := range full.Cases {
		if s.d.Places.Within(c.Area, actor.Area) {
			mine.Cases = append(mine.Cases, c)
			mine.ByCase = append(mine.ByCase, CaseCount{Case: c, Root: i})
		}
	}
	countByCase(mine.ByCase, mine.People, len(full.Cases))
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
	list := &List{Run: run, PlaceNames: make(map[uuid.UUID]places.Name), led: make(map[uuid.UUID]tracing.CaseSet)}
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
	in, err := readInputs(run)
	if err != nil {
		return nil, err
	}
	windows := walkedFrom(in, list.Cases)
	roots := report.Roots(windows, list.Profile.Linger)
	for i, c := range list.Cases {
		list.led[c.Person] = list.led[c.Person].With(i)
	}
	people := make([]uuid.UUID, len(report.Contacts))
	for i := range report.Contacts {
		people[i] = report.Contacts[i].Person
	}
	areas, err := s.d.People.AreasOf(ctx, people)
	if err != nil {
		return nil, fmt.Errorf("reading where people reside: %w", err)
	}
	for i, contact := range report.Contacts {
		area := areas[contact.Person]
		row := Row{Contact: contact, Area: area, AreaName: s.d.Places.AreaName(area), Roots: roots[i]}
		list.led[contact.Person] = roots[i]
		list.People = append(list.People, row)
		for _, e := range contact.Evidence {
			if name, known := s.d.Places.Name(e.Place.ID); known {
				list.PlaceNames[e.Place.ID] = name
			}
		}
	}
	explain(list.People, in.Doubts)
	if list.Trips, err = s.d.Trips.Trips(ctx, tripsIn(report.Contacts)); err != nil {
		return nil, fmt.Errorf("reading the trips of a list: %w", err)
	}
	return list, nil
}

// tripsIn returns the trips that evidence names.
func tripsIn(contacts []tracing.Contact) []uuid.UUID {
	named := make(map[uuid.UUID]bool)
	for _, c := range contacts {
		for _, e := range c.Evidence {
			if e.Place.Trip != uuid.Nil {
				named[e.Place.Trip] = true
			}
		}
	}
	return slices.Collect(maps.Keys(named))
}

// walkedFrom returns the cases as a run's walk took them. Of runs that were made before their inputs were kept the windows are
// not known, and any will do: they only tell several cases of one person apart.
func walkedFrom(in inputs, list []registry.Case) []tracing.Case {
	from := make([]tracing.Case, len(list))
	for i, c := range list {
		from[i] = tracing.Case{Person: c.Person, Window: tracing.Window{From: math.MinInt64, To: math.MaxInt64}}
	}
	for i, c := range in.Cases[:min(len(in.Cases), len(from))] {
		from[i] = tracing.Case{Person: c.Person, Window: tracing.Window{From: c.From, To: c.To}}
	}
	return from
}

// countByCase counts the rows for each case of a run of so many, and puts the cases in order.
func countByCase(counts []CaseCount, rows []Row, total int) {
	f1, f2 := make([]int, total), make([]int, total)
	for _, row := range rows {
		of := f1
		if row.Generation > 2 {
			continue
		}
		if row.Generation == 2 {
			of = f2
		}
		for i := range row.Roots.All() {
			of[i]++
		}
	}
	for i := range counts {
		counts[i].F1, counts[i].F2 = f1[counts[i].Root], f2[counts[i].Root]
	}
	slices.SortStableFunc(counts, func(a, b CaseCount) int { return (b.F1 + b.F2) - (a.F1 + a.F2) })
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
