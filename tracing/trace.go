package tracing

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// Case is a confirmed infected person with the time during which they could infect others. An empty window (To ≤ From) is
// that of somebody who was isolated before: they reach nobody, and as a case they are not listed either.
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
	return r.Numbers.Validate()
}

// Trace walks from the cases to the people they may have infected, generation by generation, and lists them with the
// evidence. It calls each method of src at most once per generation, unless src is a
// [Walker]: then at most three times, and Meet once.
//
// Contacts of cases are the first generation. At each further hop, whoever carries on (everybody listed but those met only
// in a crowd over the limit) is a source from their earliest exposure so far + latency, until their isolation or the end.
// A person can be reached earlier in time by a later hop: that exposure counts for the hops after it, while generation
// and evidence stay those of the first hop that reached them.
//
// Where a contact rests on the linger alone, no stay of the source meets the overlap: the basis of the source is then that
// of the stays which last until the linger began.
func Trace(ctx context.Context, src Source, req Request) (*Report, error) {
	if w, ok := src.(Walker); ok {
		return traceWalker(ctx, src, w, req)
	}
	g := newGathering(src)
	g.wantNew = true
	g.know(req)
	for _, c := range req.Cases {
		g.wanted[g.numbers[c.Person]] = false
	}
	r, err := reach(ctx, src, g, req, Detail{})
	if err != nil {
		return nil, err
	}
	var contacts []Contact
	for i, generation := range r.Generations {
		for _, m := range generation {
			contacts = append(contacts, contactOf(g.ids[m.Person], i+1, g.evidence[m.Person]))
		}
	}
	return newReport(contacts), nil
}

// traceWalker is Trace where the source says itself who was reached.
func traceWalker(ctx context.Context, src Source, w Walker, req Request) (*Report, error) {
	r, err := reach(ctx, src, w, req, Detail{})
	if err != nil {
		return nil, err
	}
	var contacts []Contact
	for i, generation := range r.Generations {
		everybody := make([]uint32, len(generation))
		for j, m := range generation {
			everybody[j] = m.Person
		}
		found, err := r.evidence(ctx, i+1, everybody)
		if err != nil {
			return nil, fmt.Errorf("tracing generation %d: %w", i+1, err)
		}
		contacts = append(contacts, found...)
	}
	return newReport(contacts), nil
}
