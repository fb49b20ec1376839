package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/vault"
	"github.com/truyvet/truyvet/tracing"
)

// fakeTracing answers as it is told and keeps what it was asked.
type fakeTracing struct {
	cases []registry.Case
	list  *cases.List
	err   error

	filter cases.Filter
	cursor registry.Cursor
	of     uuid.UUID
	order  cases.Order
	choice cases.Choice
	own    *cases.Numbers
	format string

	opened  [2]uuid.UUID
	purpose vault.Purpose
}

func (f *fakeTracing) Cases(
	_ context.Context, _ registry.Account, of cases.Filter, at registry.Cursor,
) (registry.Part[registry.Case], error) {
	f.filter, f.cursor = of, at
	return registry.Part[registry.Case]{Records: f.cases, Previous: at.After != uuid.Nil, Next: len(f.cases) > 1}, f.err
}

func (f *fakeTracing) Count(context.Context, registry.Account, cases.Filter) (int, error) {
	return 1201, f.err
}

func (f *fakeTracing) Runs(
	_ context.Context, _ registry.Account, of uuid.UUID, at registry.Cursor,
) (registry.Part[registry.Run], error) {
	f.of, f.cursor = of, at
	return registry.Part[registry.Run]{Records: []registry.Run{{ID: uuid.UUID{7}, Profile: "who", Hash: "ab"}}}, f.err
}

func (f *fakeTracing) Run(_ context.Context, _ registry.Account, order cases.Order) (registry.Run, error) {
	f.order = order
	return registry.Run{ID: uuid.New(), Cases: order.IDs, Profile: order.Profile, Hash: "ab", F1: 3, F2: 4}, f.err
}

func (f *fakeTracing) DryRun(_ context.Context, _ registry.Account, choice cases.Choice, own *cases.Numbers) (cases.Estimate, error) {
	f.choice, f.own = choice, own
	return cases.Estimate{Cases: 2, AsOf: 7, Results: []cases.EstimateResult{
		{Profile: tracing.Profiles()[0], Counts: []int{5, 0}},
	}}, f.err
}

func (f *fakeTracing) Export(_ context.Context, _ registry.Account, _ uuid.UUID, format string) (*cases.List, error) {
	f.format = format
	return f.list, f.err
}

func (f *fakeTracing) Approve(context.Context, registry.Account, uuid.UUID) error { return f.err }

func (f *fakeTracing) OpenDetails(
	_ context.Context, _ registry.Account, run, person uuid.UUID, purpose vault.Purpose,
) (cases.Listed, vault.Details, error) {
	f.opened, f.purpose = [2]uuid.UUID{run, person}, purpose
	if f.err != nil {
		return cases.Listed{}, nil, f.err
	}
	return cases.Listed{}, vault.Details{vault.Phone: "0912345678", vault.Name: "Ánh", vault.Ward: ""}, nil
}

// ask is a request of a tracing team.
func ask(method, path, body string) *http.Request {
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	return req
}

