// Package cases takes in confirmed cases (F0), runs traces from them, and gives the lists to the tracing teams that may see
// them. Every call that shows or changes something writes the audit entry that it owes before it answers.
package cases

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/tracing"
)

// The reasons for refusing. Compare with errors.Is.
var (
	ErrRole          = errs.New(errs.Forbidden, "role_may_not", "The account may not do this.")
	ErrWho           = errs.New(errs.Invalid, "case_person", "Give either the phone number or the ID card number.")
	ErrPersonUnknown = errs.New(errs.NotFound, "person_unknown", "Nobody is registered under this number, so there are no scans to trace.")
	ErrNoDay         = errs.New(errs.Invalid, "case_day_missing", "Give the day of onset, or for a case without symptoms the day of the positive sample.")
	ErrDay           = errs.New(errs.Invalid, "case_day", "A day is written as 2021-11-06 and does not lie in the future.")
	ErrIsolation     = errs.New(errs.Invalid, "case_isolation", "The isolation is a day, or a day and a time, not after today.")
	ErrLabRef        = errs.New(errs.Invalid, "case_lab_ref", "A case needs its laboratory reference, of at most 64 characters.")
	ErrNoCases       = errs.New(errs.Invalid, "run_cases", "Choose between 1 and 5000 cases to trace from.")
	ErrProfile       = errs.New(errs.Invalid, "run_profile", "There is no such profile.")
	ErrDepth         = errs.New(errs.Invalid, "run_depth", "A run lists from 1 to 10 generations.")
	ErrTooLong       = errs.New(errs.TooLarge, "run_too_long", "More than 100,000 people would be listed; choose fewer cases, or list F1 alone.")
	ErrBusy          = errs.Busy("run_busy", "Another trace is being made; try again in a moment.", 2*time.Second)
)

const (
	maxCases  = 5000 // of one run: nearly twice the worst day of a large city
	maxLabRef = 64   // characters
)

// People finds people and where they reside. PersonByAlias gives registry.ErrNotFound for nobody; AreasOf leaves out who is
// nobody. The map is the caller's.
type People interface {
	PersonByAlias(ctx context.Context, alias uuid.UUID) (registry.Person, error)
	AreasOf(ctx context.Context, people []uuid.UUID) (map[uuid.UUID]string, error)
}

// Book keeps cases, which it gives newest first, and when people who are no cases were isolated, as it was recorded at asOf or
// before. The map is the caller's. CasesOf counts a person's cases since an instant.
type Book interface {
	PutCase(ctx context.Context, c registry.Case) error
	Case(ctx context.Context, id uuid.UUID) (registry.Case, error)
	Cases(ctx context.Context) ([]registry.Case, error)
	CasesOf(ctx context.Context, person uuid.UUID, since int64) (int, error)
	Isolations(ctx context.Context, asOf int64) (map[uuid.UUID]int64, error)
}

// Runs keeps trace runs, and who is listed in them.
type Runs interface {
	PutRun(ctx context.Context, r registry.Run, listed ...uuid.UUID) error
	Run(ctx context.Context, id uuid.UUID) (registry.Run, error)
}

// Listings gives parts of the lists of cases and of runs, newest first, and counts cases. The error is registry.ErrNotFound where a
// cursor names nothing.
type Listings interface {
	CasesPart(ctx context.Context, f registry.CaseFilter, at registry.Cursor) (registry.Part[registry.Case], error)
	CountCases(ctx context.Context, f registry.CaseFilter) (int, error)
	TallyCases(ctx context.Context, area string, now int64) (registry.CaseTally, error)
	RunsPart(ctx context.Context, f registry.RunFilter, at registry.Cursor) (registry.Part[registry.Run], error)
}

// Aliases makes the alias of an identifier. The errors are of kind errs.Invalid and do not hold it.
type Aliases interface {
	Phone(text string) (uuid.UUID, error)
	IDCard(number string) (uuid.UUID, error)
}

// Places knows the names of places and the tree of areas.
type Places interface {
	Name(id uuid.UUID) (places.Name, bool)
	Within(area, root string) bool
	AreaName(code string) string
}

// Trips knows the runs of vehicles, those that are kept.
type Trips interface {
	Trips(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]registry.Trip, error)
}

// Snapshots gives what a run walks on.
type Snapshots interface {
	Snapshot(ctx context.Context, asOf int64) (snapshot.Snapshot, error)
}

// Audit takes what was done. It is durable when Append returns. Entry and Seal are for what is written together with its entry.
type Audit interface {
	Append(ctx context.Context, actor, action, subject, detail string) error
	Entry(actor, action, subject, detail string) registry.AuditEntry
	Seal(prev []byte, e registry.AuditEntry) []byte
}

// Deps is what the service needs. Everything in it is safe for concurrent use.
type Deps struct {
	People    People
	Book      Book
	Runs      Runs
	Listings  Listings
	Approvals Approvals
	Vault     Vault
	Aliases   Aliases
	Places    Places
	Trips     Trips
	Snapshots Snapshots
	Audit     Audit
	Clock     func() time.Time
	Location  *time.Location // of the days that people type
}

// Service is safe for concurrent use. It makes at most one trace run at a time.
type Service struct {
	d       Deps
	running sync.Mutex
	lists   listCache
}

// New returns the service.
func New(d Deps) *Service { return &Service{d: d} }

