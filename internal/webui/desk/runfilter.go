package desk

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/tracing"
)

// runFilter is the state of a list's page, kept in its address.
type runFilter struct {
	Generation int       // 0 = all
	Certainty  string    // empty = all
	Area       string    // empty = all, noArea = those of whom it is not known
	Case       uuid.UUID // uuid.Nil = all
	Text       string    // what is looked for, see finder
	Sort       string
	Page       int // from 1
}

// noArea stands in an address for people of whom it is not known where they reside.
const noArea = "-"

// defaultSort is the order of the report.
const defaultSort = "score"

// sorts are the columns that a list may be ordered by.
func sorts() []string {
	return []string{defaultSort, "first", "last", "encounters", "overlap", "certainty", "ward"}
}

// readFilter reads the state of a list. What makes no sense counts as not said: an address may come from anywhere.
func readFilter(query url.Values) runFilter {
	f := runFilter{Certainty: query.Get("certainty"), Area: query.Get("ward"), Text: strings.TrimSpace(query.Get("q")), Sort: query.Get("sort"), Page: 1}
	if generation, err := strconv.Atoi(query.Get("generation")); err == nil && generation > 0 {
		f.Generation = generation
	}
	if id, err := uuid.Parse(query.Get("case")); err == nil {
		f.Case = id
	}
	if !slices.Contains(certainties(), f.Certainty) {
		f.Certainty = ""
	}
	if !slices.Contains(sorts(), f.Sort) {
		f.Sort = defaultSort
	}
	if body, err := strconv.Atoi(query.Get("page")); err == nil && body > 1 {
		f.Page = body
	}
	return f
}

func certainties() []string {
	return []string{tracing.Confirmed.String(), tracing.Probable.String(), tracing.Possible.String()}
}

// query writes the state as an address has it, leaving out what is the default.
func (f runFilter) query() string {
	q := url.Values{}
	set := func(name, value, unset string) {
		if value != unset {
			q.Set(name, value)
		}
	}
	set("generation", strconv.Itoa(f.Generation), "0")
	set("certainty", f.Certainty, "")
	set("ward", f.Area, "")
	if f.Case != uuid.Nil {
		q.Set("case", f.Case.String())
	}
	set("q", f.Text, "")
	set("sort", f.Sort, defaultSort)
	set("page", strconv.Itoa(f.Page), "1")
	return "?" + q.Encode()
}

// Active says whether anything is left out.
func (f runFilter) Active() bool {
	return f.Generation != 0 || f.Certainty != "" || f.Area != "" || f.Case != uuid.Nil || f.Text != ""
}

// At is the address of another page of the same list.
func (f runFilter) At(body int) string { f.Page = body; return f.query() }

// Previous is the number of the page before this one.
func (f runFilter) Previous() int { return f.Page - 1 }

// Next is the number of the page after this one.
func (f runFilter) Next() int { return f.Page + 1 }

// By is the address of the same list in another order.
func (f runFilter) By(column string) string { f.Sort, f.Page = column, 1; return f.query() }

// Of is the address of the same list for one generation.
func (f runFilter) Of(generation int) string { f.Generation, f.Page = generation, 1; return f.query() }

// In is the address of the same list for one ward.
func (f runFilter) In(area string) string {
	f.Area, f.Page = cmp.Or(area, noArea), 1
	return f.query()
}

// From is the address of the same list for those whom a case led to.
func (f runFilter) From(id uuid.UUID) string { f.Case, f.Page = id, 1; return f.query() }

// FromAll is the address of the same list for those of all cases.
func (f runFilter) FromAll() string { return f.From(uuid.Nil) }

// matches says whether a row is shown; find is that of the filter's text, and root the position of
// its case in the run, -1 where it is none of the run's.
func (f runFilter) matches(row cases.Row, find *finder, root int) bool {
	switch {
	case f.Generation != 0 && row.Generation != f.Generation,
		f.Certainty != "" && row.Certainty.String() != f.Certainty,
		f.Case != uuid.Nil && (root < 0 || !row.Roots.Has(root)),
		f.Area != "" && f.Area != cmp.Or(row.Area, noArea):
		return false
	}
	return f.Text == "" || find.finds(row)
}

// compare orders rows of one generation; rows that are equal stay in the order of the report.
func (f runFilter) compare(a, b cases.Row) int {
	var c int
	switch f.Sort {
	case "first":
		c = cmp.Compare(a.FirstExposure, b.FirstExposure)
	case "last":
		c = cmp.Compare(b.LastExposure, a.LastExposure)
	case "encounters":
		c = cmp.Compare(b.Encounters, a.Encounters)
	case "overlap":
		c = cmp.Compare(b.Overlap, a.Overlap)
	case "certainty":
		c = cmp.Compare(a.Certainty, b.Certainty)
	case "ward":
		c = strings.Compare(a.AreaName, b.AreaName)
	}
	return cmp.Or(cmp.Compare(a.Generation, b.Generation), c)
}
