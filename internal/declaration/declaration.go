package declaration

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ratelimit"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/vault"
)

// The reasons for taking no declaration. Compare with errors.Is; ErrAnswers is another.
var (
	ErrForm   = errs.New(errs.NotFound, "declaration_form", "There is no such form, or it is asked for no longer.")
	ErrNobody = errs.New(errs.Invalid, "declaration_nobody", "Say whom the declaration is of.")
	errOften  = &errs.Error{Kind: errs.TooMany, Code: "declaration_often", Message: "Too many declarations at once; wait a little."}
)

// perPerson is how often somebody may declare: once a day is enough, and a mistake may be put right.
var perPerson = ratelimit.Rule{Burst: 10, Every: time.Minute}

// Store keeps every version of every form. PutForms adds those that are not there; registry.ErrExists says that one is there with
// other words.
type Store interface {
	PutForms(ctx context.Context, forms []registry.Form) error
	Forms(ctx context.Context) ([]registry.Form, error)
}

// Vault keeps what was declared.
type Vault interface {
	Declare(ctx context.Context, people []uuid.UUID, field vault.Field, text string, at int64) error
	Declared(ctx context.Context, person uuid.UUID, since int64) (vault.Details, error)
	DeclaredBy(ctx context.Context, aliases []uuid.UUID, since int64) (map[uuid.UUID]vault.Details, error)
}

// People finds who an alias stands for, and who is under their phone.
type People interface {
	PersonByAlias(ctx context.Context, alias uuid.UUID) (registry.Person, error)
	Dependants(ctx context.Context, guardian uuid.UUID) ([]registry.Dependant, error)
}

// Places says from memory which form a place asks for, empty for none.
type Places interface {
	FormOf(place uuid.UUID) string
}

// Ledger is the audit log.
type Ledger interface {
	Append(ctx context.Context, actor, action, subject, detail string) error
}

// Deps is what the service needs. Everything in it is safe for concurrent use.
type Deps struct {
	Offered  []Form // those that places may ask for, of each its newest version
	Store    Store
	Vault    Vault
	People   People
	Places   Places
	Ledger   Ledger
	Clock    func() time.Time
	Location *time.Location // of the days
	Logger   *slog.Logger   // of declarations that cannot be read, and nothing of what they say
}

// Service takes declarations and says who has made one. It is safe for concurrent use.
type Service struct {
	d     Deps
	often *ratelimit.Many

	mu    sync.RWMutex
	known map[version]Form
}

// version names a version of a form.
type version struct {
	name   string
	number int
}

// New returns the service, once every form that is offered is kept, so that what is answered to it can be read for as long as that is
// kept. The error names every form whose version was given out with other words before.
func New(ctx context.Context, d Deps) (*Service, error) {
	s := &Service{d: d, often: ratelimit.NewMany(perPerson, d.Clock), known: make(map[version]Form)}
	var faults []error
	for _, f := range d.Offered {
		body, err := json.Marshal(f)
		if err == nil {
			err = d.Store.PutForms(ctx, []registry.Form{{Name: f.Name, Version: f.Version, Body: body}})
		}
		if errors.Is(err, registry.ErrExists) {
			err = errors.New("it was given out with other words before: give the changed one the next number")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("version %d of the form %s: %w", f.Version, f.Name, err))
		}
		s.known[version{f.Name, f.Version}] = f
	}
	return s, errors.Join(faults...)
}

// Offered returns the forms that places may ask for.
func (s *Service) Offered() []Form { return s.d.Offered }

// Form returns the newest version of a form that is offered.
func (s *Service) Form(name string) (Form, bool) {
	n := slices.IndexFunc(s.d.Offered, func(f Form) bool { return f.Name == name })
	if n < 0 {
		return Form{}, false
	}
	return s.d.Offered[n], true
}

// AskedAt returns the form that a place asks for, without a look into any database.
func (s *Service) AskedAt(place uuid.UUID) (Form, bool) { return s.Form(s.d.Places.FormOf(place)) }

// today returns the local day and its beginning.
func (s *Service) today() (day string, start int64) {
	now := s.d.Clock().In(s.d.Location)
	return now.Format(time.DateOnly), time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, s.d.Location).Unix()
}

// Declare keeps the answers to the newest version of a form as what the people of some aliases declare today, in place of what they
// declared with it earlier in the day. Whoever asks has seen that these are a citizen and who is under their phone. The errors:
// ErrForm, ErrNobody, ErrAnswers, one of the kind errs.TooMany, registry.ErrNotFound for an alias of nobody.
func (s *Service) Declare(ctx context.Context, aliases []uuid.UUID, form string, answers Answers) error {
	f, offered := s.Form(form)
	switch {
	case !offered:
		return ErrForm
	case len(aliases) == 0:
		return ErrNobody
	}
	day, _ := s.today()
	given, err := f.Take(day, s.d.Clock().Unix(), answers)
	if err != nil {
		return err
	}
	field, text, err := given.Kept()
	if err != nil {
		return err
	}
	people := make([]uuid.UUID, len(aliases))
	for i, alias := range aliases {
		if wait := s.often.Take(alias[:], 1); wait > 0 {
			limited := *errOften
			limited.RetryAfter = max(wait, time.Second)
			return &limited
		}
		person, err := s.d.People.PersonByAlias(ctx, alias)
		if err != nil {
			return fmt.Errorf("finding who declares: %w", err)
		}
		people[i] = person.ID
	}
	return s.d.Vault.Declare(ctx, people, field, text, given.At)
}

