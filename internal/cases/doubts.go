package cases

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// doubtInput says why an encounter of a report is flagged: the position of the contact, that of the encounter in their
// evidence, and the doubts. It is no part of the report and its hash: it explains what the report says.
type doubtInput [3]int

// doubted asks about every flagged encounter of a report why it is.
func doubted(ctx context.Context, sight snapshot.Snapshot, req tracing.Request, report *tracing.Report) ([]doubtInput, error) {
	if sight.Why == nil {
		return nil, nil
	}
	var inputs []doubtInput
	var asked []stay.Question // two for each of the inputs
	for i, contact := range report.Contacts {
		for j, e := range contact.Evidence {
			if e.Flagged {
				inputs = append(inputs, doubtInput{i, j})
				asked = append(
					asked,
					stay.Question{Person: contact.Person, Place: e.Place, From: e.From, To: e.To},
					// The source may have left before the contact came.
					stay.Question{Person: e.Source, Place: e.Place, From: e.From - req.Numbers.Linger, To: e.To},
				)
			}
		}
	}
	if len(inputs) == 0 {
		return nil, nil
	}
	answers, err := sight.Why(ctx, req.Numbers.Scope, asked)
	if err != nil {
		return nil, fmt.Errorf("asking why encounters are flagged: %w", err)
	}
	for n := range inputs {
		inputs[n][2] = int(answers[2*n] | answers[2*n+1])
	}
	return inputs, nil
}

// readInputs reads what a run went by. Of runs that were made before it was kept it is empty.
func readInputs(run registry.Run) (in inputs, err error) {
	if len(run.Inputs) == 0 {
		return in, nil
	}
	if err := json.Unmarshal(run.Inputs, &in); err != nil {
		return in, fmt.Errorf("reading what a run went by: %w", err)
	}
	return in, nil
}

// explain gives the rows, which are in the order of the report, the doubts of their evidence.
func explain(rows []Row, doubts []doubtInput) {
	for _, d := range doubts {
		if d[0] < 0 || d[0] >= len(rows) {
			continue
		}
		row := &rows[d[0]]
		if row.Doubts == nil {
			row.Doubts = make([]stay.Doubts, len(row.Evidence))
		}
		if d[1] >= 0 && d[1] < len(row.Doubts) {
			row.Doubts[d[1]] = stay.Doubts(d[2])
		}
	}
}

// DoubtsOf returns the names of the doubts that flag an encounter of the row's evidence. There are none where it is not flagged,
// or was by a run that did not yet keep why.
func (r Row) DoubtsOf(encounter int) []string {
	if r.Doubts == nil {
		return nil
	}
	return r.Doubts[encounter].Names()
}
