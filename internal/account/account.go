// Package account keeps the accounts of those who log in: owners, gates, tracing teams, administrators and auditors.
package account

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ratelimit"
	"github.com/truyvet/truyvet/internal/registry"
)

// The errors of accounts. Compare with errors.Is.
var (
	ErrWrongLogin    = errs.New(errs.Unauthenticated, "wrong_login", "The name or the password is wrong.")
	ErrWrongCode     = errs.New(errs.Unauthenticated, "wrong_second_factor", "The code is wrong, or was used before.")
	ErrWrongPassword = errs.New(errs.Invalid, "wrong_password", "The present password is wrong.")
	ErrTooManyLogins = errs.New(errs.TooMany, "too_many_logins", "Too many attempts to log in; wait a little.")
	ErrNotLoggedIn   = errs.New(errs.Unauthenticated, "not_logged_in", "Log in first.")
	ErrNoFactor      = errs.New(errs.Forbidden, "second_factor_missing", "This role needs a second factor; set it up first.")
	ErrFactorNeeded  = errs.New(errs.Conflict, "second_factor_needed", "This role needs a second factor; it can be replaced and not given up.")
	ErrLoginTaken    = errs.New(errs.Conflict, "login_taken", "There is already an account with this name.")
	ErrLogin         = errs.New(errs.Invalid, "login", "A login name has 2 to 64 letters a to z, digits, dots, hyphens, underscores or @, and begins with a letter or digit.")
	ErrPassword      = errs.New(errs.Invalid, "password", "A password has 12 characters or more, and 1,024 bytes at the most.")
	ErrOrganisation  = errs.New(errs.Invalid, "organisation_name", "An organisation has a name of 1 to 200 characters.")
	ErrRole          = errs.New(errs.Invalid, "role", "The role does not exist, or does not go with the organisation, place or area given.")
	ErrNotGranted    = errs.New(errs.Forbidden, "role_not_granted", "You may not grant this: nobody grants what they lack.")
	ErrTakesTwo      = errs.New(errs.Forbidden, "role_takes_two", "This role is granted by two people, by invitation; the command line makes the first city account alone.")
	ErrInvitation    = errs.New(errs.Gone, "invitation_gone", "This invitation was used or withdrawn, or has ended, or there never was one.")
	ErrUnconfirmed   = errs.New(errs.Conflict, "invitation_unconfirmed", "A second person has to confirm this invitation first.")
	ErrSamePerson    = errs.New(errs.Forbidden, "invitation_same_person", "It takes another person to confirm what you proposed.")
	ErrNote          = errs.New(errs.Invalid, "invitation_note", "Say in up to 100 characters whom the invitation is for.")
	ErrContact       = errs.New(errs.Invalid, "application_contact", "Say in up to 100 characters how you can be asked back, and in up to 200 the address.")
	ErrWard          = errs.New(errs.Invalid, "application_ward", "The ward is not known.")
	ErrWaiting       = errs.New(errs.Conflict, "application_waits", "Your application has not been confirmed yet.")
	ErrOftenApplied  = errs.New(errs.TooMany, "applications_often", "Too many applications came from this network; wait a little.")
	ErrManyApplied   = errs.Busy("applications_many", "Many applications wait at this moment; try again tomorrow.", 24*time.Hour)
	ErrManyInvited   = errs.New(errs.TooMany, "invitations_many", "You have too many open invitations; withdraw some or wait until they end.")
)

// longestName is how many characters the name of an organisation may have.
const longestName = 200

// hashesAtOnce bounds the memory of logging in, at 19 MiB each.
const hashesAtOnce = 2

// Store is what the service keeps its records in. The registry's adapters satisfy it, and it gives their errors.
type Store interface {
	Accounts
	SignIns
	Factors
	Invitations
	Applications
	Organisations
	Ground
}

// Accounts keeps accounts. PutAccount adds one together with the organisations that begin with it, or nothing. SetPassword and
// SetDisabled end its sign-ins but one, in the same step; an account that is disabled has neither sign-ins nor invitations
// that it proposed or confirmed.
type Accounts interface {
	PutAccount(ctx context.Context, a registry.Account, begun ...registry.Organisation) error
	AccountByLogin(ctx context.Context, login string) (registry.Account, error)
	Account(ctx context.Context, id uuid.UUID) (registry.Account, error)
	Accounts(ctx context.Context) ([]registry.Account, error)
	AccountsPart(ctx context.Context, f registry.AccountFilter, at registry.Cursor) (registry.Part[registry.Account], error)
	AccountOfKey(ctx context.Context, keyHash []byte) (registry.Account, error)
	SetPassword(ctx context.Context, account uuid.UUID, hash string, spare uuid.UUID) error
	SetDisabled(ctx context.Context, account uuid.UUID, disabled bool) error
}

// SignIns keeps who is logged in. SignIn gives none that has expired.
type SignIns interface {
	PutSignIn(ctx context.Context, in registry.SignIn) error
	SignIn(ctx context.Context, id uuid.UUID, now int64) (registry.SignIn, registry.Account, error)
	SeeSignIn(ctx context.Context, id uuid.UUID, at int64) error
	SignIns(ctx context.Context, account uuid.UUID, now int64) ([]registry.SignIn, error)
	EndSignIn(ctx context.Context, account, id uuid.UUID) error
	EndSignIns(ctx context.Context, account, spare uuid.UUID) (ended int, err error)
}

