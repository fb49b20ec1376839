package cases_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/tracing"
)

func day(t *testing.T, text string) tracing.Date {
	t.Helper()
	d, err := tracing.ParseDate(text)
	must(t, err)
	return d
}

func TestChoices(t *testing.T) {
	to := newTown(t) // it is 10 December
	put := func(actor registry.Account, phone, sample, isolated string) uuid.UUID {
		to.now = to.now.Add(time.Second)
		c, err := to.Record(t.Context(), actor, cases.Intake{Phone: phone, Onset: "2021-12-05", Sample: sample, Isolated: isolated, LabRef: phone})
		must(t, err)
		return c.ID
	}
	sampled := put(to.ward1, mai, "2021-12-09", "2021-12-09 08:00")
	tonight := put(to.ward1, an, "2021-12-09", "2021-12-10 23:00")
	entered := put(to.ward2, binh, "", "")
	elsewhere := put(to.ward3, em, "2021-12-09", "")
	for name, c := range map[string]struct {
		actor  registry.Account
		choice cases.Choice
		want   []uuid.UUID
		err    error
	}{
		"all":                 {to.city, cases.Choice{All: true}, []uuid.UUID{elsewhere, entered, tonight, sampled}, nil},
		"all of a district":   {to.district, cases.Choice{All: true}, []uuid.UUID{entered, tonight, sampled}, nil},
		"open":                {to.city, cases.Choice{All: true, Filter: cases.Filter{Open: true}}, []uuid.UUID{elsewhere, entered, tonight}, nil},
		"of a sample's day":   {to.city, cases.Choice{All: true, Filter: cases.Filter{Day: day(t, "2021-12-09")}}, []uuid.UUID{elsewhere, tonight, sampled}, nil},
		"of the day of entry": {to.city, cases.Choice{All: true, Filter: cases.Filter{Day: day(t, "2021-12-10")}}, []uuid.UUID{entered}, nil},
		"both":                {to.ward1, cases.Choice{All: true, Filter: cases.Filter{Open: true, Day: day(t, "2021-12-09")}}, []uuid.UUID{tonight}, nil},
		"none of that day":    {to.city, cases.Choice{All: true, Filter: cases.Filter{Day: day(t, "2021-12-01")}}, nil, cases.ErrNoCases},
		"ids, one twice":      {to.city, cases.Choice{IDs: []uuid.UUID{sampled, entered, sampled}}, []uuid.UUID{sampled, entered}, nil},
		"ids beside a filter": {to.city, cases.Choice{Filter: cases.Filter{Open: true}, IDs: []uuid.UUID{sampled}}, []uuid.UUID{sampled}, nil},
		"nothing said":        {to.city, cases.Choice{}, nil, cases.ErrNoCases},
		"not one's own":       {to.ward1, cases.Choice{IDs: []uuid.UUID{elsewhere}}, nil, registry.ErrNotFound},
	} {
		run, err := to.Run(t.Context(), c.actor, cases.Order{Choice: c.choice, Profile: "who"})
		if !errors.Is(err, c.err) || !slices.Equal(run.Cases, c.want) {
			t.Errorf("%s: a run from %v, %v; want %v, %v", name, run.Cases, err, c.want, c.err)
		}
		estimate, err := to.DryRun(t.Context(), c.actor, c.choice, nil)
		if !errors.Is(err, c.err) || estimate.Cases != len(c.want) {
			t.Errorf("%s: a dry run of %d cases, %v; want %d, %v", name, estimate.Cases, err, len(c.want), c.err)
		}
	}
}

