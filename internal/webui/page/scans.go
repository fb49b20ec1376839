package page

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/tracing/stay"
)

// Submit submits one scan whose id was made by ScanID, or read by TapOf. Its error says why it is not recorded.
func (s *Site) Submit(ctx context.Context, alias uuid.UUID, sub ingest.Submission) (ingest.Result, error) {
	results, err := s.Scans.Submit(ctx, alias, []ingest.Submission{sub})
	if err != nil {
		return ingest.Result{}, fmt.Errorf("submitting a scan: %w", err)
	}
	result := results[0]
	// A form sent twice has the same id, a few seconds apart. The id stands for this very scan, so it is recorded.
	if result.Status == ingest.Refused && !errors.Is(result.Err, ingest.ErrConflict) {
		return result, result.Err
	}
	return result, nil
}

// WordOf returns the part of the keys of texts that says what a scan was: in, out or renew.
func WordOf(kind stay.Kind) string {
	switch kind {
	case stay.Out:
		return "out"
	case stay.Renew:
		return "renew"
	default:
		return "in"
	}
}
