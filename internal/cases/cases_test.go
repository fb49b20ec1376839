package cases_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/registry"
)

func TestRecordRefuses(t *testing.T) {
	to := newTown(t)
	valid := cases.Intake{Phone: mai, Onset: "2021-12-05", LabRef: "XN-1"}
	with := func(change func(*cases.Intake)) cases.Intake {
		in := valid
		change(&in)
		return in
	}
	for name, c := range map[string]struct {
		in   cases.Intake
		want error
	}{
		"nobody":                        {with(func(in *cases.Intake) { in.Phone = " " }), cases.ErrWho},
		"both numbers":                  {with(func(in *cases.Intake) { in.IDCard = chiCard }), cases.ErrWho},
		"no phone number":               {with(func(in *cases.Intake) { in.Phone = "12345" }), citizen.ErrPhone},
		"no card number":                {with(func(in *cases.Intake) { in.Phone, in.IDCard = "", "12345" }), citizen.ErrIDCard},
		"unknown phone number":          {with(func(in *cases.Intake) { in.Phone = "0999999999" }), cases.ErrPersonUnknown},
		"unknown card":                  {with(func(in *cases.Intake) { in.Phone, in.IDCard = "", "001099999999" }), cases.ErrPersonUnknown},
		"no day":                        {with(func(in *cases.Intake) { in.Onset = "" }), cases.ErrNoDay},
		"isolation alone":               {with(func(in *cases.Intake) { in.Onset, in.Isolated = "", "2021-12-06" }), cases.ErrNoDay},
		"onset tomorrow":                {with(func(in *cases.Intake) { in.Onset = "2021-12-11" }), cases.ErrDay},
		"sample tomorrow":               {with(func(in *cases.Intake) { in.Sample = "2021-12-11" }), cases.ErrDay},
		"no such day":                   {with(func(in *cases.Intake) { in.Onset = "2021-11-31" }), cases.ErrDay},
		"the day first":                 {with(func(in *cases.Intake) { in.Onset = "05-12-2021" }), cases.ErrDay},
		"a day with a time":             {with(func(in *cases.Intake) { in.Sample = "2021-12-05 10:00" }), cases.ErrDay},
		"isolated tomorrow":             {with(func(in *cases.Intake) { in.Isolated = "2021-12-11" }), cases.ErrIsolation},
		"isolated in a year":            {with(func(in *cases.Intake) { in.Isolated = "2022-12-06 10:00" }), cases.ErrIsolation},
		"isolated at some time":         {with(func(in *cases.Intake) { in.Isolated = "yesterday" }), cases.ErrIsolation},
		"isolated at 25 o'clock":        {with(func(in *cases.Intake) { in.Isolated = "2021-12-06 25:00" }), cases.ErrIsolation},
		"no laboratory":                 {with(func(in *cases.Intake) { in.LabRef = "" }), cases.ErrLabRef},
		"blank laboratory":              {with(func(in *cases.Intake) { in.LabRef = " \t" }), cases.ErrLabRef},
		"long laboratory":               {with(func(in *cases.Intake) { in.LabRef = strings.Repeat("ộ", 65) }), cases.ErrLabRef},
		"laboratory not UTF-8":          {with(func(in *cases.Intake) { in.LabRef = "\xff" }), cases.ErrLabRef},
		"unknown person and no day":     {with(func(in *cases.Intake) { in.Phone, in.Onset = "0999999999", "" }), cases.ErrNoDay},
		"unknown person and no lab ref": {with(func(in *cases.Intake) { in.Phone, in.LabRef = "0999999999", "" }), cases.ErrLabRef},
	} {
		_, err := to.Record(t.Context(), to.ward1, c.in)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
			continue
		}
		for _, secret := range []string{c.in.Phone, c.in.IDCard, mai, "0999999999"} {
			if len(secret) > 1 && strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error tells a number: %v", name, err)
			}
		}
	}
	for _, role := range []registry.Role{registry.RoleOwner, registry.RoleGate, registry.RoleAdmin, registry.RoleAuditor, ""} {
		if _, err := to.Record(t.Context(), registry.Account{Role: role, Area: "w1"}, valid); !errors.Is(err, cases.ErrRole) {
			t.Errorf("role %q: %v", role, err)
		}
	}
	if all, err := to.store.Cases(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%d cases are kept, %v", len(all), err)
	}
	if lines := to.audited(t); len(lines) != 0 {
		t.Errorf("audited: %q", lines)
	}
}

