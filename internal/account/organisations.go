package account

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// Organisations lists a part of the organisations, in the order of the names. The errors: ErrNotGranted for who may not, and
// registry.ErrNotFound where the cursor names none.
func (s *Service) Organisations(ctx context.Context, actor registry.Account, at registry.Cursor) (registry.Part[registry.Organisation], error) {
	if !May(actor.Role, ActManageOrganisations) {
		return registry.Part[registry.Organisation]{}, ErrNotGranted
	}
	part, err := s.store.OrganisationsPart(ctx, at)
	if err != nil {
		return part, fmt.Errorf("listing organisations: %w", err)
	}
	return part, nil
}

// Organisation returns an organisation. The errors: ErrNotGranted for who may not, and registry.ErrNotFound.
func (s *Service) Organisation(ctx context.Context, actor registry.Account, id uuid.UUID) (registry.Organisation, error) {
	if !May(actor.Role, ActManageOrganisations) {
		return registry.Organisation{}, ErrNotGranted
	}
	o, err := s.store.Organisation(ctx, id)
	if err != nil {
		return o, fmt.Errorf("reading an organisation: %w", err)
	}
	return o, nil
}

// Rename gives an organisation another name; o.Revision is the one that the actor saw. The errors: ErrNotGranted for who may not,
// ErrOrganisation, registry.ErrNotFound, and registry.ErrChanged where somebody else was faster.
func (s *Service) Rename(ctx context.Context, actor registry.Account, o registry.Organisation) error {
	if !May(actor.Role, ActManageOrganisations) {
		return ErrNotGranted
	}
	o.Name = strings.TrimSpace(o.Name)
	if o.Name == "" || !writable(o.Name, longestName) {
		return ErrOrganisation
	}
	stored, err := s.store.Organisation(ctx, o.ID)
	switch {
	case err != nil:
		return fmt.Errorf("reading an organisation: %w", err)
	case stored.Revision != o.Revision:
		return registry.ErrChanged
	}
	if err := s.enter(ctx, actor.Login, "organisation_renamed", o.ID, ""); err != nil {
		return err
	}
	if err := s.store.UpdateOrganisation(ctx, o); err != nil {
		return fmt.Errorf("renaming an organisation: %w", err)
	}
	return nil
}