func TestListsAreAnsweredAPartAtATime(t *testing.T) {
	b := newBench(t)
	do := described(t, b)
	first, last := uuid.UUID{1}, uuid.UUID{2}
	var got struct {
		Cases         []struct{ ID uuid.UUID }
		Total         int
		After, Before *uuid.UUID
	}
	read := func(query string) {
		t.Helper()
		got.After, got.Before = nil, nil
		res := do(ask("GET", "/api/v1/cases?"+query, ""))
		if err := json.Unmarshal(res.Body.Bytes(), &got); err != nil || res.Code != http.StatusOK {
			t.Fatalf("%q: status %d, %v", query, res.Code, err)
		}
	}
	if read(""); len(got.Cases) != 0 || got.After != nil || got.Before != nil {
		t.Errorf("of no cases it answers %+v", got)
	}
	b.tracing.cases = []registry.Case{{ID: first, Sample: "2021-12-01", LabRef: "XN", Area: "w1"}, {ID: last, Sample: "2021-12-01", LabRef: "XN", Area: "w1"}}
	read("open=true&day=2021-12-01&after=" + last.String())
	if got.Total != 1201 || len(got.Cases) != 2 || got.After == nil || *got.After != last || got.Before == nil || *got.Before != first {
		t.Errorf("it answers %+v", got)
	}
	if f := b.tracing.filter; !f.Open || f.Day.String() != "2021-12-01" || b.tracing.cursor != (registry.Cursor{After: last, Limit: 500}) {
		t.Errorf("it asked for %+v, %+v", f, b.tracing.cursor)
	}
	if read("before=" + last.String()); b.tracing.cursor.Before != last || b.tracing.filter != (cases.Filter{}) {
		t.Errorf("it asked for %+v, %+v", b.tracing.filter, b.tracing.cursor)
	}
	for _, query := range []string{"after=x", "before=0", "after=" + first.String() + "&before=" + last.String(), "day=x", "day=2021-02-30"} {
		if res := b.do(ask("GET", "/api/v1/cases?"+query, "")); res.Code != http.StatusBadRequest {
			t.Errorf("%q: status %d", query, res.Code)
		}
	}
	if res := do(ask("GET", "/api/v1/runs?before="+first.String(), "")); res.Code != http.StatusOK || b.tracing.cursor.Before != first ||
		!strings.Contains(res.Body.String(), `"profile":"who"`) {
		t.Errorf("runs: status %d, %s", res.Code, res.Body)
	}
}

func TestOrdersAreTakenApart(t *testing.T) {
	b := newBench(t)
	do := described(t, b)
	id := uuid.New()
	res := do(ask("POST", "/api/v1/runs", `{"cases":["`+id.String()+`"],"profile":"who","depth":1}`))
	if o := b.tracing.order; res.Code != 201 || !slices.Equal(o.IDs, []uuid.UUID{id}) || o.All || o.Profile != "who" || o.Depth != 1 {
		t.Errorf("status %d, order %+v", res.Code, o)
	}
	if location := res.Header().Get("Location"); !strings.HasPrefix(location, "/api/v1/runs/") {
		t.Errorf("it is at %q", location)
	}
	res = do(ask("POST", "/api/v1/dry-runs", `{"all":true,"open":true,"day":"2021-12-01","own":{"min_overlap":60,"depth":3}}`))
	c, own := b.tracing.choice, b.tracing.own
	if res.Code != 200 || !c.All || !c.Open || c.Day.String() != "2021-12-01" || own == nil || *own.MinOverlap != 60 || *own.Depth != 3 || own.Linger != nil {
		t.Errorf("status %d, choice %+v, own %+v", res.Code, c, own)
	}
	if want := `{"as_of":7,"cases":2,"results":[{"counts":[5,0],"profile":"vn-2021-12"}]}`; res.Body.String() != want {
		t.Errorf("answered %s", res.Body)
	}
	if do(ask("POST", "/api/v1/dry-runs", `{"all":true}`)); b.tracing.own != nil {
		t.Error("own numbers out of nowhere")
	}
}

func TestBadOrdersAreRefused(t *testing.T) {
	b := newBench(t)
	id := uuid.NewString()
	for body, code := range map[string]string{
		``: "body_malformed", `[]`: "body_malformed", `{"all":true}{}`: "body_malformed", `{"all":1}`: "body_malformed",
		`{"all":true,"x":1}`: "body_malformed", `{"cases":["x"]}`: "body_malformed",
		`{}`: "run_cases", `{"cases":[]}`: "run_cases", `{"all":true,"cases":["` + id + `"]}`: "run_cases",
		`{"open":true,"cases":["` + id + `"]}`: "run_cases", `{"day":"2021-12-01"}`: "run_cases",
		`{"all":true,"day":"x"}`:                         "case_day",
		`{"all":` + strings.Repeat(" ", 2<<20) + `true}`: "body_too_large",
	} {
		for _, path := range []string{"/api/v1/runs", "/api/v1/dry-runs"} {
			res := b.do(ask("POST", path, body))
			var p struct{ Code string }
			if err := json.Unmarshal(res.Body.Bytes(), &p); err != nil || p.Code != code {
				t.Errorf("%s of %.60s: status %d, %q, want %q", path, body, res.Code, p.Code, code)
			}
		}
	}
	form := ask("POST", "/api/v1/runs", "all=1")
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if res := b.do(form); res.Code != http.StatusUnsupportedMediaType {
		t.Errorf("a form: status %d", res.Code)
	}
}