// TestDryRunCountsWhatRunsList compares every profile, and numbers of one's own, with the run that they make.
func TestDryRunCountsWhatRunsList(t *testing.T) {
	to := newTown(t)
	choice := cases.Choice{IDs: []uuid.UUID{to.record(t, to.ward1, mai).ID, to.record(t, to.ward3, em).ID}}
	lone := int64(24 * 60 * 60)
	one := 1
	estimate, err := to.DryRun(t.Context(), to.city, choice, &cases.Numbers{MinOverlap: &lone, Depth: &one})
	must(t, err)
	if estimate.Cases != 2 || estimate.AsOf != to.now.Unix() || len(estimate.Results) != len(tracing.Profiles())+1 {
		t.Fatalf("%+v", estimate)
	}
	for i, profile := range tracing.Profiles() {
		run, err := to.Run(t.Context(), to.city, cases.Order{Choice: choice, Profile: profile.Name})
		must(t, err)
		got := estimate.Results[i]
		if got.Profile.Name != profile.Name || !slices.Equal(got.Counts, []int{run.F1, run.F2}) || run.F1 == 0 {
			t.Errorf("%s: %v of %s, the run has %d and %d", profile.Name, got.Counts, got.Profile.Name, run.F1, run.F2)
		}
	}
	if own := estimate.Results[4]; own.Profile.Name != cases.Own || !slices.Equal(own.Counts, []int{0}) {
		t.Errorf("of one's own: %v of %q", own.Counts, own.Profile.Name)
	}
	want := "city dry_run  cases 2, vn-2021-12 F1 4 F2 0, vn-5053 F1 4 F2 0, who F1 4 F2 0, pc-covid-1h F1 4 F2 0, own F1 0"
	if audited := to.audited(t); !slices.Contains(audited, want) {
		t.Errorf("the audit log has %q, want %q", audited, want)
	}
}

