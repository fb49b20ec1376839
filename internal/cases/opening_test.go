package cases_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/vault"
)

var call = vault.Purpose{Code: "inform"}

// known puts a phone number and a name of somebody into the vault.
func (to *town) known(t *testing.T, phone string) uuid.UUID {
	t.Helper()
	person := to.person(t, phone)
	must(t, to.vault.Put(t.Context(), person, vault.Details{vault.Phone: phone, vault.Name: "Người " + phone}))
	return person
}

// TestDetailsAreOpenedInsideOnesArea has the district's run of the ward's case: nobody has to approve it.
func TestDetailsAreOpenedInsideOnesArea(t *testing.T) {
	to := newTown(t)
	c := to.record(t, to.ward1, mai)
	run := to.run(t, to.district, c.ID)
	for _, test := range []struct {
		name  string
		actor registry.Account
		phone string
		want  error
	}{
		{"the ward's own", to.ward1, an, nil},
		{"of another ward", to.ward1, binh, registry.ErrNotFound},
		{"somewhere in the district, for the ward", to.ward1, dung, registry.ErrNotFound},
		{"nobody knows where, for the ward", to.ward1, chi, registry.ErrNotFound},
		{"of a ward, for the district", to.district, binh, nil},
		{"nobody knows where, for the district", to.district, chi, nil},
		{"for the city", to.city, dung, nil},
		{"the case", to.city, mai, registry.ErrNotFound}, // is in no list
		{"a run of elsewhere", to.district2, an, registry.ErrNotFound},
		{"an owner", registry.Account{ID: uuid.New(), Login: "o", Role: registry.RoleOwner}, an, cases.ErrRole},
		{"an administrator", registry.Account{ID: uuid.New(), Login: "a", Role: registry.RoleAdmin, Area: "c"}, an, cases.ErrRole},
		{"an auditor", registry.Account{ID: uuid.New(), Login: "b", Role: registry.RoleAuditor, Area: "c"}, an, cases.ErrRole},
	} {
		person, before := to.known(t, test.phone), to.audited(t)
		listed, details, err := to.OpenDetails(t.Context(), test.actor, run.ID, person, call)
		after := to.audited(t)[len(before):]
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		if test.want != nil {
			if details != nil || len(after) != 0 {
				t.Errorf("%s: %d details, audited %q", test.name, len(details), after)
			}
			continue
		}
		want := vault.Details{vault.Phone: test.phone, vault.Name: "Người " + test.phone}
		if !maps.Equal(details, want) || listed.Person != person {
			t.Errorf("%s: %d details of %s", test.name, len(details), listed.Person)
		}
		entry := fmt.Sprintf("%s details_opened %s area=%s;purpose=inform;run=%s", test.actor.Login, person, test.actor.Area, run.ID)
		if !slices.Equal(after, []string{entry}) {
			t.Errorf("%s: audited %q, want %q", test.name, after, entry)
		}
	}
	person := to.person(t, an)
	if _, details, err := to.OpenDetails(t.Context(), to.ward1, run.ID, person, vault.Purpose{Code: "curiosity"}); !errors.Is(err, vault.ErrPurpose) || details != nil {
		t.Errorf("without a purpose: %v", err)
	}
	if _, _, err := to.OpenDetails(t.Context(), to.city, uuid.New(), person, call); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("without a run: %v", err)
	}
	for _, line := range to.audited(t) {
		if strings.Contains(line, "0912") || strings.Contains(line, "Người") {
			t.Errorf("the audit log tells who somebody is: %q", line)
		}
	}
}