// Factors keeps second factors and the hashes of their recovery codes. PutFactor takes the place of what there was. UseStep is
// registry.ErrSpent where that step or a later one was used, and of two calls with one step one alone gets nil; so it is with
// UseRecovery, which says how many codes are left.
type Factors interface {
	PutFactor(ctx context.Context, f registry.SecondFactor, recovery [][]byte) error
	Factor(ctx context.Context, account uuid.UUID) (f registry.SecondFactor, recovery int, err error)
	UseStep(ctx context.Context, account uuid.UUID, step int64) error
	UseRecovery(ctx context.Context, account uuid.UUID, hash []byte) (left int, err error)
	DropFactor(ctx context.Context, account uuid.UUID) error
}

// Invitations keeps invitations. Accept drops one and makes its account in the same step, with the hash of a device's key where
// there is one; or renews an account: it has the new password, and no second factor or sign-in any more. Of two calls one alone
// gets nil, the other registry.ErrNotFound.
type Invitations interface {
	PutInvitation(ctx context.Context, i registry.Invitation) error
	Invitation(ctx context.Context, id uuid.UUID, now int64) (registry.Invitation, error)
	InvitationOf(ctx context.Context, tokenHash []byte, now int64) (registry.Invitation, error)
	Invitations(ctx context.Context, now int64) ([]registry.Invitation, error)
	Confirm(ctx context.Context, id, by uuid.UUID, tokenHash []byte) error
	DropInvitation(ctx context.Context, id uuid.UUID) error
	Accept(ctx context.Context, id uuid.UUID, a registry.Account, keyHash []byte) error
}

// Applications keeps applications. PutApplication adds one with its entry of the audit log where fewer than most wait, else the error
// is registry.ErrFull and there is neither. Admit drops one and makes its organisation and the invitation of its first owner in the same
// step. Of two calls one alone gets nil, the other registry.ErrNotFound.
type Applications interface {
	PutApplication(ctx context.Context, a registry.Application, most int, seal registry.AuditSeal, entry registry.AuditEntry) error
	Application(ctx context.Context, id uuid.UUID, now int64) (registry.Application, error)
	ApplicationOf(ctx context.Context, tokenHash []byte, now int64) (registry.Application, error)
	Applications(ctx context.Context, now int64) ([]registry.Application, error)
	DropApplication(ctx context.Context, id uuid.UUID) error
	Admit(ctx context.Context, id uuid.UUID, o registry.Organisation, i registry.Invitation) error
}

// Organisations keeps organisations. UpdateOrganisation is refused with registry.ErrChanged unless o has the revision that is stored.
type Organisations interface {
	Organisation(ctx context.Context, id uuid.UUID) (registry.Organisation, error)
	OrganisationsPart(ctx context.Context, at registry.Cursor) (registry.Part[registry.Organisation], error)
	UpdateOrganisation(ctx context.Context, o registry.Organisation) error
}

// Ground is what scopes are judged by.
type Ground interface {
	Areas(ctx context.Context) ([]registry.Area, error)
	Place(ctx context.Context, id uuid.UUID) (registry.Place, error)
}

// Audit is the log of who did what. An act of the service is entered before it is done, or in the same step: what cannot be entered
// is not done. Entry and Seal make entries for a store that adds them itself.
type Audit interface {
	Append(ctx context.Context, actor, action, subject, detail string) error
	Entry(actor, action, subject, detail string) registry.AuditEntry
	Seal(prev []byte, e registry.AuditEntry) []byte
}

// Deps is what the service is made from.
type Deps struct {
	Store Store
	Audit Audit
	Clock func() time.Time
	// Tries counts guesses, over all processes.
	Tries ratelimit.SharedDeps
	// Key, 32 bytes, seals the secrets of second factors. It is in no database.
	Key []byte
	// NeedFactor lists the roles that do nothing without a second factor.
	NeedFactor []registry.Role
}

// Service makes accounts and lets them log in. It is safe for concurrent use. The accounts that it returns never hold the
// password's hash.
type Service struct {
	store      Store
	audit      Audit
	clock      func() time.Time
	limits     *limits
	hasher     *hasher
	decoy      string
	sealer     cipher.AEAD
	needFactor []registry.Role
}

// New returns the service of the accounts in a store.
func New(d Deps) (*Service, error) { return newService(d, standardCost) }

func newService(d Deps, c cost) (*Service, error) {
	sealer, err := newSealer(d.Key)
	if err != nil {
		return nil, fmt.Errorf("opening the accounts: %w", err)
	}
	h := newHasher(c, hashesAtOnce)
	return &Service{
		store: d.Store, audit: d.Audit, clock: d.Clock, limits: newLimits(d.Tries), hasher: h, decoy: h.decoy(),
		sealer: sealer, needFactor: d.NeedFactor,
	}, nil
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

// Create makes an account with a password and returns it; who calls it answers for who granted it, and enters it in the audit
// log. Of a, the login (in any case), the role and the one field that
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
	if organisation == "" || !writable(organisation, longestName) {
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

// writable says whether a text can be kept and stands on one line of at most so many characters.
func writable(text string, most int) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= most && !strings.ContainsFunc(text, unicode.IsControl)
}

func withoutHash(a registry.Account) registry.Account {
	a.PasswordHash = ""
	return a
}

// enter makes an entry in the audit log.
func (s *Service) enter(ctx context.Context, actor, action string, subject uuid.UUID, detail string) error {
	if err := s.audit.Append(ctx, actor, action, subject.String(), detail); err != nil {
		return fmt.Errorf("entering it in the audit log: %w", err)
	}
	return nil
}
