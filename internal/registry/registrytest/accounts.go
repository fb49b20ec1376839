package registrytest

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// Logins are how accounts begin, what they prove, and where they are logged in.
type Logins interface {
	AccountOfKey(ctx context.Context, keyHash []byte) (registry.Account, error)
	SetPassword(ctx context.Context, account uuid.UUID, hash string, spare uuid.UUID) error
	SetDisabled(ctx context.Context, account uuid.UUID, disabled bool) error

	PutSignIn(ctx context.Context, in registry.SignIn) error
	SignIn(ctx context.Context, id uuid.UUID, now int64) (registry.SignIn, registry.Account, error)
	SeeSignIn(ctx context.Context, id uuid.UUID, at int64) error
	SignIns(ctx context.Context, account uuid.UUID, now int64) ([]registry.SignIn, error)
	EndSignIn(ctx context.Context, account, id uuid.UUID) error
	EndSignIns(ctx context.Context, account, spare uuid.UUID) (ended int, err error)

	PutFactor(ctx context.Context, f registry.SecondFactor, recovery [][]byte) error
	Factor(ctx context.Context, account uuid.UUID) (f registry.SecondFactor, recovery int, err error)
	UseStep(ctx context.Context, account uuid.UUID, step int64) error
	UseRecovery(ctx context.Context, account uuid.UUID, hash []byte) (left int, err error)
	DropFactor(ctx context.Context, account uuid.UUID) error

	PutInvitation(ctx context.Context, i registry.Invitation) error
	Invitation(ctx context.Context, id uuid.UUID, now int64) (registry.Invitation, error)
	InvitationOf(ctx context.Context, tokenHash []byte, now int64) (registry.Invitation, error)
	Invitations(ctx context.Context, now int64) ([]registry.Invitation, error)
	Confirm(ctx context.Context, id, by uuid.UUID, tokenHash []byte) error
	DropInvitation(ctx context.Context, id uuid.UUID) error
	Accept(ctx context.Context, id uuid.UUID, a registry.Account, keyHash []byte) error
}

// wantNumber compares the one number that a call gave.
func wantNumber(t *testing.T, want int) func(got int, err error) { return wantValue(t, want) }

func testSignIns(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	in := func(n byte, began int64) registry.SignIn {
		return registry.SignIn{ID: id(0x10, n), Account: officer.ID, Began: began, Seen: began, Expires: began + 100, Browser: "Firefox"}
	}
	first, second, third := in(1, 10), in(2, 20), in(3, 30)
	for _, one := range []registry.SignIn{first, third, second} {
		must(t, s.PutSignIn(ctx, one))
	}
	wantError(t, s.PutSignIn(ctx, first), registry.ErrExists)
	stranger := in(9, 10)
	stranger.Account = id(0xb0, 9)
	wantError(t, s.PutSignIn(ctx, stranger), registry.ErrDangling)
	got, a, err := s.SignIn(ctx, first.ID, 109)
	must(t, err)
	wantValue(t, first)(got, nil)
	wantValue(t, officer)(a, nil)
	for at, gone := range map[int64]uuid.UUID{110: first.ID, 10: id(0x10, 8)} { // the interval is half-open
		_, _, err = s.SignIn(ctx, gone, at)
		wantError(t, err, registry.ErrNotFound)
	}
	must(t, s.SeeSignIn(ctx, second.ID, 25))
	must(t, s.SeeSignIn(ctx, second.ID, 24)) // never back
	must(t, s.SeeSignIn(ctx, id(0x10, 8), 25))
	second.Seen = 25
	wantValue(t, []registry.SignIn{third, second, first})(s.SignIns(ctx, officer.ID, 50))
	wantValue(t, []registry.SignIn{third, second})(s.SignIns(ctx, officer.ID, 110))
	wantError(t, s.EndSignIn(ctx, id(0xb0, 9), first.ID), registry.ErrNotFound)
	must(t, s.EndSignIn(ctx, officer.ID, first.ID))
	wantError(t, s.EndSignIn(ctx, officer.ID, first.ID), registry.ErrNotFound)
	wantNumber(t, 1)(s.EndSignIns(ctx, officer.ID, third.ID))
	wantValue(t, []registry.SignIn{third})(s.SignIns(ctx, officer.ID, 50))
	must(t, s.PutSignIn(ctx, second))
	must(t, s.SetPassword(ctx, officer.ID, "$another", second.ID))
	wantValue(t, []registry.SignIn{second})(s.SignIns(ctx, officer.ID, 50))
	wantError(t, s.SetPassword(ctx, id(0xb0, 9), "$another", uuid.Nil), registry.ErrNotFound)
	changed := officer
	changed.PasswordHash, changed.Disabled = "$another", true
	must(t, s.SetDisabled(ctx, officer.ID, true))
	wantValue(t, changed)(s.Account(ctx, officer.ID))
	wantValue(t, []registry.SignIn{})(s.SignIns(ctx, officer.ID, 50))
	wantError(t, s.SetDisabled(ctx, id(0xb0, 9), true), registry.ErrNotFound)
	must(t, s.PutSignIn(ctx, third))
	must(t, s.DropExpired(ctx, 130))
	wantValue(t, []registry.SignIn{})(s.SignIns(ctx, officer.ID, 0))
}

