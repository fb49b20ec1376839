package benchwalk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// peer is an engine that answers in SQL.
type peer interface {
	name() string
	// load brings in the stays in the orders that serve the questions, ready to be asked.
	load(ctx context.Context, city *City, p *Plain) error
	// formulations returns the ways to ask a question, at least one.
	formulations(q Question) []formulation
	exec(ctx context.Context, statement string) error
	// ask runs a query for the three numbers of a digest.
	ask(ctx context.Context, query string) (Digest, error)
	// reset removes what stages made, and connects anew where a cut query broke the connection.
	reset(ctx context.Context) error
	close() error
}

// formulation is one way to ask a question: stages, each of which makes a table for those after it, and the query for the
// digest of the answer.
type formulation struct {
	name   string
	stages []string
	answer string
}

// errCut says that a query took longer.
var errCut = errors.New("cut")

// answerOnce asks once, and returns how long that took: the whole time that it is allowed, and errCut, where it was cut.
func answerOnce(ctx context.Context, p peer, f formulation, cut time.Duration) (Digest, time.Duration, error) {
	if err := p.reset(ctx); err != nil {
		return Digest{}, 0, fmt.Errorf("%s: clearing up: %w", p.name(), err)
	}
	limited, cancel := context.WithTimeout(ctx, cut)
	defer cancel()
	begin := time.Now()
	d, err := answerStages(limited, p, f)
	took := time.Since(begin)
	switch {
	case ctx.Err() != nil:
		return Digest{}, 0, ctx.Err()
	case limited.Err() != nil || err != nil && took >= cut: // a driver's own timer may go off a moment before ours
		return Digest{}, cut, errCut
	case err != nil:
		return Digest{}, 0, fmt.Errorf("%s, %s: %w", p.name(), f.name, err)
	}
	return d, took, nil
}

func answerStages(ctx context.Context, p peer, f formulation) (Digest, error) {
	for _, stage := range f.stages {
		if err := p.exec(ctx, stage); err != nil {
			return Digest{}, fmt.Errorf("%w in: %s", err, stage)
		}
	}
	d, err := p.ask(ctx, f.answer)
	if err != nil {
		return Digest{}, fmt.Errorf("%w in: %s", err, f.answer)
	}
	return d, nil
}

// peerResult is how a peer answered a question.
type peerResult struct {
	digest      Digest
	formulation string
	took        time.Duration // the median
	cut         bool          // then there is no digest
}

// The rounds of a query that is not cut, after one that warms up.
const (
	manyRounds = 7
	fewRounds  = 3
	quick      = 500 * time.Millisecond // where it takes longer, the few are enough
	slow       = 10 * time.Second       // and here the first one
	// worthwhile is by how much a formulation may be slower than the best at first and still be asked again, and hopeless by how
	// much it may be slower before it is cut.
	worthwhile = 1.3
	hopeless   = 4
)

// answerBest asks a peer in every way and returns the best, by the median of some rounds. The first round of each
// formulation warms up and chooses which of them are worth more; where most is 1 it is the only one.
func answerBest(ctx context.Context, p peer, q Question, cut time.Duration, most int, progress io.Writer) (peerResult, error) {
	formulations := p.formulations(q)
	firsts := make([]time.Duration, len(formulations))
	fastest := cut
	result := peerResult{cut: true, took: cut, formulation: formulations[0].name}
	for i, f := range formulations {
		d, took, err := answerOnce(ctx, p, f, min(cut, max(hopeless*fastest, quick)))
		if err != nil && !errors.Is(err, errCut) {
			return peerResult{}, err
		}
		note := ""
		if err != nil {
			note = " (cut)"
		}
		fmt.Fprintf(progress, "  %s %s %s: %s%s\n", p.name(), q.Name, f.name, took.Round(100*time.Microsecond), note)
		firsts[i] = took
		if err != nil {
			continue
		}
		if !result.cut && d != result.digest {
			return peerResult{}, fmt.Errorf("%s answers %s with %+v by %q and with %+v by %q", p.name(), q.Name, result.digest, result.formulation, d, f.name)
		}
		if took < fastest {
			fastest, result = took, peerResult{digest: d, formulation: f.name, took: took}
		}
	}
	if result.cut || fastest > slow || most == 1 {
		return result, nil
	}
	best := result
	best.took = cut
	for i, f := range formulations {
		if float64(firsts[i]) > worthwhile*float64(fastest) {
			continue
		}
		took, err := answerRounds(ctx, p, f, result.digest, cut, most)
		if errors.Is(err, errCut) {
			continue
		}
		if err != nil {
			return peerResult{}, err
		}
		if took < best.took {
			best.took, best.formulation = took, f.name
		}
	}
	return best, nil
}

// answerRounds returns the median time of some rounds, of fewer where each takes long.
func answerRounds(ctx context.Context, p peer, f formulation, want Digest, cut time.Duration, most int) (time.Duration, error) {
	wanted := manyRounds
	if most > 0 {
		wanted = min(wanted, most)
	}
	var times []time.Duration
	for len(times) < wanted {
		d, took, err := answerOnce(ctx, p, f, cut)
		if err != nil {
			return 0, err
		}
		if d != want {
			return 0, fmt.Errorf("%s, %s: it answered %+v before and %+v now", p.name(), f.name, want, d)
		}
		times = append(times, took)
		if took > quick {
			wanted = min(wanted, fewRounds)
		}
	}
	return median(times), nil
}
