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
	ActManagePlaces        Act = iota + 1 // make an organisation's places and their codes
	ActGateScan                           // scan people in at one place
	ActTrace                              // take in cases, run traces, read lists
	ActManageAccounts                     // invite others within its reach, and end their sessions
	ActReadAudit                          // read and verify the audit log
	ActKeepAccount                        // keep its own password, second factor and sessions
	ActAdmit                              // admit organisations that ask for an account
	ActManageOrganisations                // list and rename organisations
	ActShowCode                           // show the code of one place, signed anew all the time
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
	pair  bool // its accounts take two who grant them
}

// factsOf is the table of roles. Nobody may everything: who makes every kind of account reads no lists, who reads the audit
// log does nothing else, and a device does nothing but its one thing.
func factsOf(role registry.Role) (facts roleFacts, known bool) {
	switch role {
	case registry.RoleOwner:
		return roleFacts{scope: organisationScope, acts: []Act{ActManagePlaces, ActManageAccounts, ActKeepAccount}}, true
	case registry.RoleGate:
		return roleFacts{scope: placeScope, acts: []Act{ActGateScan}}, true
	case registry.RoleScreen:
		return roleFacts{scope: placeScope, acts: []Act{ActShowCode}}, true
	case registry.RoleWard:
		return roleFacts{scope: areaScope, level: registry.Ward, acts: []Act{ActTrace, ActKeepAccount}, pair: true}, true
	case registry.RoleDistrict:
		return roleFacts{scope: areaScope, level: registry.District, acts: []Act{ActTrace, ActManageAccounts, ActKeepAccount}, pair: true}, true
	case registry.RoleCity:
		return roleFacts{scope: areaScope, level: registry.Province, acts: []Act{ActTrace, ActManageAccounts, ActKeepAccount}, pair: true}, true
	case registry.RoleAdmin:
		return roleFacts{scope: noScope, acts: []Act{ActManageAccounts, ActManageOrganisations, ActAdmit, ActKeepAccount}}, true
	case registry.RoleAuditor:
		return roleFacts{scope: noScope, acts: []Act{ActReadAudit, ActKeepAccount}, pair: true}, true
	}
	return roleFacts{}, false
}

// Roles lists the roles.
func Roles() []registry.Role {
	return []registry.Role{
		registry.RoleOwner, registry.RoleGate, registry.RoleScreen, registry.RoleWard, registry.RoleDistrict, registry.RoleCity,
		registry.RoleAdmin, registry.RoleAuditor,
	}
}

// May says whether a role may do an act. What is no role may nothing.
func May(role registry.Role, act Act) bool {
	facts, _ := factsOf(role)
	return slices.Contains(facts.acts, act)
}

// TakesTwo says whether an account of the role takes two who grant it.
func TakesTwo(role registry.Role) bool {
	facts, _ := factsOf(role)
	return facts.pair
}

// IsDevice says whether accounts of the role are devices at a place, which are enrolled and renewed by nobody.
func IsDevice(role registry.Role) bool {
	facts, _ := factsOf(role)
	return facts.scope == placeScope
}

// Grantable lists the roles that somebody of a role may propose or grant, somewhere.
func Grantable(by registry.Role) []registry.Role {
	return slices.DeleteFunc(Roles(), func(role registry.Role) bool {
		switch {
		case !May(by, ActManageAccounts):
			return true
		case by == registry.RoleAdmin:
			return false
		case by == registry.RoleOwner:
			return role != registry.RoleOwner && !IsDevice(role)
		case by == registry.RoleDistrict:
			return role != registry.RoleDistrict && role != registry.RoleWard
		}
		return !May(role, ActTrace) && role != registry.RoleAuditor
	})
}

// fits says whether the account has the one field set that the scope names, and no other.
func (s scope) fits(a registry.Account) bool {
	return (a.Organisation != uuid.Nil) == (s == organisationScope) &&
		(a.Place != uuid.Nil) == (s == placeScope) &&
		(a.Area != "") == (s == areaScope)
}

// voice is what somebody's word is worth for granting an account.
type voice uint8

// The voices, from the weakest.
const (
	noVoice voice = iota
	witness       // one of two, beside somebody who has the role
	holder        // one of two: has what is granted, or wider
	alone         // enough by itself
)

// voiceOf is the rule of who may grant what, given the areas and the organisation of a gate's place:
//
//   - Nobody grants what they lack. Tracing roles, which open personal details, are granted by a district or a city for
//     their own area and those in it; an administrator has none and is but a witness.
//   - Those roles take two different accounts, of which one at least has the role itself or a wider one. So two
//     administrators make no tracing account, and a city makes none on its own.
//   - The auditor, who watches all others and has what nobody else has, takes two as well, of whom one is a city.
//   - Owners and administrators answer for no personal details: an administrator is enough for them, and for gates. An
//     owner is enough for others of the same organisation and for the gates at its places.
func voiceOf(by registry.Account, wanted registry.Account, g *ground) voice {
	switch {
	case !May(by.Role, ActManageAccounts):
		return noVoice
	case wanted.Role == registry.RoleAuditor:
		switch by.Role {
		case registry.RoleCity:
			return holder
		case registry.RoleAdmin:
			return witness
		}
	case May(wanted.Role, ActTrace):
		if May(by.Role, ActTrace) && g.within(wanted.Area, by.Area) {
			return holder
		}
		if by.Role == registry.RoleAdmin {
			return witness
		}
	case by.Role == registry.RoleAdmin:
		return alone
	case by.Role == registry.RoleOwner && g.organisationOf(wanted) == by.Organisation:
		return alone
	}
	return noVoice
}

// mayStop says whether somebody may disable an account or end its sessions: a tracing account only from above, or an
// administrator; any other whoever may grant it.
func mayStop(by registry.Account, a registry.Account, g *ground) bool {
	if by.ID == a.ID {
		return false
	}
	if May(a.Role, ActTrace) && by.Role != registry.RoleAdmin {
		return voiceOf(by, a, g) == holder && by.Area != a.Area
	}
	return by.Role == registry.RoleAdmin || voiceOf(by, a, g) == alone
}

// ground is what reach is judged by.
type ground struct {
	areas  map[string]registry.Area
	places map[uuid.UUID]uuid.UUID // of the places concerned the organisation
}

// within says whether an area is another one or lies in it.
func (g *ground) within(area, in string) bool {
	if in == "" {
		return false
	}
	for range len(g.areas) + 1 { // no area lies in itself
		if area == in {
			return true
		}
		known, there := g.areas[area]
		if !there {
			return false
		}
		area = known.Parent
	}
	return false
}

// organisationOf returns the organisation that an account belongs to: a device to that of its place; uuid.Nil for none.
func (g *ground) organisationOf(a registry.Account) uuid.UUID {
	if IsDevice(a.Role) {
		return g.places[a.Place]
	}
	return a.Organisation
}
