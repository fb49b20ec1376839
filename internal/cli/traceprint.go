package cli

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
)

// tracePrinter prints a report with the names of the data.
type tracePrinter struct {
	report         *tracing.Report
	people, places *names
	cases          map[uuid.UUID][]string // that led to each contact
}

// sources returns the names of those who exposed a contact, each once, sorted.
func (p *tracePrinter) sources(c tracing.Contact) []string {
	var sources []string
	for _, e := range c.Evidence {
		sources = append(sources, p.people.name(e.Source))
	}
	slices.Sort(sources)
	return slices.Compact(sources)
}

// crowd returns the smallest crowd in which a contact was met.
func crowd(c tracing.Contact) int {
	return slices.MinFunc(c.Evidence, func(a, b tracing.Evidence) int { return cmp.Compare(a.Crowd, b.Crowd) }).Crowd
}

// csv prints one row for each contact, by generation and person. Times and durations are in seconds; crowd is the smallest
// in which the contact was met; the sources, and the cases that led to the contact, are joined by semicolons.
func (p *tracePrinter) csv(out io.Writer) error {
	contacts := slices.Clone(p.report.Contacts)
	slices.SortFunc(contacts, func(a, b tracing.Contact) int {
		return cmp.Or(cmp.Compare(a.Generation, b.Generation), strings.Compare(p.people.name(a.Person), p.people.name(b.Person)))
	})
	w := csv.NewWriter(out)
	_ = w.Write([]string{ // Error tells below
		"person", "generation", "first_exposure", "overlap", "encounters", "last_exposure", "certainty", "score", "crowd", "sources",
		"cases",
	})
	for _, c := range contacts {
		_ = w.Write([]string{
			p.people.name(c.Person), strconv.Itoa(c.Generation), strconv.FormatInt(c.FirstExposure, 10),
			strconv.FormatInt(c.Overlap, 10), strconv.Itoa(c.Encounters), strconv.FormatInt(c.LastExposure, 10),
			c.Certainty.String(), strconv.FormatInt(c.Score, 10), strconv.Itoa(crowd(c)), strings.Join(p.sources(c), ";"),
			strings.Join(p.cases[c.Person], ";"),
		})
	}
	w.Flush()
	return w.Error()
}

// table prints one line for each contact, whom to call first at the top.
func (p *tracePrinter) table(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "LIST\tPERSON\tFIRST EXPOSURE\tLAST EXPOSURE\tOVERLAP\tENCOUNTERS\tCERTAINTY\tCROWD\tSOURCES\tCASES")
	var counts []int
	for _, c := range p.report.Contacts {
		for len(counts) < c.Generation {
			counts = append(counts, 0)
		}
		counts[c.Generation-1]++
		fmt.Fprintf(w, "F%d\t%s\t%s\t%s\t%s\t%d\t%s\t%d\t%s\t%s\n", c.Generation, p.people.name(c.Person),
			clockTime(c.FirstExposure), clockTime(c.LastExposure), time.Duration(c.Overlap)*time.Second, c.Encounters, c.Certainty,
			crowd(c), strings.Join(p.sources(c), ", "), strings.Join(p.cases[c.Person], ", "))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(counts) == 0 {
		_, err := fmt.Fprintln(out, "nobody was reached")
		return err
	}
	total := make([]string, len(counts))
	for i, n := range counts {
		total[i] = fmt.Sprintf("F%d: %d", i+1, n)
	}
	_, err := fmt.Fprintf(out, "\n%s\n", strings.Join(total, ", "))
	return err
}

func clockTime(t int64) string { return time.Unix(t, 0).UTC().Format(time.RFC3339) }

// namedContact and namedEvidence are the JSON form of a report in the names of the data.
type namedContact struct {
	Person        string            `json:"person"`
	Generation    int               `json:"generation"`
	FirstExposure int64             `json:"first_exposure"`
	LastExposure  int64             `json:"last_exposure"`
	Encounters    int               `json:"encounters"`
	Overlap       int64             `json:"overlap"`
	Score         int64             `json:"score"`
	Certainty     tracing.Certainty `json:"certainty"`
	Cases         []string          `json:"cases"`
	Evidence      []namedEvidence   `json:"evidence"`
}

type namedEvidence struct {
	Source       string            `json:"source"`
	Place        string            `json:"place"`
	From         int64             `json:"from"`
	To           int64             `json:"to"`
	SourceBasis  tracing.Basis     `json:"source_basis"`
	ContactBasis tracing.Basis     `json:"contact_basis"`
	Certainty    tracing.Certainty `json:"certainty"`
	Crowd        int               `json:"crowd"`
}

// json prints {"contacts": […]} with the evidence, whom to call first at the top.
func (p *tracePrinter) json(out io.Writer) error {
	contacts := make([]namedContact, len(p.report.Contacts))
	for i, c := range p.report.Contacts {
		contacts[i] = namedContact{
			p.people.name(c.Person), c.Generation, c.FirstExposure, c.LastExposure, c.Encounters, c.Overlap, c.Score, c.Certainty,
			p.cases[c.Person], make([]namedEvidence, len(c.Evidence)),
		}
		for j, e := range c.Evidence {
			contacts[i].Evidence[j] = namedEvidence{
				p.people.name(e.Source), p.places.name(e.Place.ID), e.From, e.To, e.SourceBasis, e.ContactBasis, e.Certainty, e.Crowd,
			}
		}
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(map[string][]namedContact{"contacts": contacts})
}
