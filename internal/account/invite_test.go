package account

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// office is a bench with an account of each role that invites.
type office struct {
	*bench
	admin, admin2, city, district, ward, owner registry.Account
}

func newOffice(t *testing.T) *office {
	t.Helper()
	b := newBench(t)
	return &office{
		bench:    b,
		admin:    b.make(t, registry.Account{Login: "admin", Role: registry.RoleAdmin}),
		admin2:   b.make(t, registry.Account{Login: "admin2", Role: registry.RoleAdmin}),
		city:     b.make(t, registry.Account{Login: "city", Role: registry.RoleCity, Area: "01"}),
		district: b.make(t, registry.Account{Login: "district", Role: registry.RoleDistrict, Area: "001"}),
		ward:     b.make(t, registry.Account{Login: "ward", Role: registry.RoleWard, Area: "00001"}),
		owner:    b.make(t, registry.Account{Login: "owner", Role: registry.RoleOwner, Organisation: b.organisation}),
	}
}

// address is where the invited are.
const address = "203.0.113.9"

func (o *office) invite(t *testing.T, by registry.Account, w Wish) (registry.Invitation, string) {
	t.Helper()
	i, token, err := o.Invite(t.Context(), by, w)
	if err != nil {
		t.Fatal(err)
	}
	return i, token
}

func TestInvitationByOne(t *testing.T) {
	o := newOffice(t)
	i, token := o.invite(t, o.admin, Wish{Role: registry.RoleOwner, Organisation: o.organisation, Note: " chị Tư "})
	if token == "" || i.Note != "chị Tư" || strings.Contains(strings.Join(o.told(), ""), "chị Tư") {
		t.Errorf("the invitation is %+v", i)
	}
	stored, err := o.store.Invitation(t.Context(), i.ID, 0)
	if err != nil || strings.Contains(string(stored.TokenHash), token) || len(stored.TokenHash) != 32 {
		t.Errorf("it is stored as %+v, %v", stored, err)
	}
	if got, err := o.Open(t.Context(), strings.ToUpper(strings.ReplaceAll(token, "-", " ")), address); err != nil || got.ID != i.ID || got.Login != "" {
		t.Errorf("opened as it was typed: %+v, %v", got, err)
	}
	for _, c := range []struct {
		token, login, password string
		want                   error
	}{
		{"aaaaa-aaaaa-aaaaa-aaaaa", "tu", password, ErrInvitation},
		{"", "tu", password, ErrInvitation},
		{token, "t", password, ErrLogin},
		{token, "tu", "short", ErrPassword},
		{token, "Admin", password, ErrLoginTaken},
	} {
		if _, err := o.Accept(t.Context(), c.token, address, c.login, c.password); !errors.Is(err, c.want) {
			t.Errorf("%+v gives %v", c, err)
		}
	}
	made, err := o.Accept(t.Context(), token, address, " Tu ", password)
	if err != nil || made.Login != "tu" || made.Role != registry.RoleOwner || made.Organisation != o.organisation || made.PasswordHash != "" {
		t.Fatalf("it made %+v, %v", made, err)
	}
	if in, err := o.try(t.Context(), "tu", password); err != nil || in != made {
		t.Errorf("logging in gives %+v, %v", in, err)
	}
	if _, err := o.Accept(t.Context(), token, address, "tu2", password); !errors.Is(err, ErrInvitation) {
		t.Errorf("it works twice: %v", err)
	}
}

