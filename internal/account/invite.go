package account

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

const (
	// InvitationLifetime is how long an invitation may be accepted, from its proposal on.
	InvitationLifetime = 72 * time.Hour
	// mostInvited is how many invitations of one account may be open.
	mostInvited = 200
	// longestNote is how many characters the note of an invitation may have.
	longestNote = 100
)

// Wish is what somebody proposes: an account of a role and its scope, or to renew one.
type Wish struct {
	Role         registry.Role
	Organisation uuid.UUID
	Place        uuid.UUID
	Area         string
	Renews       uuid.UUID // then the role and the scope are those of this account
	Note         string    // whom it is for
}

// account returns what is wished for as an account.
func (w Wish) account() registry.Account {
	return registry.Account{Role: w.Role, Organisation: w.Organisation, Place: w.Place, Area: w.Area}
}

// Invite proposes an account. Where the actor's word is enough, or they have the role themselves and a second person is to
// confirm, it returns the token that the invited needs, which is kept nowhere; else it is empty, and who confirms gets it. So
// the token is never with somebody who lacks what it opens. The errors: ErrNotGranted, ErrRole, ErrNote, ErrManyInvited, and
// registry.ErrNotFound for an account to renew that lies beyond the actor's reach.
func (s *Service) Invite(ctx context.Context, actor registry.Account, wish Wish) (_ registry.Invitation, token string, err error) {
	wish.Note = strings.TrimSpace(wish.Note)
	if !writable(wish.Note, longestNote) {
		return registry.Invitation{}, "", ErrNote
	}
	if wish.Renews != uuid.Nil {
		a, _, err := s.reached(ctx, actor, wish.Renews)
		if err != nil {
			return registry.Invitation{}, "", err
		}
		if a.ID == actor.ID || IsDevice(a.Role) {
			return registry.Invitation{}, "", ErrNotGranted // a device is enrolled anew
		}
		wish = Wish{Role: a.Role, Organisation: a.Organisation, Place: a.Place, Area: a.Area, Renews: a.ID, Note: wish.Note}
	}
	wanted := wish.account()
	if err := s.checkRole(ctx, wanted); err != nil {
		return registry.Invitation{}, "", err
	}
	g, err := s.groundOf(ctx, wanted)
	if err != nil {
		return registry.Invitation{}, "", err
	}
	voice := voiceOf(actor, wanted, g)
	if voice == noVoice {
		return registry.Invitation{}, "", ErrNotGranted
	}
	if err := s.checkOpen(ctx, actor); err != nil {
		return registry.Invitation{}, "", err
	}
	i, err := s.invitation(actor, wish)
	if err != nil {
		return registry.Invitation{}, "", err
	}
	if voice != witness {
		token, i.TokenHash = newToken()
	}
	if err := s.enter(ctx, actor.Login, "invitation_made", i.ID, describe(i)); err != nil {
		return registry.Invitation{}, "", err
	}
	if err := s.store.PutInvitation(ctx, i); err != nil {
		return registry.Invitation{}, "", fmt.Errorf("inviting: %w", err)
	}
	return i, token, nil
}

// invitation makes the record of a wish.
func (s *Service) invitation(actor registry.Account, wish Wish) (registry.Invitation, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return registry.Invitation{}, fmt.Errorf("inviting: %w", err)
	}
	now := s.clock()
	return registry.Invitation{
		ID: id, Role: wish.Role, Organisation: wish.Organisation, Place: wish.Place, Area: wish.Area, Renews: wish.Renews,
		Note: wish.Note, Proposed: actor.ID, Created: now.Unix(), Expires: now.Add(InvitationLifetime).Unix(),
	}, nil
}

// checkOpen says whether the actor may have one more open invitation.
func (s *Service) checkOpen(ctx context.Context, actor registry.Account) error {
	open, err := s.store.Invitations(ctx, s.clock().Unix())
	if err != nil {
		return fmt.Errorf("inviting: %w", err)
	}
	own := 0
	for _, i := range open {
		if i.Proposed == actor.ID {
			own++
		}
	}
	if own >= mostInvited {
		return ErrManyInvited
	}
	return nil
}

// describe is what the audit log says of an invitation: the role and its scope, never the note.
func describe(i registry.Invitation) string {
	parts := []string{string(i.Role)}
	for name, id := range map[string]uuid.UUID{"organisation": i.Organisation, "place": i.Place, "renews": i.Renews} {
		if id != uuid.Nil {
			parts = append(parts, name+"="+id.String())
		}
	}
	if i.Area != "" {
		parts = append(parts, "area="+i.Area)
	}
	slices.Sort(parts[1:])
	return strings.Join(parts, " ")
}

