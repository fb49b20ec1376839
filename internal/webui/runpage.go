package webui

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/tracing"
)

// rowsPerPage keeps a page of a list quick to send and to scroll. The CSV has all.
const rowsPerPage = 200

// runFilter is the state of a list's page, kept in its address.
type runFilter struct {
	Generation int    // 0 = all
	Certainty  string // empty = all
	Area       string // empty = all, noArea = those of whom it is not known
	Text       string // what is looked for, see finder
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
	if !slices.Contains(certainties(), f.Certainty) {
		f.Certainty = ""
	}
	if !slices.Contains(sorts(), f.Sort) {
		f.Sort = defaultSort
	}
	if page, err := strconv.Atoi(query.Get("page")); err == nil && page > 1 {
		f.Page = page
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
	set("q", f.Text, "")
	set("sort", f.Sort, defaultSort)
	set("page", strconv.Itoa(f.Page), "1")
	return "?" + q.Encode()
}

// Active says whether anything is left out.
func (f runFilter) Active() bool {
	return f.Generation != 0 || f.Certainty != "" || f.Area != "" || f.Text != ""
}

// At is the address of another page of the same list.
func (f runFilter) At(page int) string { f.Page = page; return f.query() }

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

// matches says whether a row is shown; find is that of the filter's text.
func (f runFilter) matches(row cases.Row, find *finder) bool {
	switch {
	case f.Generation != 0 && row.Generation != f.Generation,
		f.Certainty != "" && row.Certainty.String() != f.Certainty,
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

// runPage is a run's list as its page shows it.
type runPage struct {
	*cases.List
	Filter      runFilter
	F1, F2      int   // of the reader's sight
	Since       int64 // the first exposure of all; 0 = nobody is listed
	Groups      []generationGroup
	Shown       int // how many rows match
	Pages       int
	Chart       *chart
	Sorts       []string
	Certainties []string
	Generations []int
	Watermark   []shardSeq
	known       map[uuid.UUID]source
}

// generationGroup is the rows of one generation on one page.
type generationGroup struct {
	Generation int
	Rows       []cases.Row
}

// shardSeq is one line of a watermark.
type shardSeq struct {
	Shard uint32
	Seq   uint64
}

// source is who exposed somebody: a case, or somebody in the list.
type source struct {
	Generation int
	Person     uuid.UUID
	Case       uuid.UUID // uuid.Nil unless it is a case that the reader may see
	LabRef     string    // of the case
}

// Source tells who a person in an encounter is.
func (p *runPage) Source(person uuid.UUID) source {
	if s, ok := p.known[person]; ok {
		return s
	}
	return source{Generation: -1, Person: person}
}

// CasesElsewhere is how many cases of the run the reader may not see.
func (p *runPage) CasesElsewhere() int { return len(p.Run.Cases) - len(p.Cases) }

// Where names a place in an encounter; what is not known any more has no name.
func (p *runPage) Where(place tracing.Place) places.Name { return p.PlaceNames[place.ID] }

// Trip names the run of a vehicle that an encounter was on, empty for a place that does not move.
func (p *runPage) Trip(place tracing.Place) string {
	if place.Trip == uuid.Nil {
		return ""
	}
	return shortID(place.Trip)
}

func (u *UI) showRun(c *gin.Context) {
	id, err := idParameter(c)
	if err != nil {
		u.Fail(c, err)
		return
	}
	list, err := u.Traces.List(c.Request.Context(), actor(c), id)
	if err != nil {
		u.Fail(c, fmt.Errorf("reading a list: %w", err))
		return
	}
	u.show(c, http.StatusOK, "run", u.runPage(list, readFilter(c.Request.URL.Query())))
}

func (u *UI) runPage(list *cases.List, filter runFilter) *runPage {
	p := &runPage{List: list, Filter: filter, Sorts: sorts(), Certainties: certainties(), known: make(map[uuid.UUID]source)}
	find := newFinder(list, filter.Text)
	var rows []cases.Row
	for _, row := range list.People {
		p.known[row.Person] = source{Generation: row.Generation, Person: row.Person}
		switch row.Generation {
		case 1:
			p.F1++
		case 2:
			p.F2++
		}
		if p.Since == 0 || row.FirstExposure < p.Since {
			p.Since = row.FirstExposure
		}
		if !slices.Contains(p.Generations, row.Generation) {
			p.Generations = append(p.Generations, row.Generation)
		}
		if filter.matches(row, find) {
			rows = append(rows, row)
		}
	}
	for _, known := range list.Cases {
		p.known[known.Person] = source{Person: known.Person, Case: known.ID, LabRef: known.LabRef}
	}
	slices.SortStableFunc(rows, filter.compare)
	p.Shown = len(rows)
	p.Pages = max(1, (len(rows)+rowsPerPage-1)/rowsPerPage)
	p.Filter.Page = min(filter.Page, p.Pages)
	first := (p.Filter.Page - 1) * rowsPerPage
	p.Groups = groupsOf(rows[first:min(first+rowsPerPage, len(rows))])
	p.Chart = u.chartOf(list.People)
	p.Watermark = watermarkLines(list.Run.Watermark)
	return p
}

// groupsOf splits rows, which are in the order of their generations, by generation.
func groupsOf(rows []cases.Row) []generationGroup {
	var groups []generationGroup
	for start := 0; start < len(rows); {
		end := start
		for end < len(rows) && rows[end].Generation == rows[start].Generation {
			end++
		}
		groups = append(groups, generationGroup{Generation: rows[start].Generation, Rows: rows[start:end]})
		start = end
	}
	return groups
}

// watermarkLines puts a watermark into the order of its shards.
func watermarkLines(w scanlog.Watermark) []shardSeq {
	lines := make([]shardSeq, 0, len(w))
	for shard, seq := range w {
		lines = append(lines, shardSeq{shard, seq})
	}
	slices.SortFunc(lines, func(a, b shardSeq) int { return cmp.Compare(a.Shard, b.Shard) })
	return lines
}

// serveList streams the whole list. Until its first byte a failure is a page; after it the connection is cut, so that
// half a list is never taken for a whole one.
func (u *UI) serveList(c *gin.Context) {
	id, err := idParameter(c)
	if err != nil {
		u.Fail(c, err)
		return
	}
	out := &download{c: c, name: "truyvet-" + strings.ToLower(shortID(id)) + ".csv"}
	if err := u.Traces.WriteCSV(c.Request.Context(), actor(c), id, out); err != nil {
		if !out.begun {
			u.Fail(c, fmt.Errorf("writing a list: %w", err))
			return
		}
		u.logFault(c, err)
		panic(http.ErrAbortHandler)
	}
}

// download writes the head of a CSV file before its first byte.
type download struct {
	c     *gin.Context
	name  string
	begun bool
}

// byteOrderMark makes spreadsheets read the file as UTF-8, without which Vietnamese names come out garbled.
const byteOrderMark = "\ufeff"

// Write implements io.Writer.
func (d *download) Write(data []byte) (int, error) {
	if !d.begun {
		d.begun = true
		d.c.Header("Content-Type", "text/csv; charset=utf-8")
		d.c.Header("Content-Disposition", `attachment; filename="`+d.name+`"`)
		d.c.Header("Cache-Control", "no-store")
		if _, err := d.c.Writer.WriteString(byteOrderMark); err != nil {
			return 0, fmt.Errorf("sending a list: %w", err)
		}
	}
	return d.c.Writer.Write(data)
}
