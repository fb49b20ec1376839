package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
)

const (
	// Lifetime is how long somebody is logged in at the most.
	Lifetime = 12 * time.Hour
	// seenEvery is how exactly it is kept when a sign-in was last used, in seconds: each time is a write.
	seenEvery = 300
	// longestBrowser is how many characters of a browser's description are kept.
	longestBrowser = 60
)

// Attempt is one try to log in.
type Attempt struct {
	Login    string
	Password string
	Address  string    // from where, as the server sees it
	Browser  uuid.UUID // in which this login got in before; uuid.Nil for a stranger's
}

// LogIn returns the account that a login and a password belong to. If it has a second factor nobody is logged in yet: see
// ProveCode. The errors: ErrWrongLogin, the same and after the same work whether the login is unknown, the account disabled or
// a device, or the password wrong; ErrTooManyLogins, with RetryAfter, before any work. Somebody who gets in has all tries back.
func (s *Service) LogIn(ctx context.Context, try Attempt) (registry.Account, error) {
	login := normalLogin(try.Login) // what can be no login is one and the same, that of nobody
	if wait, err := s.limits.takeLogin(ctx, login, try.Address, try.Browser); err != nil {
		return registry.Account{}, fmt.Errorf("logging in: %w", err)
	} else if wait > 0 {
		return registry.Account{}, tooMany(wait)
	}
	a, err := s.store.AccountByLogin(ctx, login)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return registry.Account{}, fmt.Errorf("logging in: %w", err)
	}
	known, hash := err == nil && a.PasswordHash != "", a.PasswordHash
	if !known {
		hash = s.decoy
	}
	right, err := s.matches(ctx, hash, try.Password)
	if err != nil {
		return registry.Account{}, fmt.Errorf("logging in: %w", err)
	}
	if !known || !right || a.Disabled {
		return registry.Account{}, ErrWrongLogin
	}
	if err := s.limits.forgiveLogin(ctx, login, try.Address, try.Browser); err != nil {
		return registry.Account{}, fmt.Errorf("logging in: %w", err)
	}
	return withoutHash(a), nil
}

// matches says whether a hash is that of a password, whatever was typed.
func (s *Service) matches(ctx context.Context, hash, password string) (bool, error) {
	if len(password) > longestPassword {
		password = "" // nobody's: it is too short
	}
	return s.hasher.matches(ctx, hash, password)
}

// tooMany is ErrTooManyLogins with the time to wait.
func tooMany(wait time.Duration) error { return until(ErrTooManyLogins, wait) }

// until returns a limit's answer with the time to wait.
func until(e *errs.Error, wait time.Duration) error {
	limited := *e
	limited.RetryAfter = max(wait, time.Second)
	return &limited
}

// Begin logs an account in that has proved all that is asked of it, and enters that in the audit log. Browser is what it is
// done with, in a few words.
func (s *Service) Begin(ctx context.Context, a registry.Account, browser string) (registry.SignIn, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return registry.SignIn{}, fmt.Errorf("logging in: %w", err)
	}
	if err := s.enter(ctx, a.Login, "login", a.ID, ""); err != nil {
		return registry.SignIn{}, err
	}
	now := s.clock()
	in := registry.SignIn{
		ID: id, Account: a.ID, Began: now.Unix(), Seen: now.Unix(), Expires: now.Add(Lifetime).Unix(),
		Browser: browser[:min(len(browser), longestBrowser)],
	}
	if err := s.store.PutSignIn(ctx, in); err != nil {
		return registry.SignIn{}, fmt.Errorf("logging in: %w", err)
	}
	return in, nil
}

// Session is somebody who is logged in. The zero Session is nobody.
type Session struct {
	ID      uuid.UUID
	Account registry.Account
	// Incomplete says that the role needs a second factor which the account does not have: it may set one up, and nothing else.
	Incomplete bool
}

// Resume returns the session of a sign-in; ErrNotLoggedIn where it has ended, or its account is disabled.
func (s *Service) Resume(ctx context.Context, id uuid.UUID) (Session, error) {
	now := s.clock().Unix()
	in, a, err := s.store.SignIn(ctx, id, now)
	switch {
	case errors.Is(err, registry.ErrNotFound), err == nil && a.Disabled:
		return Session{}, ErrNotLoggedIn
	case err != nil:
		return Session{}, fmt.Errorf("resuming a session: %w", err)
	}
	if now-in.Seen >= seenEvery {
		if err := s.store.SeeSignIn(ctx, id, now); err != nil {
			return Session{}, fmt.Errorf("resuming a session: %w", err)
		}
	}
	return Session{ID: id, Account: withoutHash(a), Incomplete: s.needs(a.Role) && !a.SecondFactor}, nil
}