// TestTracingIsForWhoMay sees what the service and the session refuse answered as problems, by every route.
func TestTracingIsForWhoMay(t *testing.T) {
	b := newBench(t)
	do := described(t, b)
	for _, c := range []struct {
		refuse func(error)
		err    error
		status int
	}{
		{func(err error) { b.actorErr = err }, errs.New(errs.Unauthenticated, "not_logged_in", "Log in first."), 401},
		{func(err error) { b.tracing.err = err }, cases.ErrBusy, 503},
	} {
		c.refuse(c.err)
		for _, req := range []*http.Request{
			ask("GET", "/api/v1/cases", ""), ask("POST", "/api/v1/runs", `{"all":true,"profile":"who"}`),
			ask("POST", "/api/v1/dry-runs", `{"all":true}`), ask("GET", "/api/v1/runs/"+uuid.NewString(), ""),
		} {
			if res := do(req); res.Code != c.status {
				t.Errorf("%s %s: status %d, want %d", req.Method, req.URL, res.Code, c.status)
			}
		}
		c.refuse(nil)
	}
	if res := b.do(ask("GET", "/api/v1/runs/x", "")); res.Code != http.StatusNotFound {
		t.Errorf("no id: status %d", res.Code)
	}
}

func TestListNamesEverybodysCases(t *testing.T) {
	b := newBench(t)
	do := described(t, b)
	place, trip := uuid.New(), uuid.New()
	known := registry.Case{ID: uuid.New(), Onset: "2021-12-01", LabRef: `<XN> "1"`, Area: "w1"}
	contact := tracing.Contact{Person: uuid.New(), Generation: 1, Encounters: 2, Evidence: []tracing.Evidence{
		{Source: uuid.New(), Place: tracing.Place{ID: place, Trip: trip}, From: 1, To: 2}, {Source: uuid.New(), Place: tracing.Place{ID: uuid.New()}},
	}}
	b.tracing.list = &cases.List{
		Run:        registry.Run{ID: uuid.New(), Cases: []uuid.UUID{uuid.New(), known.ID}, Profile: "who", F1: 2},
		Hidden:     1,
		ByCase:     []cases.CaseCount{{Case: known, Root: 1, F1: 2}},
		PlaceNames: map[uuid.UUID]places.Name{place: {Name: "51B-123.45"}},
		Trips:      map[uuid.UUID]registry.Trip{trip: {ID: trip, Route: "Cửa Lạch – Hà Nội"}},
		People: []cases.Row{
			{Contact: contact, Area: "w1", Roots: tracing.CaseSet{}.With(0).With(1)}, {Contact: contact, Roots: tracing.CaseSet{}.With(1)},
		},
	}
	res := do(ask("GET", "/api/v1/runs/"+uuid.NewString(), ""))
	var got struct {
		Run    struct{ Cases, F1 int }
		Hidden int
		Cases  []struct {
			ID     uuid.UUID
			Number int
			LabRef string `json:"lab_ref"`
			F1     int
		}
		People []struct {
			Cases    []int
			Evidence []struct {
				PlaceName string `json:"place_name"`
				Trip      *uuid.UUID
				Route     string
			}
		}
	}
	if err := json.Unmarshal(res.Body.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s", err, res.Body)
	}
	if got.Run.Cases != 2 || got.Run.F1 != 2 || got.Hidden != 1 || len(got.Cases) != 1 || got.Cases[0].Number != 1 || got.Cases[0].LabRef != known.LabRef ||
		len(got.People) != 2 || !slices.Equal(got.People[0].Cases, []int{0, 1}) || !slices.Equal(got.People[1].Cases, []int{1}) ||
		got.People[0].Evidence[0].PlaceName != "51B-123.45" || got.People[0].Evidence[0].Route != "Cửa Lạch – Hà Nội" || *got.People[0].Evidence[0].Trip != trip || got.People[0].Evidence[1].Trip != nil {
		t.Errorf("answered %s", res.Body)
	}
	if b.tracing.format != "json" || res.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("it is audited as %q and may be kept: %q", b.tracing.format, res.Header().Get("Cache-Control"))
	}
	b.tracing.list.People = nil
	if res := do(ask("GET", "/api/v1/runs/"+uuid.NewString(), "")); !strings.Contains(res.Body.String(), `"people":[]`) {
		t.Errorf("of nobody: %s", res.Body)
	}
}

