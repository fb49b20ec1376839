// Package retention lets go of what may be kept no longer: scans with their day and what was declared on it, the lists of trace
// runs, what has expired of sessions and one-time codes, and the sealed details of people of whom nothing else is left. Each purge is
// an entry in the audit log, which is written first: what is gone has its entry, and an entry may come twice where a first try has
// failed.
package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanstore"
)

// ErrRunning says that another process is at it.
var ErrRunning = errs.Busy("retention_running", "Another process is purging at this moment.", time.Minute)

// Lists keeps trace runs. RunsBefore returns up to limit of those that were made before an instant, oldest first, without their
// inputs and reports. DropRun drops a run with its list and everything that hangs on it; that it is gone is no error.
type Lists interface {
	RunsBefore(ctx context.Context, created int64, limit int) ([]registry.Run, error)
	DropRun(ctx context.Context, id uuid.UUID) error
}

// Expiring keeps what expires by itself and is never given out afterwards: sessions, one-time codes, invitations, applications.
type Expiring interface {
	CountExpired(ctx context.Context, now int64) (int64, error)
	DropExpired(ctx context.Context, now int64) error
}

// Trips keeps the runs of vehicles.
type Trips interface {
	CountTripsBefore(ctx context.Context, began int64) (int64, error)
	DropTripsBefore(ctx context.Context, began int64) error
}

// Vault keeps the sealed details of people. Unheld returns up to limit people behind one in the order of their ids, whose
// details are kept, who became known before an instant, who have declared nothing since, and whom neither a kept list nor a case that
// was taken in since another names. Forget drops the details of people; of whom there are none, that is no error. What people declare is dated: DropDatedBefore drops
// up to limit that were made before an instant, and CountDatedBefore counts them.
type Vault interface {
	Unheld(ctx context.Context, known, cases int64, after uuid.UUID, limit int) ([]uuid.UUID, error)
	Forget(ctx context.Context, people []uuid.UUID) error
	CountDatedBefore(ctx context.Context, before int64) (int64, error)
	DropDatedBefore(ctx context.Context, before int64, limit int) (dropped int64, err error)
}

// Presence says which people have scans left. The map has those who do.
type Presence interface {
	Present(ctx context.Context, people []uuid.UUID) (map[uuid.UUID]bool, error)
}

// Turns lets one process at a time do what is named. TakeTurn reports whether holder has the turn until an instant, which it
// does where at now nobody else has it and it was last done before doneBefore. EndTurn gives it back as done at an instant, or as
// not done with 0.
type Turns interface {
	TakeTurn(ctx context.Context, t registry.Turn, now, doneBefore int64) (bool, error)
	EndTurn(ctx context.Context, t registry.Turn, done int64) error
}

// Ledger is the audit log.
type Ledger interface {
	Append(ctx context.Context, actor, action, subject, detail string) error
}

// Deps is what the service needs. Everything in it is safe for concurrent use.
type Deps struct {
	Scans    scanstore.Dropper
	Lists    Lists
	Expiring Expiring
	Trips    Trips
	Vault    Vault    // nil where no details are kept
	Presence Presence // needed with a Vault, but for a Plan
	Turns    Turns
	Ledger   Ledger
	Clock    func() time.Time
	ScanAge  time.Duration // for how long scans are kept, in whole days
	ListAge  time.Duration // and lists
}

// Service purges. It is safe for concurrent use.
type Service struct{ d Deps }

// New returns the service.
func New(d Deps) *Service { return &Service{d} }

// Purge is what a run has let go, or what one would.
type Purge struct {
	Days    []scanstore.DayCount // of scans
	Runs    []registry.Run       // without inputs and reports; a Plan names 1,000 at most
	Expired int64                // sessions, one-time codes and invitations
	Dated   int64                // declarations
	Trips   int64                // of vehicles
	People  int64                // whose details go; in a Plan at the most so many, since it does not look for their scans
}

// FirstDay returns the first day whose scans are kept.
func (s *Service) FirstDay() scan.Day { return scan.DayOf(s.d.Clock().Add(-s.d.ScanAge).Unix()) }

// The bounds of a run.
const (
	turnTerm   = 30 * time.Minute // which a run takes at the most; what is left goes with the next
	turnMargin = time.Minute      // by which it gives up earlier
	runsAtOnce = 100
	maxPlanned = 1000 // runs
	peopleOnce = 5000
	datedOnce  = 5000
)

// turnName is what the turn is called in the registry.
const turnName = "retention"