// State is what a door learns of somebody's declaration.
type State string

// The states. The words are those of the API.
const (
	NotAsked  State = ""
	Missing   State = "missing"   // the form that the place asks for was not filled in today
	Done      State = "done"      // it was
	Attention State = "attention" // something was declared today, with whatever form, that somebody should look at
)

// AtDoor says how it stands with the declarations of people who are received at a place, by their aliases; all are NotAsked where the
// place asks for none, and then nothing is looked up. What cannot be read counts as not declared.
func (s *Service) AtDoor(ctx context.Context, place uuid.UUID, aliases ...uuid.UUID) ([]State, error) {
	states := make([]State, len(aliases))
	form, asked := s.AskedAt(place)
	if !asked || len(aliases) == 0 {
		return states, nil
	}
	day, start := s.today()
	declared, err := s.d.Vault.DeclaredBy(ctx, aliases, start)
	if err != nil {
		return nil, err
	}
	for i, alias := range aliases {
		given := givenIn(declared[alias], s.d.Location)
		for _, g := range given {
			if g.Unreadable {
				s.logUnreadable(ctx, g)
			}
		}
		states[i] = stateOf(given, day, form.Name)
	}
	return states, nil
}

// stateOf says how it stands with somebody's declarations on a day at a place that asks for a form.
func stateOf(given []Given, day, form string) State {
	state := Missing
	for _, g := range given {
		switch {
		case g.Day != day, g.Unreadable:
		case g.Attention:
			return Attention
		case g.Form == form:
			state = Done
		}
	}
	return state
}

// Read returns the declarations among details that were opened, the newest first, with the forms that they were given to. One that
// cannot be read keeps from none of the others.
func (s *Service) Read(ctx context.Context, details vault.Details) ([]Filled, error) {
	given := givenIn(details, s.d.Location)
	filled := make([]Filled, len(given))
	for i, g := range given {
		var err error
		if filled[i], err = s.read(ctx, g); err != nil {
			return nil, err
		}
	}
	return filled, nil
}

func (s *Service) read(ctx context.Context, g Given) (Filled, error) {
	if !g.Unreadable {
		form, err := s.version(ctx, version{g.Form, g.Version})
		switch {
		case err == nil:
			return fill(form, g), nil
		case !errors.Is(err, registry.ErrNotFound):
			return Filled{}, err
		}
		g.Unreadable = true
	}
	s.logUnreadable(ctx, g)
	return Filled{Given: g, Title: s.titleOf(g.Form)}, nil
}

// titleOf returns what a form is called where its version is not to be had.
func (s *Service) titleOf(name string) Text {
	if f, offered := s.Form(name); offered {
		return f.Title
	}
	return Text{name, name}
}

// logUnreadable tells the operator that a declaration cannot be read: it may be a key or a form that is missing.
func (s *Service) logUnreadable(ctx context.Context, g Given) {
	s.d.Logger.WarnContext(ctx, "a declaration that is kept cannot be read", slog.String("day", g.Day), slog.String("form", g.Form))
}

// version returns a version of a form, also one that another server has given out since this one began; registry.ErrNotFound where
// there is none that can be read.
func (s *Service) version(ctx context.Context, v version) (Form, error) {
	s.mu.RLock()
	f, known := s.known[v]
	s.mu.RUnlock()
	if known {
		return f, nil
	}
	all, err := s.d.Store.Forms(ctx)
	if err != nil {
		return Form{}, fmt.Errorf("reading a form: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, kept := range all {
		var f Form
		if json.Unmarshal(kept.Body, &f) == nil { // one that is damaged is not there
			s.known[version{kept.Name, kept.Version}] = f
		}
	}
	if f, known = s.known[v]; !known {
		return Form{}, fmt.Errorf("version %d of the form %s: %w", v.number, v.name, registry.ErrNotFound)
	}
	return f, nil
}

// Own is a declaration of somebody, or of who is under their phone.
type Own struct {
	Filled
	Under int // the number of the one under their phone; 0 where it is their own
}

// Own returns what the person of an alias has declared, and what they have for those under their phone, the newest first. That it was
// read stands in the audit log before it is returned.
func (s *Service) Own(ctx context.Context, alias uuid.UUID) ([]Own, error) {
	person, err := s.d.People.PersonByAlias(ctx, alias)
	if err != nil {
		return nil, fmt.Errorf("finding who has declared: %w", err)
	}
	under, err := s.d.People.Dependants(ctx, person.ID)
	if err != nil {
		return nil, fmt.Errorf("finding who is under a phone: %w", err)
	}
	if err := s.d.Ledger.Append(ctx, "system", "own_declarations_read", alias.String(), ""); err != nil {
		return nil, err
	}
	own := []Own{}
	for _, who := range append([]registry.Dependant{{Person: person.ID}}, under...) {
		details, err := s.d.Vault.Declared(ctx, who.Person, 0)
		if err != nil {
			return nil, err
		}
		filled, err := s.Read(ctx, details)
		if err != nil {
			return nil, err
		}
		for _, f := range filled {
			own = append(own, Own{f, who.Number})
		}
	}
	slices.SortStableFunc(own, func(a, b Own) int { return cmp.Compare(b.At, a.At) })
	return own, nil
}
