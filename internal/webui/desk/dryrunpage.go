package desk

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/tracing"
)

// dryRunPage is what the cases of a choice would list under each set of rules, and the form to try numbers of one's own. Its
// address is its state.
type dryRunPage struct {
	Choice      url.Values // what names the cases, to be sent on
	Estimate    *cases.Estimate
	Generations []int // the columns
	Own         ownForm
	Profiles    []tracing.Profile
	Problem     *page.Problem
}

// ownForm is the numbers of one's own as they were typed, in the units of the page.
type ownForm struct {
	Tried                                          bool
	Base                                           string
	Before, Overlap, Linger, Latency, Depth, Crowd string
}

// ownField is a field of the form; its label is own.NAME.
type ownField struct {
	Name, Value string
	Least       int
}

// ownNames are the names of the fields, in the order of the form.
func ownNames() []string { return []string{"overlap", "linger", "latency", "depth", "before", "crowd"} }

// Fields are the fields of the form.
func (f ownForm) Fields() []ownField {
	values := map[string]string{
		"overlap": f.Overlap, "linger": f.Linger, "latency": f.Latency, "depth": f.Depth, "before": f.Before, "crowd": f.Crowd,
	}
	var fields []ownField
	for _, name := range ownNames() {
		field := ownField{Name: name, Value: values[name]}
		if name == "depth" {
			field.Least = 1
		}
		fields = append(fields, field)
	}
	return fields
}

// The units of the page, in seconds.
const minute, hour = 60, 60 * 60

// readOwn reads the numbers as they were typed; where none were, they are those of the default profile.
func readOwn(query url.Values) ownForm {
	if query.Get("try") == "" {
		p := tracing.Profiles()[0]
		return ownForm{
			Base: p.Name, Before: strconv.Itoa(p.BeforeOnset), Overlap: strconv.FormatInt(p.MinOverlap/minute, 10),
			Linger: strconv.FormatInt(p.Linger/minute, 10), Latency: strconv.FormatInt(p.Latency/hour, 10),
			Depth: strconv.Itoa(p.Depth), Crowd: strconv.Itoa(p.CrowdLimit),
		}
	}
	get := func(name string) string { return strings.TrimSpace(query.Get(name)) }
	return ownForm{
		Tried: true, Base: get("base"), Before: get("before"), Overlap: get("overlap"), Linger: get("linger"),
		Latency: get("latency"), Depth: get("depth"), Crowd: get("crowd"),
	}
}

// numbers reads what was typed. What was left empty is the base profile's.
func (f ownForm) numbers() (*cases.Numbers, error) {
	n := &cases.Numbers{Base: f.Base}
	for _, field := range []struct {
		text  string
		into  **int
		fault error
	}{
		{f.Before, &n.BeforeOnset, cases.ErrOwnBefore},
		{f.Depth, &n.Depth, cases.ErrOwnDepth},
		{f.Crowd, &n.CrowdLimit, cases.ErrOwnCrowd},
	} {
		if field.text == "" {
			continue
		}
		number, err := strconv.Atoi(field.text)
		if err != nil {
			return nil, field.fault
		}
		*field.into = &number
	}
	for _, field := range []struct {
		text  string
		unit  int64
		into  **int64
		fault error
	}{
		{f.Overlap, minute, &n.MinOverlap, cases.ErrOwnOverlap},
		{f.Linger, minute, &n.Linger, cases.ErrOwnLinger},
		{f.Latency, hour, &n.Latency, cases.ErrOwnLatency},
	} {
		if field.text == "" {
			continue
		}
		number, err := strconv.ParseInt(field.text, 10, 32) // so that no unit makes it overflow
		if err != nil {
			return nil, field.fault
		}
		number *= field.unit
		*field.into = &number
	}
	return n, nil
}

func (p *Pages) showDryRun(c *gin.Context) {
	query := c.Request.URL.Query()
	choice, err := readChoice(query)
	if err == nil && isEmpty(choice) {
		p.refuseEmpty(c, query)
		return
	}
	body := dryRunPage{Choice: choiceOf(query), Own: readOwn(query), Profiles: tracing.Profiles()}
	var own *cases.Numbers
	if err == nil && body.Own.Tried {
		own, err = body.Own.numbers()
	}
	var estimate cases.Estimate
	if err == nil {
		estimate, err = p.Traces.DryRun(c.Request.Context(), page.Actor(c), choice, own)
	}
	if err != nil {
		p.refuseDryRun(c, body, err)
		return
	}
	body.Estimate = &estimate
	for _, r := range estimate.Results {
		for len(body.Generations) < len(r.Counts) {
			body.Generations = append(body.Generations, len(body.Generations)+1)
		}
	}
	p.Show(c, http.StatusOK, "dryrun", body)
}

// refuseDryRun shows the numbers again, where the fault is theirs, and what is wrong.
func (p *Pages) refuseDryRun(c *gin.Context, body dryRunPage, err error) {
	told := page.ProblemOf(p.Texts(c), err)
	if !strings.HasPrefix(told.Code, "own_") {
		p.FailBackTo(c, fmt.Errorf("counting: %w", err), "/cases")
		return
	}
	body.Problem = &told
	p.Show(c, told.Status, "dryrun", body)
}

// choiceOf keeps of an address what names the cases.
func choiceOf(query url.Values) url.Values {
	kept := url.Values{}
	names := []string{"case"}
	if query.Get("which") == whichAll {
		names = []string{"which", "open", "day"}
	}
	for _, name := range names {
		if values := slices.DeleteFunc(slices.Clone(query[name]), func(v string) bool { return v == "" }); len(values) > 0 {
			kept[name] = values
		}
	}
	return kept
}

// Count is how many people a set of rules lists in a generation, and whether it goes that far.
func (p dryRunPage) Count(r cases.EstimateResult, generation int) *int {
	if generation > len(r.Counts) {
		return nil
	}
	return &r.Counts[generation-1]
}

// IsOwn says whether a line is of the numbers that were entered.
func (p dryRunPage) IsOwn(r cases.EstimateResult) bool { return r.Profile.Name == cases.Own }

// Least and Most are the smallest and the largest number of a generation under the profiles.
func (p dryRunPage) Least(generation int) int { return p.extreme(generation, -1) }

// Most is the counterpart of Least.
func (p dryRunPage) Most(generation int) int { return p.extreme(generation, 1) }

func (p dryRunPage) extreme(generation, sign int) int {
	most := slices.MaxFunc(p.Estimate.Results[:len(tracing.Profiles())], func(a, b cases.EstimateResult) int {
		return sign * cmp.Compare(a.Counts[generation-1], b.Counts[generation-1])
	})
	return most.Counts[generation-1]
}
