package account

import (
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// Act is something that an account may do, or not, because of its role. To whom or where it may do it follows from the
// account's scope: its organisation, place or area.
type Act uint8

// The acts.
const (
	ActManagePlaces   Act = iota + 1 // make an organisation's places and their codes
	ActGateScan                      // scan people in at one place
	ActTrace                         // take in cases, run traces, read lists
	ActManageAccounts                // make accounts
	ActReadAudit                     // read and verify the audit log
)

// scope is which field of an account says what its role is for.
type scope uint8

const (
	noScope scope = iota
	organisationScope
	placeScope
	areaScope
)

// roleFacts is what a role is.
type roleFacts struct {
	scope scope
	level registry.Level // of the area, where the scope is one
	acts  []Act
}

// factsOf is the table of roles. Nobody may everything: who makes accounts reads no lists, and who reads the audit log
// does nothing that it records.
func factsOf(role registry.Role) (facts roleFacts, known bool) {
	switch role {
	case registry.RoleOwner:
		return roleFacts{scope: organisationScope, acts: []Act{ActManagePlaces}}, true
	case registry.RoleGate:
		return roleFacts{scope: placeScope, acts: []Act{ActGateScan}}, true
	case registry.RoleWard:
		return roleFacts{scope: areaScope, level: registry.Ward, acts: []Act{ActTrace}}, true
	case registry.RoleDistrict:
		return roleFacts{scope: areaScope, level: registry.District, acts: []Act{ActTrace}}, true
	case registry.RoleCity:
		return roleFacts{scope: areaScope, level: registry.Province, acts: []Act{ActTrace}}, true
	case registry.RoleAdmin:
		return roleFacts{scope: noScope, acts: []Act{ActManageAccounts}}, true
	case registry.RoleAuditor:
		return roleFacts{scope: noScope, acts: []Act{ActReadAudit}}, true
	}
	return roleFacts{}, false
}

// May says whether a role may do an act. What is no role may nothing.
func May(role registry.Role, act Act) bool {
	facts, _ := factsOf(role)
	return slices.Contains(facts.acts, act)
}

// MayGrant says whether somebody of the role by may make accounts of a role. Who makes accounts reads no lists, and could
// make a reader of lists of themselves: tracing roles come from the command line alone. Whether role is one at all is for
// Create to say.
func MayGrant(by, role registry.Role) bool {
	return May(by, ActManageAccounts) && !May(role, ActTrace)
}

// fits says whether the account has the one field set that the scope names, and no other.
func (s scope) fits(a registry.Account) bool {
	return (a.Organisation != uuid.Nil) == (s == organisationScope) &&
		(a.Place != uuid.Nil) == (s == placeScope) &&
		(a.Area != "") == (s == areaScope)
}
