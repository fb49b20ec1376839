package account

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// system is who acts on the command line.
const system = "system"

// groundOf reads what the reach of somebody toward accounts is judged by: the areas, and the organisations of the gates' places.
func (s *Service) groundOf(ctx context.Context, accounts ...registry.Account) (*ground, error) {
	areas, err := s.store.Areas(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading areas: %w", err)
	}
	g := &ground{areas: make(map[string]registry.Area, len(areas)), places: make(map[uuid.UUID]uuid.UUID)}
	for _, a := range areas {
		g.areas[a.Code] = a
	}
	for _, a := range accounts {
		if a.Place == uuid.Nil {
			continue
		}
		place, err := s.store.Place(ctx, a.Place)
		if err != nil && !errors.Is(err, registry.ErrNotFound) {
			return nil, fmt.Errorf("reading the place of a gate: %w", err)
		}
		g.places[a.Place] = place.Organisation // of no place: none
	}
	return g, nil
}

// sees says whether an account lies within somebody's reach: an administrator sees all, an owner the owners of the
// organisation and the gates at its places, a district or city the tracing accounts of its area.
func sees(actor, a registry.Account, g *ground) bool {
	switch {
	case actor.Role == registry.RoleAdmin:
		return true
	case actor.Role == registry.RoleOwner:
		return g.organisationOf(a) == actor.Organisation
	case May(actor.Role, ActTrace) && May(actor.Role, ActManageAccounts):
		return May(a.Role, ActTrace) && g.within(a.Area, actor.Area)
	}
	return false
}

// reached returns an account within the actor's reach; registry.ErrNotFound for any other.
func (s *Service) reached(ctx context.Context, actor registry.Account, id uuid.UUID) (registry.Account, *ground, error) {
	a, err := s.store.Account(ctx, id)
	if err != nil {
		return registry.Account{}, nil, fmt.Errorf("reading an account: %w", err)
	}
	g, err := s.groundOf(ctx, a)
	if err != nil {
		return registry.Account{}, nil, err
	}
	if !sees(actor, a, g) {
		return registry.Account{}, nil, registry.ErrNotFound
	}
	return withoutHash(a), g, nil
}

// Visible lists a part of the accounts within the actor's reach, the actor among them, in the order of the logins. The error is
// registry.ErrNotFound where the cursor names no account.
func (s *Service) Visible(ctx context.Context, actor registry.Account, at registry.Cursor) (registry.Part[registry.Account], error) {
	var f registry.AccountFilter
	switch {
	case actor.Role == registry.RoleAdmin:
	case actor.Role == registry.RoleOwner:
		f.Organisation = actor.Organisation
	case May(actor.Role, ActTrace) && May(actor.Role, ActManageAccounts):
		f.Within = actor.Area
		f.Roles = slices.DeleteFunc(Roles(), func(r registry.Role) bool { return !May(r, ActTrace) })
	default:
		return registry.Part[registry.Account]{}, nil
	}
	part, err := s.store.AccountsPart(ctx, f, at)
	if err != nil {
		return part, fmt.Errorf("listing accounts: %w", err)
	}
	for i := range part.Records {
		part.Records[i] = withoutHash(part.Records[i])
	}
	return part, nil
}

// Sight is an account as somebody sees it who has it within reach.
type Sight struct {
	Account  registry.Account
	MayStop  bool // disable it and end its sessions
	MayStart bool // enable it again, alone
	MayRenew bool // propose or make an invitation to log in anew
}

// Sight returns an account within the actor's reach; registry.ErrNotFound for any other.
func (s *Service) Sight(ctx context.Context, actor registry.Account, id uuid.UUID) (Sight, error) {
	a, g, err := s.reached(ctx, actor, id)
	if err != nil {
		return Sight{}, err
	}
	own := a.ID == actor.ID
	voice := voiceOf(actor, a, g)
	return Sight{
		Account: a, MayStop: mayStop(actor, a, g) && !a.Disabled,
		MayStart: a.Disabled && voice == alone && !own,
		MayRenew: voice != noVoice && !own && !IsDevice(a.Role),
	}, nil
}