func TestInvitationsEnd(t *testing.T) {
	o := newOffice(t)
	i, token := o.invite(t, o.admin, Wish{Role: registry.RoleAdmin})
	o.advance(InvitationLifetime - time.Second)
	if _, err := o.Open(t.Context(), token, address); err != nil {
		t.Error(err)
	}
	o.advance(time.Second)
	if _, err := o.Accept(t.Context(), token, address, "late", password); !errors.Is(err, ErrInvitation) {
		t.Errorf("after its end: %v", err)
	}
	i, token = o.invite(t, o.admin, Wish{Role: registry.RoleAdmin})
	if err := o.Withdraw(t.Context(), o.owner, i.ID); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("somebody without a voice withdrew it: %v", err)
	}
	if err := o.Withdraw(t.Context(), o.admin2, i.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Open(t.Context(), token, address); !errors.Is(err, ErrInvitation) {
		t.Errorf("withdrawn: %v", err)
	}
	_, token = o.invite(t, o.admin, Wish{Role: registry.RoleAdmin})
	if err := o.Disable(t.Context(), o.admin2, o.admin.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Open(t.Context(), token, address); !errors.Is(err, ErrInvitation) {
		t.Errorf("of somebody who was disabled: %v", err)
	}
}

// TestTwoGrantTracingAccounts has every pair propose and confirm, and wants the link with who has the role and nobody else.
func TestTwoGrantTracingAccounts(t *testing.T) {
	o := newOffice(t)
	ward := Wish{Role: registry.RoleWard, Area: "00001"}
	for _, c := range []struct {
		name              string
		proposes          registry.Account
		confirms          registry.Account
		wish              Wish
		proposer, refused error // of proposing, and of confirming
	}{
		{"admin and city", o.admin, o.city, ward, nil, nil},
		{"city and admin", o.city, o.admin, ward, nil, nil},
		{"district and city", o.district, o.city, ward, nil, nil},
		{"city and district", o.city, o.district, ward, nil, nil},
		{"two administrators", o.admin, o.admin2, ward, nil, ErrNotGranted},
		{"the same person", o.city, o.city, ward, nil, ErrSamePerson},
		{"an administrator alone", o.admin, o.admin, ward, nil, ErrSamePerson},
		{"a ward proposes", o.ward, o.city, ward, ErrNotGranted, nil},
		{"a ward confirms", o.city, o.ward, ward, nil, registry.ErrNotFound},
		{"an owner confirms", o.city, o.owner, ward, nil, registry.ErrNotFound},
		{"a district makes a city", o.district, o.admin, Wish{Role: registry.RoleCity, Area: "01"}, ErrNotGranted, nil},
		{"a district helps make a city", o.admin, o.district, Wish{Role: registry.RoleCity, Area: "01"}, nil, registry.ErrNotFound},
		{"another city", o.city, o.admin, Wish{Role: registry.RoleCity, Area: "01"}, nil, nil},
		{"an auditor", o.admin, o.city, Wish{Role: registry.RoleAuditor}, nil, nil},
		{"an auditor of administrators", o.admin, o.admin2, Wish{Role: registry.RoleAuditor}, nil, ErrNotGranted},
		{"an auditor of a district", o.district, o.admin, Wish{Role: registry.RoleAuditor}, ErrNotGranted, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			i, token, err := o.Invite(t.Context(), c.proposes, c.wish)
			if !errors.Is(err, c.proposer) {
				t.Fatalf("proposing gives %v", err)
			}
			if c.proposer != nil {
				return
			}
			hasIt := c.proposes.Role != registry.RoleAdmin
			if (token != "") != hasIt {
				t.Errorf("the proposer has the link: %v", token != "")
			}
			if token != "" {
				if _, err := o.Accept(t.Context(), token, address, "early", password); !errors.Is(err, ErrUnconfirmed) {
					t.Errorf("before it was confirmed: %v", err)
				}
			}
			second, err := o.Confirm(t.Context(), c.confirms, i.ID)
			if !errors.Is(err, c.refused) {
				t.Fatalf("confirming gives %v", err)
			}
			if c.refused != nil {
				if second != "" {
					t.Error("who was refused has the link")
				}
				return
			}
			if (second != "") == hasIt {
				t.Errorf("the second has the link: %v", second != "")
			}
			if _, err := o.Confirm(t.Context(), c.confirms, i.ID); !errors.Is(err, registry.ErrChanged) {
				t.Errorf("confirming twice: %v", err)
			}
			login := strings.ReplaceAll(c.name, " ", "-")
			made, err := o.Accept(t.Context(), token+second, address, login, password)
			if err != nil || made.Role != c.wish.Role || made.Area != c.wish.Area {
				t.Errorf("it made %+v, %v", made, err)
			}
		})
		o.advance(time.Minute)
	}
}