// needs says whether a role does nothing without a second factor.
func (s *Service) needs(role registry.Role) bool { return slices.Contains(s.needFactor, role) }

// LogOut ends a session. That it has ended already is no error.
func (s *Service) LogOut(ctx context.Context, session Session) error {
	if err := s.enter(ctx, session.Account.Login, "logout", session.Account.ID, ""); err != nil {
		return err
	}
	err := s.store.EndSignIn(ctx, session.Account.ID, session.ID)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return fmt.Errorf("logging out: %w", err)
	}
	return nil
}

// SignIns lists where an account is logged in, which it may ask of itself and others as Reach says; the newest first.
func (s *Service) SignIns(ctx context.Context, actor registry.Account, account uuid.UUID) ([]registry.SignIn, error) {
	if account != actor.ID {
		if _, err := s.stoppable(ctx, actor, account); err != nil {
			return nil, err
		}
	}
	list, err := s.store.SignIns(ctx, account, s.clock().Unix())
	if err != nil {
		return nil, fmt.Errorf("listing sessions: %w", err)
	}
	return list, nil
}

// EndSession ends one of the actor's own sessions; registry.ErrNotFound for one that is not.
func (s *Service) EndSession(ctx context.Context, actor registry.Account, id uuid.UUID) error {
	if err := s.enter(ctx, actor.Login, "session_ended", actor.ID, ""); err != nil {
		return err
	}
	if err := s.store.EndSignIn(ctx, actor.ID, id); err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}

// EndSessions ends all sessions of an account, but of the actor's own the present one, and says how many there were.
func (s *Service) EndSessions(ctx context.Context, present Session, account uuid.UUID) (ended int, err error) {
	if account != present.Account.ID {
		if _, err := s.stoppable(ctx, present.Account, account); err != nil {
			return 0, err
		}
	}
	if err := s.enter(ctx, present.Account.Login, "sessions_ended", account, ""); err != nil {
		return 0, err
	}
	ended, err = s.store.EndSignIns(ctx, account, present.ID)
	if err != nil {
		return 0, fmt.Errorf("ending sessions: %w", err)
	}
	return ended, nil
}

// ChangePassword gives somebody who is logged in a new password and ends their other sessions. The errors: ErrWrongPassword
// unless present is the password that holds, ErrTooManyLogins after some wrong ones, ErrPassword.
func (s *Service) ChangePassword(ctx context.Context, session Session, present, password string) error {
	if err := checkPassword(password); err != nil {
		return err
	}
	if err := s.prove(ctx, session.Account, present); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return fmt.Errorf("changing a password: %w", err)
	}
	if err := s.enter(ctx, session.Account.Login, "password_changed", session.Account.ID, ""); err != nil {
		return err
	}
	if err := s.store.SetPassword(ctx, session.Account.ID, hash, session.ID); err != nil {
		return fmt.Errorf("changing a password: %w", err)
	}
	return nil
}

// prove asks somebody who is logged in for the password again: a session that was left open is no proof.
func (s *Service) prove(ctx context.Context, a registry.Account, password string) error {
	if wait, err := s.limits.proofs.Take(ctx, a.ID.String()); err != nil {
		return fmt.Errorf("proving a password: %w", err)
	} else if wait > 0 {
		return tooMany(wait)
	}
	stored, err := s.store.Account(ctx, a.ID)
	if err != nil {
		return fmt.Errorf("proving a password: %w", err)
	}
	if stored.PasswordHash == "" {
		return ErrWrongPassword // a device has none
	}
	right, err := s.matches(ctx, stored.PasswordHash, password)
	if err != nil {
		return fmt.Errorf("proving a password: %w", err)
	}
	if !right {
		return ErrWrongPassword
	}
	if err := s.limits.proofs.Forgive(ctx, a.ID.String()); err != nil {
		return fmt.Errorf("proving a password: %w", err)
	}
	return nil
}

// stoppable returns the account if the actor may stop it; registry.ErrNotFound for what lies beyond their reach, and
// ErrNotGranted for what they may see and not stop.
func (s *Service) stoppable(ctx context.Context, actor registry.Account, id uuid.UUID) (registry.Account, error) {
	a, g, err := s.reached(ctx, actor, id)
	if err != nil {
		return registry.Account{}, err
	}
	if !mayStop(actor, a, g) {
		return registry.Account{}, ErrNotGranted
	}
	return a, nil
}

// isFault says whether an error is our own or that of what we stand on, rather than an answer.
func isFault(err error) bool {
	kind := errs.Of(err).Kind
	return kind == errs.Internal || kind == errs.Unavailable
}
