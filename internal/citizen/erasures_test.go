package citizen_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/registry"
)

// paper is an audit log and a registry that note what they are asked, and can fail at one of the steps.
type paper struct {
	steps   []string
	erased  []registry.Erasure
	failsAt string
}

var errPaper = errors.New("the paper is full")

func (p *paper) step(name string) error {
	p.steps = append(p.steps, name)
	if p.failsAt == name {
		return errPaper
	}
	return nil
}

func (p *paper) Append(_ context.Context, actor, action, subject, detail string) error {
	return p.step(actor + " " + action + " " + subject + " " + detail)
}

func (p *paper) Erase(_ context.Context, erasures ...registry.Erasure) error {
	p.erased = append(p.erased, erasures...)
	return p.step("erase")
}

func TestErase(t *testing.T) {
	alias := uuid.UUID{15: 1}
	entry := "system scans_erased " + alias.String() + " asked by the citizen"
	for _, test := range []struct {
		failsAt string
		steps   []string
	}{
		{"", []string{entry, "erase"}},
		{entry, []string{entry}}, // nothing is erased that is not in the log
		{"erase", []string{entry, "erase"}},
	} {
		p := &paper{failsAt: test.failsAt}
		erasures := citizen.NewErasures(p, p, func() time.Time { return time.Unix(1000, 999) })
		err := erasures.Erase(t.Context(), alias, "asked by the citizen")
		if errors.Is(err, errPaper) != (test.failsAt != "") || !slices.Equal(p.steps, test.steps) {
			t.Errorf("failing at %q: %v, %q", test.failsAt, err, p.steps)
		}
		if len(p.erased) > 0 && p.erased[0] != (registry.Erasure{Alias: alias, Before: 1001}) {
			t.Errorf("erased is %+v", p.erased)
		}
	}
}
