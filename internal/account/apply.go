package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

const (
	// ApplicationLifetime is how long an application waits.
	ApplicationLifetime = 30 * 24 * time.Hour
	// AdmittedLifetime is how long whoever was admitted may choose a login: nobody sends them word.
	AdmittedLifetime = 14 * 24 * time.Hour

	mostApplications = 500 // that wait
	longestContact   = 100 // characters
)

// Applicant is what an organisation says of itself that asks for an account of its own.
type Applicant struct {
	Name    string
	Address string
	Area    string // code of its ward; may be empty
	Contact string // how it can be asked back, such as the number of its telephone
}

// Applying is an application as whoever may admit it sees it. Contact is empty where it was sealed with a key that is gone.
type Applying struct {
	Applicant
	ID      uuid.UUID
	Created int64
	Expires int64
}

// Apply keeps an application, and returns the token with which the applicant looks whether they were admitted, and which is then
// that of their invitation. It says nothing of what accounts or organisations there are. The errors: ErrOrganisation,
// ErrContact, ErrWard, ErrOftenApplied where an address applies too often, ErrManyApplied.
func (s *Service) Apply(ctx context.Context, in Applicant, address string) (token string, err error) {
	for _, text := range []*string{&in.Name, &in.Address, &in.Area, &in.Contact} {
		*text = strings.TrimSpace(*text)
	}
	if err := s.checkApplicant(ctx, in); err != nil {
		return "", err
	}
	wait, err := s.limits.takeApplication(ctx, address)
	if err != nil {
		return "", err
	}
	if wait > 0 {
		return "", until(ErrOftenApplied, wait)
	}
	now := s.clock()
	a := registry.Application{
		Name: in.Name, Address: in.Address, Area: in.Area, Created: now.Unix(), Expires: now.Add(ApplicationLifetime).Unix(),
	}
	if a.ID, err = uuid.NewV7(); err != nil {
		return "", fmt.Errorf("applying: %w", err)
	}
	a.Contact = s.sealer.Seal(nil, nil, []byte(in.Contact), applicationSeal(a.ID)) //nolint:gosec // it draws its nonces itself
	token, a.TokenHash = newToken()
	entry := s.audit.Entry("system", "application_made", a.ID.String(), "")
	switch err := s.store.PutApplication(ctx, a, mostApplications, s.audit.Seal, entry); {
	case errors.Is(err, registry.ErrFull):
		return "", ErrManyApplied
	case err != nil:
		return "", fmt.Errorf("applying: %w", err)
	}
	return token, nil
}

// applicationSeal binds what is sealed to its application.
func applicationSeal(id uuid.UUID) []byte { return []byte("truyvet/application/v1 " + id.String()) }

func (s *Service) checkApplicant(ctx context.Context, in Applicant) error {
	switch {
	case in.Name == "" || !writable(in.Name, longestName):
		return ErrOrganisation
	case in.Contact == "" || !writable(in.Contact, longestContact) || !writable(in.Address, longestName):
		return ErrContact
	case in.Area == "":
		return nil
	}
	areas, err := s.store.Areas(ctx)
	if err != nil {
		return fmt.Errorf("applying: %w", err)
	}
	for _, a := range areas {
		if a.Code == in.Area && a.Level == registry.Ward {
			return nil
		}
	}
	return ErrWard
}

// whyNone says why no invitation is found of a token.
func (s *Service) whyNone(ctx context.Context, token string) error {
	_, err := s.store.ApplicationOf(ctx, tokenHash(token), s.clock().Unix())
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return ErrInvitation
	case err != nil:
		return fmt.Errorf("opening an application: %w", err)
	}
	return ErrWaiting
}

// Applications lists those that wait, the oldest first. The error is ErrNotGranted for who may admit none.
func (s *Service) Applications(ctx context.Context, actor registry.Account) ([]Applying, error) {
	if !May(actor.Role, ActAdmit) {
		return nil, ErrNotGranted
	}
	kept, err := s.store.Applications(ctx, s.clock().Unix())
	if err != nil {
		return nil, fmt.Errorf("listing applications: %w", err)
	}
	waiting := make([]Applying, len(kept))
	for i, a := range kept {
		contact, err := s.sealer.Open(nil, nil, a.Contact, applicationSeal(a.ID))
		if err != nil {
			contact = nil // nobody can be asked back, and yet this one and the others can be decided on
		}
		waiting[i] = Applying{Applicant{a.Name, a.Address, a.Area, string(contact)}, a.ID, a.Created, a.Expires}
	}
	return waiting, nil
}

// Admit makes the organisation of an application, and an invitation for its first owner under the token that the applicant has.
// The errors: ErrNotGranted, and registry.ErrNotFound where it is gone.
func (s *Service) Admit(ctx context.Context, actor registry.Account, id uuid.UUID) error {
	a, err := s.applied(ctx, actor, id)
	if err != nil {
		return err
	}
	now := s.clock()
	o := registry.Organisation{Name: a.Name, Created: now.Unix()}
	if o.ID, err = uuid.NewV7(); err != nil {
		return fmt.Errorf("admitting an organisation: %w", err)
	}
	i, err := s.invitation(actor, Wish{Role: registry.RoleOwner, Organisation: o.ID})
	if err != nil {
		return err
	}
	i.TokenHash, i.Expires = a.TokenHash, now.Add(AdmittedLifetime).Unix()
	if err := s.enter(ctx, actor.Login, "application_admitted", id, describe(i)); err != nil {
		return err
	}
	if err := s.store.Admit(ctx, id, o, i); err != nil {
		return fmt.Errorf("admitting an organisation: %w", err)
	}
	return nil
}

// Refuse drops an application. The errors are those of Admit.
func (s *Service) Refuse(ctx context.Context, actor registry.Account, id uuid.UUID) error {
	if _, err := s.applied(ctx, actor, id); err != nil {
		return err
	}
	if err := s.enter(ctx, actor.Login, "application_refused", id, ""); err != nil {
		return err
	}
	if err := s.store.DropApplication(ctx, id); err != nil {
		return fmt.Errorf("refusing an application: %w", err)
	}
	return nil
}

// applied returns an application that the actor may admit.
func (s *Service) applied(ctx context.Context, actor registry.Account, id uuid.UUID) (registry.Application, error) {
	if !May(actor.Role, ActAdmit) {
		return registry.Application{}, ErrNotGranted
	}
	a, err := s.store.Application(ctx, id, s.clock().Unix())
	if err != nil {
		return registry.Application{}, fmt.Errorf("reading an application: %w", err)
	}
	return a, nil
}