// newToken makes a token of 100 bits, short enough to be typed at a gate, and the hash that is kept of it.
func newToken() (token string, hash []byte) {
	token = NewPassword()
	return token, tokenHash(token)
}

// tokenHash is how a token is kept, however it was typed.
func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte("truyvet/invitation/v1 " + squeeze(token)))
	return sum[:]
}

// Offer is an open invitation as somebody sees it who has a say in it.
type Offer struct {
	registry.Invitation
	By          string // the login of who proposed it; empty where that account is gone
	Waits       bool   // for a second person
	MayConfirm  bool
	MayWithdraw bool
}

// Offers lists the open invitations that the actor has a say in, the newest first.
func (s *Service) Offers(ctx context.Context, actor registry.Account) ([]Offer, error) {
	open, err := s.store.Invitations(ctx, s.clock().Unix())
	if err != nil {
		return nil, fmt.Errorf("listing invitations: %w", err)
	}
	gates := make([]registry.Account, 0, len(open))
	for _, i := range open {
		gates = append(gates, wishOf(i).account())
	}
	g, err := s.groundOf(ctx, gates...)
	if err != nil {
		return nil, err
	}
	var offers []Offer
	for _, i := range open {
		voice := voiceOf(actor, wishOf(i).account(), g)
		if voice == noVoice {
			continue
		}
		by, err := s.store.Account(ctx, i.Proposed)
		if err != nil && !errors.Is(err, registry.ErrNotFound) {
			return nil, fmt.Errorf("listing invitations: %w", err)
		}
		waits := TakesTwo(i.Role) && i.Confirmed == uuid.Nil
		offers = append(offers, Offer{
			Invitation: i, By: by.Login, Waits: waits, MayConfirm: waits && s.checkSecond(actor, i, voice) == nil, MayWithdraw: true,
		})
	}
	return offers, nil
}

func wishOf(i registry.Invitation) Wish {
	return Wish{Role: i.Role, Organisation: i.Organisation, Place: i.Place, Area: i.Area, Renews: i.Renews, Note: i.Note}
}

// checkSecond says whether an account whose voice counts may be the second for an invitation: it is another person, and one of
// the two has the role. Who proposed it has it where there is a token already.
func (s *Service) checkSecond(actor registry.Account, i registry.Invitation, v voice) error {
	switch {
	case i.Proposed == actor.ID, i.Renews == actor.ID:
		return ErrSamePerson
	case v == noVoice, v == witness && i.TokenHash == nil:
		return ErrNotGranted
	}
	return nil
}

// offered returns an open invitation and the actor's voice in it; registry.ErrNotFound where they have none.
func (s *Service) offered(ctx context.Context, actor registry.Account, id uuid.UUID) (registry.Invitation, voice, error) {
	i, err := s.store.Invitation(ctx, id, s.clock().Unix())
	if err != nil {
		return registry.Invitation{}, noVoice, fmt.Errorf("reading an invitation: %w", err)
	}
	wanted := wishOf(i).account()
	g, err := s.groundOf(ctx, wanted)
	if err != nil {
		return registry.Invitation{}, noVoice, err
	}
	voice := voiceOf(actor, wanted, g)
	if voice == noVoice {
		return registry.Invitation{}, noVoice, registry.ErrNotFound
	}
	return i, voice, nil
}

// Confirm is the second person's word for an invitation that takes two. It returns the token where Invite gave none. The errors:
// registry.ErrNotFound, ErrSamePerson, ErrNotGranted, and registry.ErrChanged where somebody has confirmed it before.
func (s *Service) Confirm(ctx context.Context, actor registry.Account, id uuid.UUID) (token string, err error) {
	i, voice, err := s.offered(ctx, actor, id)
	if err != nil {
		return "", err
	}
	if !TakesTwo(i.Role) || i.Confirmed != uuid.Nil {
		return "", registry.ErrChanged
	}
	if err := s.checkSecond(actor, i, voice); err != nil {
		return "", err
	}
	hash := i.TokenHash
	if hash == nil {
		token, hash = newToken()
	}
	if err := s.enter(ctx, actor.Login, "invitation_confirmed", id, describe(i)); err != nil {
		return "", err
	}
	if err := s.store.Confirm(ctx, id, actor.ID, hash); err != nil {
		return "", fmt.Errorf("confirming an invitation: %w", err)
	}
	return token, nil
}

