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
func checkReach(ctx context.Context, oracle *tracing.Report, src tracing.Source, req tracing.Request) error {
	want := reachedBy(oracle, req)
	for _, detail := range []tracing.Detail{{}, {Sources: true, Cases: true}} {
		r, err := tracing.Reach(ctx, src, req, detail)
		if err != nil {
			return fmt.Errorf("reaching %+v: %w", req, err)
		}
		total := 0
		for g, generation := range r.Generations {
			for i, m := range generation {
				total++
				got := reached{g + 1, int(m.Sources), m.First, r.Cases(g+1, i)}
				wanted := want[r.Person(m.Person)]
				if !detail.Sources {
					wanted.sources = 0
				}
				if !detail.Cases {
					wanted.cases = nil
				} else if several(req) {
					wanted.cases = got.cases
				}
				if fmt.Sprint(got) != fmt.Sprint(wanted) {
					return fmt.Errorf("request %+v, detail %+v: %s is reached as %v, want %v", req, detail, r.Person(m.Person), got, wanted)
				}
			}
		}
		if total != len(want) {
			return fmt.Errorf("request %+v, detail %+v: %d reached, want %d", req, detail, total, len(want))
		}
		if detail.Cases {
			if err := checkRoots(oracle, r, req); err != nil {
				return fmt.Errorf("request %+v: %w", req, err)
			}
		}
		if detail == (tracing.Detail{}) {
			if err := checkEvidence(ctx, oracle, r); err != nil {
				return fmt.Errorf("request %+v: %w", req, err)
			}
		}
	}
	return nil
}

// checkRoots compares the cases that a report tells by itself with those that the walk has found. Where a person stands in
// several cases a report may name one too many whose window ended before the source came.
func checkRoots(oracle *tracing.Report, r *tracing.Reached, req tracing.Request) error {
	told := make(map[uuid.UUID]tracing.CaseSet, len(oracle.Contacts))
	for n, roots := range oracle.Roots(req.Cases, req.Numbers.Linger) {
		told[oracle.Contacts[n].Person] = roots
	}
	lax := several(req) && req.Numbers.Linger > 0
	for g, generation := range r.Generations {
		for i, m := range generation {
			roots, walked := told[r.Person(m.Person)], r.Cases(g+1, i)
			missing := slices.ContainsFunc(walked, func(i int) bool { return !roots.Has(i) })
			if missing || !lax && (roots.Len() != len(walked) || !slices.Equal(slices.Collect(roots.All()), walked)) {
				return fmt.Errorf("the report of %s tells the cases %v, want %v", r.Person(m.Person), slices.Collect(roots.All()), walked)
			}
		}
	}
	return nil
}

// checkEvidence asks for the evidence of one person in three, and of somebody unknown.
func checkEvidence(ctx context.Context, oracle *tracing.Report, r *tracing.Reached) error {
	people := []uuid.UUID{{15: 1}}
	want := []tracing.Contact{}
	for i, c := range oracle.Contacts {
		if i%3 == 0 {
			people, want = append(people, c.Person), append(want, c)
		}
	}
	got, err := r.Evidence(ctx, people)
	if err != nil {
		return err
	}
	gotText, err := json.Marshal(&tracing.Report{Contacts: got})
	if err != nil {
		return err
	}
	wantText, err := json.Marshal(&tracing.Report{Contacts: want})
	if err != nil {
		return err
	}
	if !bytes.Equal(gotText, wantText) {
		return fmt.Errorf("evidence of %v:\n got %s\nwant %s", people, gotText, wantText)
	}
	return nil
}