func TestInviteRefuses(t *testing.T) {
	o := newOffice(t)
	other := registry.Organisation{ID: uuid.New(), Name: "Khác"}
	if err := o.store.PutOrganisation(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		by   registry.Account
		wish Wish
		want error
	}{
		"a ward invites":               {o.ward, Wish{Role: registry.RoleWard, Area: "00001"}, ErrNotGranted},
		"an owner makes an admin":      {o.owner, Wish{Role: registry.RoleAdmin}, ErrNotGranted},
		"an owner of another":          {o.owner, Wish{Role: registry.RoleOwner, Organisation: other.ID}, ErrNotGranted},
		"a city makes an admin":        {o.city, Wish{Role: registry.RoleAdmin}, ErrNotGranted},
		"a city makes an owner":        {o.city, Wish{Role: registry.RoleOwner, Organisation: o.organisation}, ErrNotGranted},
		"a role that does not exist":   {o.admin, Wish{Role: "root"}, ErrRole},
		"a ward of a district's area":  {o.city, Wish{Role: registry.RoleWard, Area: "001"}, ErrRole},
		"a ward with an organisation":  {o.city, Wish{Role: registry.RoleWard, Area: "00001", Organisation: o.organisation}, ErrRole},
		"a gate nowhere":               {o.admin, Wish{Role: registry.RoleGate}, ErrRole},
		"a long note":                  {o.admin, Wish{Role: registry.RoleAdmin, Note: strings.Repeat("ợ", 101)}, ErrNote},
		"a broken note":                {o.admin, Wish{Role: registry.RoleAdmin, Note: "\xff"}, ErrNote},
		"to renew oneself":             {o.admin, Wish{Renews: o.admin.ID}, ErrNotGranted},
		"to renew nobody":              {o.admin, Wish{Renews: uuid.New()}, registry.ErrNotFound},
		"an owner renews a city":       {o.owner, Wish{Renews: o.city.ID}, registry.ErrNotFound},
		"a district renews its city":   {o.district, Wish{Renews: o.city.ID}, registry.ErrNotFound},
		"an organisation that is none": {o.admin, Wish{Role: registry.RoleOwner, Organisation: uuid.New()}, registry.ErrDangling},
	} {
		if _, token, err := o.Invite(t.Context(), c.by, c.wish); !errors.Is(err, c.want) || token != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for range mostInvited {
		o.invite(t, o.admin, Wish{Role: registry.RoleAdmin})
	}
	if _, _, err := o.Invite(t.Context(), o.admin, Wish{Role: registry.RoleAdmin}); !errors.Is(err, ErrManyInvited) {
		t.Errorf("one more: %v", err)
	}
	o.invite(t, o.admin2, Wish{Role: registry.RoleAdmin})
}

// TestRenewal gives somebody who has lost all a new password, by the rule of who may grant the account.
func TestRenewal(t *testing.T) {
	o := newOffice(t)
	session := o.login(t, o.city)
	_, recovery := o.enrolled(t, session)
	i, token := o.invite(t, o.admin, Wish{Renews: o.city.ID})
	if token != "" {
		t.Error("an administrator has the link to a city's account")
	}
	if _, err := o.Confirm(t.Context(), o.city, i.ID); !errors.Is(err, ErrSamePerson) {
		t.Errorf("who is renewed confirms it: %v", err)
	}
	if _, err := o.Confirm(t.Context(), o.admin2, i.ID); !errors.Is(err, ErrNotGranted) {
		t.Errorf("another administrator confirms it: %v", err)
	}
	city2 := o.make(t, registry.Account{Login: "city2", Role: registry.RoleCity, Area: "01"})
	token, err := o.Confirm(t.Context(), city2, i.ID)
	if err != nil {
		t.Fatal(err)
	}
	const next = "a password of the renewed"
	if got, err := o.Open(t.Context(), token, address); err != nil || got.Login != "city" {
		t.Errorf("the invited sees %+v, %v", got, err)
	}
	made, err := o.Accept(t.Context(), token, address, "another-login", next)
	if err != nil || made.ID != o.city.ID || made.Login != "city" {
		t.Fatalf("it renewed %+v, %v", made, err)
	}
	o.wantEnded(t, session)
	if _, err := o.try(t.Context(), "city", password); !errors.Is(err, ErrWrongLogin) {
		t.Errorf("the old password: %v", err)
	}
	if a, err := o.try(t.Context(), "city", next); err != nil || a.SecondFactor {
		t.Errorf("the new one gives %+v, %v", a, err)
	}
	if err := o.prove(t, o.city, recovery[0]); !errors.Is(err, ErrWrongCode) {
		t.Errorf("an old recovery code: %v", err)
	}
}

func TestOffers(t *testing.T) {
	o := newOffice(t)
	ward, _ := o.invite(t, o.admin, Wish{Role: registry.RoleWard, Area: "00001"})
	gate, _ := o.invite(t, o.owner, Wish{Role: registry.RoleGate, Place: o.place})
	see := func(a registry.Account) (ids []uuid.UUID, confirmable int) {
		offers, err := o.Offers(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		for _, offer := range offers {
			ids = append(ids, offer.ID)
			if offer.MayConfirm {
				confirmable++
			}
		}
		return ids, confirmable
	}
	for _, c := range []struct {
		name    string
		who     registry.Account
		want    []uuid.UUID
		confirm int
	}{
		{"admin", o.admin, []uuid.UUID{ward.ID, gate.ID}, 0},
		{"admin2", o.admin2, []uuid.UUID{ward.ID, gate.ID}, 0},
		{"city", o.city, []uuid.UUID{ward.ID}, 1},
		{"district", o.district, []uuid.UUID{ward.ID}, 1},
		{"ward", o.ward, nil, 0},
		{"owner", o.owner, []uuid.UUID{gate.ID}, 0},
	} {
		ids, confirm := see(c.who)
		if len(ids) != len(c.want) || confirm != c.confirm || slices.ContainsFunc(c.want, func(id uuid.UUID) bool { return !slices.Contains(ids, id) }) {
			t.Errorf("%s sees %v and may confirm %d, want %v and %d", c.name, ids, confirm, c.want, c.confirm)
		}
	}
}

func TestDevice(t *testing.T) {
	o := newOffice(t)
	_, token := o.invite(t, o.owner, Wish{Role: registry.RoleGate, Place: o.place})
	if _, err := o.Accept(t.Context(), token, address, "guard", password); !errors.Is(err, ErrRole) {
		t.Errorf("a gate with a password: %v", err)
	}
	_, person := o.invite(t, o.admin, Wish{Role: registry.RoleAdmin})
	if _, _, err := o.EnrolDevice(t.Context(), person, address); !errors.Is(err, ErrRole) {
		t.Errorf("a device as an administrator: %v", err)
	}
	var group sync.WaitGroup
	keys := make([]string, 4)
	for i := range keys { // one alone gets in
		group.Go(func() { _, keys[i], _ = o.EnrolDevice(context.WithoutCancel(t.Context()), token, address) })
	}
	group.Wait()
	keys = slices.DeleteFunc(keys, func(key string) bool { return key == "" })
	if len(keys) != 1 {
		t.Fatalf("%d devices were enrolled with one code", len(keys))
	}
	gate, err := o.Device(t.Context(), keys[0])
	if err != nil || gate.Role != registry.RoleGate || gate.Place != o.place || !strings.HasPrefix(gate.Login, "gate-") {
		t.Fatalf("the device is %+v, %v", gate, err)
	}
	for _, forged := range []string{"", "tvg_", keys[0] + "x", keys[0][:len(keys[0])-1] + "_", strings.ToUpper(keys[0]), strings.TrimPrefix(keys[0], "tvg_")} {
		if _, err := o.Device(t.Context(), forged); forged != keys[0] && !errors.Is(err, ErrNotLoggedIn) {
			t.Errorf("the key %q: %v", forged, err)
		}
	}
	for _, typed := range []string{"", keys[0], password} {
		if _, err := o.try(t.Context(), gate.Login, typed); !errors.Is(err, ErrWrongLogin) {
			t.Errorf("a device logs in with a password: %v", err)
		}
	}
	session := o.login(t, gate)
	if err := o.Disable(t.Context(), o.owner, gate.ID); err != nil {
		t.Fatal(err)
	}
	o.wantEnded(t, session)
	if _, err := o.Device(t.Context(), keys[0]); !errors.Is(err, ErrNotLoggedIn) {
		t.Errorf("a revoked key: %v", err)
	}
	told := strings.Join(o.told(), "\n")
	for _, want := range []string{"device_enrolled", "owner device_revoked gate"} {
		if !strings.Contains(told, want) {
			t.Errorf("%q is not entered: %s", want, told)
		}
	}
	if strings.Contains(told, keys[0]) || strings.Contains(told, token) {
		t.Error("a key or a code stands in the audit log")
	}
}

func TestManage(t *testing.T) {
	o := newOffice(t)
	logins := func(a registry.Account) string {
		list, err := o.Visible(t.Context(), a, registry.Cursor{Limit: 20})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, a := range list.Records {
			names = append(names, a.Login)
			if a.PasswordHash != "" {
				t.Error("a hash got out")
			}
		}
		return strings.Join(names, " ")
	}
	for _, c := range []struct {
		who  registry.Account
		want string
	}{
		{o.admin, "admin admin2 city district owner ward"},
		{o.city, "city district ward"},
		{o.district, "district ward"},
		{o.ward, ""},
		{o.owner, "owner"},
	} {
		if got := logins(c.who); got != c.want {
			t.Errorf("%s sees %q, want %q", c.who.Login, got, c.want)
		}
	}
	session := o.login(t, o.ward)
	if err := o.Disable(t.Context(), o.district, o.ward.ID); err != nil {
		t.Fatal(err)
	}
	o.wantEnded(t, session)
	if _, err := o.try(t.Context(), "ward", password); !errors.Is(err, ErrWrongLogin) {
		t.Errorf("a disabled account: %v", err)
	}
	for _, by := range []registry.Account{o.district, o.city, o.admin} { // what takes two is not given back by one
		if err := o.Enable(t.Context(), by, o.ward.ID); !errors.Is(err, ErrNotGranted) {
			t.Errorf("%s enables a ward: %v", by.Login, err)
		}
	}
	if err := o.Disable(t.Context(), o.admin, o.owner.ID); err != nil {
		t.Fatal(err)
	}
	if err := o.Enable(t.Context(), o.admin, o.owner.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := o.try(t.Context(), "owner", password); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"oneself": o.Disable(t.Context(), o.admin, o.admin.ID), "a peer": o.Disable(t.Context(), o.city, o.city.ID),
	} {
		if !errors.Is(err, ErrNotGranted) {
			t.Errorf("%s was disabled: %v", name, err)
		}
	}
	for _, beyond := range []uuid.UUID{o.city.ID, o.admin.ID, uuid.New()} {
		if err := o.Disable(t.Context(), o.district, beyond); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("beyond reach: %v", err)
		}
		if _, err := o.SignIns(t.Context(), o.district, beyond); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("sessions beyond reach: %v", err)
		}
		if _, err := o.Sight(t.Context(), o.district, beyond); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("an account beyond reach: %v", err)
		}
	}
}

