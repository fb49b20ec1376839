package account

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
)

var applicant = Applicant{Name: " Quán cô Tư ", Address: "1 Hàng Đậu", Area: "00001", Contact: "024 3828 0000"}

func (o *office) apply(t *testing.T, in Applicant) (token string, id uuid.UUID) {
	t.Helper()
	token, err := o.Apply(t.Context(), in, address)
	if err != nil {
		t.Fatal(err)
	}
	waiting, err := o.Applications(t.Context(), o.admin)
	if err != nil || len(waiting) == 0 {
		t.Fatalf("%d wait: %v", len(waiting), err)
	}
	return token, waiting[len(waiting)-1].ID
}

// TestApplicationIsAdmitted goes the whole way: one token from asking to logging in.
func TestApplicationIsAdmitted(t *testing.T) {
	o := newOffice(t)
	token, id := o.apply(t, applicant)
	waiting, err := o.Applications(t.Context(), o.admin)
	want := Applicant{Name: "Quán cô Tư", Address: "1 Hàng Đậu", Area: "00001", Contact: "024 3828 0000"}
	if err != nil || len(waiting) != 1 || waiting[0].Applicant != want {
		t.Fatalf("%+v, %v", waiting, err)
	}
	stored, err := o.store.Application(t.Context(), id, 0)
	if err != nil || strings.Contains(string(stored.Contact), "3828") {
		t.Errorf("the contact is stored in the clear: %v", err)
	}
	if _, err := o.Open(t.Context(), token, address); !errors.Is(err, ErrWaiting) {
		t.Errorf("before it is admitted: %v", err)
	}
	if err := o.Admit(t.Context(), o.admin, id); err != nil {
		t.Fatal(err)
	}
	if err := o.Admit(t.Context(), o.admin2, id); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("admitted twice: %v", err)
	}
	made, err := o.Accept(t.Context(), token, address, "tu", password)
	if err != nil || made.Role != registry.RoleOwner {
		t.Fatalf("%+v, %v", made, err)
	}
	organisation, err := o.store.Organisation(t.Context(), made.Organisation)
	if err != nil || organisation.Name != "Quán cô Tư" {
		t.Errorf("%+v, %v", organisation, err)
	}
	if told := strings.Join(o.told(), "\n"); strings.Contains(told, "3828") || strings.Contains(told, "cô Tư") || !strings.Contains(told, "application_admitted") {
		t.Errorf("the audit log says %s", told)
	}
}

func TestApplicationIsRefused(t *testing.T) {
	o := newOffice(t)
	token, id := o.apply(t, applicant)
	if err := o.Refuse(t.Context(), o.admin, id); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Open(t.Context(), token, address); !errors.Is(err, ErrInvitation) {
		t.Errorf("after it was refused: %v", err)
	}
	token, _ = o.apply(t, applicant)
	o.advance(ApplicationLifetime)
	if _, err := o.Open(t.Context(), token, address); !errors.Is(err, ErrInvitation) {
		t.Errorf("after its time: %v", err)
	}
}

// TestApplicationUnderALostKey has one application whose contact nobody can read any more, beside another.
func TestApplicationUnderALostKey(t *testing.T) {
	o := newOffice(t)
	lost := registry.Application{ID: uuid.New(), TokenHash: []byte{1}, Name: "Chợ", Created: 1, Expires: o.time().Add(time.Hour).Unix(), Contact: []byte{1}}
	if err := o.store.PutApplication(t.Context(), lost, 1, o.Seal, registry.AuditEntry{}); err != nil {
		t.Fatal(err)
	}
	o.apply(t, applicant)
	waiting, err := o.Applications(t.Context(), o.admin)
	if err != nil || len(waiting) != 2 || waiting[0].Contact != "" || waiting[1].Contact == "" {
		t.Errorf("%+v, %v", waiting, err)
	}
	if err := o.Refuse(t.Context(), o.admin, lost.ID); err != nil {
		t.Error(err)
	}
}

func TestApplicationsAreForAdminsAlone(t *testing.T) {
	o := newOffice(t)
	_, id := o.apply(t, applicant)
	for _, a := range []registry.Account{o.owner, o.city, o.ward, {}} {
		_, listed := o.Applications(t.Context(), a)
		for _, err := range []error{listed, o.Admit(t.Context(), a, id), o.Refuse(t.Context(), a, id)} {
			if !errors.Is(err, ErrNotGranted) {
				t.Errorf("%s: %v", a.Login, err)
			}
		}
	}
}

