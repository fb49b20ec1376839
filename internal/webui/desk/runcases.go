package desk

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/cases"
)

// runCasesPage is every case of a run that the reader may see, with the people that it led to.
type runCasesPage struct {
	*cases.List
	Text    string
	Page    int
	Pages   int
	Shown   int // how many match
	Counted []cases.CaseCount
	Of      runFilter // leads back to the list
}

func (p *Pages) showRunCases(c *gin.Context) {
	list, ok := p.listOf(c)
	if !ok {
		return
	}
	body := runCasesPage{List: list, Text: strings.TrimSpace(c.Query("q")), Of: readFilter(nil)}
	found := body.find()
	body.Shown = len(found)
	body.Pages = max(1, (len(found)+casesPerPage-1)/casesPerPage)
	body.Page = 1
	if n, err := strconv.Atoi(c.Query("page")); err == nil {
		body.Page = min(max(n, 1), body.Pages)
	}
	first := (body.Page - 1) * casesPerPage
	body.Counted = found[first:min(first+casesPerPage, len(found))]
	p.Show(c, http.StatusOK, "runcases", body)
}

// find returns the cases whose code or laboratory reference has the text.
func (p *runCasesPage) find() []cases.CaseCount {
	if p.Text == "" {
		return p.ByCase
	}
	find := newFinder(p.List, p.Text)
	return slices.DeleteFunc(slices.Clone(p.ByCase), func(c cases.CaseCount) bool { return !find.cases[c.Person] })
}

// CasesElsewhere is how many cases of the run the reader may not see.
func (p runCasesPage) CasesElsewhere() int { return len(p.Run.Cases) - len(p.Cases) }

// At is the address of another page of the same cases.
func (p runCasesPage) At(body int) string {
	q := url.Values{}
	if p.Text != "" {
		q.Set("q", p.Text)
	}
	if body > 1 {
		q.Set("page", strconv.Itoa(body))
	}
	return "?" + q.Encode()
}

// Previous is the number of the page before this one.
func (p runCasesPage) Previous() int { return p.Page - 1 }

// Next is the number of the page after this one.
func (p runCasesPage) Next() int { return p.Page + 1 }
