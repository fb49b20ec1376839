package account

import (
	"slices"
	"testing"

	"github.com/truyvet/truyvet/internal/registry"
)

func TestMay(t *testing.T) {
	acts := []Act{ActManagePlaces, ActGateScan, ActTrace, ActManageAccounts, ActReadAudit}
	tests := []struct {
		role registry.Role
		may  []Act
	}{
		{registry.RoleOwner, []Act{ActManagePlaces}},
		{registry.RoleGate, []Act{ActGateScan}},
		{registry.RoleWard, []Act{ActTrace}},
		{registry.RoleDistrict, []Act{ActTrace}},
		{registry.RoleCity, []Act{ActTrace}},
		{registry.RoleAdmin, []Act{ActManageAccounts}},
		{registry.RoleAuditor, []Act{ActReadAudit}},
		{"", nil},
		{"root", nil},
	}
	for _, test := range tests {
		for _, act := range acts {
			if got, want := May(test.role, act), slices.Contains(test.may, act); got != want {
				t.Errorf("%q may do act %d: %v, want %v", test.role, act, got, want)
			}
		}
		for _, unknown := range []Act{0, ActReadAudit + 1} {
			if May(test.role, unknown) {
				t.Errorf("%q may do act %d, which is none", test.role, unknown)
			}
		}
	}
}