// Disable keeps an account from logging in, ends its sessions and withdraws what it has proposed or confirmed and is not
// accepted yet. The errors: registry.ErrNotFound for what lies beyond the actor's reach, ErrNotGranted for what they may not
// stop: themselves, and tracing accounts that are not beneath them.
func (s *Service) Disable(ctx context.Context, actor registry.Account, id uuid.UUID) error {
	a, err := s.stoppable(ctx, actor, id)
	if err != nil {
		return err
	}
	return s.setDisabled(ctx, actor.Login, a, true)
}

// Enable lets an account log in again. The errors: registry.ErrNotFound, and ErrNotGranted unless the actor could grant it
// alone; what takes two is renewed by invitation.
func (s *Service) Enable(ctx context.Context, actor registry.Account, id uuid.UUID) error {
	a, g, err := s.reached(ctx, actor, id)
	if err != nil {
		return err
	}
	if a.ID == actor.ID || voiceOf(actor, a, g) != alone {
		return ErrNotGranted
	}
	return s.setDisabled(ctx, actor.Login, a, false)
}

func (s *Service) setDisabled(ctx context.Context, by string, a registry.Account, disabled bool) error {
	action := "account_enabled"
	switch {
	case disabled && IsDevice(a.Role):
		action = "device_revoked"
	case disabled:
		action = "account_disabled"
	}
	if err := s.enter(ctx, by, action, a.ID, string(a.Role)); err != nil {
		return err
	}
	if err := s.store.SetDisabled(ctx, a.ID, disabled); err != nil {
		return fmt.Errorf("changing an account: %w", err)
	}
	return nil
}

// ByLogin returns the account of a login, disabled or not, for the command line; registry.ErrNotFound where there is none.
func (s *Service) ByLogin(ctx context.Context, login string) (registry.Account, error) {
	a, err := s.store.AccountByLogin(ctx, normalLogin(login))
	if err != nil {
		return registry.Account{}, fmt.Errorf("finding an account: %w", err)
	}
	return withoutHash(a), nil
}

// CheckAlone says whether the command line may make an account of the role, or renew or enable one: ErrTakesTwo for the roles
// that take two, but for a city while no tracing account can log in. So the first of an installation is made, and the first
// after all of them were lost.
func (s *Service) CheckAlone(ctx context.Context, role registry.Role) error {
	if !TakesTwo(role) {
		return nil
	}
	if role != registry.RoleCity {
		return ErrTakesTwo
	}
	accounts, err := s.store.Accounts(ctx)
	if err != nil {
		return fmt.Errorf("listing accounts: %w", err)
	}
	if slices.ContainsFunc(accounts, func(a registry.Account) bool { return May(a.Role, ActTrace) && !a.Disabled }) {
		return ErrTakesTwo
	}
	return nil
}

// Switch disables or enables an account from the command line. Enabling is refused as CheckAlone says.
func (s *Service) Switch(ctx context.Context, a registry.Account, disabled bool) error {
	if !disabled {
		if err := s.CheckAlone(ctx, a.Role); err != nil {
			return err
		}
	}
	return s.setDisabled(ctx, system, a, disabled)
}

// Renew gives an account a new password from the command line, enables it, and takes away its second factor and its sessions.
// The errors: ErrPassword, and those of CheckAlone.
func (s *Service) Renew(ctx context.Context, a registry.Account, password string) error {
	if err := checkPassword(password); err != nil {
		return err
	}
	if err := s.CheckAlone(ctx, a.Role); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return fmt.Errorf("renewing an account: %w", err)
	}
	if err := s.enter(ctx, system, "account_renewed", a.ID, string(a.Role)); err != nil {
		return err
	}
	if err := s.store.DropFactor(ctx, a.ID); err != nil {
		return fmt.Errorf("renewing an account: %w", err)
	}
	if err := s.store.SetPassword(ctx, a.ID, hash, uuid.Nil); err != nil {
		return fmt.Errorf("renewing an account: %w", err)
	}
	if err := s.store.SetDisabled(ctx, a.ID, false); err != nil {
		return fmt.Errorf("renewing an account: %w", err)
	}
	return nil
}

// StopSessions ends all sessions of an account from the command line and says how many there were.
func (s *Service) StopSessions(ctx context.Context, a registry.Account) (ended int, err error) {
	if err := s.enter(ctx, system, "sessions_ended", a.ID, ""); err != nil {
		return 0, err
	}
	ended, err = s.store.EndSignIns(ctx, a.ID, uuid.Nil)
	if err != nil {
		return 0, fmt.Errorf("ending sessions: %w", err)
	}
	return ended, nil
}
