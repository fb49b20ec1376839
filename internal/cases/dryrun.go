package cases

import (
	"context"
	"fmt"
	"strings"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/tracing"
)

// The reasons for refusing numbers of one's own. Compare with errors.Is.
var (
	ErrOwnBefore  = errs.New(errs.Invalid, "own_before_onset", "The days before the onset are a whole number from 0 to 366.")
	ErrOwnOverlap = errs.New(errs.Invalid, "own_min_overlap", "The minimum overlap is from 0 to 366 days.")
	ErrOwnLinger  = errs.New(errs.Invalid, "own_linger", "The linger is from 0 to 366 days.")
	ErrOwnLatency = errs.New(errs.Invalid, "own_latency", "The latency is from 0 to 366 days.")
	ErrOwnDepth   = errs.New(errs.Invalid, "own_depth", "The number of generations is from 1 to 10.")
	ErrOwnCrowd   = errs.New(errs.Invalid, "own_crowd_limit", "The crowd limit is a whole number, 0 for none.")
)

// Own is the name of numbers that somebody entered, where a profile's name would stand.
const Own = "own"

// Numbers are entered by somebody who tries what other rules would list. What is not said is that of the base profile.
// Durations are in seconds.
type Numbers struct {
	Base        string // a profile's name; empty: the default
	BeforeOnset *int
	MinOverlap  *int64
	Linger      *int64
	Latency     *int64
	Depth       *int
	CrowdLimit  *int
}

// Profile puts the numbers in place of those of the base profile. The errors: ErrProfile and those above.
func (n Numbers) Profile() (tracing.Profile, error) {
	name := n.Base
	if name == "" {
		name = tracing.DefaultProfile
	}
	p, err := tracing.ProfileNamed(name)
	if err != nil {
		return tracing.Profile{}, ErrProfile
	}
	p.Name = Own
	for _, set := range []struct {
		put   func()
		given bool
		fault error
	}{
		{func() { p.BeforeOnset = *n.BeforeOnset }, n.BeforeOnset != nil, ErrOwnBefore},
		{func() { p.MinOverlap = *n.MinOverlap }, n.MinOverlap != nil, ErrOwnOverlap},
		{func() { p.Linger = *n.Linger }, n.Linger != nil, ErrOwnLinger},
		{func() { p.Latency = *n.Latency }, n.Latency != nil, ErrOwnLatency},
		{func() { p.Depth = *n.Depth }, n.Depth != nil, ErrOwnDepth},
		{func() { p.CrowdLimit = *n.CrowdLimit }, n.CrowdLimit != nil, ErrOwnCrowd},
	} {
		if !set.given {
			continue
		}
		set.put()
		// One number at a time, so that the fault is that of the number which was put.
		if p.Validate() != nil {
			return tracing.Profile{}, set.fault
		}
	}
	return p, nil
}

// Estimate says how many people the lists of some cases would hold.
type Estimate struct {
	Cases   int
	AsOf    int64
	Results []EstimateResult // the built-in profiles in their order, then the own numbers
}

// EstimateResult is the answer for one set of rules.
type EstimateResult struct {
	Profile tracing.Profile // its name is Own where it was entered
	Counts  []int           // by generation, from the first to the depth of the profile
}

// DryRun counts whom the cases would list under each built-in profile, and under own numbers where there are some, as of now.
// It lists nobody and keeps nothing; that it was asked is audited. The errors are those of Run, which it takes its turn with,
// and those of Numbers.Profile.
func (s *Service) DryRun(ctx context.Context, actor registry.Account, choice Choice, own *Numbers) (Estimate, error) {
	if !account.May(actor.Role, account.ActTrace) {
		return Estimate{}, ErrRole
	}
	rules := tracing.Profiles()
	if own != nil {
		entered, err := own.Profile()
		if err != nil {
			return Estimate{}, err
		}
		rules = append(rules, entered)
	}
	chosen, err := s.chosen(ctx, actor, choice)
	if err != nil {
		return Estimate{}, err
	}
	if !s.running.TryLock() {
		return Estimate{}, ErrBusy
	}
	defer s.running.Unlock()
	estimate, err := s.estimate(ctx, chosen, rules)
	if err != nil {
		return Estimate{}, err
	}
	if err := s.d.Audit.Append(ctx, actor.Login, "dry_run", "", detailOf(estimate)); err != nil {
		return Estimate{}, fmt.Errorf("auditing a dry run: %w", err)
	}
	return estimate, nil
}

// estimate walks under each of the rules.
func (s *Service) estimate(ctx context.Context, chosen []registry.Case, rules []tracing.Profile) (Estimate, error) {
	asOf := s.d.Clock().Unix()
	isolated, err := s.isolations(ctx, asOf)
	if err != nil {
		return Estimate{}, err
	}
	requests := make([]tracing.Request, len(rules))
	for i, profile := range rules {
		requests[i] = tracing.Request{Numbers: profile.Numbers, End: asOf, Isolated: isolated}
		if requests[i].Cases, err = s.infectious(chosen, profile, asOf); err != nil {
			return Estimate{}, err
		}
	}
	sight, err := s.d.Snapshots.Snapshot(ctx, asOf)
	if err != nil {
		return Estimate{}, fmt.Errorf("taking a snapshot: %w", err)
	}
	counts, err := tracing.DryRun(ctx, sight.Source, requests)
	if err != nil {
		return Estimate{}, fmt.Errorf("counting: %w", err)
	}
	estimate := Estimate{Cases: len(chosen), AsOf: asOf}
	for i, profile := range rules {
		// A walk that reached nobody further ended early.
		all := append(counts[i], make([]int, profile.Depth)...)[:profile.Depth]
		estimate.Results = append(estimate.Results, EstimateResult{Profile: profile, Counts: all})
	}
	return estimate, nil
}

// detailOf is what the audit log has of a dry run.
func detailOf(e Estimate) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cases %d", e.Cases)
	for _, r := range e.Results {
		fmt.Fprintf(&b, ", %s", r.Profile.Name)
		for i, n := range r.Counts {
			fmt.Fprintf(&b, " F%d %d", i+1, n)
		}
	}
	return b.String()
}