func TestDetailsAreOpenedForAPurpose(t *testing.T) {
	b := newBench(t)
	do := described(t, b)
	run, person := uuid.New(), uuid.New()
	path := "/api/v1/runs/" + run.String() + "/people/" + person.String() + "/details"
	res := do(ask("POST", path, `{"purpose":"other","text":"Điều 7"}`))
	var got struct {
		Person       uuid.UUID
		Details      map[string]string
		Declarations []struct {
			Day     string
			Answers []struct{ Answers []map[string]string }
		}
	}
	if err := json.Unmarshal(res.Body.Bytes(), &got); err != nil || res.Code != 200 || got.Person != person ||
		len(got.Declarations) != 1 || got.Declarations[0].Day != "2021-12-02" || got.Declarations[0].Answers[0].Answers[0]["en"] != "Yes" ||
		len(got.Details) != 2 || got.Details["phone"] != "0912345678" || got.Details["name"] != "Ánh" {
		t.Errorf("status %d, %s, %v", res.Code, res.Body, err)
	}
	if b.tracing.opened != [2]uuid.UUID{run, person} || b.tracing.purpose != (vault.Purpose{Code: "other", Text: "Điều 7"}) {
		t.Errorf("asked for %v, %+v", b.tracing.opened, b.tracing.purpose)
	}
	if control := res.Header().Get("Cache-Control"); control != "no-store" {
		t.Errorf("browsers may keep it: %q", control)
	}
	if res := do(ask("POST", "/api/v1/runs/"+run.String()+"/approval", `{}`)); res.Code != 204 {
		t.Errorf("an approval: status %d", res.Code)
	}
	for _, refusal := range []error{
		cases.ErrNotApproved, cases.ErrOwnApproval, cases.ErrApprovalOver, cases.ErrNoApproval, cases.ErrRole, registry.ErrNotFound, vault.ErrPurpose,
	} {
		b.tracing.err = refusal
		for _, path := range []string{path, "/api/v1/runs/" + run.String() + "/approval"} {
			if res := do(ask("POST", path, `{"purpose":"inform"}`)); !strings.Contains(res.Body.String(), errs.Of(refusal).Code) {
				t.Errorf("%v is answered %d, %s", refusal, res.Code, res.Body)
			}
		}
	}
	b.tracing.err = nil
	for _, path := range []string{"/api/v1/runs/x/approval", "/api/v1/runs/x/people/" + person.String() + "/details", "/api/v1/runs/" + run.String() + "/people/x/details"} {
		if res := b.do(ask("POST", path, `{"purpose":"inform"}`)); res.Code != 404 {
			t.Errorf("%s: status %d", path, res.Code)
		}
	}
	if res := b.do(ask("POST", path, `{"purpose":"inform","phone":"0912345678"}`)); res.Code != 400 {
		t.Errorf("a field too many: status %d", res.Code)
	}
}
