package cases

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/tracing"
)

// maxListed bounds a run's lists, in people: more are in no team's power to call, and would not fit where lists are read.
const maxListed = 100_000

// Order is what a run is asked for.
type Order struct {
	Choice
	Profile string // by its name
	Depth   int    // the last generation that is listed; 0 = the profile's
}

// rules returns the profile that an order names, to its depth.
func (o Order) rules() (tracing.Profile, error) {
	profile, err := tracing.ProfileNamed(o.Profile)
	if err != nil {
		return tracing.Profile{}, ErrProfile
	}
	if o.Depth != 0 {
		profile.Depth = o.Depth
	}
	if profile.Validate() != nil {
		return tracing.Profile{}, ErrDepth
	}
	return profile, nil
}

// Run traces from cases of the actor's area, as of now, and keeps the result. It returns the run with its report, which tells
// of everybody listed the cases that led to them (tracing.Report.Roots). The errors: ErrRole, ErrProfile, ErrDepth, ErrNoCases,
// ErrTooLong where more people would be listed than a run holds, ErrBusy while another run is being made, registry.ErrNotFound
// for a case of another area, and those of taking a snapshot.
func (s *Service) Run(ctx context.Context, actor registry.Account, order Order) (registry.Run, error) {
	if !account.May(actor.Role, account.ActTrace) {
		return registry.Run{}, ErrRole
	}
	profile, err := order.rules()
	if err != nil {
		return registry.Run{}, err
	}
	chosen, err := s.chosen(ctx, actor, order.Choice)
	if err != nil {
		return registry.Run{}, err
	}
	if !s.running.TryLock() {
		return registry.Run{}, ErrBusy
	}
	defer s.running.Unlock()
	run, listed, err := s.trace(ctx, chosen, profile)
	if err != nil {
		return registry.Run{}, err
	}
	run.Area, run.Author = actor.Area, actor.ID
	if err := s.d.Runs.PutRun(ctx, run, listed...); err != nil {
		return registry.Run{}, fmt.Errorf("keeping a run: %w", err)
	}
	detail := fmt.Sprintf("cases %d, profile %s, depth %d, hash %s", len(chosen), profile.Name, profile.Depth, run.Hash)
	if err := s.d.Audit.Append(ctx, actor.Login, "run", run.ID.String(), detail); err != nil {
		return registry.Run{}, fmt.Errorf("auditing a run: %w", err)
	}
	return run, nil
}

// trace walks from the cases over what is known now. It returns the run and who is listed.
func (s *Service) trace(ctx context.Context, chosen []registry.Case, profile tracing.Profile) (run registry.Run, listed []uuid.UUID, err error) {
	asOf := s.d.Clock().Unix()
	req := tracing.Request{Numbers: profile.Numbers, End: asOf}
	if req.Cases, err = s.infectious(chosen, profile, asOf); err != nil {
		return registry.Run{}, nil, err
	}
	if req.Isolated, err = s.isolations(ctx, asOf); err != nil {
		return registry.Run{}, nil, err
	}
	sight, err := s.d.Snapshots.Snapshot(ctx, asOf)
	if err != nil {
		return registry.Run{}, nil, fmt.Errorf("taking a snapshot: %w", err)
	}
	if err := bounded(ctx, sight.Source, req, maxListed); err != nil {
		return registry.Run{}, nil, err
	}
	report, err := tracing.Trace(ctx, sight.Source, req)
	if err != nil {
		return registry.Run{}, nil, fmt.Errorf("tracing: %w", err)
	}
	run = registry.Run{
		Profile: profile.Name, AsOf: asOf, Watermark: sight.Watermark, Revision: sight.Revision, Created: asOf,
	}
	for _, c := range chosen {
		run.Cases = append(run.Cases, c.ID)
	}
	if run.Rules, err = json.Marshal(profile); err != nil {
		return registry.Run{}, nil, fmt.Errorf("encoding the profile: %w", err)
	}
	in := inputsOf(req, report)
	if in.Doubts, err = doubted(ctx, sight, req, report); err != nil {
		return registry.Run{}, nil, err
	}
	if run.Inputs, err = json.Marshal(in); err != nil {
		return registry.Run{}, nil, fmt.Errorf("encoding what the walk went by: %w", err)
	}
	if run.Report, err = report.MarshalJSON(); err != nil {
		return registry.Run{}, nil, fmt.Errorf("encoding the report: %w", err)
	}
	// As Report.Hash has it, which would write the report once more.
	sum := sha256.Sum256(run.Report)
	run.Hash = hex.EncodeToString(sum[:])
	for i := range report.Contacts {
		listed = append(listed, report.Contacts[i].Person)
		switch report.Contacts[i].Generation {
		case 1:
			run.F1++
		case 2:
			run.F2++
		}
	}
	if run.ID, err = uuid.NewV7(); err != nil {
		return registry.Run{}, nil, fmt.Errorf("making an id: %w", err)
	}
	return run, listed, nil
}