// TestOwnCaseNeedsASecondPerson has the ward trace the case that it took in itself.
func TestOwnCaseNeedsASecondPerson(t *testing.T) {
	to := newTown(t)
	c := to.record(t, to.ward1, mai)
	person := to.known(t, an)
	run := to.run(t, to.ward1, c.ID)
	opens := func(actor registry.Account, want error) {
		t.Helper()
		if _, details, err := to.OpenDetails(t.Context(), actor, run.ID, person, call); !errors.Is(err, want) || (details != nil) != (want == nil) {
			t.Errorf("%s: %d details, %v; want %v", actor.Login, len(details), err, want)
		}
	}
	approves := func(actor registry.Account, want error) {
		t.Helper()
		standing, err := to.Standing(t.Context(), actor, run.ID)
		if err == nil && standing.Mine != (want == nil) {
			t.Errorf("%s is told %+v", actor.Login, standing)
		}
		if err := to.Approve(t.Context(), actor, run.ID); !errors.Is(err, want) {
			t.Errorf("%s approves: %v, want %v", actor.Login, err, want)
		}
	}
	opens(to.ward1, cases.ErrNotApproved)
	opens(to.city, cases.ErrNotApproved) // whoever reads it
	approves(to.ward1, cases.ErrOwnApproval)
	approves(to.ward2, registry.ErrNotFound)
	approves(to.district2, registry.ErrNotFound)
	approves(registry.Account{ID: uuid.New(), Role: registry.RoleAdmin, Area: "c"}, cases.ErrRole)
	approves(to.district, nil)
	approves(to.city, cases.ErrNoApproval)
	opens(to.ward1, nil)
	opens(to.district, nil)
	standing, err := to.Standing(t.Context(), to.ward1, run.ID)
	must(t, err)
	want := registry.Approval{Run: run.ID, Account: to.district.ID, At: to.now.Unix()}
	if !standing.Opens() || standing.Approval != want || standing.Mine {
		t.Errorf("it stands as %+v", standing)
	}
	if lines := to.audited(t); !slices.Contains(lines, "district run_approved "+run.ID.String()+" ") {
		t.Errorf("audited %q", lines)
	}

	// A colleague of the same ward may approve too, and a day later nobody.
	colleague := registry.Account{ID: uuid.New(), Login: "colleague", Role: registry.RoleWard, Area: "w1"}
	must(t, to.store.PutAccount(t.Context(), colleague))
	run = to.run(t, to.ward1, c.ID)
	to.now = to.now.Add(cases.ApprovalTime - time.Second)
	approves(colleague, nil)
	run = to.run(t, to.ward1, c.ID)
	to.now = to.now.Add(cases.ApprovalTime)
	approves(colleague, cases.ErrApprovalOver)
	opens(to.ward1, cases.ErrNotApproved)
}

// TestOneOwnCaseAmongManyIsEnough: a case of one's own is not hidden among those of others.
func TestOneOwnCaseAmongManyIsEnough(t *testing.T) {
	to := newTown(t)
	others, own := to.record(t, to.ward1, mai), to.record(t, to.district, em)
	for _, test := range []struct {
		cases  []uuid.UUID
		needed bool
	}{{[]uuid.UUID{others.ID}, false}, {[]uuid.UUID{others.ID, own.ID}, true}} {
		run := to.run(t, to.district, test.cases...)
		standing, err := to.Standing(t.Context(), to.city, run.ID)
		if err != nil || standing.Needed != test.needed || standing.Opens() == test.needed {
			t.Errorf("of %d cases: %+v, %v", len(test.cases), standing, err)
		}
		if err := to.Approve(t.Context(), to.city, run.ID); errors.Is(err, cases.ErrNoApproval) == test.needed {
			t.Errorf("of %d cases: %v", len(test.cases), err)
		}
	}
}

func TestLabRefIsOnePersons(t *testing.T) {
	to := newTown(t)
	to.record(t, to.ward1, mai)
	to.record(t, to.district, mai) // the same person once more
	before := to.audited(t)
	_, err := to.Record(t.Context(), to.ward1, cases.Intake{Phone: an, Onset: "2021-12-05", LabRef: " XN-1 "})
	if !errors.Is(err, registry.ErrLabRef) {
		t.Errorf("the reference of somebody else: %v", err)
	}
	if after := to.audited(t); len(after) != len(before) {
		t.Errorf("audited %q", after[len(before):])
	}
}

// TestWhoIsMadeACaseAgainAndAgain: the auditor is told of the fourth case of a week, and of each beyond it.
func TestWhoIsMadeACaseAgainAndAgain(t *testing.T) {
	to := newTown(t)
	alerts := func() (n int) {
		for _, line := range to.audited(t) {
			if strings.HasPrefix(line, "system "+vault.RepeatedLookups+" "+to.person(t, mai).String()+" cases=") {
				n++
			}
		}
		return n
	}
	for i, want := range []int{0, 0, 0, 1, 2} {
		to.record(t, to.ward1, mai)
		to.now = to.now.Add(time.Hour)
		if got := alerts(); got != want {
			t.Errorf("after %d cases: %d alerts, want %d", i+1, got, want)
		}
	}
	to.now = to.now.Add(vault.LookupPeriod)
	to.record(t, to.ward1, mai)
	if got := alerts(); got != 2 {
		t.Errorf("a week later: %d alerts", got)
	}
}
