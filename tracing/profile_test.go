package tracing_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/truyvet/truyvet/tracing"
)

func TestProfilesHoldTheirNumbers(t *testing.T) {
	type row struct {
		before, after, depth, crowd int
		minOverlap, linger, latency int64
		scope                       tracing.Scope
	}
	const untilIsolation = -1
	want := map[string]row{
		"vn-2021-12":  {before: 2, after: untilIsolation, minOverlap: 900, depth: 2},
		"vn-5053":     {before: 3, after: untilIsolation, depth: 2},
		"who":         {before: 2, after: 14, minOverlap: 900, depth: 2},
		"pc-covid-1h": {before: 2, after: untilIsolation, linger: 3600, depth: 2},
	}
	profiles := tracing.Profiles()
	if len(profiles) != len(want) || profiles[0].Name != tracing.DefaultProfile {
		t.Errorf("%d profiles, the first is %s", len(profiles), profiles[0].Name)
	}
	for _, p := range profiles {
		after := untilIsolation
		if p.AfterOnset != nil {
			after = *p.AfterOnset
		}
		got := row{p.BeforeOnset, after, p.Depth, p.CrowdLimit, p.MinOverlap, p.Linger, p.Latency, p.Scope}
		if got != want[p.Name] {
			t.Errorf("%s: %+v, want %+v", p.Name, got, want[p.Name])
		}
		if named, err := tracing.ProfileNamed(p.Name); err != nil || !reflect.DeepEqual(named, p) {
			t.Errorf("%s by name: %+v, %v", p.Name, named, err)
		}
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := tracing.ParseProfile(text); err != nil || !reflect.DeepEqual(again, p) {
			t.Errorf("%s: came back as %+v, %v", text, again, err)
		}
	}
	if _, err := tracing.ProfileNamed("mine"); err == nil || !strings.Contains(err.Error(), "vn-2021-12, vn-5053, who, pc-covid-1h") {
		t.Errorf("an unknown name: %v", err)
	}
}