// TestCommandLine holds what one person may do who has the server: begin, and begin anew.
func TestCommandLine(t *testing.T) {
	b := newBench(t)
	for role, want := range map[registry.Role]error{
		registry.RoleCity: nil, registry.RoleAdmin: nil, registry.RoleOwner: nil, registry.RoleGate: nil,
		registry.RoleWard: ErrTakesTwo, registry.RoleDistrict: ErrTakesTwo, registry.RoleAuditor: ErrTakesTwo,
	} {
		if err := b.CheckAlone(t.Context(), role); !errors.Is(err, want) {
			t.Errorf("the first %s: %v", role, err)
		}
	}
	city := b.make(t, registry.Account{Login: "city", Role: registry.RoleCity, Area: "01"})
	const next = "another good password"
	if err := b.CheckAlone(t.Context(), registry.RoleCity); !errors.Is(err, ErrTakesTwo) {
		t.Errorf("a second city: %v", err)
	}
	if err := b.Renew(t.Context(), city, next); !errors.Is(err, ErrTakesTwo) {
		t.Errorf("renewing a city that can log in: %v", err)
	}
	session := b.login(t, city)
	if err := b.Switch(t.Context(), city, true); err != nil {
		t.Fatal(err)
	}
	b.wantEnded(t, session)
	if err := b.Renew(t.Context(), city, next); err != nil {
		t.Fatal(err)
	}
	if _, err := b.try(t.Context(), "city", next); err != nil {
		t.Error(err)
	}
	if found, err := b.ByLogin(t.Context(), " CITY "); err != nil || found.ID != city.ID || found.PasswordHash != "" {
		t.Errorf("found %+v, %v", found, err)
	}
	b.login(t, city)
	if ended, err := b.StopSessions(t.Context(), city); err != nil || ended != 1 {
		t.Errorf("%d were ended, %v", ended, err)
	}
}