// Intake is what an officer says of a confirmed case: exactly one of Phone and IDCard, and at least one of the days
// (local, 2006-01-02). Isolated is a local day, "2006-01-02 15:04", or empty while the case is not isolated.
type Intake struct {
	Phone    string
	IDCard   string
	Onset    string
	Sample   string
	Isolated string
	LabRef   string
}

// Record takes in a case, which then belongs to the actor's area. The errors: ErrRole, those of the intake above, those of
// Aliases, registry.ErrLabRef where the reference is that of somebody else's case, and ErrPersonUnknown, which is told only to
// whom everything else is right: the form is no way to ask who is registered. The case is kept before it is audited; where
// auditing it fails the error says so and the case is there. Of whom case after case is recorded the auditor is told.
func (s *Service) Record(ctx context.Context, actor registry.Account, in Intake) (registry.Case, error) {
	if !account.May(actor.Role, account.ActTrace) {
		return registry.Case{}, ErrRole
	}
	alias, err := s.aliasOf(in)
	if err != nil {
		return registry.Case{}, err
	}
	c, err := s.newCase(in)
	if err != nil {
		return registry.Case{}, err
	}
	person, err := s.d.People.PersonByAlias(ctx, alias)
	if errors.Is(err, registry.ErrNotFound) {
		return registry.Case{}, ErrPersonUnknown
	}
	if err != nil {
		return registry.Case{}, fmt.Errorf("finding a person: %w", err)
	}
	c.Person, c.Area, c.Author = person.ID, actor.Area, actor.ID
	if err := s.d.Book.PutCase(ctx, c); err != nil {
		return registry.Case{}, fmt.Errorf("keeping a case: %w", err)
	}
	if err := s.d.Audit.Append(ctx, actor.Login, "case_recorded", c.ID.String(), ""); err != nil {
		return registry.Case{}, fmt.Errorf("auditing a case: %w", err)
	}
	if err := s.watch(ctx, c); err != nil {
		return registry.Case{}, fmt.Errorf("auditing a case: %w", err)
	}
	return c, nil
}

// aliasOf returns the alias of the identifier that the officer gave.
func (s *Service) aliasOf(in Intake) (uuid.UUID, error) {
	phone, card := strings.TrimSpace(in.Phone), strings.TrimSpace(in.IDCard)
	switch {
	case (phone == "") == (card == ""):
		return uuid.Nil, ErrWho
	case phone != "":
		return s.d.Aliases.Phone(phone)
	default:
		return s.d.Aliases.IDCard(card)
	}
}

// newCase checks the days and the reference. Whose case it is remains to be filled in.
func (s *Service) newCase(in Intake) (registry.Case, error) {
	now := s.d.Clock()
	today := tracing.DateOf(now.In(s.d.Location))
	onset, err := pastDay(in.Onset, today)
	if err != nil {
		return registry.Case{}, err
	}
	sample, err := pastDay(in.Sample, today)
	if err != nil {
		return registry.Case{}, err
	}
	if onset.IsZero() && sample.IsZero() {
		return registry.Case{}, ErrNoDay
	}
	isolated, err := s.isolation(in.Isolated, today)
	if err != nil {
		return registry.Case{}, err
	}
	ref := strings.TrimSpace(in.LabRef)
	if n := utf8.RuneCountInString(ref); n == 0 || n > maxLabRef || !utf8.ValidString(ref) {
		return registry.Case{}, ErrLabRef
	}
	id, err := uuid.NewV7()
	if err != nil {
		return registry.Case{}, fmt.Errorf("making an id: %w", err)
	}
	return registry.Case{
		ID: id, Onset: onset.String(), Sample: sample.String(), Isolated: isolated, LabRef: ref, Created: now.Unix(),
	}, nil
}

// pastDay reads a day that may be missing and is not after today.
func pastDay(text string, today tracing.Date) (tracing.Date, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return tracing.Date{}, nil
	}
	day, err := tracing.ParseDate(text)
	if err != nil || day.Start(time.UTC) > today.Start(time.UTC) {
		return tracing.Date{}, ErrDay
	}
	return day, nil
}

// isolation reads when a case was isolated: at the instant, or at the end of the day where only that is given. It is not
// after the end of today, and often before the onset: contacts in isolation fall ill. 0 means not yet.
func (s *Service) isolation(text string, today tracing.Date) (int64, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, nil
	}
	var at int64
	if day, err := tracing.ParseDate(text); err == nil {
		at = day.AddDays(1).Start(s.d.Location)
	} else {
		// A T between day and time is how a browser's field writes it.
		instant, err := time.ParseInLocation("2006-01-02 15:04", strings.Replace(text, "T", " ", 1), s.d.Location)
		if err != nil {
			return 0, ErrIsolation
		}
		at = instant.Unix()
	}
	if at <= 0 || at > today.AddDays(1).Start(s.d.Location) {
		return 0, ErrIsolation
	}
	return at, nil
}

// Case returns a case of the actor's area; any other is registry.ErrNotFound.
func (s *Service) Case(ctx context.Context, actor registry.Account, id uuid.UUID) (registry.Case, error) {
	c, err := s.d.Book.Case(ctx, id)
	if err != nil {
		return registry.Case{}, err
	}
	if !s.d.Places.Within(c.Area, actor.Area) {
		return registry.Case{}, registry.ErrNotFound
	}
	return c, nil
}