func TestParseProfile(t *testing.T) {
	const good = `{"name":"school","effective":"2022-02-07","citation":"the school board","before_onset":2,"after_onset":10,` +
		`"min_overlap":900,"linger":0,"latency":86400,"depth":3,"scope":"site","crowd_limit":40}`
	p, err := tracing.ParseProfile([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if p.Effective != (tracing.Date{Year: 2022, Month: 2, Day: 7}) || *p.AfterOnset != 10 || p.Scope != tracing.ScopeSite || p.Latency != 86400 {
		t.Errorf("got %+v", p)
	}
	tests := []struct{ from, to, want string }{
		{`"name":"school"`, `"name":""`, "needs a name"},
		{`"2022-02-07"`, `""`, "needs the day"},
		{`"2022-02-07"`, `"7.2.2022"`, `"7.2.2022" is not a day of the form 2021-12-29`},
		{`"the school board"`, `""`, "needs a citation"},
		{`"before_onset":2`, `"before_onset":-1`, "before_onset of -1 days"},
		{`"after_onset":10`, `"after_onset":367`, "after_onset of 367 days"},
		{`"min_overlap":900`, `"min_overlap":-1`, "min_overlap of -1 s"},
		{`"linger":0`, `"linger":99999999`, "linger of 99999999 s"},
		{`"latency":86400`, `"latency":"1d"`, "reading a profile"},
		{`"depth":3`, `"depth":0`, "depth 0 is not between 1 and 10"},
		{`"scope":"site"`, `"scope":"city"`, `scope "city" is none of part, place, site`},
		{`"crowd_limit":40`, `"crowd_limit":-40`, "crowd_limit -40 is negative"},
		{`"depth":3`, `"deepness":3`, `unknown field "deepness"`},
		{`"crowd_limit":40}`, `"crowd_limit":40}{}`, "something follows it"},
	}
	for _, tt := range tests {
		text := strings.Replace(good, tt.from, tt.to, 1)
		if _, err := tracing.ParseProfile([]byte(text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", text, err, tt.want)
		}
	}
}

func FuzzParseProfile(f *testing.F) {
	for _, p := range tracing.Profiles() {
		text, err := json.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := tracing.ParseProfile(text)
		if err != nil {
			return
		}
		written, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := tracing.ParseProfile(written); err != nil || !reflect.DeepEqual(again, p) {
			t.Errorf("%q became %s became %+v, %v", text, written, again, err)
		}
	})
}

func TestInfectiousWindow(t *testing.T) {
	hanoi := time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60)
	at := func(text string) int64 {
		instant, err := time.ParseInLocation("2006-01-02 15:04", text, hanoi)
		if err != nil {
			t.Fatal(err)
		}
		return instant.Unix()
	}
	day := func(month, day int) tracing.Date { return tracing.Date{Year: 2021, Month: time.Month(month), Day: day} }
	asOf := at("2021-12-20 10:30")
	tests := []struct {
		name, profile string
		illness       tracing.Illness
		from, to      int64
	}{
		{"until now", "vn-2021-12", tracing.Illness{Onset: day(12, 2)}, at("2021-11-30 00:00"), asOf},
		{"the onset counts before the sample", "vn-2021-12", tracing.Illness{Onset: day(12, 2), Sample: day(12, 5)}, at("2021-11-30 00:00"), asOf},
		{"without symptoms the sample counts", "vn-5053", tracing.Illness{Sample: day(12, 5)}, at("2021-12-02 00:00"), asOf},
		{"isolated at an instant", "vn-2021-12", tracing.Illness{Onset: day(12, 2), IsolatedAt: at("2021-12-04 09:15")}, at("2021-11-30 00:00"), at("2021-12-04 09:15")},
		{"isolated on a day, to its end", "vn-2021-12", tracing.Illness{Onset: day(12, 2), IsolatedOn: day(12, 31)}, at("2021-11-30 00:00"), at("2022-01-01 00:00")},
		{"the instant is better known than the day", "who", tracing.Illness{Onset: day(12, 2), IsolatedOn: day(12, 4), IsolatedAt: at("2021-12-04 09:15")}, at("2021-11-30 00:00"), at("2021-12-04 09:15")},
		{"to the end of the 14th day after", "who", tracing.Illness{Onset: day(12, 2)}, at("2021-11-30 00:00"), at("2021-12-17 00:00")},
		{"isolated before it could begin", "vn-2021-12", tracing.Illness{Onset: day(12, 4), IsolatedOn: day(12, 1)}, at("2021-12-02 00:00"), at("2021-12-02 00:00")},
		{"begins after now", "vn-2021-12", tracing.Illness{Onset: day(12, 30)}, at("2021-12-28 00:00"), at("2021-12-28 00:00")},
		{"explicit is final", "who", tracing.Illness{Onset: day(12, 2), IsolatedAt: 5, Explicit: tracing.Window{From: 7, To: 9}}, 7, 9},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			profile, err := tracing.ProfileNamed(tt.profile)
			if err != nil {
				t.Fatal(err)
			}
			got, err := profile.InfectiousWindow(tt.illness, asOf, hanoi)
			if err != nil || got != (tracing.Window{From: tt.from, To: tt.to}) {
				t.Errorf("got %+v, %v, want [%d, %d)", got, err, tt.from, tt.to)
			}
		})
	}
	faults := []struct {
		illness tracing.Illness
		want    string
	}{
		{tracing.Illness{IsolatedOn: day(12, 4)}, "neither the onset nor"},
		{tracing.Illness{Explicit: tracing.Window{From: 9, To: 9}}, "ends before it begins"},
	}
	for _, tt := range faults {
		if _, err := tracing.Profiles()[0].InfectiousWindow(tt.illness, asOf, hanoi); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: error %v, want one with %q", tt.illness, err, tt.want)
		}
	}
}

func FuzzParseDate(f *testing.F) {
	for _, text := range []string{"2021-12-29", "0000-01-01", "2020-02-30", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := tracing.ParseDate(text); err == nil && d.String() != text {
			t.Errorf("%q is %s", text, d)
		}
	})
}