// Run purges what is due. What one kind of data fails at does not keep the others. Beside the error comes what is gone; it is
// ErrRunning where another process is at it.
func (s *Service) Run(ctx context.Context) (Purge, error) {
	return s.run(ctx, s.d.Clock().Unix()+1)
}

// RunDaily is Run unless that was done on this UTC day, by whichever process; then, and while another process is at it, it does
// nothing. A run that failed is not done.
func (s *Service) RunDaily(ctx context.Context) (Purge, error) {
	done, err := s.run(ctx, scan.DayOf(s.d.Clock().Unix()).Start())
	if errors.Is(err, ErrRunning) {
		err = nil
	}
	return done, err
}

func (s *Service) run(ctx context.Context, doneBefore int64) (gone Purge, err error) {
	now := s.d.Clock().Unix()
	turn := registry.Turn{Name: turnName, Holder: uuid.New(), Until: now + int64(turnTerm/time.Second)}
	mine, err := s.d.Turns.TakeTurn(ctx, turn, now, doneBefore)
	if err != nil {
		return gone, fmt.Errorf("beginning to purge: %w", err)
	}
	if !mine {
		return gone, ErrRunning
	}
	working, cancel := context.WithTimeout(ctx, turnTerm-turnMargin)
	defer cancel()
	err = errors.Join(
		s.dropScans(working, &gone), s.dropRuns(working, &gone), s.dropExpired(working, &gone), s.dropDated(working, &gone),
		s.dropTrips(working, &gone), s.forget(working, &gone))
	done := now
	if err != nil {
		done = 0
	}
	if ended := s.d.Turns.EndTurn(context.WithoutCancel(ctx), turn, done); ended != nil {
		err = errors.Join(err, fmt.Errorf("ending a purge: %w", ended))
	}
	return gone, err
}

// enter writes the audit entry of a purge that is about to be done.
func (s *Service) enter(ctx context.Context, subject, detail string) error {
	return s.d.Ledger.Append(ctx, "system", "purge", subject, detail)
}

func (s *Service) dropScans(ctx context.Context, gone *Purge) error {
	first := s.FirstDay()
	due, err := s.d.Scans.Before(ctx, first)
	if err != nil {
		return fmt.Errorf("looking for days of scans to drop: %w", err)
	}
	for _, of := range due {
		if err := s.enter(ctx, "scans/"+of.Day.String(), fmt.Sprintf("%d scans", of.Scans)); err != nil {
			return err
		}
	}
	dropped, err := s.d.Scans.DropBefore(ctx, first)
	for _, day := range dropped {
		count := scanstore.DayCount{Day: day}
		for _, of := range due {
			if of.Day == day {
				count = of
			}
		}
		gone.Days = append(gone.Days, count)
	}
	if err != nil {
		return fmt.Errorf("dropping days of scans: %w", err)
	}
	return nil
}

func (s *Service) dropRuns(ctx context.Context, gone *Purge) error {
	for {
		due, err := s.d.Lists.RunsBefore(ctx, s.oldestList(), runsAtOnce)
		if err != nil {
			return fmt.Errorf("looking for lists to drop: %w", err)
		}
		if len(due) == 0 {
			return nil
		}
		for _, run := range due {
			if err := s.enter(ctx, run.ID.String(), fmt.Sprintf("list of %s: F1 %d, F2 %d", dayOf(run.Created), run.F1, run.F2)); err != nil {
				return err
			}
			if err := s.d.Lists.DropRun(ctx, run.ID); err != nil {
				return fmt.Errorf("dropping a list: %w", err)
			}
			gone.Runs = append(gone.Runs, run)
		}
	}
}

// oldestList is the instant from which lists are kept.
func (s *Service) oldestList() int64 { return s.d.Clock().Add(-s.d.ListAge).Unix() }

func dayOf(at int64) string { return time.Unix(at, 0).UTC().Format(time.DateOnly) }

func (s *Service) dropExpired(ctx context.Context, gone *Purge) error {
	now := s.d.Clock().Unix()
	n, err := s.d.Expiring.CountExpired(ctx, now)
	if err != nil {
		return fmt.Errorf("counting what has expired: %w", err)
	}
	if n == 0 {
		return nil
	}
	if err := s.enter(ctx, "expired", fmt.Sprintf("%d sessions, one-time codes and invitations", n)); err != nil {
		return err
	}
	if err := s.d.Expiring.DropExpired(ctx, now); err != nil {
		return fmt.Errorf("dropping what has expired: %w", err)
	}
	gone.Expired = n
	return nil
}