func testFactors(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	_, _, err := s.Factor(ctx, officer.ID)
	wantError(t, err, registry.ErrNotFound)
	f := registry.SecondFactor{Account: officer.ID, Secret: []byte{1, 0, 255}, Step: 10, Since: 5}
	must(t, s.PutFactor(ctx, f, [][]byte{{1}, {2}, {3}}))
	got, left, err := s.Factor(ctx, officer.ID)
	must(t, err)
	wantValue(t, f)(got, nil)
	wantNumber(t, 3)(left, nil)
	with := officer
	with.SecondFactor = true
	wantValue(t, with)(s.Account(ctx, officer.ID))
	wantValue(t, with)(s.AccountByLogin(ctx, officer.Login))
	wantValue(t, []registry.Account{with})(s.Accounts(ctx))

	wantError(t, s.UseStep(ctx, officer.ID, 10), registry.ErrSpent)
	wantError(t, s.UseStep(ctx, officer.ID, 9), registry.ErrSpent)
	wantError(t, s.UseStep(ctx, id(0xb0, 9), 11), registry.ErrSpent)
	used := 0
	for _, err := range atOnce(8, func(int) error { return s.UseStep(ctx, officer.ID, 11) }) {
		if err == nil {
			used++
		} else {
			wantError(t, err, registry.ErrSpent)
		}
	}
	wantNumber(t, 1)(used, nil)
	used = 0
	for _, err := range atOnce(8, func(int) error { _, err := s.UseRecovery(ctx, officer.ID, []byte{2}); return err }) {
		if err == nil {
			used++
		} else {
			wantError(t, err, registry.ErrNotFound)
		}
	}
	wantNumber(t, 1)(used, nil)
	wantNumber(t, 1)(s.UseRecovery(ctx, officer.ID, []byte{3}))

	f.Secret, f.Step = []byte{7}, 3
	must(t, s.PutFactor(ctx, f, [][]byte{{4}})) // in place of the other
	_, err = s.UseRecovery(ctx, officer.ID, []byte{1})
	wantError(t, err, registry.ErrNotFound)
	got, left, err = s.Factor(ctx, officer.ID)
	must(t, err)
	wantValue(t, f)(got, nil)
	wantNumber(t, 1)(left, nil)
	must(t, s.DropFactor(ctx, officer.ID))
	must(t, s.DropFactor(ctx, officer.ID))
	wantValue(t, officer)(s.Account(ctx, officer.ID))
	wantError(t, s.PutFactor(ctx, registry.SecondFactor{Account: id(0xb0, 9)}, nil), registry.ErrDangling)
}

