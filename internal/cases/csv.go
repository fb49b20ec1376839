package cases

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/sheet"
	"github.com/truyvet/truyvet/tracing"
)

// maxCasesNamed is how many cases a line of a file names: who is reached from more has the number of all, and the files of
// single cases have the rest.
const maxCasesNamed = 5

// WriteCSV writes the actor's sight of a list, a line per encounter, with what holds for the person repeated on each. Where of
// is not uuid.Nil it is of the people whom that case led to; a case that is not one of the run, or not of the actor's area, is
// registry.ErrNotFound.
//
// Instants are RFC 3339 in the service's location, overlaps seconds. cases is how many cases led to the person, case_ids and
// lab_refs are those of them that the actor may see, in the order of the run, the first 5, parted by semicolons; doubts is why
// the encounter is flagged, parted likewise; route, trip_began and trip_over are of the vehicle's run on which it was. The file is UTF-8 without a byte order mark. Nothing in it begins like a formula, so that a spreadsheet runs none. Nothing is written
// where the error is one of List's.
func (s *Service) WriteCSV(ctx context.Context, actor registry.Account, id, of uuid.UUID, w io.Writer) error {
	list, err := s.list(ctx, actor, id)
	if err != nil {
		return err
	}
	if of != uuid.Nil {
		if list, err = list.from(of); err != nil {
			return err
		}
	}
	if err := s.auditExport(ctx, actor, list, "csv"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	// The writer keeps its first error, which Error returns below.
	_ = out.Write([]string{
		"person", "generation", "first_exposure", "overlap", "encounters", "last_exposure", "certainty", "score", "ward",
		"source", "place", "site", "address", "from", "to", "encounter_overlap", "encounter_certainty", "source_basis",
		"contact_basis", "crowd", "flagged", "cases", "case_ids", "lab_refs", "doubts", "route", "trip_began", "trip_over",
	})
	byRoot := list.byRoot()
	for _, row := range list.People {
		person := []string{
			row.Person.String(), strconv.Itoa(row.Generation), s.instant(row.FirstExposure), number(row.Overlap),
			strconv.Itoa(row.Encounters), s.instant(row.LastExposure), row.Certainty.String(), number(row.Score), sheet.Plain(row.AreaName),
		}
		led := casesColumns(row, byRoot)
		for i, e := range row.Evidence {
			doubts := strings.Join(row.DoubtsOf(i), ";")
			_ = out.Write(slices.Concat(person, s.encounter(list, e), led, []string{doubts}, s.trip(list, e)))
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("writing a list: %w", err)
	}
	return nil
}

// casesColumns returns the columns of the cases that led to somebody.
func casesColumns(row Row, byRoot []*registry.Case) []string {
	var ids, refs []string
	for i := range row.Roots.All() {
		if c := byRoot[i]; c != nil && len(ids) < maxCasesNamed {
			ids, refs = append(ids, c.ID.String()), append(refs, sheet.Plain(c.LabRef))
		}
	}
	return []string{strconv.Itoa(row.Roots.Len()), strings.Join(ids, ";"), strings.Join(refs, ";")}
}

// encounter returns the columns of one encounter.
func (s *Service) encounter(list *List, e tracing.Evidence) []string {
	name := list.PlaceNames[e.Place.ID]
	if name.Name == "" {
		name.Name = e.Place.ID.String()
	}
	return []string{
		e.Source.String(), sheet.Plain(name.Name), sheet.Plain(name.Site), sheet.Plain(name.Address), s.instant(e.From), s.instant(e.To),
		number(e.To - e.From), e.Certainty.String(), e.SourceBasis.String(), e.ContactBasis.String(),
		strconv.Itoa(e.Crowd), strconv.FormatBool(e.Flagged),
	}
}

// trip returns the columns of the vehicle's run on which an encounter was, empty where it was on none that is known.
func (s *Service) trip(list *List, e tracing.Evidence) []string {
	t, known := list.Trips[e.Place.Trip]
	if !known {
		return []string{"", "", ""}
	}
	return []string{sheet.Plain(t.Route), s.instant(t.Began), s.instant(t.Over())}
}

func (s *Service) instant(at int64) string {
	return time.Unix(at, 0).In(s.d.Location).Format(time.RFC3339)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
