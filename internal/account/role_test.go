package account

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

func TestMay(t *testing.T) {
	acts := []Act{ActManagePlaces, ActGateScan, ActTrace, ActManageAccounts, ActReadAudit, ActKeepAccount, ActAdmit, ActManageOrganisations}
	tests := []struct {
		role registry.Role
		may  []Act
	}{
		{registry.RoleOwner, []Act{ActManagePlaces, ActManageAccounts, ActKeepAccount}},
		{registry.RoleGate, []Act{ActGateScan}},
		{registry.RoleWard, []Act{ActTrace, ActKeepAccount}},
		{registry.RoleDistrict, []Act{ActTrace, ActManageAccounts, ActKeepAccount}},
		{registry.RoleCity, []Act{ActTrace, ActManageAccounts, ActKeepAccount}},
		{registry.RoleAdmin, []Act{ActManageAccounts, ActManageOrganisations, ActAdmit, ActKeepAccount}},
		{registry.RoleAuditor, []Act{ActReadAudit, ActKeepAccount}},
		{"", nil},
		{"root", nil},
	}
	for _, test := range tests {
		for _, act := range acts {
			if got, want := May(test.role, act), slices.Contains(test.may, act); got != want {
				t.Errorf("%q may do act %d: %v, want %v", test.role, act, got, want)
			}
		}
		for _, unknown := range []Act{0, ActManageOrganisations + 1} {
			if May(test.role, unknown) {
				t.Errorf("%q may do act %d, which is none", test.role, unknown)
			}
		}
	}
}

// people are an account for each scope of a country of two cities, and two organisations.
func people() (map[string]registry.Account, *ground) {
	mine, theirs := uuid.New(), uuid.New()
	place, other := uuid.New(), uuid.New()
	g := &ground{
		areas: map[string]registry.Area{
			"01": {Code: "01"}, "02": {Code: "02"}, "001": {Code: "001", Parent: "01"}, "002": {Code: "002", Parent: "01"},
			"00001": {Code: "00001", Parent: "001"}, "00002": {Code: "00002", Parent: "002"}, "00003": {Code: "00003", Parent: "02"},
		},
		places: map[uuid.UUID]uuid.UUID{place: mine, other: theirs},
	}
	return map[string]registry.Account{
		"owner":       {ID: uuid.New(), Role: registry.RoleOwner, Organisation: mine},
		"other owner": {ID: uuid.New(), Role: registry.RoleOwner, Organisation: theirs},
		"gate":        {ID: uuid.New(), Role: registry.RoleGate, Place: place},
		"other gate":  {ID: uuid.New(), Role: registry.RoleGate, Place: other},
		"ward":        {ID: uuid.New(), Role: registry.RoleWard, Area: "00001"},
		"far ward":    {ID: uuid.New(), Role: registry.RoleWard, Area: "00003"},
		"district":    {ID: uuid.New(), Role: registry.RoleDistrict, Area: "001"},
		"district 2":  {ID: uuid.New(), Role: registry.RoleDistrict, Area: "002"},
		"city":        {ID: uuid.New(), Role: registry.RoleCity, Area: "01"},
		"other city":  {ID: uuid.New(), Role: registry.RoleCity, Area: "02"},
		"admin":       {ID: uuid.New(), Role: registry.RoleAdmin},
		"auditor":     {ID: uuid.New(), Role: registry.RoleAuditor},
	}, g
}

// TestVoices holds the rule of who may grant what, as a table: who is not in it has no voice.
func TestVoices(t *testing.T) {
	everybody, g := people()
	want := map[string]map[string]voice{
		"owner":       {"owner": alone, "gate": alone},
		"other owner": {"other owner": alone, "other gate": alone},
		"district":    {"district": holder, "ward": holder},
		"district 2":  {"district 2": holder},
		"city":        {"city": holder, "district": holder, "district 2": holder, "ward": holder, "auditor": holder},
		"other city":  {"other city": holder, "far ward": holder, "auditor": holder},
		"admin": {
			"owner": alone, "other owner": alone, "gate": alone, "other gate": alone, "admin": alone, "ward": witness, "far ward": witness,
			"district": witness, "district 2": witness, "city": witness, "other city": witness, "auditor": witness,
		},
	}
	for name, by := range everybody {
		for granted, a := range everybody {
			if got := voiceOf(by, a, g); got != want[name][granted] {
				t.Errorf("%s has the voice %d for %s, want %d", name, got, granted, want[name][granted])
			}
			if voiceOf(by, a, g) == alone && TakesTwo(a.Role) {
				t.Errorf("%s grants %s alone", name, granted)
			}
			if voiceOf(by, a, g) != noVoice && !slices.Contains(Grantable(by.Role), a.Role) {
				t.Errorf("%s is not offered to grant %s", name, granted)
			}
		}
	}
	if g.within("00001", "") || g.within("nowhere", "01") || (&ground{areas: map[string]registry.Area{"a": {Parent: "a"}}}).within("a", "b") {
		t.Error("what is nowhere lies somewhere")
	}
}

// TestStops holds who may disable whom: nobody themselves, tracing accounts only from above.
func TestStops(t *testing.T) {
	everybody, g := people()
	everybody["peer"] = registry.Account{ID: uuid.New(), Role: registry.RoleDistrict, Area: "001"}
	everybody["partner"] = registry.Account{ID: uuid.New(), Role: registry.RoleOwner, Organisation: everybody["owner"].Organisation}
	want := map[string][]string{
		"owner": {"gate", "partner"}, "partner": {"gate", "owner"}, "other owner": {"other gate"},
		"district": {"ward"}, "peer": {"ward"}, "city": {"district", "district 2", "peer", "ward"}, "other city": {"far ward"},
		"admin": {
			"auditor", "city", "district", "district 2", "far ward", "gate", "other city", "other gate", "other owner", "owner",
			"partner", "peer", "ward",
		},
	}
	for name, by := range everybody {
		var stops []string
		for stopped, a := range everybody {
			if mayStop(by, a, g) {
				stops = append(stops, stopped)
				if !sees(by, a, g) {
					t.Errorf("%s stops %s without seeing them", name, stopped)
				}
			}
		}
		slices.Sort(stops)
		if !slices.Equal(stops, want[name]) {
			t.Errorf("%s may stop %v, want %v", name, stops, want[name])
		}
	}
}
