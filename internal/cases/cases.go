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

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/tracing"
)

// The reasons for refusing. Compare with errors.Is.
var (
	ErrWho           = errs.New(errs.Invalid, "case_person", "Give either the phone number or the ID card number.")
	ErrPersonUnknown = errs.New(errs.NotFound, "person_unknown", "Nobody is registered under this number, so there are no scans to trace.")
	ErrNoDay         = errs.New(errs.Invalid, "case_day_missing", "Give the day of onset, or for a case without symptoms the day of the positive sample.")
	ErrDay           = errs.New(errs.Invalid, "case_day", "A day is written as 2021-11-06 and does not lie in the future.")
	ErrIsolation     = errs.New(errs.Invalid, "case_isolation", "The isolation is a day, or a day and a time, not before the onset or the sample.")
	ErrLabRef        = errs.New(errs.Invalid, "case_lab_ref", "A case needs its laboratory reference, of at most 64 characters.")
	ErrNoCases       = errs.New(errs.Invalid, "run_cases", "Choose between 1 and 1000 cases to trace from.")
	ErrProfile       = errs.New(errs.Invalid, "run_profile", "There is no such profile.")
	ErrWindow        = errs.New(errs.Invalid, "case_window", "A case's infectious window is empty: look at its days.")
	ErrBusy          = errs.Busy("run_busy", "Another trace is being made; try again in a moment.", 2*time.Second)
)

// maxCases bounds one run.
const maxCases = 1000

// People finds people and where they reside.
type People interface {
	PersonByAlias(ctx context.Context, alias uuid.UUID) (registry.Person, error)
	People(ctx context.Context) ([]registry.Person, error)
}

// Book keeps cases and isolations.
type Book interface {
	PutCase(ctx context.Context, c registry.Case) error
	Case(ctx context.Context, id uuid.UUID) (registry.Case, error)
	Cases(ctx context.Context) ([]registry.Case, error)
	Isolations(ctx context.Context) (map[uuid.UUID]int64, error)
}

// Runs keeps trace runs.
type Runs interface {
	PutRun(ctx context.Context, r registry.Run) error
	Run(ctx context.Context, id uuid.UUID) (registry.Run, error)
	Runs(ctx context.Context) ([]registry.Run, error)
}

// Aliases makes the alias of an identifier.
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

// Snapshots gives what a run walks on.
type Snapshots interface {
	Snapshot(ctx context.Context, asOf int64) (snapshot.Snapshot, error)
}

// Audit takes what was done.
type Audit interface {
	Append(ctx context.Context, actor, action, subject, detail string) error
}

// Deps is what the service needs.
type Deps struct {
	People    People
	Book      Book
	Runs      Runs
	Aliases   Aliases
	Places    Places
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

// Record takes in a case. The case belongs to the actor's area.
func (s *Service) Record(ctx context.Context, actor registry.Account, in Intake) (registry.Case, error) {
	person, err := s.find(ctx, in)
	if err != nil {
		return registry.Case{}, err
	}
	c, err := s.newCase(in)
	if err != nil {
		return registry.Case{}, err
	}
	c.Person, c.Area, c.Author = person.ID, actor.Area, actor.ID
	if err := s.d.Book.PutCase(ctx, c); err != nil {
		return registry.Case{}, fmt.Errorf("keeping a case: %w", err)
	}
	if err := s.d.Audit.Append(ctx, actor.Login, "case_recorded", c.ID.String(), ""); err != nil {
		return registry.Case{}, fmt.Errorf("auditing a case: %w", err)
	}
	return c, nil
}

// find returns whom the officer means.
func (s *Service) find(ctx context.Context, in Intake) (registry.Person, error) {
	phone, card := strings.TrimSpace(in.Phone), strings.TrimSpace(in.IDCard)
	var alias uuid.UUID
	var err error
	switch {
	case (phone == "") == (card == ""):
		return registry.Person{}, ErrWho
	case phone != "":
		alias, err = s.d.Aliases.Phone(phone)
	default:
		alias, err = s.d.Aliases.IDCard(card)
	}
	if err != nil {
		return registry.Person{}, err
	}
	person, err := s.d.People.PersonByAlias(ctx, alias)
	if errors.Is(err, registry.ErrNotFound) {
		return registry.Person{}, ErrPersonUnknown
	}
	if err != nil {
		return registry.Person{}, fmt.Errorf("finding a person: %w", err)
	}
	return person, nil
}

// newCase checks the days and the reference.
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
	first := onset
	if onset.IsZero() {
		first = sample
	}
	if first.IsZero() {
		return registry.Case{}, ErrNoDay
	}
	isolated, err := s.isolation(in.Isolated)
	if err != nil || (isolated != 0 && isolated <= first.Start(s.d.Location)) {
		return registry.Case{}, ErrIsolation
	}
	ref := strings.TrimSpace(in.LabRef)
	if n := utf8.RuneCountInString(ref); n == 0 || n > 64 || !utf8.ValidString(ref) {
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

// isolation reads when a case was isolated: at the instant, or at the end of the day where only that is given.
func (s *Service) isolation(text string) (int64, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, nil
	}
	if day, err := tracing.ParseDate(text); err == nil {
		return day.AddDays(1).Start(s.d.Location), nil
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", strings.Replace(text, "T", " ", 1), s.d.Location)
	if err != nil {
		return 0, ErrIsolation
	}
	return at.Unix(), nil
}

// Cases returns the cases of the actor's area, newest first.
func (s *Service) Cases(ctx context.Context, actor registry.Account) ([]registry.Case, error) {
	all, err := s.d.Book.Cases(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading cases: %w", err)
	}
	var own []registry.Case
	for _, c := range all {
		if s.d.Places.Within(c.Area, actor.Area) {
			own = append(own, c)
		}
	}
	return own, nil
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
