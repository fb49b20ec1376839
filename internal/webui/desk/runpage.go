package desk

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/webui/chart"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/tracing"
)

const (
	// rowsPerPage keeps a page of a list quick to send and to scroll. The CSV has all.
	rowsPerPage = 200
	// casesShown is how many cases of a run its page shows with their counts; a page of their own has all.
	casesShown = 12
	// casesInMenu is how many cases a menu may offer.
	casesInMenu = 50
	// evidenceShown is how many encounters a row of a long list shows: who was at work with hundreds of cases has thousands. Where
	// few are shown, as when one is looked for, it is evidenceOfFew.
	evidenceShown = 10
	evidenceOfFew = 500
	fewRows       = 3
	// casesNamed is how many cases are named beside somebody whom they led to.
	casesNamed = 12
)

// runPage is a run's list as its page shows it.
type runPage struct {
	*cases.List
	Standing    cases.Standing
	Filter      runFilter
	F1, F2      int   // of the reader's sight
	Since       int64 // the first exposure of all; 0 = nobody is listed
	Groups      []generationGroup
	Shown       int // how many rows match
	Pages       int
	Chart       *chart.Chart
	Chain       *chart.Chain
	From        *cases.CaseCount // the case that the filter is of
	Sorts       []string
	Certainties []string
	Generations []int
	Watermark   []shardSeq
	known       map[uuid.UUID]source
	byRoot      map[int]registry.Case // the cases that the reader may see
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

// Trip is the run of a vehicle that an encounter was on, nil for a place that does not move and a run that is not known any more.
func (p *runPage) Trip(place tracing.Place) *registry.Trip {
	if trip, known := p.Trips[place.Trip]; known {
		return &trip
	}
	return nil
}

// listOf returns the list of the run in the path. On false it has been answered.
func (p *Pages) listOf(c *gin.Context) (*cases.List, bool) {
	id, err := page.IDParameter(c)
	if err != nil {
		p.Fail(c, err)
		return nil, false
	}
	list, err := p.Traces.List(c.Request.Context(), page.Actor(c), id)
	if err != nil {
		p.Fail(c, fmt.Errorf("reading a list: %w", err))
		return nil, false
	}
	return list, true
}

func (p *Pages) showRun(c *gin.Context) {
	list, ok := p.listOf(c)
	if !ok {
		return
	}
	body := p.runPage(list, readFilter(c.Request.URL.Query()))
	var err error
	if body.Standing, err = p.Traces.Standing(c.Request.Context(), page.Actor(c), list.Run.ID); err != nil {
		p.Fail(c, fmt.Errorf("reading how a run stands: %w", err))
		return
	}
	p.Show(c, http.StatusOK, "run", body)
}

func (p *Pages) runPage(list *cases.List, filter runFilter) *runPage {
	body := &runPage{List: list, Filter: filter, Sorts: sorts(), Certainties: certainties(), known: make(map[uuid.UUID]source)}
	body.takeCases()
	find := newFinder(list, filter.Text)
	root := -1
	if body.From != nil {
		root = body.From.Root
	}
	var rows []cases.Row
	for _, row := range list.People {
		body.known[row.Person] = source{Generation: row.Generation, Person: row.Person}
		switch row.Generation {
		case 1:
			body.F1++
		case 2:
			body.F2++
		}
		if body.Since == 0 || row.FirstExposure < body.Since {
			body.Since = row.FirstExposure
		}
		if !slices.Contains(body.Generations, row.Generation) {
			body.Generations = append(body.Generations, row.Generation)
		}
		if filter.matches(row, find, root) {
			rows = append(rows, row)
		}
	}
	for _, known := range list.Cases { // after the rows: a case is a case first
		body.known[known.Person] = source{Person: known.Person, Case: known.ID, LabRef: known.LabRef}
	}
	slices.SortStableFunc(rows, filter.compare)
	body.Shown = len(rows)
	body.Pages = max(1, (len(rows)+rowsPerPage-1)/rowsPerPage)
	body.Filter.Page = min(filter.Page, body.Pages)
	first := (body.Filter.Page - 1) * rowsPerPage
	body.Groups = groupsOf(rows[first:min(first+rowsPerPage, len(rows))])
	body.Chart = chart.Of(p.Reader, list.People)
	body.Chain = chart.ChainOf(p.Reader, list)
	body.Watermark = watermarkLines(list.Run.Watermark)
	return body
}

// takeCases takes over the cases that the reader may see, and which of them the filter is of.
func (p *runPage) takeCases() {
	p.byRoot = make(map[int]registry.Case, len(p.ByCase))
	for i := range p.ByCase {
		c := &p.ByCase[i]
		p.byRoot[c.Root] = c.Case
		if c.ID == p.Filter.Case {
			p.From = c
		}
	}
}

// ledTo is the cases that somebody has it from, as far as they are named.
type ledTo struct {
	Cases []registry.Case // that the reader may see, the first few
	More  int             // how many more there are
}

// LedTo tells from which cases somebody was reached; Brief names one alone.
func (p *runPage) LedTo(row cases.Row) ledTo { return p.ledTo(row, casesNamed) }

// Brief is LedTo for a line of the list: it names one case, that of the filter where there is one.
func (p *runPage) Brief(row cases.Row) ledTo {
	if p.From != nil {
		return ledTo{Cases: []registry.Case{p.From.Case}, More: row.Roots.Len() - 1}
	}
	return p.ledTo(row, 1)
}

func (p *runPage) ledTo(row cases.Row, most int) ledTo {
	l := ledTo{More: row.Roots.Len()}
	for root := range row.Roots.All() {
		if c, mine := p.byRoot[root]; mine && len(l.Cases) < most {
			l.Cases = append(l.Cases, c)
			l.More--
		}
	}
	return l
}

// Few says whether so few people are shown that their rows stand open.
func (p *runPage) Few() bool { return p.Shown <= fewRows }

// EvidenceOf returns the encounters of a row that are shown, the earliest ones.
func (p *runPage) EvidenceOf(row cases.Row) []tracing.Evidence {
	most := evidenceShown
	if p.Few() {
		most = evidenceOfFew
	}
	return row.Evidence[:min(len(row.Evidence), most)]
}

// MoreEvidence is how many encounters of a row are not shown.
func (p *runPage) MoreEvidence(row cases.Row) int { return len(row.Evidence) - len(p.EvidenceOf(row)) }

// Foremost are the cases with most people.
func (p *runPage) Foremost() []cases.CaseCount { return p.ByCase[:min(len(p.ByCase), casesShown)] }

// Choosable says whether the cases are few enough to be chosen from a menu.
func (p *runPage) Choosable() bool { return len(p.ByCase) > 1 && len(p.ByCase) <= casesInMenu }

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

// serveList streams the whole list, or of ?case= that of one case. Until its first byte a failure is a page; after it the
// connection is cut, so that half a list is never taken for a whole one.
func (p *Pages) serveList(c *gin.Context) {
	id, err := page.IDParameter(c)
	if err != nil {
		p.Fail(c, err)
		return
	}
	name, of := "truyvet-"+strings.ToLower(page.ShortID(id)), uuid.Nil
	if text := c.Query("case"); text != "" {
		if of, err = uuid.Parse(text); err != nil {
			p.Fail(c, registry.ErrNotFound)
			return
		}
		name += "-f0-" + strings.ToLower(page.ShortID(of))
	}
	out := page.NewDownload(c, name+".csv")
	if err := p.Traces.WriteCSV(c.Request.Context(), page.Actor(c), id, of, out); err != nil {
		if !out.Begun() {
			p.Fail(c, fmt.Errorf("writing a list: %w", err))
			return
		}
		p.LogFault(c, err)
		panic(http.ErrAbortHandler)
	}
}

func runID(r registry.Run) uuid.UUID { return r.ID }
