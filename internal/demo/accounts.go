package demo

import (
	"context"
	"fmt"

	"github.com/truyvet/truyvet/internal/registry"
)

// Accounts makes staff accounts.
type Accounts interface {
	Create(ctx context.Context, a registry.Account, password string) (registry.Account, error)
}

// Login is an account with the password that it was made with.
type Login struct {
	Account  registry.Account
	Password string
}

// createAccounts makes one account for each role and returns with them the one that recorded the cases: the district's.
func (d *District) createAccounts(ctx context.Context, accounts Accounts, newPassword func() string) ([]Login, registry.Account, error) {
	var logins []Login
	var author registry.Account
	for _, a := range d.accounts() {
		password := newPassword()
		made, err := accounts.Create(ctx, a, password)
		if err != nil {
			return nil, author, fmt.Errorf("creating the account %s: %w", a.Login, err)
		}
		logins = append(logins, Login{Account: made, Password: password})
		if made.Role == registry.RoleDistrict {
			author = made
		}
	}
	return logins, author, nil
}

// accounts returns the accounts of the demo without ids: the owner of the tour's market, a gate at the hospital, the
// tracing teams of the market's ward, of the district and of the city, an administrator and an auditor. Each login is the
// name of the role.
func (d *District) accounts() []registry.Account {
	accounts := []registry.Account{
		{Role: registry.RoleOwner},
		{Role: registry.RoleGate, Place: d.Tour.Hospital},
		{Role: registry.RoleWard, Area: d.Tour.Ward},
		{Role: registry.RoleDistrict, Area: districtCode},
		{Role: registry.RoleCity, Area: cityCode},
		{Role: registry.RoleAdmin},
		{Role: registry.RoleAuditor},
	}
	for i := range accounts {
		accounts[i].Login = string(accounts[i].Role)
	}
	for i := range d.Places {
		if d.Places[i].ID == d.Tour.Market {
			accounts[0].Organisation = d.Places[i].Organisation
		}
	}
	return accounts
}
