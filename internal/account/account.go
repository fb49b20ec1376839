// Package account keeps the accounts of those who log in: owners, gates, tracing teams, administrators and auditors.
package account

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ratelimit"
	"github.com/truyvet/truyvet/internal/registry"
)

// The errors of accounts. Compare with errors.Is.
var (
	ErrWrongLogin    = errs.New(errs.Unauthenticated, "wrong_login", "The name or the password is wrong.")
	ErrTooManyLogins = errs.New(errs.TooMany, "too_many_logins", "Too many attempts to log in; wait a little.")
	ErrLoginTaken    = errs.New(errs.Conflict, "login_taken", "There is already an account with this name.")
	ErrLogin         = errs.New(errs.Invalid, "login", "A login name has 2 to 64 letters a to z, digits, dots, hyphens, underscores or @, and begins with a letter or digit.")
	ErrPassword      = errs.New(errs.Invalid, "password", "A password has 12 characters or more, and 1,024 bytes at the most.")
	ErrOrganisation  = errs.New(errs.Invalid, "organisation_name", "An organisation has a name of 1 to 200 characters.")
	ErrRole          = errs.New(errs.Invalid, "role", "The role does not exist, or does not go with the organisation, place or area given.")
)

// The limits of logging in. From one login to the next name nothing is shared but the limit for all, which keeps the
// processors for scans.
//
// Against one name that is 8,640 attempts a day. A flood on a name keeps its owner out while it lasts, and for ten seconds
// more, never longer: nothing is locked. Limits by address belong to those who know the address.
var (
	attemptsPerLogin = ratelimit.Rule{Burst: 10, Every: 10 * time.Second}
	attemptsInTotal  = ratelimit.Rule{Burst: 100, Every: 50 * time.Millisecond}
)

// longestName is how many characters the name of an organisation may have.
const longestName = 200

// hashesAtOnce bounds the memory of logging in, at 19 MiB each.
const hashesAtOnce = 2

// Store keeps accounts. PutAccount adds an account together with the organisations that begin with it, or nothing. The
// registry's adapters satisfy it, and it gives their errors.
type Store interface {
	PutAccount(ctx context.Context, a registry.Account, begun ...registry.Organisation) error
	AccountByLogin(ctx context.Context, login string) (registry.Account, error)
	Account(ctx context.Context, id uuid.UUID) (registry.Account, error)
	Areas(ctx context.Context) ([]registry.Area, error)
}

// Service makes accounts and lets them log in. It is safe for concurrent use. The accounts that it returns never hold the
// password's hash.
type Service struct {
	store    Store
	clock    func() time.Time
	attempts *ratelimit.Limiter
	hasher   *hasher
	decoy    string
}

// New returns the service of the accounts in a store.
func New(store Store, clock func() time.Time) *Service {
	return newService(store, clock, standardCost)
}

func newService(store Store, clock func() time.Time, c cost) *Service {
	h := newHasher(c, hashesAtOnce)
	return &Service{
		store: store, clock: clock, hasher: h, decoy: h.decoy(),
		attempts: ratelimit.New(attemptsPerLogin, attemptsInTotal, clock),
	}
}

var loginPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._@-]{1,63}$`)

// normalLogin returns a login as it is stored, empty for what can be none.
func normalLogin(text string) string {
	login := strings.ToLower(strings.TrimSpace(text))
	if !loginPattern.MatchString(login) {
		return ""
	}
	return login
}

// Create makes an account with a password and returns it. Of a, the login (in any case), the role and the one field that
// the role needs are taken: an owner's organisation, a gate's place, the ward, district or city of a tracing role, none for
// the others. The errors: ErrLogin, ErrPassword, ErrRole, ErrLoginTaken, and registry.ErrDangling for an organisation or
// place that does not exist.
func (s *Service) Create(ctx context.Context, a registry.Account, password string) (registry.Account, error) {
	return s.create(ctx, a, password)
}

// CreateOwner makes an organisation and with it the account of its first owner; where the account cannot be made there is no
// organisation either. The errors: ErrOrganisation, and those of Create.
func (s *Service) CreateOwner(ctx context.Context, login, organisation, password string) (registry.Account, error) {
	organisation = strings.TrimSpace(organisation)
	if organisation == "" || !utf8.ValidString(organisation) || utf8.RuneCountInString(organisation) > longestName {
		return registry.Account{}, ErrOrganisation
	}
	id, err := uuid.NewV7()
	if err != nil {
		return registry.Account{}, fmt.Errorf("making an organisation: %w", err)
	}
	owner := registry.Account{Login: login, Role: registry.RoleOwner, Organisation: id}
	return s.create(ctx, owner, password, registry.Organisation{ID: id, Name: organisation, Created: s.clock().Unix()})
}

// create makes an account, and the organisations that begin with it.
func (s *Service) create(
	ctx context.Context, a registry.Account, password string, begun ...registry.Organisation,
) (registry.Account, error) {
	if a.Login = normalLogin(a.Login); a.Login == "" {
		return registry.Account{}, ErrLogin
	}
	if err := checkPassword(password); err != nil {
		return registry.Account{}, err
	}
	if err := s.checkRole(ctx, a); err != nil {
		return registry.Account{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return registry.Account{}, fmt.Errorf("making an account: %w", err)
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return registry.Account{}, fmt.Errorf("making an account: %w", err)
	}
	a.ID, a.PasswordHash, a.Created, a.Disabled = id, hash, s.clock().Unix(), false
	err = s.store.PutAccount(ctx, a, begun...)
	if errors.Is(err, registry.ErrExists) {
		return registry.Account{}, ErrLoginTaken.Because(err)
	}
	if err != nil {
		return registry.Account{}, fmt.Errorf("making an account: %w", err)
	}
	return withoutHash(a), nil
}

// checkRole says whether the role and its scope go together: an area must exist and be of the role's level.
func (s *Service) checkRole(ctx context.Context, a registry.Account) error {
	facts, known := factsOf(a.Role)
	if !known || !facts.scope.fits(a) {
		return ErrRole
	}
	if facts.scope != areaScope {
		return nil
	}
	areas, err := s.store.Areas(ctx)
	if err != nil {
		return fmt.Errorf("making an account: %w", err)
	}
	for _, area := range areas {
		if area.Code == a.Area && area.Level == facts.level {
			return nil
		}
	}
	return ErrRole
}

// LogIn returns the account that a login and a password belong to. The errors: ErrWrongLogin, the same and after the same
// work whether the login is unknown, the account disabled or the password wrong; ErrTooManyLogins, with RetryAfter, before
// any work. Somebody who gets in has all attempts back.
func (s *Service) LogIn(ctx context.Context, login, password string) (registry.Account, error) {
	login = normalLogin(login) // what can be no login is one and the same, that of nobody
	if wait := s.attempts.Take(login); wait > 0 {
		limited := *ErrTooManyLogins
		limited.RetryAfter = max(wait, time.Second)
		return registry.Account{}, &limited
	}
	a, err := s.store.AccountByLogin(ctx, login)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return registry.Account{}, fmt.Errorf("logging in: %w", err)
	}
	known, hash := err == nil, a.PasswordHash
	if !known {
		hash = s.decoy
	}
	if len(password) > longestPassword {
		password = "" // nobody's: it is too short
	}
	right, err := s.hasher.matches(ctx, hash, password)
	if err != nil {
		return registry.Account{}, fmt.Errorf("logging in: %w", err)
	}
	if !known || !right || a.Disabled {
		return registry.Account{}, ErrWrongLogin
	}
	s.attempts.Forgive(login)
	return withoutHash(a), nil
}

// Account returns one account; registry.ErrNotFound where there is none, and where it is disabled.
func (s *Service) Account(ctx context.Context, id uuid.UUID) (registry.Account, error) {
	a, err := s.store.Account(ctx, id)
	if err != nil {
		return registry.Account{}, fmt.Errorf("reading an account: %w", err)
	}
	if a.Disabled {
		return registry.Account{}, registry.ErrNotFound
	}
	return withoutHash(a), nil
}

func withoutHash(a registry.Account) registry.Account {
	a.PasswordHash = ""
	return a
}
