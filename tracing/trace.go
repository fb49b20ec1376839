package tracing

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// Case is a confirmed infected person with the time during which they could infect others.
type Case struct {
	Person uuid.UUID
	Window Window
}

// Request is what a trace starts from.
type Request struct {
	Cases   []Case  // one person may stand in several, with a window each
	Numbers Numbers // usually those of a [Profile]
	// End is the trace end: until when contacts carry on who are not isolated. The windows of cases are their own.
	End int64
	// Isolated says when a contact was isolated and so stops carrying on. It does not touch the windows of cases.
	Isolated map[uuid.UUID]int64
}

// Validate says what a trace cannot start from.
func (r Request) Validate() error {
	if len(r.Cases) == 0 {
		return errors.New("a trace needs a case")
	}
	for i, c := range r.Cases {
		if c.Window.To <= c.Window.From {
			return fmt.Errorf("case %d: the window [%d, %d) is empty", i+1, c.Window.From, c.Window.To)
		}
	}
	return r.Numbers.Validate()
}

// Trace walks from the cases to the people they may have infected, generation by generation, and lists them with the
// evidence. It calls each method of src at most once per generation.
//
// Contacts of cases are the first generation. At each further hop, whoever carries on (everybody listed but those met only
// in a crowd over the limit) is a source from their earliest exposure so far + latency, until their isolation or the end.
// A person can be reached earlier in time by a later hop: that exposure counts for the hops after it, while generation
// and evidence stay those of the first hop that reached them.
//
// Where a contact rests on the linger alone, no stay of the source meets the overlap: the basis of the source is then that
// of the stays which last until the linger began.
func Trace(ctx context.Context, src Source, req Request) (*Report, error) {
	if err := req.Validate(); err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	w := newWalk(src, req)
	sources := make([]source, 0, len(req.Cases))
	for _, c := range req.Cases {
		sources = append(sources, source{person: w.number(c.Person), window: c.Window})
	}
	for hop := 1; hop <= req.Numbers.Depth && len(sources) > 0; hop++ {
		if err := w.hop(ctx, hop, sources); err != nil {
			return nil, fmt.Errorf("tracing generation %d: %w", hop, err)
		}
		// A source whose window did not change would cause the contacts that it caused before: whom it reaches is listed
		// and labelled already. So only those with an earlier label go on.
		sources = w.changed()
	}
	return w.report(), nil
}
