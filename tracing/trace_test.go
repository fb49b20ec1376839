package tracing_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
)

// id returns the n-th id; ids sort by number.
func id(n byte) uuid.UUID { return uuid.UUID{15: n} }

// at makes a stay of person at place that ended with a check-out.
func at(person, place byte, enter, leave int64) tracing.Stay {
	return tracing.Stay{Person: id(person), Place: tracing.Place{ID: id(place)}, Enter: enter, Leave: leave}
}

// counting counts the calls of a source, and fails them when told to.
type counting struct {
	tracing.Source
	ofPeople, atPlaces int
	fail               error
}

func (c *counting) OfPeople(
	ctx context.Context, scope tracing.Scope, windows []tracing.PersonWindow, yield func(int, tracing.United) error,
) error {
	c.ofPeople++
	return c.Source.OfPeople(ctx, scope, windows, yield)
}

func (c *counting) AtPlaces(
	ctx context.Context, scope tracing.Scope, windows []tracing.PlaceWindow, yield func(int, tracing.United) error,
) error {
	c.atPlaces++
	if c.fail != nil {
		return c.fail
	}
	return c.Source.AtPlaces(ctx, scope, windows, yield)
}

// chain is a source in which 1 meets 2 meets 3 … meets 6, one after the other.
func chain(t testing.TB) *counting {
	t.Helper()
	places, err := tracing.NewPlaces(nil)
	if err != nil {
		t.Fatal(err)
	}
	var stays []tracing.Stay
	for n := range byte(5) {
		enter := int64(n) * 100
		stays = append(stays, at(n+1, n+1, enter, enter+50), at(n+2, n+1, enter+10, enter+50))
	}
	return &counting{Source: memindex.Build(places, stays).AsOf(math.MaxInt64)}
}

func request(depth int) tracing.Request {
	return tracing.Request{
		Cases:   []tracing.Case{{Person: id(1), Window: tracing.Window{From: 0, To: 1000}}},
		Numbers: tracing.Numbers{Depth: depth}, End: 1000,
	}
}

func TestTraceMakesTwoCallsPerGeneration(t *testing.T) {
	for depth := 1; depth <= 4; depth++ {
		src := chain(t)
		report, err := tracing.Trace(t.Context(), src, request(depth))
		if err != nil {
			t.Fatal(err)
		}
		if len(report.Contacts) != depth || src.ofPeople != depth || src.atPlaces != depth {
			t.Errorf("depth %d: %d listed in %d and %d calls", depth, len(report.Contacts), src.ofPeople, src.atPlaces)
		}
	}
	src := chain(t)
	if _, err := tracing.Trace(t.Context(), src, request(10)); err != nil || src.ofPeople != 6 {
		t.Errorf("a chain of five ends after %d calls, %v", src.ofPeople, err)
	}
}

