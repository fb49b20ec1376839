package tracingtest

import (
	"context"
	"fmt"
	"math"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// Explainer tells why stays are flagged, as [stay.Inquiry] does. A source may be one.
type Explainer interface {
	Why(ctx context.Context, scope tracing.Scope, asked []stay.Question) ([]stay.Doubts, error)
}

// CheckWhy asks about every stay of a world: there is a reason for just those that the oracle flags.
func CheckWhy(ctx context.Context, w World, e Explainer) error {
	w.AsOf = math.MaxInt64
	stays := NaiveStays(w)
	asked := make([]stay.Question, len(stays))
	for i, s := range stays {
		asked[i] = stay.Question{Person: s.Person, Place: s.Place, From: s.Enter, To: s.Leave}
	}
	answers, err := e.Why(ctx, tracing.ScopePlace, asked)
	if err != nil {
		return fmt.Errorf("asking why stays are flagged: %w", err)
	}
	if len(answers) != len(asked) {
		return fmt.Errorf("%d answers to %d questions", len(answers), len(asked))
	}
	for i, s := range stays {
		if (answers[i] != 0) != s.Flagged {
			return fmt.Errorf("the doubts of %v are %v", s, answers[i].Names())
		}
	}
	return nil
}
