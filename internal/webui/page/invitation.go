package page

import (
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/registry"
)

// InvitationPath begins the address of an invitation, which ends with its token.
const InvitationPath = "/invitation/"

// MadeInvitation is an invitation that somebody just made or confirmed.
type MadeInvitation struct {
	registry.Invitation
	Link  string // empty where the second person gets it
	Code  string // of a gate's device, to be typed
	Waits bool   // for a second person
}

// Made tells of an invitation. The link is shown in the answer itself: its token is not kept anywhere for a page to come.
func (s *Site) Made(i registry.Invitation, token string) *MadeInvitation {
	m := &MadeInvitation{Invitation: i, Waits: account.TakesTwo(i.Role) && i.Confirmed == uuid.Nil}
	if token == "" {
		return m
	}
	m.Link = s.BaseURL + InvitationPath + token
	if account.IsDevice(i.Role) {
		m.Code = token
	}
	return m
}