func TestTraceFails(t *testing.T) {
	src := chain(t)
	src.fail = errors.New("the store is gone")
	if _, err := tracing.Trace(t.Context(), src, request(1)); !errors.Is(err, src.fail) {
		t.Errorf("error %v, want that of the source", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tracing.Trace(ended, chain(t), request(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
	tests := []struct {
		change func(*tracing.Request)
		want   string
	}{
		{func(r *tracing.Request) { r.Cases = nil }, "needs a case"},
		{func(r *tracing.Request) { r.Numbers.Depth = 0 }, "depth 0 is not between 1 and 10"},
		{func(r *tracing.Request) { r.Numbers.Depth = 11 }, "depth 11 is not between 1 and 10"},
		{func(r *tracing.Request) { r.Numbers.MinOverlap = -1 }, "min_overlap of -1 s"},
		{func(r *tracing.Request) { r.Numbers.Latency = 1 << 40 }, "latency of 1099511627776 s"},
		{func(r *tracing.Request) { r.Numbers.CrowdLimit = -1 }, "crowd_limit -1 is negative"},
		{func(r *tracing.Request) { r.Numbers.Scope = 3 }, "scope 3 is not known"},
	}
	for _, tt := range tests {
		req := request(1)
		tt.change(&req)
		if _, err := tracing.Trace(t.Context(), chain(t), req); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want one with %q", err, tt.want)
		}
	}
}

func TestReportInJSON(t *testing.T) {
	report, err := tracing.Trace(t.Context(), chain(t), request(1))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"format":1,"contacts":[{"person":"00000000-0000-0000-0000-000000000002","generation":1,"first_exposure":10,` +
		`"last_exposure":50,"encounters":1,"overlap":40,"score":109,"certainty":"confirmed","evidence":[{` +
		`"source":"00000000-0000-0000-0000-000000000001","place":"00000000-0000-0000-0000-000000000001","trip":"","from":10,"to":50,` +
		`"source_basis":"checkout","contact_basis":"checkout","certainty":"confirmed","crowd":1,"flagged":false}]}]}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	// The SHA-256 of exactly these bytes, by sha256sum.
	const wantHash = "1820e4a032d12bd9403bd279f14b29c04ccf9b3759400850817c14c82ff5f5a2"
	if hash, err := report.Hash(); err != nil || hash != wantHash {
		t.Errorf("hash %s, %v, want %s", hash, err, wantHash)
	}
	for _, bad := range []string{`{"format":2,"contacts":[]}`, `[]`, strings.Replace(want, `"trip":""`, `"trip":"bus"`, 1), strings.Replace(want, "confirmed", "sure", 1)} {
		if err := new(tracing.Report).UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func TestReportComesBackFromJSON(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		report := &tracing.Report{Contacts: []tracing.Contact{}}
		for range rapid.IntRange(0, 3).Draw(r, "contacts") {
			e := tracing.Evidence{
				Source: id(rapid.Byte().Draw(r, "source")), Place: tracing.Place{ID: id(1), Trip: id(rapid.Byte().Draw(r, "trip"))},
				From: rapid.Int64().Draw(r, "from"), To: rapid.Int64().Draw(r, "to"),
				SourceBasis: tracing.Basis(rapid.IntRange(0, 2).Draw(r, "basis")), ContactBasis: tracing.Moved,
				Certainty: tracing.Certainty(rapid.IntRange(0, 2).Draw(r, "certainty")), Crowd: rapid.Int().Draw(r, "crowd"),
				Flagged: rapid.Bool().Draw(r, "flagged"),
			}
			report.Contacts = append(report.Contacts, tracing.Contact{
				Person: id(2), Generation: 3, FirstExposure: e.From, LastExposure: e.To, Encounters: 1, Overlap: 5,
				Score: rapid.Int64().Draw(r, "score"), Certainty: e.Certainty, Evidence: []tracing.Evidence{e},
			})
		}
		text, err := json.Marshal(report)
		if err != nil {
			r.Fatal(err)
		}
		var again tracing.Report
		if err := json.Unmarshal(text, &again); err != nil || !reflect.DeepEqual(&again, report) {
			r.Fatalf("%s came back as %+v, %v", text, again, err)
		}
	})
}

func TestCompare(t *testing.T) {
	listed := func(pairs ...byte) *tracing.Report {
		r := &tracing.Report{}
		for i := 0; i < len(pairs); i += 2 {
			r.Contacts = append(r.Contacts, tracing.Contact{Person: id(pairs[i]), Generation: int(pairs[i+1])})
		}
		return r
	}
	got := tracing.Compare(listed(1, 1, 2, 1, 3, 2, 4, 2, 5, 1), listed(1, 1, 2, 2, 3, 1, 9, 2, 7, 2, 8, 1))
	want := tracing.Difference{
		Came:    []tracing.Change{{Person: id(8), After: 1}, {Person: id(7), After: 2}, {Person: id(9), After: 2}},
		Went:    []tracing.Change{{Person: id(5), Before: 1}, {Person: id(4), Before: 2}},
		Shifted: []tracing.Change{{Person: id(3), Before: 2, After: 1}, {Person: id(2), Before: 1, After: 2}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if same := tracing.Compare(listed(1, 1), listed(1, 1)); !reflect.DeepEqual(same, tracing.Difference{}) {
		t.Errorf("a report differs from itself: %+v", same)
	}
}

func TestUnite(t *testing.T) {
	moved := at(1, 1, 50, 60)
	moved.Basis = tracing.Moved
	got := tracing.Unite([]tracing.Stay{
		at(2, 1, 0, 10), moved, at(1, 1, 10, 20), at(1, 1, 20, 30), at(1, 2, 15, 25), at(1, 1, 5, 40), at(1, 1, 31, 31), at(1, 1, 55, 58),
	})
	want := []tracing.United{
		{Person: id(1), Place: tracing.Place{ID: id(1)}, Enter: 5, Leave: 40, Parts: []tracing.Part{
			{Enter: 5, Leave: 40}, {Enter: 10, Leave: 20}, {Enter: 20, Leave: 30},
		}},
		{Person: id(1), Place: tracing.Place{ID: id(1)}, Enter: 50, Leave: 60, Parts: []tracing.Part{
			{Enter: 50, Leave: 60, Basis: tracing.Moved}, {Enter: 55, Leave: 58},
		}},
		{Person: id(1), Place: tracing.Place{ID: id(2)}, Enter: 15, Leave: 25, Parts: []tracing.Part{{Enter: 15, Leave: 25}}},
		{Person: id(2), Place: tracing.Place{ID: id(1)}, Enter: 0, Leave: 10, Parts: []tracing.Part{{Enter: 0, Leave: 10}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// The clip of a union is the union of the clipped stays.
func TestClip(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		asOf := rapid.Int64Range(0, 40).Draw(r, "as of")
		var stays, clipped []tracing.Stay
		for range rapid.IntRange(0, 6).Draw(r, "stays") {
			s := at(1, 1, rapid.Int64Range(0, 30).Draw(r, "enter"), 0)
			s.Leave = s.Enter + rapid.Int64Range(0, 12).Draw(r, "length")
			s.Basis = tracing.Basis(rapid.IntRange(0, 2).Draw(r, "basis"))
			stays = append(stays, s)
			s.Leave = min(s.Leave, asOf)
			clipped = append(clipped, s)
		}
		var got []tracing.United
		for _, u := range tracing.Unite(stays) {
			if c, ok := u.Clip(asOf); ok {
				got = append(got, c)
			}
		}
		if want := tracing.Unite(clipped); !reflect.DeepEqual(got, want) {
			r.Fatalf("got %+v\nwant %+v", got, want)
		}
	})
}

func TestPlaces(t *testing.T) {
	tree, err := tracing.NewPlaces([]tracing.PlaceInfo{
		{ID: id(3), Parent: id(2), Dwell: 30}, {ID: id(2), Parent: id(1), Dwell: 20}, {ID: id(1), Dwell: 10}, {ID: id(4), Dwell: 40},
	})
	if err != nil {
		t.Fatal(err)
	}
	if tree.Dwell(id(3)) != 30 || tree.Dwell(id(9)) != tracing.DefaultDwell || tree.Parent(id(3)) != id(2) || tree.Parent(id(1)) != uuid.Nil {
		t.Error("dwell or parent")
	}
	place := func(n, trip byte) tracing.Place { return tracing.Place{ID: id(n), Trip: id(trip)} }
	for _, tt := range []struct {
		a, v tracing.Place
		want bool
	}{
		{place(1, 0), place(3, 0), true},
		{place(2, 0), place(3, 7), true},
		{place(3, 0), place(1, 0), false},
		{place(1, 7), place(3, 7), false},
		{place(3, 0), place(3, 0), false},
		{place(4, 0), place(3, 0), false},
	} {
		if got := tree.IsAncestor(tt.a, tt.v); got != tt.want {
			t.Errorf("IsAncestor(%v, %v) = %t", tt.a, tt.v, got)
		}
	}
	for _, tt := range []struct {
		scope    tracing.Scope
		v, place tracing.Place
		ok       bool
	}{
		{tracing.ScopePart, place(3, 7), place(3, 7), true},
		{tracing.ScopePart, place(2, 0), place(2, 0), false},
		{tracing.ScopePlace, place(2, 0), place(2, 0), true},
		{tracing.ScopeSite, place(3, 7), place(1, 7), true},
		{tracing.ScopeSite, place(9, 0), place(9, 0), true},
	} {
		if got, ok := tree.Contact(tt.scope, tt.v); got != tt.place || ok != tt.ok {
			t.Errorf("Contact(%s, %v) = %v, %t", tt.scope, tt.v, got, ok)
		}
	}
	for _, tt := range []struct {
		scope tracing.Scope
		n     byte
		want  int
	}{{tracing.ScopeSite, 1, 3}, {tracing.ScopeSite, 4, 1}, {tracing.ScopeSite, 9, 1}, {tracing.ScopePlace, 1, 1}, {tracing.ScopePart, 3, 1}} {
		if got := tree.Below(tt.scope, id(tt.n)); len(got) != tt.want {
			t.Errorf("Below(%s, %d) = %v", tt.scope, tt.n, got)
		}
	}
	for field, infos := range map[string][]tracing.PlaceInfo{
		"ID":     {{ID: id(1), Dwell: 1}, {ID: id(1), Dwell: 1}},
		"Dwell":  {{ID: id(1)}},
		"Parent": {{ID: id(1), Parent: id(2), Dwell: 1}},
	} {
		var fault *tracing.PlaceError
		if _, err := tracing.NewPlaces(infos); !errors.As(err, &fault) || fault.Field != field || fault.ID != id(1) {
			t.Errorf("%v: error %v", infos, err)
		}
	}
	_, err = tracing.NewPlaces([]tracing.PlaceInfo{{ID: id(1), Parent: id(2), Dwell: 1}, {ID: id(2), Parent: id(1), Dwell: 1}})
	if err == nil || !strings.Contains(err.Error(), "its own ancestor") {
		t.Errorf("a circle: %v", err)
	}
}