func TestApplicationsThatAreNone(t *testing.T) {
	o := newOffice(t)
	for want, changes := range map[error][]func(*Applicant){
		ErrOrganisation: {func(a *Applicant) { a.Name = " " }, func(a *Applicant) { a.Name = strings.Repeat("a", 201) }, func(a *Applicant) { a.Name = "\xff" }, func(a *Applicant) { a.Name = "a\x00b" }},
		ErrContact:      {func(a *Applicant) { a.Contact = "" }, func(a *Applicant) { a.Contact = strings.Repeat("1", 101) }, func(a *Applicant) { a.Contact = "1\n2" }, func(a *Applicant) { a.Address = strings.Repeat("a", 201) }},
		ErrWard:         {func(a *Applicant) { a.Area = "001" }, func(a *Applicant) { a.Area = "99999" }},
	} {
		for _, change := range changes {
			in := applicant
			change(&in)
			if _, err := o.Apply(t.Context(), in, address); !errors.Is(err, want) {
				t.Errorf("%+v: %v, want %v", in, err, want)
			}
		}
	}
	for n := range 6 { // those that are none do not count
		_, err := o.Apply(t.Context(), applicant, address)
		if (err != nil) != (n == 5) || err != nil && (!errors.Is(err, ErrOftenApplied) || errs.Of(err).RetryAfter <= 0) {
			t.Errorf("application %d from one address: %v", n+1, err)
		}
	}
	if _, err := o.Apply(t.Context(), applicant, "203.0.113.10"); err != nil {
		t.Errorf("from another address: %v", err)
	}
}

// TestThisMachineIsEverybody: whoever comes through a proxy that is not trusted has this machine's address, and one who applies again
// and again must not shut out the others.
func TestThisMachineIsEverybody(t *testing.T) {
	o := newOffice(t)
	for n := range applicationsInTotal.Burst + 1 {
		_, err := o.Apply(t.Context(), applicant, "127.0.0.1")
		if over := n >= applicationsInTotal.Burst; over != errors.Is(err, ErrOftenApplied) || !over && err != nil {
			t.Fatalf("application %d: %v", n+1, err)
		}
	}
	if _, err := o.Apply(t.Context(), applicant, address); err != nil {
		t.Errorf("from an address of its own: %v", err)
	}
	for range 2 * triesPerToken.Burst {
		if _, err := o.Open(t.Context(), "none", "::1"); !errors.Is(err, ErrInvitation) {
			t.Fatalf("a token that is none: %v", err)
		}
	}
}

// TestApplicationsAreBounded has as many as may wait come from everywhere, over days.
func TestApplicationsAreBounded(t *testing.T) {
	o := newOffice(t)
	for n := range mostApplications {
		a := registry.Application{ID: uuid.New(), TokenHash: fmt.Append(nil, n), Created: 1, Expires: o.time().Add(time.Hour).Unix(), Contact: []byte{1}}
		if err := o.store.PutApplication(t.Context(), a, mostApplications, o.Seal, registry.AuditEntry{}); err != nil {
			t.Fatal(err)
		}
	}
	o.told()
	if _, err := o.Apply(t.Context(), applicant, address); !errors.Is(err, ErrManyApplied) {
		t.Errorf("one too many: %v", err)
	}
	if told := o.told(); len(told) != 0 {
		t.Errorf("the audit log says %q of one that was not kept", told)
	}
	o.advance(2 * time.Hour)
	if _, err := o.Apply(t.Context(), applicant, address); err != nil {
		t.Errorf("after their time: %v", err)
	}
}

// TestApplicationsAreCountedOverAllProcesses has one address ask two processes in turn.
func TestApplicationsAreCountedOverAllProcesses(t *testing.T) {
	o := newOffice(t)
	processes := []*Service{o.Service, o.another(t)}
	for n := range applicationsPerAddress.Burst + 2 {
		_, err := processes[n%2].Apply(t.Context(), applicant, address)
		if over := n >= applicationsPerAddress.Burst; over != errors.Is(err, ErrOftenApplied) || !over && err != nil {
			t.Errorf("application %d: %v", n+1, err)
		}
	}
}