func testInvitations(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	must(t, s.PutPlaces(ctx, []registry.Place{place(1, uuid.Nil)}))
	wait := registry.Invitation{
		ID: id(0x20, 1), Role: registry.RoleWard, Area: "00001", Note: "Chị Ba", Proposed: officer.ID, Created: 10, Expires: 100,
	}
	ready := registry.Invitation{
		ID: id(0x20, 2), TokenHash: []byte{2}, Role: registry.RoleGate, Place: place(1, uuid.Nil).ID, Proposed: officer.ID, Created: 20, Expires: 110,
	}
	owner := registry.Invitation{
		ID: id(0x20, 3), TokenHash: []byte{3}, Role: registry.RoleOwner, Organisation: organisation.ID, Proposed: officer.ID, Created: 5, Expires: 110,
	}
	for _, i := range []registry.Invitation{wait, ready, owner} {
		must(t, s.PutInvitation(ctx, i))
	}
	same := ready
	same.ID = id(0x20, 4)
	wantError(t, s.PutInvitation(ctx, same), registry.ErrExists)
	same.TokenHash, same.Place = []byte{5}, id(0xc0, 9)
	wantError(t, s.PutInvitation(ctx, same), registry.ErrDangling)
	wantValue(t, []registry.Invitation{ready, wait, owner})(s.Invitations(ctx, 50))
	wantValue(t, []registry.Invitation{ready, owner})(s.Invitations(ctx, 100)) // the interval is half-open
	wantValue(t, wait)(s.Invitation(ctx, wait.ID, 50))
	wantValue(t, ready)(s.InvitationOf(ctx, []byte{2}, 50))
	for _, ask := range []func() (registry.Invitation, error){
		func() (registry.Invitation, error) { return s.Invitation(ctx, wait.ID, 100) },
		func() (registry.Invitation, error) { return s.Invitation(ctx, id(0x20, 9), 50) },
		func() (registry.Invitation, error) { return s.InvitationOf(ctx, []byte{2}, 110) },
		func() (registry.Invitation, error) { return s.InvitationOf(ctx, []byte{9}, 50) },
		func() (registry.Invitation, error) { return s.InvitationOf(ctx, nil, 50) },
	} {
		_, err := ask()
		wantError(t, err, registry.ErrNotFound)
	}
	confirmed := 0
	for _, err := range atOnce(8, func(int) error { return s.Confirm(ctx, wait.ID, officer.ID, []byte{1}) }) {
		if err == nil {
			confirmed++
		} else {
			wantError(t, err, registry.ErrChanged)
		}
	}
	wantNumber(t, 1)(confirmed, nil)
	wait.Confirmed, wait.TokenHash = officer.ID, []byte{1}
	wantValue(t, wait)(s.InvitationOf(ctx, []byte{1}, 50))
	testAccept(t, s, ready, owner)
	wait.ID, wait.Expires = id(0x20, 6), 500
	must(t, s.PutInvitation(ctx, wait))
	must(t, s.SetDisabled(ctx, officer.ID, true))
	wantValue(t, []registry.Invitation{})(s.Invitations(ctx, 0)) // what somebody disabled has proposed is gone
}

// testAccept makes a device of one invitation, and an owner of another, who is renewed.
func testAccept(t *testing.T, s Store, ready, owner registry.Invitation) {
	ctx := t.Context()
	taken := registry.Account{ID: id(0xb0, 7), Login: officer.Login, Role: registry.RoleGate, Place: ready.Place}
	wantError(t, s.Accept(ctx, ready.ID, taken, []byte{77}), registry.ErrExists)
	wantValue(t, ready)(s.Invitation(ctx, ready.ID, 50)) // it is still there
	made := 0
	accounts := make([]registry.Account, 8)
	for i, err := range atOnce(len(accounts), func(i int) error {
		accounts[i] = registry.Account{ID: id(0xb1, byte(i)), Login: "gate" + string(rune('a'+i)), Role: registry.RoleGate, Place: ready.Place, Created: 3}
		return s.Accept(ctx, ready.ID, accounts[i], []byte{88, byte(i)})
	}) {
		if err == nil {
			made++
			wantValue(t, accounts[i])(s.AccountOfKey(ctx, []byte{88, byte(i)}))
			part, err := s.AccountsPart(ctx, registry.AccountFilter{Organisation: organisation.ID}, registry.Cursor{Limit: 9})
			wantValue(t, []registry.Account{accounts[i]})(part.Records, err)
		} else if !errors.Is(err, registry.ErrNotFound) {
			t.Error(err)
		}
	}
	wantNumber(t, 1)(made, nil)
	_, err := s.AccountOfKey(ctx, []byte{99})
	wantError(t, err, registry.ErrNotFound)

	a := registry.Account{ID: id(0xb0, 8), Login: "a", Role: registry.RoleOwner, Organisation: organisation.ID, PasswordHash: "$1", Created: 4}
	must(t, s.Accept(ctx, owner.ID, a, nil))
	must(t, s.PutFactor(ctx, registry.SecondFactor{Account: a.ID, Secret: []byte{1}}, [][]byte{{1}}))
	must(t, s.PutSignIn(ctx, registry.SignIn{ID: id(0x10, 1), Account: a.ID, Expires: 100}))
	must(t, s.SetDisabled(ctx, a.ID, true))
	owner.ID, owner.Renews = id(0x20, 5), a.ID
	must(t, s.PutInvitation(ctx, owner))
	a.PasswordHash = "$2"
	must(t, s.Accept(ctx, owner.ID, a, nil))
	wantValue(t, a)(s.Account(ctx, a.ID)) // neither disabled nor with a second factor
	wantValue(t, []registry.SignIn{})(s.SignIns(ctx, a.ID, 0))
	wantError(t, s.Accept(ctx, owner.ID, a, nil), registry.ErrNotFound)
	must(t, s.PutInvitation(ctx, owner))
	must(t, s.DropInvitation(ctx, owner.ID))
	wantError(t, s.DropInvitation(ctx, owner.ID), registry.ErrNotFound)
	must(t, s.PutInvitation(ctx, owner))
	must(t, s.DropExpired(ctx, owner.Expires))
	wantError(t, s.DropInvitation(ctx, owner.ID), registry.ErrNotFound)
}
