package tracingtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
)

// reached is what a report says without its evidence.
type reached struct {
	generation, sources int
	first               int64
	cases               []int
}

// oracle is what a request must find, worked out once for all sources.
type oracle struct {
	req      tracing.Request
	text     []byte // the report
	reached  map[uuid.UUID]reached
	cases    map[uuid.UUID]tracing.CaseSet // that the report tells by itself
	some     []uuid.UUID                   // one person in three, and somebody unknown
	evidence []byte                        // the report of some
}

func newOracle(report *tracing.Report, req tracing.Request) (*oracle, error) {
	o := &oracle{
		req: req, reached: reachedBy(report, req), cases: make(map[uuid.UUID]tracing.CaseSet, len(report.Contacts)),
		some: []uuid.UUID{{15: 1}},
	}
	for i, roots := range report.Roots(req.Cases, req.Numbers.Linger) {
		o.cases[report.Contacts[i].Person] = roots
	}
	some := &tracing.Report{Contacts: []tracing.Contact{}}
	for i, c := range report.Contacts {
		if i%3 == 0 {
			o.some, some.Contacts = append(o.some, c.Person), append(some.Contacts, c)
		}
	}
	var err error
	if o.text, err = json.Marshal(report); err != nil {
		return nil, err
	}
	o.evidence, err = json.Marshal(some)
	return o, err
}

// reachedBy sums up a report. Roots are looked up from the first generation on.
func reachedBy(oracle *tracing.Report, req tracing.Request) map[uuid.UUID]reached {
	all := make(map[uuid.UUID]reached, len(oracle.Contacts))
	for _, c := range oracle.Contacts {
		r := reached{generation: c.Generation, first: c.FirstExposure}
		sources := make(map[uuid.UUID]bool)
		for _, e := range c.Evidence {
			sources[e.Source] = true
			if source, listed := all[e.Source]; listed {
				r.cases = append(r.cases, source.cases...)
			}
			for i, cs := range req.Cases {
				if cs.Person == e.Source {
					r.cases = append(r.cases, i)
				}
			}
		}
		r.sources = len(sources)
		slices.Sort(r.cases)
		r.cases = slices.Compact(r.cases)
		all[c.Person] = r
	}
	return all
}

// several says whether a person stands in several cases: then the report does not tell from which a contact came.
func several(req tracing.Request) bool {
	seen := make(map[uuid.UUID]bool)
	for _, c := range req.Cases {
		if seen[c.Person] {
			return true
		}
		seen[c.Person] = true
	}
	return false
}

// checkReach compares what is reached, in every detail, and the evidence of some people, with the oracle's report.
func (o *oracle) checkReach(ctx context.Context, src tracing.Source) error {
	for _, detail := range []tracing.Detail{{}, {Sources: true, Cases: true}} {
		r, err := tracing.Reach(ctx, src, o.req, detail)
		if err != nil {
			return fmt.Errorf("reaching %+v: %w", o.req, err)
		}
		err = o.checkReached(r, detail)
		if err == nil && detail.Cases {
			err = o.checkRoots(r)
		}
		if err == nil && detail == (tracing.Detail{}) {
			err = o.checkEvidence(ctx, r)
		}
		if err != nil {
			return fmt.Errorf("request %+v, detail %+v: %w", o.req, detail, err)
		}
	}
	return nil
}

// checkReached compares who is reached.
func (o *oracle) checkReached(r *tracing.Reached, detail tracing.Detail) error {
	total, several := 0, several(o.req)
	for g, generation := range r.Generations {
		for i, m := range generation {
			total++
			got := reached{g + 1, int(m.Sources), m.First, r.Cases(g+1, i)}
			want := o.reached[r.Person(m.Person)]
			if !detail.Sources {
				want.sources = 0
			}
			if !detail.Cases {
				want.cases = nil
			} else if several {
				want.cases = got.cases
			}
			if got.generation != want.generation || got.sources != want.sources || got.first != want.first || !slices.Equal(got.cases, want.cases) {
				return fmt.Errorf("%s is reached as %v, want %v", r.Person(m.Person), got, want)
			}
		}
	}
	if total != len(o.reached) {
		return fmt.Errorf("%d reached, want %d", total, len(o.reached))
	}
	return nil
}

// checkRoots compares the cases that a report tells by itself with those that the walk has found. Where a person stands in
// several cases a report may name one too many whose window ended before the source came.
func (o *oracle) checkRoots(r *tracing.Reached) error {
	lax := several(o.req) && o.req.Numbers.Linger > 0
	for g, generation := range r.Generations {
		for i, m := range generation {
			roots, walked := o.cases[r.Person(m.Person)], r.Cases(g+1, i)
			missing := slices.ContainsFunc(walked, func(i int) bool { return !roots.Has(i) })
			if missing || !lax && (roots.Len() != len(walked) || !slices.Equal(slices.Collect(roots.All()), walked)) {
				return fmt.Errorf("the report of %s tells the cases %v, want %v", r.Person(m.Person), slices.Collect(roots.All()), walked)
			}
		}
	}
	return nil
}

// checkEvidence asks for the evidence of some people.
func (o *oracle) checkEvidence(ctx context.Context, r *tracing.Reached) error {
	contacts, err := r.Evidence(ctx, o.some)
	if err != nil {
		return err
	}
	got, err := json.Marshal(&tracing.Report{Contacts: contacts})
	if err != nil {
		return err
	}
	if !bytes.Equal(got, o.evidence) {
		return fmt.Errorf("evidence of %v:\n got %s\nwant %s", o.some, got, o.evidence)
	}
	return nil
}