func TestDryRunRefuses(t *testing.T) {
	to := newTown(t)
	choice := cases.Choice{IDs: []uuid.UUID{to.record(t, to.ward1, mai).ID}}
	small, large, far := -1, 11, int64(400*24*60*60)
	for name, c := range map[string]struct {
		actor registry.Account
		own   cases.Numbers
		want  error
	}{
		"a role that traces nobody": {registry.Account{Role: registry.RoleAdmin, Area: "c"}, cases.Numbers{}, cases.ErrRole},
		"an unknown base":           {to.ward1, cases.Numbers{Base: "mine"}, cases.ErrProfile},
		"days":                      {to.ward1, cases.Numbers{BeforeOnset: &small}, cases.ErrOwnBefore},
		"overlap":                   {to.ward1, cases.Numbers{MinOverlap: &far}, cases.ErrOwnOverlap},
		"linger":                    {to.ward1, cases.Numbers{Linger: &far}, cases.ErrOwnLinger},
		"latency":                   {to.ward1, cases.Numbers{Latency: &far}, cases.ErrOwnLatency},
		"depth":                     {to.ward1, cases.Numbers{Depth: &large}, cases.ErrOwnDepth},
		"no depth":                  {to.ward1, cases.Numbers{Depth: new(int)}, cases.ErrOwnDepth},
		"crowd":                     {to.ward1, cases.Numbers{CrowdLimit: &small}, cases.ErrOwnCrowd},
	} {
		if e, err := to.DryRun(t.Context(), c.actor, choice, &c.own); !errors.Is(err, c.want) || e.Results != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for depth, want := range map[int]error{-1: cases.ErrDepth, 11: cases.ErrDepth} {
		if _, err := to.Run(t.Context(), to.ward1, cases.Order{Choice: choice, Profile: "who", Depth: depth}); !errors.Is(err, want) {
			t.Errorf("a run of depth %d: %v", depth, err)
		}
	}
	to.deps.Audit = deaf{}
	to.Service = cases.New(to.deps)
	if e, err := to.DryRun(t.Context(), to.ward1, choice, nil); !errors.Is(err, registry.ErrBusy) || e.Results != nil {
		t.Errorf("what cannot be audited is told: %v", err)
	}
}

// TestEverybodyIsTracedToTheirCases runs from Mai (ward 1) and Dũng (ward 3), who were at the market together: whom Dũng alone
// met at the shop next day is his, and the others are of both.
func TestEverybodyIsTracedToTheirCases(t *testing.T) {
	to := newTown(t)
	const hoa = "0912000007"
	to.area[hoa] = "w1"
	to.register(t, to.alias(t, hoa), "w1")
	to.visit(t, dung, to.shop, local(7, 15, 0), local(7, 16, 0))
	to.visit(t, hoa, to.shop, local(7, 15, 0), local(7, 16, 0))
	maiCase, dungCase := to.record(t, to.ward1, mai), to.record(t, to.ward3, dung)
	run := to.run(t, to.city, maiCase.ID, dungCase.ID)
	list, err := to.List(t.Context(), to.city, run.ID)
	must(t, err)
	byPerson := make(map[uuid.UUID]string)
	for phone := range to.area {
		byPerson[to.person(t, phone)] = phone
	}
	for _, row := range list.People {
		want := []int{0, 1}
		if byPerson[row.Person] == hoa {
			want = []int{1}
		}
		if got := slices.Collect(row.Roots.All()); !slices.Equal(got, want) {
			t.Errorf("%s comes from the cases %v, want %v", byPerson[row.Person], got, want)
		}
	}
	if c := list.ByCase; len(c) != 2 || c[0].ID != dungCase.ID || c[0].F1 != 4 || c[0].F2 != 1 || c[1].F1 != 3 || c[1].F2 != 1 {
		t.Errorf("by case: %+v", c)
	}

	// A ward knows its own cases, and of others how many there are.
	ward, err := to.List(t.Context(), to.ward1, run.ID)
	must(t, err)
	if c := ward.ByCase; len(c) != 1 || c[0].ID != maiCase.ID || c[0].Root != 0 || c[0].F1 != 1 || c[0].F2 != 0 {
		t.Errorf("ward 1 by case: %+v", c)
	}
	file := func(actor registry.Account, of uuid.UUID) [][]string {
		var b bytes.Buffer
		must(t, to.WriteCSV(t.Context(), actor, run.ID, of, &b))
		lines, err := csv.NewReader(&b).ReadAll()
		must(t, err)
		return lines[1:]
	}
	for _, line := range file(to.ward1, uuid.Nil) {
		if got := strings.Join(line[21:24], "|"); got != "2|"+maiCase.ID.String()+"|XN-1" && got != "1||" {
			t.Errorf("ward 1 reads the cases %q", got)
		}
	}
	if n := len(file(to.ward1, maiCase.ID)); n != 2 { // An met Mai and Dũng
		t.Errorf("%d lines of Mai's people in ward 1", n)
	}
	for _, c := range []uuid.UUID{dungCase.ID, uuid.New()} {
		if err := to.WriteCSV(t.Context(), to.ward1, run.ID, c, refusing{t}); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("the file of a case that is not one's own: %v", err)
		}
	}
	if got := to.audited(t); got[len(got)-1] != "ward1 export "+run.ID.String()+" csv, 1 people" {
		t.Errorf("audited last: %s", got[len(got)-1])
	}
}

// TestRunsOfBeforeHaveTheirCases forgets a run's inputs, as runs had none once.
func TestRunsOfBeforeHaveTheirCases(t *testing.T) {
	to := newTown(t)
	run := to.run(t, to.city, to.record(t, to.ward1, mai).ID)
	run.ID, run.Inputs = uuid.New(), nil
	must(t, to.store.PutRun(t.Context(), run))
	list, err := to.List(t.Context(), to.city, run.ID)
	must(t, err)
	if c := list.ByCase; len(c) != 1 || c[0].F1 != run.F1 || c[0].F2 != run.F2 {
		t.Errorf("by case: %+v", c)
	}
}

func TestRunsToADepth(t *testing.T) {
	to := newTown(t)
	order := ordered(to.record(t, to.ward1, mai).ID)
	order.Depth = 1
	run, err := to.Run(t.Context(), to.city, order)
	must(t, err)
	if run.F1 != 4 || run.F2 != 0 || !strings.Contains(string(run.Rules), `"depth":1`) {
		t.Errorf("%d F1, %d F2, by %s", run.F1, run.F2, run.Rules)
	}
}
