package snapshot

import (
	"context"
	"fmt"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// why answers why stays are flagged, from the scans that are in memory now. Where there are none any more there are no reasons
// either.
func (m *Memory) why(ctx context.Context, scope tracing.Scope, asked []stay.Question) ([]stay.Doubts, error) {
	if err := m.takeSoon(ctx); err != nil {
		return nil, fmt.Errorf("waiting for a snapshot: %w", err)
	}
	defer m.give()
	s := m.state
	if s == nil || s.places == nil {
		return make([]stay.Doubts, len(asked)), nil
	}
	q := stay.NewInquiry(s.places, scope, asked)
	var scans []stay.Scan
	for _, person := range q.People() {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		if number, known := s.numbering.FindPerson(person); known {
			scans = s.scansOf(scans[:0], number)
			q.Answer(person, scans)
		}
	}
	return q.Answers, nil
}
