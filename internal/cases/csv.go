package cases

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/tracing"
)

// WriteCSV writes the actor's sight of a list, a line per encounter, with what holds for the person repeated on each.
// Instants are RFC 3339 in the service's location, overlaps seconds. The file is UTF-8 without a byte order mark. Nothing in it
// begins like a formula, so that a spreadsheet runs none. Nothing is written where the error is one of List's.
func (s *Service) WriteCSV(ctx context.Context, actor registry.Account, id uuid.UUID, w io.Writer) error {
	list, err := s.list(ctx, actor, id)
	if err != nil {
		return err
	}
	if err := s.d.Audit.Append(ctx, actor.Login, "export", id.String(), fmt.Sprintf("csv, %d people", len(list.People))); err != nil {
		return fmt.Errorf("auditing an export: %w", err)
	}
	out := csv.NewWriter(w)
	// The writer keeps its first error, which Error returns below.
	_ = out.Write([]string{
		"person", "generation", "first_exposure", "overlap", "encounters", "last_exposure", "certainty", "score", "ward",
		"source", "place", "site", "address", "from", "to", "encounter_overlap", "encounter_certainty", "source_basis",
		"contact_basis", "crowd", "flagged",
	})
	for _, row := range list.People {
		person := []string{
			row.Person.String(), strconv.Itoa(row.Generation), s.instant(row.FirstExposure), number(row.Overlap),
			strconv.Itoa(row.Encounters), s.instant(row.LastExposure), row.Certainty.String(), number(row.Score), plain(row.AreaName),
		}
		for _, e := range row.Evidence {
			_ = out.Write(append(person[:len(person):len(person)], s.encounter(list, e)...))
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("writing a list: %w", err)
	}
	return nil
}

// encounter returns the columns of one encounter.
func (s *Service) encounter(list *List, e tracing.Evidence) []string {
	name := list.PlaceNames[e.Place.ID]
	if name.Name == "" {
		name.Name = e.Place.ID.String()
	}
	return []string{
		e.Source.String(), plain(name.Name), plain(name.Site), plain(name.Address), s.instant(e.From), s.instant(e.To),
		number(e.To - e.From), e.Certainty.String(), e.SourceBasis.String(), e.ContactBasis.String(),
		strconv.Itoa(e.Crowd), strconv.FormatBool(e.Flagged),
	}
}

func (s *Service) instant(at int64) string {
	return time.Unix(at, 0).In(s.d.Location).Format(time.RFC3339)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// plain keeps a spreadsheet from taking a name for a formula. Some take the wide forms of East Asian keyboards for the narrow
// ones, and some look past control characters: see OWASP, "CSV Injection".
func plain(text string) string {
	if first, _ := utf8.DecodeRuneInString(text); text != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + text
	}
	return text
}