// Withdraw drops an invitation; whoever has a voice in it may. The error is registry.ErrNotFound where the actor has none.
func (s *Service) Withdraw(ctx context.Context, actor registry.Account, id uuid.UUID) error {
	i, _, err := s.offered(ctx, actor, id)
	if err != nil {
		return err
	}
	if err := s.enter(ctx, actor.Login, "invitation_withdrawn", id, describe(i)); err != nil {
		return err
	}
	if err := s.store.DropInvitation(ctx, id); err != nil {
		return fmt.Errorf("withdrawing an invitation: %w", err)
	}
	return nil
}

// Invited is an invitation as the invited sees it.
type Invited struct {
	registry.Invitation
	Login string // of the account that is renewed; empty for a new one, whose login the invited chooses
}

// Open returns the invitation of a token. The errors: ErrInvitation for a token that opens nothing, ErrWaiting for that of an application,
// ErrUnconfirmed, and ErrTooManyLogins where an address asks too often.
func (s *Service) Open(ctx context.Context, token, address string) (Invited, error) {
	if wait := s.limits.takeToken(address); wait > 0 {
		return Invited{}, tooMany(wait)
	}
	i, err := s.store.InvitationOf(ctx, tokenHash(token), s.clock().Unix())
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return Invited{}, s.whyNone(ctx, token)
	case err != nil:
		return Invited{}, fmt.Errorf("opening an invitation: %w", err)
	case TakesTwo(i.Role) && i.Confirmed == uuid.Nil:
		return Invited{}, ErrUnconfirmed
	}
	invited := Invited{Invitation: i}
	if i.Renews != uuid.Nil {
		a, err := s.store.Account(ctx, i.Renews)
		if err != nil {
			return Invited{}, fmt.Errorf("opening an invitation: %w", err)
		}
		invited.Login = a.Login
	}
	return invited, nil
}

// Accept makes the account of an invitation with the login and the password that the invited chose, or gives the account that
// it renews the password. An invitation is good once. The errors: those of Open, ErrLogin, ErrPassword, ErrLoginTaken, and
// ErrRole for a device, which is enrolled.
func (s *Service) Accept(ctx context.Context, token, address, login, password string) (registry.Account, error) {
	i, err := s.Open(ctx, token, address)
	if err != nil {
		return registry.Account{}, err
	}
	if IsDevice(i.Role) {
		return registry.Account{}, ErrRole
	}
	if i.Renews != uuid.Nil {
		login = i.Login
	}
	if login = normalLogin(login); login == "" {
		return registry.Account{}, ErrLogin
	}
	if err := checkPassword(password); err != nil {
		return registry.Account{}, err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return registry.Account{}, fmt.Errorf("accepting an invitation: %w", err)
	}
	a := wishOf(i.Invitation).account()
	a.ID, a.Login, a.PasswordHash, a.Created = i.Renews, login, hash, s.clock().Unix()
	return s.accept(ctx, i.Invitation, a, nil)
}

// accept makes or renews the account of an invitation.
func (s *Service) accept(ctx context.Context, i registry.Invitation, a registry.Account, key []byte) (registry.Account, error) {
	action := "account_renewed"
	if a.ID == uuid.Nil {
		var err error
		if a.ID, err = uuid.NewV7(); err != nil {
			return registry.Account{}, fmt.Errorf("accepting an invitation: %w", err)
		}
		if _, err := s.store.AccountByLogin(ctx, a.Login); !errors.Is(err, registry.ErrNotFound) {
			if err != nil {
				return registry.Account{}, fmt.Errorf("accepting an invitation: %w", err)
			}
			return registry.Account{}, ErrLoginTaken
		}
		action = "account_created"
		if key != nil {
			action = "device_enrolled"
		}
	}
	if err := s.enter(ctx, a.Login, action, a.ID, "invitation="+i.ID.String()+" "+describe(i)); err != nil {
		return registry.Account{}, err
	}
	err := s.store.Accept(ctx, i.ID, a, key)
	switch {
	case errors.Is(err, registry.ErrExists):
		return registry.Account{}, ErrLoginTaken.Because(err)
	case errors.Is(err, registry.ErrNotFound): // somebody was quicker
		return registry.Account{}, ErrInvitation
	case err != nil:
		return registry.Account{}, fmt.Errorf("accepting an invitation: %w", err)
	}
	return withoutHash(a), nil
}