// dropDated drops what was declared on days whose scans are gone.
func (s *Service) dropDated(ctx context.Context, gone *Purge) error {
	n, err := s.countDated(ctx)
	if err != nil || n == 0 {
		return err
	}
	first := s.FirstDay()
	if err := s.enter(ctx, "declarations", fmt.Sprintf("%d of before %s", n, first)); err != nil {
		return err
	}
	for {
		dropped, err := s.d.Vault.DropDatedBefore(ctx, first.Start(), datedOnce)
		if err != nil {
			return fmt.Errorf("dropping declarations: %w", err)
		}
		if gone.Dated += dropped; dropped < datedOnce {
			return nil
		}
	}
}

// countDated counts what dropDated would drop.
func (s *Service) countDated(ctx context.Context) (int64, error) {
	if s.d.Vault == nil {
		return 0, nil
	}
	n, err := s.d.Vault.CountDatedBefore(ctx, s.FirstDay().Start())
	if err != nil {
		return 0, fmt.Errorf("counting declarations to drop: %w", err)
	}
	return n, nil
}

// oldestTrip is the instant from which trips are kept: those that a kept list may name, for it is of scans that were kept when it
// was made.
func (s *Service) oldestTrip() int64 {
	return s.d.Clock().Add(-s.d.ListAge - s.d.ScanAge - registry.LongestTrip).Unix()
}

func (s *Service) dropTrips(ctx context.Context, gone *Purge) error {
	before := s.oldestTrip()
	n, err := s.d.Trips.CountTripsBefore(ctx, before)
	if err != nil {
		return fmt.Errorf("counting old trips: %w", err)
	}
	if n == 0 {
		return nil
	}
	if err := s.enter(ctx, "trips", fmt.Sprintf("%d trips of vehicles", n)); err != nil {
		return err
	}
	if err := s.d.Trips.DropTripsBefore(ctx, before); err != nil {
		return fmt.Errorf("dropping old trips: %w", err)
	}
	gone.Trips = n
	return nil
}

// forget drops the details of people who have no scan left and whom nothing names. Those of people who became known
// while scans are kept stay: their first scan may be on its way.
func (s *Service) forget(ctx context.Context, gone *Purge) error {
	return s.eachUnheld(ctx, func(people []uuid.UUID) error {
		present, err := s.d.Presence.Present(ctx, people)
		if err != nil {
			return fmt.Errorf("looking for people's scans: %w", err)
		}
		var absent []uuid.UUID
		for _, person := range people {
			if !present[person] {
				absent = append(absent, person)
			}
		}
		if len(absent) == 0 {
			return nil
		}
		if err := s.enter(ctx, "details", fmt.Sprintf("of %d people", len(absent))); err != nil {
			return err
		}
		if err := s.d.Vault.Forget(ctx, absent); err != nil {
			return fmt.Errorf("dropping the details of people: %w", err)
		}
		gone.People += int64(len(absent))
		return nil
	})
}

// eachUnheld gives do the people whose details nothing holds but perhaps their scans, in blocks.
func (s *Service) eachUnheld(ctx context.Context, do func([]uuid.UUID) error) error {
	if s.d.Vault == nil {
		return nil
	}
	for after := uuid.Nil; ; {
		people, err := s.d.Vault.Unheld(ctx, s.FirstDay().Start(), s.oldestList(), after, peopleOnce)
		if err != nil {
			return fmt.Errorf("looking for details to drop: %w", err)
		}
		if len(people) == 0 {
			return nil
		}
		if err := do(people); err != nil {
			return err
		}
		after = people[len(people)-1]
	}
}

// Plan says what Run would let go. It changes nothing.
func (s *Service) Plan(ctx context.Context) (due Purge, err error) {
	if due.Days, err = s.d.Scans.Before(ctx, s.FirstDay()); err != nil {
		return Purge{}, fmt.Errorf("looking for days of scans to drop: %w", err)
	}
	if due.Runs, err = s.d.Lists.RunsBefore(ctx, s.oldestList(), maxPlanned); err != nil {
		return Purge{}, fmt.Errorf("looking for lists to drop: %w", err)
	}
	if due.Expired, err = s.d.Expiring.CountExpired(ctx, s.d.Clock().Unix()); err != nil {
		return Purge{}, fmt.Errorf("counting what has expired: %w", err)
	}
	if due.Dated, err = s.countDated(ctx); err != nil {
		return Purge{}, err
	}
	if due.Trips, err = s.d.Trips.CountTripsBefore(ctx, s.oldestTrip()); err != nil {
		return Purge{}, fmt.Errorf("counting old trips: %w", err)
	}
	err = s.eachUnheld(ctx, func(people []uuid.UUID) error {
		due.People += int64(len(people))
		return nil
	})
	return due, err
}