// bounded counts whom a walk would list, which costs a fraction of the evidence, and refuses what is too much.
func bounded(ctx context.Context, src tracing.Source, req tracing.Request, limit int) error {
	counts, err := tracing.DryRun(ctx, src, []tracing.Request{req})
	if err != nil {
		return fmt.Errorf("counting: %w", err)
	}
	total := 0
	for _, n := range counts[0] {
		total += n
	}
	if total > limit {
		return ErrTooLong
	}
	return nil
}

// infectious returns the cases as a walk takes them.
func (s *Service) infectious(chosen []registry.Case, profile tracing.Profile, asOf int64) ([]tracing.Case, error) {
	list := make([]tracing.Case, len(chosen))
	for i, c := range chosen {
		window, err := s.window(c, profile, asOf)
		if err != nil {
			return nil, fmt.Errorf("case %s: %w", c.ID, err)
		}
		list[i] = tracing.Case{Person: c.Person, Window: window}
	}
	return list, nil
}

// inputs are the Inputs of a run: what its walk went by beside the stays, the profile and the as-of time. Walking again with
// them and with nothing else that was recorded since gives the same hash.
type inputs struct {
	Cases    []caseInput         `json:"cases"`    // in the order of the run's cases
	Isolated map[uuid.UUID]int64 `json:"isolated"` // of the people that are listed, those who were isolated; JSON sorts them by id
	Doubts   []doubtInput        `json:"doubts,omitempty"`
}

// caseInput is who a case is and when they were infectious, [From, To).
type caseInput struct {
	Person uuid.UUID `json:"person"`
	From   int64     `json:"from"`
	To     int64     `json:"to"`
}

// inputsOf returns what mattered of a request. A chain goes on only through people whom it has reached, and they are listed:
// nobody else's isolation was looked at.
func inputsOf(req tracing.Request, report *tracing.Report) inputs {
	in := inputs{Cases: make([]caseInput, len(req.Cases)), Isolated: make(map[uuid.UUID]int64)}
	for i, c := range req.Cases {
		in.Cases[i] = caseInput{c.Person, c.Window.From, c.Window.To}
	}
	for i := range report.Contacts {
		person := report.Contacts[i].Person
		if at, isolated := req.Isolated[person]; isolated {
			in.Isolated[person] = at
		}
	}
	return in
}

// isolations returns when people were isolated, as it was known at asOf, which is where a chain through them ends. Whoever is
// a case that is not traced from has it in the newest record of the case. Where there is another record too the later holds:
// the list may then name people too many, never too few.
func (s *Service) isolations(ctx context.Context, asOf int64) (map[uuid.UUID]int64, error) {
	isolated, err := s.d.Book.Isolations(ctx, asOf)
	if err != nil {
		return nil, fmt.Errorf("reading isolations: %w", err)
	}
	all, err := s.d.Book.Cases(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the isolation of cases: %w", err)
	}
	seen := make(map[uuid.UUID]bool, len(all))
	for _, c := range all {
		if c.Created > asOf {
			continue
		}
		if !seen[c.Person] && c.Isolated != 0 {
			isolated[c.Person] = max(isolated[c.Person], c.Isolated)
		}
		seen[c.Person] = true
	}
	return isolated, nil
}

// window returns when a case was infectious.
func (s *Service) window(c registry.Case, profile tracing.Profile, asOf int64) (tracing.Window, error) {
	ill := tracing.Illness{IsolatedAt: c.Isolated}
	var err error
	if c.Onset != "" {
		if ill.Onset, err = tracing.ParseDate(c.Onset); err != nil {
			return tracing.Window{}, err
		}
	}
	if c.Sample != "" {
		if ill.Sample, err = tracing.ParseDate(c.Sample); err != nil {
			return tracing.Window{}, err
		}
	}
	return profile.InfectiousWindow(ill, asOf, s.d.Location)
}

// concerns says whether a run and an account lie in each other's area, one way or the other.
func (s *Service) concerns(r registry.Run, actor registry.Account) bool {
	return s.d.Places.Within(r.Area, actor.Area) || s.d.Places.Within(actor.Area, r.Area)
}
