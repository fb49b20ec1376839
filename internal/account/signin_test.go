package account

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

// login logs somebody in and returns the session.
func (b *bench) login(t *testing.T, a registry.Account) Session {
	t.Helper()
	in, err := b.Begin(t.Context(), a, "Firefox, Linux")
	if err != nil {
		t.Fatal(err)
	}
	session, err := b.Resume(t.Context(), in.ID)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func (b *bench) wantEnded(t *testing.T, session Session) {
	t.Helper()
	if got, err := b.Resume(t.Context(), session.ID); !errors.Is(err, ErrNotLoggedIn) {
		t.Errorf("the session goes on: %+v, %v", got, err)
	}
}

func (b *bench) wantGoingOn(t *testing.T, session Session) {
	t.Helper()
	if _, err := b.Resume(t.Context(), session.ID); err != nil {
		t.Errorf("the session does not go on: %v", err)
	}
}

func TestSessions(t *testing.T) {
	b := newBench(t)
	owner := b.make(t, registry.Account{Login: "owner", Role: registry.RoleOwner, Organisation: b.organisation})
	stranger := b.make(t, registry.Account{Login: "admin", Role: registry.RoleAdmin})
	first := b.login(t, owner)
	if first.Account != owner || first.Incomplete {
		t.Errorf("the session is %+v", first)
	}
	b.advance(10 * time.Minute)
	second := b.login(t, owner)
	b.wantGoingOn(t, first)
	list, err := b.SignIns(t.Context(), owner, owner.ID)
	if err != nil || len(list) != 2 || list[0].ID != second.ID || list[1].Seen != b.time().Unix() || list[0].Browser != "Firefox, Linux" {
		t.Errorf("the sessions are %+v, %v", list, err)
	}
	if err := b.EndSession(t.Context(), stranger, first.ID); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("somebody else's session was ended: %v", err)
	}
	if err := b.EndSession(t.Context(), owner, first.ID); err != nil {
		t.Fatal(err)
	}
	b.wantEnded(t, first)
	b.wantGoingOn(t, second)
	third := b.login(t, owner)
	if ended, err := b.EndSessions(t.Context(), third, owner.ID); err != nil || ended != 1 {
		t.Errorf("%d others were ended, %v", ended, err)
	}
	b.wantEnded(t, second)
	b.wantGoingOn(t, third)
	if err := b.LogOut(t.Context(), third); err != nil {
		t.Fatal(err)
	}
	b.wantEnded(t, third)
	if err := b.LogOut(t.Context(), third); err != nil {
		t.Errorf("twice: %v", err)
	}
	last := b.login(t, owner)
	b.advance(Lifetime - time.Second)
	b.wantGoingOn(t, last)
	b.advance(time.Second)
	b.wantEnded(t, last)
	b.wantEnded(t, Session{ID: uuid.New()})
	want := []string{
		"owner login", "owner login", "admin session_ended", "owner session_ended", "owner login", "owner sessions_ended",
		"owner logout", "owner logout", "owner login",
	}
	if told := b.told(); !slices.Equal(told, want) {
		t.Errorf("the audit log has %q, want %q", told, want)
	}
}

// TestWhatIsNotEnteredIsNotDone has an audit log that refuses.
func TestWhatIsNotEnteredIsNotDone(t *testing.T) {
	b := newBench(t)
	admin := b.make(t, registry.Account{Login: "admin", Role: registry.RoleAdmin})
	owner := b.make(t, registry.Account{Login: "owner", Role: registry.RoleOwner, Organisation: b.organisation})
	session := b.login(t, owner)
	b.Service.audit = refusing{b}
	if _, err := b.Begin(t.Context(), owner, ""); err == nil {
		t.Error("somebody logged in unseen")
	}
	if err := b.Disable(t.Context(), admin, owner.ID); err == nil {
		t.Error("an account was disabled unseen")
	}
	if err := b.ChangePassword(t.Context(), session, password, "another good password"); err == nil {
		t.Error("a password was changed unseen")
	}
	if _, _, err := b.Invite(t.Context(), admin, Wish{Role: registry.RoleAdmin}); err == nil {
		t.Error("somebody was invited unseen")
	}
	b.wantGoingOn(t, session)
	if _, err := b.try(t.Context(), "owner", password); err != nil {
		t.Error(err)
	}
	if open, err := b.store.Invitations(t.Context(), 0); err != nil || len(open) != 0 {
		t.Errorf("%d invitations, %v", len(open), err)
	}
}

type refusing struct{ Audit }

func (refusing) Append(context.Context, string, string, string, string) error {
	return errors.New("the audit log refuses")
}

func TestChangePassword(t *testing.T) {
	b := newBench(t)
	owner := b.make(t, registry.Account{Login: "owner", Role: registry.RoleOwner, Organisation: b.organisation})
	here, elsewhere := b.login(t, owner), b.login(t, owner)
	const next = "another good password"
	if err := b.ChangePassword(t.Context(), here, password, "short"); !errors.Is(err, ErrPassword) {
		t.Error(err)
	}
	for range triesPerProof.Burst {
		if err := b.ChangePassword(t.Context(), here, "wrong", next); !errors.Is(err, ErrWrongPassword) {
			t.Error(err)
		}
	}
	wantLimited(t, b.ChangePassword(t.Context(), here, password, next))
	b.wantGoingOn(t, elsewhere)
	b.advance(triesPerProof.Every)
	if err := b.ChangePassword(t.Context(), here, password, next); err != nil {
		t.Fatal(err)
	}
	b.wantGoingOn(t, here)
	b.wantEnded(t, elsewhere)
	if _, err := b.try(t.Context(), "owner", password); !errors.Is(err, ErrWrongLogin) {
		t.Errorf("with the old password: %v", err)
	}
	if _, err := b.try(t.Context(), "owner", next); err != nil {
		t.Errorf("with the new one: %v", err)
	}
}