func TestRecordKeepsWhatWasSaid(t *testing.T) {
	to := newTown(t)
	for name, c := range map[string]struct {
		in   cases.Intake
		want registry.Case
	}{
		"by phone": {
			cases.Intake{Phone: " +84 912.000.001 ", Onset: " 2021-12-05 ", LabRef: " XN-Đ/1 "},
			registry.Case{Person: to.person(t, mai), Onset: "2021-12-05", LabRef: "XN-Đ/1"},
		},
		"by card": {
			cases.Intake{IDCard: chiCard, Sample: "2021-12-10", LabRef: "2"},
			registry.Case{Person: to.person(t, chi), Sample: "2021-12-10", LabRef: "2"},
		},
		"isolated on a day, till its end": {
			cases.Intake{Phone: mai, Onset: "2021-12-05", Sample: "2021-12-07", Isolated: "2021-12-05", LabRef: "1"},
			registry.Case{Person: to.person(t, mai), Onset: "2021-12-05", Sample: "2021-12-07", Isolated: local(6, 0, 0).Unix(), LabRef: "1"},
		},
		"isolated today": {
			cases.Intake{Phone: mai, Onset: "2021-12-05", Isolated: "2021-12-10", LabRef: "1"},
			registry.Case{Person: to.person(t, mai), Onset: "2021-12-05", Isolated: local(11, 0, 0).Unix(), LabRef: "1"},
		},
		"isolated at a time": {
			cases.Intake{Phone: mai, Onset: "2021-12-05", Isolated: "2021-12-07 18:30", LabRef: "1"},
			registry.Case{Person: to.person(t, mai), Onset: "2021-12-05", Isolated: local(7, 18, 30).Unix(), LabRef: "1"},
		},
		"as a browser writes it": {
			cases.Intake{Phone: mai, Onset: "2021-12-05", Isolated: "2021-12-05T00:00", LabRef: strings.Repeat("ộ", 64)},
			registry.Case{Person: to.person(t, mai), Onset: "2021-12-05", Isolated: local(5, 0, 0).Unix(), LabRef: strings.Repeat("ộ", 64)},
		},
	} {
		got, err := to.Record(t.Context(), to.district, c.in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := c.want
		want.ID, want.Area, want.Author, want.Created = got.ID, "d1", to.district.ID, to.now.Unix()
		if kept, err := to.Case(t.Context(), to.district, got.ID); got != want || kept != want || err != nil {
			t.Errorf("%s:\n got %+v\nkept %+v, %v\nwant %+v", name, got, kept, err, want)
		}
	}
}

// TestTodayIsTheLocalDay records at one in the morning, when it is still yesterday in UTC.
func TestTodayIsTheLocalDay(t *testing.T) {
	to := newTown(t)
	to.now = local(10, 1, 0).UTC()
	in := cases.Intake{Phone: mai, Onset: "2021-12-10", LabRef: "1"}
	if _, err := to.Record(t.Context(), to.ward1, in); err != nil {
		t.Error(err)
	}
	to.now = to.now.Add(-2 * time.Hour)
	if _, err := to.Record(t.Context(), to.ward1, in); !errors.Is(err, cases.ErrDay) {
		t.Error(err)
	}
}

func TestCasesOfAnArea(t *testing.T) {
	to := newTown(t)
	first := to.record(t, to.ward1, mai)
	to.now = to.now.Add(time.Minute)
	second := to.record(t, to.district, binh)
	to.now = to.now.Add(time.Minute)
	third := to.record(t, to.ward3, em)
	for name, c := range map[string]struct {
		actor registry.Account
		want  []uuid.UUID
	}{
		"its ward":         {to.ward1, []uuid.UUID{first.ID}},
		"another ward":     {to.ward2, nil},
		"district":         {to.district, []uuid.UUID{second.ID, first.ID}},
		"another district": {to.district2, []uuid.UUID{third.ID}},
		"city":             {to.city, []uuid.UUID{third.ID, second.ID, first.ID}},
		"owner":            {registry.Account{Role: registry.RoleOwner}, nil},
	} {
		list, err := to.Cases(t.Context(), c.actor, cases.Filter{}, registry.Cursor{Limit: 9})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var got []uuid.UUID
		for _, one := range list.Records {
			got = append(got, one.ID)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		for _, id := range []uuid.UUID{first.ID, second.ID, third.ID} {
			one, err := to.Case(t.Context(), c.actor, id)
			if slices.Contains(c.want, id) && (err != nil || one.ID != id) {
				t.Errorf("%s: %v", name, err)
			}
			if !slices.Contains(c.want, id) && (!errors.Is(err, registry.ErrNotFound) || one != (registry.Case{})) {
				t.Errorf("%s sees a case of others: %v", name, err)
			}
		}
	}
	if _, err := to.Case(t.Context(), to.city, uuid.New()); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
}
