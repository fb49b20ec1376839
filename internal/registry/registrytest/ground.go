package registrytest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

func testAreas(t *testing.T, s Store) {
	ctx := t.Context()
	wantValue(t, []registry.Area{})(s.Areas(ctx))
	must(t, s.PutAreas(ctx, areas))
	wantValue(t, areas)(s.Areas(ctx))

	renamed := areas[0]
	renamed.Name = "Phường Hồng Hà"
	renamed.Parent = "01" // a ward may lie in the city at once
	must(t, s.PutAreas(ctx, []registry.Area{renamed}))
	now := []registry.Area{renamed, areas[1], areas[2], areas[3]}
	wantValue(t, now)(s.Areas(ctx))

	fresh := registry.Area{Code: "00006", Level: registry.Ward, Parent: "001", Name: "Phường Vĩnh Phúc"}
	refused := []struct {
		name string
		area registry.Area
		want error
	}{
		{"no level", registry.Area{Code: "x", Level: "hamlet", Name: "?"}, registry.ErrAreas},
		{"no code", registry.Area{Level: registry.Province, Name: "?"}, registry.ErrAreas},
		{"a parent of its own level", registry.Area{Code: "002", Level: registry.District, Parent: "001", Name: "?"}, registry.ErrAreas},
		{"a parent beneath it", registry.Area{Code: "01", Level: registry.Province, Parent: "001", Name: "?"}, registry.ErrAreas},
		{"a parent that is nowhere", registry.Area{Code: "002", Level: registry.District, Parent: "99", Name: "?"}, registry.ErrDangling},
	}
	for _, test := range refused {
		err := s.PutAreas(ctx, []registry.Area{fresh, test.area})
		wantError(t, err, test.want)
		var fault *registry.AreaFault
		if !errors.As(err, &fault) {
			t.Errorf("%s: the error does not say which area: %v", test.name, err)
		}
	}
	wantValue(t, now)(s.Areas(ctx)) // nothing of what was refused
}

func testOrganisations(t *testing.T, s Store) {
	ctx := t.Context()
	wantValue(t, []registry.Organisation{})(s.Organisations(ctx))
	must(t, s.PutOrganisation(ctx, organisation))
	other := organisation
	other.Name = "Another"
	wantError(t, s.PutOrganisation(ctx, other), registry.ErrExists)
	other.ID = id(0xa0, 2)
	must(t, s.PutOrganisation(ctx, other))
	wantValue(t, []registry.Organisation{other, organisation})(s.Organisations(ctx))

	renamed := other
	renamed.Name = "Chợ Đồng Xuân"
	for _, err := range atOnce(4, func(int) error { return ignoring(s.UpdateOrganisation(ctx, renamed), registry.ErrChanged) }) {
		must(t, err)
	}
	renamed.Revision++
	wantValue(t, renamed)(s.Organisation(ctx, other.ID))
	wantError(t, s.UpdateOrganisation(ctx, other), registry.ErrChanged)
	nobody := registry.Organisation{ID: id(0xa0, 9)}
	wantError(t, s.UpdateOrganisation(ctx, nobody), registry.ErrNotFound)
	_, err := s.Organisation(ctx, nobody.ID)
	wantError(t, err, registry.ErrNotFound)
	wantValue(t, []registry.Organisation{organisation, renamed})(s.Organisations(ctx))
}

func testAccounts(t *testing.T, s Store) {
	ctx := t.Context()
	ground(t, s)
	must(t, s.PutPlaces(ctx, []registry.Place{place(1, uuid.Nil)}))
	owner := registry.Account{
		ID: id(0xb0, 2), Login: "owner", Role: registry.RoleOwner, Organisation: organisation.ID, PasswordHash: "$1", Created: 5,
	}
	gate := registry.Account{
		ID: id(0xb0, 3), Login: "gate", Role: registry.RoleGate, Place: id(0xc0, 1), PasswordHash: "$2", Created: 6, Disabled: true,
	}
	must(t, s.PutAccount(ctx, owner))
	must(t, s.PutAccount(ctx, gate))
	wantValue(t, owner)(s.Account(ctx, owner.ID))
	wantValue(t, gate)(s.AccountByLogin(ctx, "gate"))
	wantValue(t, []registry.Account{officer, gate, owner})(s.Accounts(ctx))

	_, err := s.AccountByLogin(ctx, "nobody")
	wantError(t, err, registry.ErrNotFound)
	_, err = s.Account(ctx, id(0xb0, 9))
	wantError(t, err, registry.ErrNotFound)

	again := owner
	again.ID = id(0xb0, 4)
	wantError(t, s.PutAccount(ctx, again), registry.ErrExists)
	again.Login = "owner2"
	again.Organisation = id(0xa0, 9)
	wantError(t, s.PutAccount(ctx, again), registry.ErrDangling)

	begun := registry.Organisation{ID: again.Organisation, Name: "Bến xe", Created: 7}
	taken := again
	taken.Login = owner.Login
	wantError(t, s.PutAccount(ctx, taken, begun), registry.ErrExists)
	wantValue(t, []registry.Organisation{organisation})(s.Organisations(ctx)) // not without its account
	must(t, s.PutAccount(ctx, again, begun))
	wantValue(t, again)(s.Account(ctx, again.ID))
	wantValue(t, []registry.Organisation{begun, organisation})(s.Organisations(ctx))
}

func testSessions(t *testing.T, s Store, sessions Sessions) {
	ctx := t.Context()
	hour := time.Now().Add(time.Hour)
	find := func(token string, want []byte) {
		t.Helper()
		data, found, err := sessions.FindCtx(ctx, token)
		must(t, err)
		if found != (want != nil) || !bytes.Equal(data, want) {
			t.Errorf("session %q: %q, %v; want %q", token, data, found, want)
		}
	}
	find("a", nil)
	must(t, sessions.CommitCtx(ctx, "a", []byte("one"), hour))
	must(t, sessions.CommitCtx(ctx, "b", []byte("two"), hour))
	must(t, sessions.CommitCtx(ctx, "old", []byte("three"), time.Now().Add(-time.Minute)))
	find("a", []byte("one"))
	find("old", nil)
	must(t, sessions.CommitCtx(ctx, "a", []byte("newer"), hour))
	find("a", []byte("newer"))
	must(t, s.DropExpired(ctx, time.Now().Unix()))
	find("b", []byte("two"))
	must(t, sessions.DeleteCtx(ctx, "a"))
	must(t, sessions.DeleteCtx(ctx, "a"))
	find("a", nil)
	must(t, s.DropExpired(ctx, hour.Unix()))
	find("b", nil)
}

func testCancelled(t *testing.T, s Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.PutOrganisation(ctx, organisation); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled change gives %v", err)
	}
	if _, err := s.Organisations(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled read gives %v", err)
	}
	wantValue(t, []registry.Organisation{})(s.Organisations(t.Context()))
	must(t, s.PutOrganisation(t.Context(), organisation))
}
